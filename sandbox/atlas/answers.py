"""How Atlas writes its records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sandbox.atlas.store import ORDER, REQUEST, Asset, Comment, KeptRecord, PartUse, Store, User, Work, linked

_KINDS: Final = ("REQUESTS", "WORK_ORDERS", "ASSETS", "LOCATIONS", "CATEGORIES", "SETTINGS", "FILES")
_SORT: Final = {"sorted": True, "empty": False, "unsorted": False}


def zulu(moment: datetime) -> str:
    """`2026-11-21T06:50:10.399Z`: when a record was made or changed."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def offset(moment: datetime | None) -> str | None:
    """`2026-11-21T06:50:12.185+00:00`: every other date."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds")


def user_mini(user: User | None) -> dict[str, object] | None:
    """A user as other records name one."""
    if user is None:
        return None
    return {"id": user.id, "firstName": user.first, "lastName": user.last, "image": None, "phone": "000"}


def whoami(user: User) -> dict[str, object]:
    """The user who is signed in."""
    kinds = sorted(_KINDS)
    role = {
        "id": 2,
        "roleType": "ROLE_CLIENT",
        "code": "ADMIN",
        "paid": True,
        "name": "Administrator",
        "createPermissions": [kind for kind in kinds if user.role == "ADMIN" or kind != "REQUESTS"],
        "viewPermissions": [kind for kind in kinds if user.role == "ADMIN" or kind != "SETTINGS"],
        "viewOtherPermissions": kinds,
        "editOtherPermissions": kinds,
    }
    if user.role != "ADMIN":
        role |= {"id": 3, "code": user.role, "name": "Limited Administrator"}
    return {"id": user.id, "email": user.email, "role": role, "firstName": user.first, "lastName": user.last}


def asset(row: Asset) -> dict[str, object]:
    """An asset by itself."""
    return {
        "id": row.id,
        "createdBy": 1,
        "updatedBy": 1,
        "archived": row.archived,
        "hasChildren": False,
        "description": None,
        "location": _location(row.location),
        "parentAsset": None,
        "barCode": row.barcode,
        "nfcId": None,
        "name": row.name,
        "serialNumber": row.serial,
        "model": None,
        "status": "OPERATIONAL",
        "customId": row.custom_id,
        "customFieldValues": [],
    }


def record(row: KeptRecord, store: Store, *, custom_fields: bool) -> dict[str, object]:
    """A request or an order by itself."""
    machine = store.assets.get(row.asset or 0)
    content = row.content
    shown: dict[str, object] = {
        "id": row.id,
        "createdBy": row.created_by,
        "updatedBy": row.updated_by,
        "createdAt": zulu(row.created_at),
        "updatedAt": zulu(row.updated_at),
        "dueDate": content.get("dueDate"),
        "priority": content.get("priority") or "NONE",
        "estimatedDuration": content.get("estimatedDuration") or 0.0,
        "estimatedStartDate": content.get("estimatedStartDate"),
        "description": content.get("description"),
        "title": row.title,
        "requiredSignature": bool(content.get("requiredSignature")),
        "category": None,
        "location": None if content.get("location") is None else _location(linked(content["location"]) or 0),
        "team": None,
        "primaryUser": user_mini(store.users.get(linked(content.get("primaryUser")) or 0)),
        "assignedTo": [],
        "customers": [],
        "asset": None if machine is None else _asset_mini(machine),
        "files": [],
        "image": None,
        "audioDescription": None,
        "customId": row.custom_id,
    }
    if custom_fields:
        shown["customFieldValues"] = [
            {"customField": {"id": number, "label": label, "fieldType": "SHORT_TEXT"}, "value": value}
            for number, (label, value) in enumerate(row.fields.items(), start=1)
        ]
    if row.kind == REQUEST:
        order = store.records[ORDER].get(row.other or 0)
        made = None if order is None else {"id": order.id, "title": order.title, "customId": order.custom_id}
        return {**shown, "cancelled": row.cancelled, "cancellationReason": row.reason, "workOrder": made}
    request = store.records[REQUEST].get(row.other or 0)
    parent = None if request is None else {"id": request.id, "title": request.title, "customId": request.custom_id}
    return {
        **shown,
        "completedBy": user_mini(store.users.get(row.completed_by or 0)),
        "completedOn": offset(row.completed_on),
        "archived": row.archived,
        "parentRequest": parent,
        "parentPreventiveMaintenance": None,
        "signature": None,
        "status": row.status,
        "feedback": row.feedback,
    }


def comment(row: Comment, store: Store) -> dict[str, object]:
    """A comment on an order."""
    return {
        "id": row.id,
        "createdBy": row.user,
        "updatedBy": row.user,
        "createdAt": zulu(row.at),
        "updatedAt": zulu(row.at),
        "user": user_mini(store.users.get(row.user)),
        "content": row.content,
        "files": [],
        "system": False,
    }


def work(row: Work, store: Store) -> dict[str, object]:
    """Time that a person worked on an order."""
    return {
        "id": row.id,
        "duration": row.seconds,
        "startedAt": offset(row.started_at),
        "assignedTo": user_mini(store.users.get(row.user)),
        "hourlyRate": 60,
        "includeToTotalTime": True,
        "status": "STOPPED",
    }


def part_use(row: PartUse) -> dict[str, object]:
    """A part that was used on an order."""
    part = {"id": row.part, "name": row.name, "description": None, "cost": 42.5, "unit": None}
    return {"id": row.id, "quantity": row.quantity, "part": part}


def page(rows: Sequence[object], number: int, size: int) -> dict[str, object]:
    """One page of rows, as Spring writes it."""
    shown = [*rows[number * size : (number + 1) * size]]
    pages = -(-len(rows) // size)
    return {
        "content": shown,
        "pageable": {
            "pageNumber": number,
            "pageSize": size,
            "sort": _SORT,
            "offset": number * size,
            "paged": True,
            "unpaged": False,
        },
        "totalElements": len(rows),
        "totalPages": pages,
        "last": number + 1 >= pages,
        "size": size,
        "number": number,
        "sort": _SORT,
        "numberOfElements": len(shown),
        "first": number == 0,
        "empty": not shown,
    }


def _location(number: int) -> dict[str, object]:
    return {"id": number, "name": "Hall A", "address": "Paint shop", "customId": "L000001", "parentId": None}


def _asset_mini(row: Asset) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "customId": row.custom_id,
        "parentId": None,
        "locationId": row.location,
    }
