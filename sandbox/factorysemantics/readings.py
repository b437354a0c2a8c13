"""The requests that only read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.datastructures import QueryParams

from sandbox.factorysemantics import answers, checks, orders
from sandbox.factorysemantics.errors import not_found
from sandbox.factorysemantics.records import ORDER_STATUSES
from sandbox.factorysemantics.store import Store

_LONGEST_PAGE: Final = 500
_LONGEST_TRAIL: Final = 1000
_ANY: Final = 10**9
_HORIZON_HOURS: Final = 24.0


@dataclass(frozen=True)
class Asked:
    """A request.

    Args:
        zone: the time zone of the plant.
        now: the time of the server.
    """

    store: Store
    path: Mapping[str, str]
    query: QueryParams
    zone: str
    now: datetime


@dataclass(frozen=True)
class Reading:
    """A request that only reads.

    Args:
        name: by which faults name it.
        needs: the capability that an account must have.
    """

    name: str
    path: str
    read: Callable[[Asked], object]
    needs: str = "plant.read"


def _dispatched(asked: Asked) -> object:
    equipment = asked.query.get("equipment")
    if equipment is not None:
        answers.node(asked.store, equipment)
    return answers.dispatched(orders.dispatched(asked.store, equipment))


def _orders(asked: Asked) -> object:
    wanted = checks.statuses(asked.query, ORDER_STATUSES)
    limit = checks.whole(asked.query, "limit", 50, 1, _LONGEST_PAGE)
    offset = checks.whole(asked.query, "offset", 0, 0, _ANY)
    rows = [row for row in asked.store.orders.values() if not wanted or row.status in wanted]
    return answers.page(sorted(rows, key=lambda row: -row.number), limit, offset)


def _order(asked: Asked) -> object:
    found = asked.store.orders.get(asked.path["code"])
    if found is None:
        raise not_found("work order", asked.path["code"])
    return answers.order(found)


def _audit(asked: Asked) -> object:
    """The newest rows, newest first."""
    limit = checks.whole(asked.query, "limit", 100, 0, _ANY)
    actor = asked.query.get("actor")
    trail = asked.store.trail(asked.query.get("entity_type"), asked.query.get("entity_id"))
    rows = [row for row in reversed(trail) if actor in (None, row.actor)]
    return answers.audit(rows[: min(limit, _LONGEST_TRAIL)])


def _machine(asked: Asked) -> object:
    return answers.head(asked.store, asked.path["code"])


def _oee(asked: Asked) -> object:
    return answers.oee(answers.node(asked.store, asked.path["code"]).code)


def _board(asked: Asked) -> object:
    equipment = asked.query.get("equipment")
    if equipment is not None:
        answers.node(asked.store, equipment)
    return answers.board(asked.store, equipment, float(asked.query.get("hours", _HORIZON_HOURS)), asked.now)


def _calendar(asked: Asked) -> object:
    return answers.calendar(asked.store, asked.zone)


READINGS: Final = (
    Reading("dispatch", "/workorders/dispatch", _dispatched),
    Reading("orders", "/workorders", _orders),
    Reading("order", "/workorders/{code}", _order),
    Reading("audit", "/audit", _audit, "audit.read"),
    Reading("oee", "/equipment/{code}/oee", _oee),
    Reading("machine", "/equipment/{code}", _machine),
    Reading("board", "/scheduling/board", _board),
    Reading("calendar", "/scheduling/calendar", _calendar),
)
"""In the order in which paths are matched."""
