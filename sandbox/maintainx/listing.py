"""The list of MaintainX: filters, order and pages."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from sandbox.maintainx.answers import EXPANDED, asset, listed
from sandbox.maintainx.errors import Problem
from sandbox.maintainx.store import PRIORITIES, STATUSES, Asset, Store, WorkOrder

_DEFAULT_LIMIT: Final = 100
_LARGEST_LIMIT: Final = 200
_SINGLE: Final = ("cursor", "limit", "title", "sort", "show_upcoming")
_LISTS: Final = ("assets", "statuses", "priorities", "categories", "expand")
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
    upcoming = [*query.get("show_upcoming", ())] == ["true"]
    found = [order for order in orders if _matches(order, query) and (upcoming or not _is_upcoming(order, store))]
    sort = next(iter(query.get("sort", ())), "-createdAt")
    if sort not in _SORTS:
        raise _refused("sort is invalid")
    found.sort(key=lambda order: (_date(order, sort.lstrip("-")), order.id), reverse=sort.startswith("-"))
    rows = [listed(order, store, expand) for order in found[begin : begin + limit]]
    return {"workOrders": rows, **_following(query, begin + limit, len(found), url)}


def asset_listing(assets: Sequence[Asset], query: Query, url: str) -> dict[str, object]:
    """A page of assets.

    Raises:
        Problem: a parameter is unknown or has a wrong value.
    """
    for name in query:
        if name not in ("cursor", "limit"):
            raise _refused(f"{name} is not allowed")
    limit, begin = _limit(query), _offset(query)
    rows = [asset(each) for each in assets[begin : begin + limit]]
    return {"assets": rows, **_following(query, begin + limit, len(assets), url)}


def _following(query: Query, begin: int, rows: int, url: str) -> dict[str, object]:
    """How a list goes on at a place."""
    cursor = None if begin >= rows else base64.urlsafe_b64encode(json.dumps(begin).encode()).decode()
    again = {name: list(values) for name, values in query.items() if name != "cursor"}
    following = None if cursor is None else f"{url}?{urlencode(again | {'cursor': [cursor]}, doseq=True)}"
    return {"nextCursor": cursor, "nextPageUrl": following}


def expanded(query: Query) -> tuple[str, ...]:
    """What is asked for beside the order itself.

    Raises:
        Problem: something is asked for that does not exist.
    """
    names = tuple(query.get("expand", ()))
    if not set(names) <= set(EXPANDED):
        raise _refused("expand is invalid")
    return names


def _matches(order: WorkOrder, query: Query) -> bool:
    if not all(value in STATUSES for value in query.get("statuses", ())):
        raise _refused("statuses is invalid")
    if not all(value in PRIORITIES for value in query.get("priorities", ())):
        raise _refused("priorities is invalid")
    if not all(value.isdecimal() for value in query.get("assets", ())):
        raise _refused("assets is invalid")
    content = order.content
    categories = content.get("categories")
    held: Mapping[str, Collection[str]] = {
        "assets": (str(content.get("assetId")),),
        "statuses": (order.status,),
        "priorities": (str(content.get("priority", "NONE")),),
        "categories": [str(each) for each in categories] if isinstance(categories, list) else (),
    }
    wanted = all(set(query[name]) & set(values) for name, values in held.items() if name in query)
    titled = all(part in order.title for part in query.get("title", ()))
    return wanted and titled and all(_in_time(order, name, query[name][0]) for name in _DATES if name in query)


def _is_upcoming(order: WorkOrder, store: Store) -> bool:
    """Whether its start date lies ahead."""
    begins = order.content.get("startDate")
    return isinstance(begins, str) and datetime.fromisoformat(begins) > store.now()


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
