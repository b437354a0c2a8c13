"""What the server keeps: users, assets, requests, orders and what belongs to them. It is lost when the server ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Final, Literal

from sandbox.atlas.errors import Problem

REQUEST: Final = "request"
ORDER: Final = "work_order"
STATUSES: Final = ("OPEN", "IN_PROGRESS", "ON_HOLD", "COMPLETE")
_LETTERS: Final = {REQUEST: "R", ORDER: "WO"}


@dataclass
class User:
    """A person, or a robot, who signs in."""

    id: int
    email: str
    password: str
    first: str
    last: str
    role: Literal["ADMIN", "LIMITED_ADMIN"] = "ADMIN"


@dataclass
class Asset:
    """A machine or a part of one."""

    id: int
    name: str
    barcode: str
    serial: str
    custom_id: str
    location: int
    archived: bool = False


@dataclass
class KeptRecord:
    """A request or an order: the fields of `content` are kept as they were sent."""

    id: int
    kind: str
    custom_id: str
    created_by: int
    updated_by: int
    created_at: datetime
    updated_at: datetime
    content: dict[str, object]
    cancelled: bool = False
    reason: str | None = None
    status: str = "OPEN"
    feedback: str | None = None
    completed_by: int | None = None
    completed_on: datetime | None = None
    archived: bool = False
    other: int | None = None
    """Of a request its order, of an order its request."""
    fields: dict[str, str] = field(default_factory=dict)
    """The values of custom fields, by label."""

    @property
    def title(self) -> str:
        """Its title."""
        return str(self.content.get("title"))

    @property
    def asset(self) -> int | None:
        """The id of its asset."""
        return linked(self.content.get("asset"))


@dataclass(frozen=True)
class Comment:
    """A comment on an order."""

    id: int
    order: int
    user: int
    content: str
    at: datetime


@dataclass(frozen=True)
class Work:
    """Time that a person worked on an order."""

    id: int
    order: int
    user: int
    seconds: int
    started_at: datetime


@dataclass(frozen=True)
class PartUse:
    """A part that was used on an order."""

    id: int
    order: int
    part: int
    name: str
    quantity: float


def linked(value: object) -> int | None:
    """The id in `{"id": 1}`."""
    number = value.get("id") if isinstance(value, dict) else None
    return number if isinstance(number, int) else None


class Store:
    """One company.

    Args:
        now: plant time.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._ids = count(1)
        self.users: dict[int, User] = {}
        self.assets: dict[int, Asset] = {}
        self.records: dict[str, dict[int, KeptRecord]] = {REQUEST: {}, ORDER: {}}
        self.comments: list[Comment] = []
        self.work: list[Work] = []
        self.parts: list[PartUse] = []
        self.sequences: list[dict[str, int]] = []

    def now(self) -> datetime:
        """The time of a change: Atlas keeps milliseconds."""
        moment = self._now().astimezone(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def next_id(self) -> int:
        """Another id; all kinds of record share them."""
        return next(self._ids)

    async def next_custom_id(self, kind: str) -> str:
        """The number that people see. It is read and written in two steps, so two creators at once get the same one;
        the first records of a company, created at once, leave it with two sequences, and no record can be made.

        Raises:
            Problem: there are two sequences.
        """
        rows = [*self.sequences]
        await asyncio.sleep(0)
        if len(rows) > 1:
            raise Problem(500, f"Query did not return a unique result: {len(rows)} results were returned")
        if not rows:
            rows = [{}]
            self.sequences.append(rows[0])
        number = rows[0].get(kind, 1)
        await asyncio.sleep(0)
        rows[0][kind] = number + 1
        return f"{_LETTERS[kind]}{number:06d}"

    def add_record(self, kind: str, custom_id: str, content: dict[str, object], by: int) -> KeptRecord:
        """Keeps a new request or order."""
        now = self.now()
        record = KeptRecord(self.next_id(), kind, custom_id, by, by, now, now, content)
        self.records[kind][record.id] = record
        return record

    def changed(self, record: KeptRecord, by: int) -> None:
        """Stamps a change."""
        record.updated_at, record.updated_by = self.now(), by

    def record(self, kind: str, number: int) -> KeptRecord:
        """A request or an order.

        Raises:
            Problem: there is none.
        """
        found = self.records[kind].get(number)
        if found is None:
            raise Problem(404, "Work Order not found" if kind == ORDER else "Not found")
        return found

    def delete(self, record: KeptRecord) -> None:
        """Deletes a record. The other one of a pair forgets it (foreign keys with ON DELETE SET NULL)."""
        del self.records[record.kind][record.id]
        other = self.records[REQUEST if record.kind == ORDER else ORDER].get(record.other or 0)
        if other is not None:
            other.other = None

    def check_waits(self, request: KeptRecord) -> None:
        """Refuses a request that is an order already."""
        if request.other is not None:
            raise Problem(406, "Request is already approved")

    def approve(self, request: KeptRecord, number: str, by: int) -> KeptRecord:
        """Makes an order of a request, also of one that was rejected. Its due date and its planned start do not go over
        to the order.

        Args:
            number: the number that people see.

        Raises:
            Problem: it is approved already.
        """
        self.check_waits(request)
        content = {**request.content, "dueDate": None, "estimatedStartDate": None}
        order = self.add_record(ORDER, number, content, by)
        order.other, request.other = request.id, order.id
        self.changed(request, by)
        return order

    def change_status(self, order: KeptRecord, status: str, feedback: str | None, by: int) -> None:
        """Any order of states is accepted. The feedback is overwritten at every change."""
        order.status, order.feedback = status, feedback
        complete = status == "COMPLETE"
        order.completed_on, order.completed_by = (self.now(), by) if complete else (None, None)
        self.changed(order, by)
