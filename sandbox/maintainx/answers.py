"""How MaintainX writes its work orders."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from itertools import count
from typing import Final

from sandbox.maintainx.store import DONE, ENDED_UNDONE, Asset, Store, WorkOrder

EXPANDED: Final = (
    "assignees",
    "asset",
    "location",
    "parts",
    "times",
    "time_items",
    "expenditures",
    "extra_fields",
    "estimated_time",
)
"""What an answer has only if it is asked for."""
_ASKED: Final = count(1)


def zulu(moment: datetime | None) -> str | None:
    """`2026-11-21T06:50:10.399Z`."""
    if moment is None:
        return None
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def listed(order: WorkOrder, store: Store, expand: Collection[str]) -> dict[str, object]:
    """An order in a list: without its external data, and without its asset unless that is asked for.

    It has fields that no contract of earlier days had; the value of one is another in each answer.
    """
    content, machine = order.content, store.assets.get(_number(order.content.get("assetId")))
    shown: dict[str, object] = {
        "id": order.id,
        "sequentialId": order.sequential_id,
        "organizationId": order.organization,
        "title": order.title,
        "description": content.get("description"),
        "status": order.status,
        "priority": content.get("priority", "NONE"),
        "type": content.get("type", "OTHER"),
        "dueDate": content.get("dueDate"),
        "startDate": content.get("startDate"),
        "categories": content.get("categories", []),
        "completedAt": zulu(order.completed_at),
        "completerId": order.completer,
        "createdAt": zulu(order.created_at),
        "updatedAt": zulu(order.updated_at),
        "progress": progress(order),
        "addedLater": {"link": f"https://cdn.example/{order.id}?signature={next(_ASKED)}"},
    }
    whole: dict[str, tuple[str, object]] = {
        "assignees": ("assignees", content.get("assignees", [])),
        "asset": ("asset", None if machine is None else asset(machine)),
        "location": ("location", content.get("locationId")),
        "parts": ("parts", order.parts),
        "times": ("times", order.times),
        "time_items": ("timeItems", order.time_items),
        "expenditures": ("expenditures", order.expenditures),
        "extra_fields": ("extraFields", order.extra_fields),
        "estimated_time": ("estimatedTime", content.get("estimatedTime")),
    }
    return shown | dict(whole[name] for name in expand)


def asset(row: Asset) -> dict[str, object]:
    """An asset."""
    return {"id": row.id, "name": row.name, "organizationId": row.organization}


def single(order: WorkOrder, store: Store, expand: Collection[str]) -> dict[str, object]:
    """An order by itself."""
    return listed(order, store, expand) | {
        "assetId": order.content.get("assetId"),
        "locationId": order.content.get("locationId"),
        "externalData": order.content.get("externalData"),
        "procedure": None,
    }


def progress(order: WorkOrder) -> dict[str, int]:
    """How many steps of an order are open and done. An order without a procedure is one step."""
    done = order.status == DONE or order.status in ENDED_UNDONE
    return {"openCount": 0 if done else 1, "doneCount": 1 if done else 0}


def event_status(status: str) -> tuple[str, str | None]:
    """The status and the sub-status of an event: what was not done is done there, with a sub-status."""
    return (DONE, status) if status in ENDED_UNDONE else (status, None)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
