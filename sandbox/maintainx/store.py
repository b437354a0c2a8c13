"""What the server keeps: users with their keys, assets and work orders. It is lost when the server ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Final

from sandbox.maintainx.errors import Problem

OPEN: Final = "OPEN"
DONE: Final = "DONE"
ENDED_UNDONE: Final = ("CANCELED", "SKIPPED")
SETTABLE: Final = ("OPEN", "IN_PROGRESS", "ON_HOLD", "DONE", "CANCELED")
"""The states that a client may set. SKIPPED is set by MaintainX itself."""
STATUSES: Final = (*SETTABLE, "SKIPPED")
PRIORITIES: Final = ("NONE", "LOW", "MEDIUM", "HIGH")


@dataclass(frozen=True)
class User:
    """Whose API key it is, and the organisations that the key counts for."""

    id: int
    key: str
    organizations: tuple[int, ...]


@dataclass(frozen=True)
class Asset:
    """A machine or a part of one."""

    id: int
    name: str
    organization: int


@dataclass
class WorkOrder:
    """A work order: the fields of `content` are kept as they were sent."""

    id: int
    sequential_id: int
    organization: int
    created_at: datetime
    updated_at: datetime
    content: dict[str, object]
    status: str = OPEN
    completed_at: datetime | None = None
    completer: int | None = None
    extra_fields: dict[str, object] = field(default_factory=dict)
    parts: list[dict[str, object]] = field(default_factory=list)
    times: list[dict[str, object]] = field(default_factory=list)
    time_items: list[dict[str, object]] = field(default_factory=list)
    expenditures: list[dict[str, object]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    """Nothing of the contract lists them."""

    @property
    def title(self) -> str:
        """Its title."""
        return str(self.content["title"])


class Store:
    """One MaintainX.

    Args:
        now: plant time.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._ids = count(101)
        self._numbers = count(1)
        self.users: list[User] = []
        self.assets: dict[int, Asset] = {}
        self.orders: dict[int, WorkOrder] = {}

    def now(self) -> datetime:
        """The time of a change, in milliseconds."""
        moment = self._now().astimezone(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def next_id(self) -> int:
        """Another id; all kinds of record share them."""
        return next(self._ids)

    def add(self, content: dict[str, object], organization: int) -> WorkOrder:
        """Keeps a new order."""
        now = self.now()
        order = WorkOrder(self.next_id(), next(self._numbers), organization, now, now, content)
        given = content.pop("extraFields", None)
        order.extra_fields = dict(given) if isinstance(given, dict) else {}
        self.orders[order.id] = order
        return order

    def of(self, organization: int) -> list[WorkOrder]:
        """The orders of an organisation."""
        return [order for order in self.orders.values() if order.organization == organization]

    def assets_of(self, organization: int) -> list[Asset]:
        """The assets of an organisation."""
        return [asset for asset in self.assets.values() if asset.organization == organization]

    def order(self, number: int, organization: int, *, sequential: bool = False) -> WorkOrder:
        """An order by its id, or by its number in the organisation.

        Raises:
            Problem: there is none.
        """
        for order in self.of(organization):
            if number == (order.sequential_id if sequential else order.id):
                return order
        raise Problem(404, "Work order not found")

    def changed(self, order: WorkOrder) -> None:
        """Stamps a change."""
        order.updated_at = self.now()

    def change_status(self, order: WorkOrder, status: str, by: int) -> None:
        """Moves an order; from every state to every other."""
        order.status = status
        done = status == DONE
        order.completed_at, order.completer = (self.now(), by) if done else (None, None)
        self.changed(order)
