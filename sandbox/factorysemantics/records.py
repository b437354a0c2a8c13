"""What the server keeps, as values that are replaced and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

ORDER_STATUSES: Final = ("planned", "released", "running", "on_hold", "completed", "closed", "cancelled")
MACHINE_STATES: Final = ("running", "idle", "down", "setup")
LEVELS: Final = ("enterprise", "site", "area", "work_center", "work_unit")
CALENDAR_KINDS: Final = ("non_working", "overtime")


@dataclass(frozen=True)
class Node:
    """A machine, or a line or another level above it.

    Args:
        parent: the code of the node above it.
        state: one of `MACHINE_STATES`; `unknown` if none was ever told.
        since: from when it has the state.
    """

    code: str
    name: str
    level: str
    parent: str | None = None
    cycle: float | None = None
    state: str = "unknown"
    reason: str | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Step:
    """An operation of a routing."""

    seq: int
    name: str
    equipment: str


@dataclass(frozen=True)
class Routing:
    """How a material is made."""

    code: str
    material: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Operation:
    """An operation of a work order: `pending`, `running` or `done`."""

    seq: int
    name: str
    equipment: str
    status: str = "pending"
    good: float = 0.0
    scrap: float = 0.0


@dataclass(frozen=True)
class WorkOrder:
    """A work order.

    Args:
        number: counts the work orders as they were made.
    """

    number: int
    code: str
    material: str
    quantity: float
    operations: tuple[Operation, ...]
    status: str = "planned"
    priority: int = 50

    @property
    def good(self) -> float:
        """What the last operation has made."""
        return self.operations[-1].good if self.operations else 0.0


@dataclass(frozen=True)
class AuditRow:
    """A row of the audit trail."""

    at: datetime
    actor: str
    action: str
    kind: str
    entity: str
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None


@dataclass(frozen=True)
class Slot:
    """A time that is planned on a machine: `production` or `maintenance`.

    Args:
        minutes: of work in it.
    """

    equipment: str
    kind: str
    order: str | None
    seq: int | None
    what: str
    start: datetime
    end: datetime
    minutes: float


@dataclass(frozen=True)
class CalendarDay:
    """A day that does not follow the shifts; of the whole site without an equipment."""

    day: str
    kind: str
    reason: str
    equipment: str | None


@dataclass(frozen=True)
class Account:
    """A person or a program that signs in."""

    code: str
    name: str
    role: str
    password: str
