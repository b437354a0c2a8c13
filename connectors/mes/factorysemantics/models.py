"""Records of FactorySemantics MES 0.4.2 as its API gives them, as far as we read them.

A time is UTC without an offset.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel

from connectors.rows import Rows, read_each
from domain.vendor_texts import VendorName, VendorText

_YEARS: Final = range(1970, 2200)
"""Other years stand for "no date" or for a mistake, and an instant near the year 1 or 9999 cannot be computed."""


def _date(value: object) -> object:
    if value is None:
        return None
    if not isinstance(value, str) or "T" not in value:
        raise ValueError("is no time")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("is no time") from None
    if moment.year not in _YEARS:
        raise ValueError(f"has the year {moment.year:04d}, which is a mistake")
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


Instant = Annotated[datetime, BeforeValidator(_date)]
Quantity = Annotated[float, Field(allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class IssuedToken(_Record):
    """The answer of `/auth/login`."""

    token: str = Field(min_length=1, repr=False)
    code: VendorName


class Account(_Record):
    """The answer of `/auth/me`."""

    code: VendorName
    role: VendorText
    capabilities: tuple[str, ...]


class Health(_Record):
    """The answer of `/health`. The instance id is missing if no tool of the vendor created the plant."""

    plant: VendorName
    instance_id: VendorName | None = None


class Place(_Record):
    """A node of the equipment hierarchy above a machine."""

    code: VendorName


class MachineLink(_Record):
    """Whether the MES sees a machine: `connected`, `disconnected`, or `unknown` if nothing watches it."""

    state: str
    since: Instant | None = None


class Machine(_Record):
    """The answer of `/equipment/{code}`. Its state is `unknown` if none was ever told."""

    code: VendorName
    level: str
    path: tuple[Place, ...] = ()
    state: VendorText
    since: Instant | None = None
    connection: MachineLink


class OpenOperation(_Record):
    """A row of `/workorders/dispatch`: an operation of a released or running work order that is not done."""

    order: VendorName
    seq: int
    status: str
    quantity: Quantity
    good_qty: Quantity
    priority: int

    @property
    def key(self) -> str:
        return f"{self.order} operation {self.seq}"


class Operation(_Record):
    """An operation of a work order."""

    seq: int
    equipment: VendorName
    status: str
    good_qty: Quantity


class OrderRow(_Record):
    """A work order of `/workorders`."""

    code: VendorName
    status: str
    quantity: Quantity
    priority: int
    operations: tuple[Operation, ...]

    @property
    def key(self) -> str:
        return self.code


class ListAnswer(RootModel[list[Any]]):
    """The rows of an answer as they came."""


class Page(_Record):
    """A page of a list."""

    items: list[Any]
    has_more: bool


class HoldReason(_Record):
    """What an audit row says after a change, as far as it is a reason."""

    reason: VendorText | None = None


class AuditRow(_Record):
    """A row of `/audit`."""

    ts: Instant
    actor: VendorText
    on_behalf_of: VendorText | None = None
    action: str
    after: HoldReason | None = None


class AuditTrail(RootModel[tuple[AuditRow, ...]]):
    """The answer of `/audit`, newest first. It is read as a whole: an unreadable row may be the one that counts."""


class Slot(_Record):
    """A time that is planned on a machine, for `production` or `maintenance`."""

    kind: str
    order: VendorName | None = None
    seq: int | None = None
    planned_start: Instant
    planned_end: Instant

    @property
    def key(self) -> str:
        return f"{self.kind} from {self.planned_start:%Y-%m-%d %H:%M}"


class PlannedMachine(_Record):
    """What is planned on one machine."""

    equipment: VendorName
    slots: list[Any]


class Board(_Record):
    """The answer of `/scheduling/board`."""

    machines: tuple[PlannedMachine, ...]


class CalendarDay(_Record):
    """A day that does not follow the shifts; of the whole site if it names no equipment."""

    day: VendorName
    kind: str
    equipment: VendorName | None = None

    @property
    def key(self) -> str:
        return f"{self.day} {self.kind} {self.equipment or ''}"


class PlantCalendar(_Record):
    """The answer of `/scheduling/calendar`."""

    timezone: VendorName
    exceptions: list[Any]


class Ledger(_Record):
    """Of which time a figure is."""

    window_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Oee(_Record):
    """The answer of `/equipment/{code}/oee`. The server withholds the figure if it did not see enough of the time."""

    oee: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    ledger: Ledger


class Fault(_Record):
    """The body of an error."""

    detail: str | list[Any]


RowT = TypeVar("RowT", OpenOperation, OrderRow, Slot, CalendarDay)


def read_rows(contents: Sequence[object], model: type[RowT]) -> Rows[RowT]:
    """The rows of an answer, each once."""
    return read_each(contents, model.model_validate, _name).once(lambda row: row.key, str)


def may_be_on(content: object, equipment: str) -> bool:
    """Whether a work order may have an operation on a machine, also if it cannot be read."""
    operations = content.get("operations") if isinstance(content, dict) else None
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        return True
    return any(not isinstance(each.get("equipment"), str) or each["equipment"] == equipment for each in operations)


def _name(content: object, place: int) -> str:
    named = (content.get("code") or content.get("order")) if isinstance(content, dict) else None
    return f"work order {named}" if isinstance(named, str) else f"row {place}"
