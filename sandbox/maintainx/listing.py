"""The list of MaintainX: filters, order and pages."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from sandbox.maintainx.answers import EXPANDED, listed
from sandbox.maintainx.errors import Problem
from sandbox.maintainx.store import PRIORITIES, STATUSES, Store, WorkOrder

_DEFAULT_LIMIT: Final = 100
_LARGEST_LIMIT: Final = 200
_SINGLE: Final = ("cursor", "limit", "title", "sort", "show_upcoming", "expand")
_LISTS: Final = ("assets[]", "statuses[]", "priorities[]", "categories[]")
_DATES: Final = ("updatedAt[gte]", "updatedAt[lte]", "createdAt[gte]", "createdAt[lte]")
_SORTS: Final = ("updatedAt", "-updatedAt", "createdAt", "-createdAt")

Query = Mapping[str, Sequence[str]]


def listing(orders: Collection[WorkOrder], query: Query, store: Store, url: str) -> dict[str, object]:
    """A page of the orders that match all filters.

    Args:
        url: the address of the list.

    Raises:
        Problem: a parameter is unknown or has a wrong value.
    """
    for name, values in query.items():
        if name not in (*_SINGLE, *_LISTS, *_DATES):
            raise _refused(f"{name} is not allowed")
        if name not in _LISTS and len(values) != 1:
            raise _refused(f"{name} must have one value")
    limit, begin = _limit(query), _offset(query)
    expand = expanded(query)
    found = [order for order in orders if _matches(order, query)]
    sort = next(iter(query.get("sort", ())), "-createdAt")
    if sort not in _SORTS:
        raise _refused("sort is invalid")
    found.sort(key=lambda order: (_date(order, sort.lstrip("-")), order.id), reverse=sort.startswith("-"))
    shown, following = found[begin : begin + limit], begin + limit
    cursor = None if following >= len(found) else base64.urlsafe_b64encode(json.dumps(following).encode()).decode()
    again = {name: list(values) for name, values in query.items() if name != "cursor"}
    return {
        "workOrders": [listed(order, store, expand) for order in shown],
        "nextCursor": cursor,
        "nextPageUrl": None if cursor is None else f"{url}?{urlencode(again | {'cursor': [cursor]}, doseq=True)}",
    }


def expanded(query: Query) -> tuple[str, ...]:
    """What is asked for beside the order itself.

    Raises:
        Problem: something is asked for that does not exist.
    """
    names = tuple(name for given in query.get("expand", ()) for name in given.split(",") if name)
    if not set(names) <= set(EXPANDED):
        raise _refused("expand is invalid")
    return names


def _matches(order: WorkOrder, query: Query) -> bool:
    if not all(value in STATUSES for value in query.get("statuses[]", ())):
        raise _refused("statuses is invalid")
    if not all(value in PRIORITIES for value in query.get("priorities[]", ())):
        raise _refused("priorities is invalid")
    if not all(value.isdecimal() for value in query.get("assets[]", ())):
        raise _refused("assets is invalid")
    content = order.content
    categories = content.get("categories")
    held: Mapping[str, Collection[str]] = {
        "assets[]": (str(content.get("assetId")),),
        "statuses[]": (order.status,),
        "priorities[]": (str(content.get("priority", "NONE")),),
        "categories[]": [str(each) for each in categories] if isinstance(categories, list) else (),
    }
    wanted = all(set(query[name]) & set(values) for name, values in held.items() if name in query)
    titled = all(part in order.title for part in query.get("title", ()))
    return wanted and titled and all(_in_time(order, name, query[name][0]) for name in _DATES if name in query)


def _in_time(order: WorkOrder, name: str, text: str) -> bool:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _refused(f"{name} is not a date") from None
    if moment.tzinfo is None:
        raise _refused(f"{name} has no time zone")
    stamp = _date(order, name.partition("[")[0])
    return stamp >= moment if name.endswith("[gte]") else stamp <= moment


def _date(order: WorkOrder, name: str) -> datetime:
    return order.updated_at if name == "updatedAt" else order.created_at


def _limit(query: Query) -> int:
    text = next(iter(query.get("limit", ())), str(_DEFAULT_LIMIT))
    if not text.isdecimal() or not 1 <= int(text) <= _LARGEST_LIMIT:
        raise _refused(f"limit must be between 1 and {_LARGEST_LIMIT}")
    return int(text)


def _offset(query: Query) -> int:
    """The cursor is a place in the list as it is then, so a row that moves meanwhile moves the others too."""
    if "cursor" not in query:
        return 0
    try:
        place: object = json.loads(base64.urlsafe_b64decode(query["cursor"][0]))
    except (ValueError, binascii.Error):
        raise _refused("cursor is invalid") from None
    if not isinstance(place, int):
        raise _refused("cursor is invalid")
    return place


def _refused(words: str) -> Problem:
    return Problem(400, words, of_list=True)
