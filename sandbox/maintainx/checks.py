"""What MaintainX checks in the bodies that it is sent. An unknown field is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from sandbox.maintainx.errors import Problem, wrong
from sandbox.maintainx.store import PRIORITIES, SETTABLE, Store

_TYPES: Final = ("REACTIVE", "PREVENTIVE", "OTHER")
_ASSIGNEES: Final = ("USER", "TEAM")
_LONGEST_URL: Final = 512
SUBSCRIPTION_TYPES: Final = (
    "WORK_ORDER_STATUS_CHANGE",
    "WORK_ORDER_CHANGE",
    "WORK_ORDER_DELETE",
    "NEW_COMMENT_ON_WORK_ORDER",
    "WORK_REQUEST_STATUS_CHANGE",
    "ASSET_STATUS_CHANGE",
)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_moment(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _are_assignees(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, dict) and set(each) == {"type", "id"} and each["type"] in _ASSIGNEES and _is_number(each["id"])
        for each in value
    )


def _are_parts(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, dict)
        and {"partId", "quantityUsed"} <= set(each) <= {"partId", "quantityUsed", "locationId"}
        and _is_number(each["partId"])
        and _is_amount(each["quantityUsed"])
        for each in value
    )


_FIELDS: Final[Mapping[str, Callable[[object], bool]]] = {
    "title": lambda value: isinstance(value, str) and value.strip() != "",
    "description": _is_text,
    "priority": lambda value: value in PRIORITIES,
    "type": lambda value: value in _TYPES,
    "assetId": _is_number,
    "locationId": _is_number,
    "dueDate": _is_moment,
    "startDate": _is_moment,
    "estimatedTime": _is_number,
    "assignees": _are_assignees,
    "categories": lambda value: isinstance(value, list) and all(map(_is_text, value)),
    "extraFields": lambda value: isinstance(value, dict),
    "externalData": lambda value: isinstance(value, dict | str) or _is_amount(value),
    "procedureTemplateId": _is_number,
    "partsUsed": _are_parts,
    "vendorIds": lambda value: isinstance(value, list) and all(map(_is_number, value)),
    "workRequestId": _is_number,
    "parentId": _is_number,
}


def order_fields(body: Mapping[str, object], store: Store, organization: int, *, new: bool) -> dict[str, object]:
    """What a body says of an order.

    Args:
        new: whether an order is created, which needs a title.

    Raises:
        Problem: a field is unknown or has a wrong value.
    """
    if new and "title" not in body:
        raise wrong("title", None, "title is required")
    for name, value in body.items():
        if name not in _FIELDS:
            raise wrong(name, value, f"{name} is not allowed")
        if not _FIELDS[name](value):
            raise wrong(name, value, f"{name} has an invalid value")
    if "startDate" in body and "dueDate" not in body:
        raise wrong("startDate", body["startDate"], "startDate needs a dueDate")
    known = [asset.id for asset in store.assets_of(organization)]
    if "assetId" in body and body["assetId"] not in known:
        raise wrong("assetId", body["assetId"], "Asset not found")
    return dict(body)


def status_of(body: Mapping[str, object]) -> str:
    """The state that a body asks for.

    Raises:
        Problem: it is none that a client may set.
    """
    status = body.get("status")
    if set(body) != {"status"} or status not in SETTABLE:
        raise wrong("status", status, f"status must be one of {', '.join(SETTABLE)}")
    return str(status)


def comment_of(body: Mapping[str, object]) -> str:
    """The words of a comment.

    Raises:
        Problem: there are none.
    """
    content = body.get("content")
    if set(body) != {"content"} or not isinstance(content, str) or not content.strip():
        raise wrong("content", content, "content is required")
    return content


def check_subscription(body: Mapping[str, object]) -> None:
    """Refuses a subscription that is none: one type of event, and an address.

    Raises:
        Problem: it is none.
    """
    if body.get("type") not in SUBSCRIPTION_TYPES:
        raise wrong("type", body.get("type"), "type is not an event type")
    url = body.get("url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")) or len(url) > _LONGEST_URL:
        raise wrong("url", url, f"url must be an address of at most {_LONGEST_URL} characters")
    unknown = set(body) - {"type", "url", "filters", "options"}
    if unknown:
        raise Problem(400, f"{min(unknown)} is not allowed", min(unknown))
