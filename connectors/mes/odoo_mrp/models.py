"""Odoo's records as its JSON-2 API gives them (Odoo 19.0, `/json/2/<model>/<method>`), as far as we read them.

An empty field is `false`, a link to another record is `[id, name]`, and a time is UTC without an offset.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, ValidationError

from connectors.rows import Rows, read_each
from domain.vendor_texts import VendorName, VendorText

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_YEARS: Final = range(1970, 2200)
"""Other years stand for "no date" or for a mistake, and an instant near the year 1 or 9999 cannot be computed."""


def _absent(value: object) -> object:
    return None if value is False else value


def _date(value: object) -> object:
    if value is False:
        return None
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("is no date")
    moment = datetime.fromisoformat(value).replace(tzinfo=UTC)
    if moment.year not in _YEARS:
        raise ValueError(f"has the year {moment.year:04d}, which is a mistake")
    return moment


def _link(value: object) -> object:
    if value is False:
        return None
    if isinstance(value, list) and len(value) == 2:
        return {"id": value[0], "name": value[1]}
    raise ValueError("is no link to a record")


Id = Annotated[int, Field(strict=True, gt=0)]
OdooDate = Annotated[datetime | None, BeforeValidator(_date)]
Text = Annotated[VendorText | None, BeforeValidator(_absent)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    spare: ClassVar[frozenset[str]] = frozenset()
    """The fields without which a row is still of use. One that cannot be read is left out."""

    id: Id
    left_out: tuple[str, ...] = ()
    """The names of the fields that could not be read."""


class LinkedRecord(BaseModel):
    """A link to another record."""

    model_config = ConfigDict(frozen=True)

    id: Id
    name: VendorText


Link = Annotated[LinkedRecord | None, BeforeValidator(_link)]


class WorkCentre(_Row):
    """A row of `mrp.workcenter`."""

    spare = frozenset({"resource_id", "resource_calendar_id"})

    name: VendorText
    active: Annotated[bool, Field(strict=True)]
    working_state: str
    company_id: Link
    resource_id: Link = None
    resource_calendar_id: Link = None


class MachineCentre(_Row):
    """A row of `mrp.workcenter`, with what says which machine it is and whether it works."""

    spare = frozenset({"resource_id", "resource_calendar_id"})

    code: Text
    active: Annotated[bool, Field(strict=True)]
    working_state: str
    company_id: Link
    resource_id: Link = None
    resource_calendar_id: Link = None


class OpenLog(_Row):
    """An open row of `mrp.workcenter.productivity`: what is going on at a work centre."""

    spare = frozenset({"date_start"})

    workcenter_id: Link
    workorder_id: Link
    loss_id: Link
    loss_type: str
    date_start: OdooDate = None


class PresentLeave(_Row):
    """A row of `resource.calendar.leaves` that has begun: of a work centre, of a calendar, or of everything."""

    date_from: OdooDate
    resource_id: Link
    calendar_id: Link
    company_id: Link


class TimeLog(_Row):
    """A row of `mrp.workcenter.productivity`: a period in which the work centre was in use, or was blocked.

    `workorder_id` is the work order whose timer it is. Without `date_end` it goes on.
    """

    spare = frozenset({"date_start", "description"})

    workcenter_id: Link
    workorder_id: Link
    loss_type: str
    date_start: OdooDate = None
    date_end: OdooDate
    description: Text = None


class WorkOrder(_Row):
    """A row of `mrp.workorder`. The times are planned ones; the start is the actual one as soon as it has begun."""

    spare = frozenset({"date_start", "date_finished", "production_id"})

    state: str
    date_start: OdooDate = None
    date_finished: OdooDate = None
    production_id: Link = None


class Production(_Row):
    """A row of `mrp.production`: what a manufacturing order makes, and under which lots."""

    name: VendorName
    product_id: Link = None
    lot_producing_ids: tuple[Id, ...] = ()


class Lot(_Row):
    """A row of `stock.lot`."""

    name: VendorName


class Leave(_Row):
    """A row of `resource.calendar.leaves`: a time in which a work centre, or a whole calendar, does not work."""

    date_from: OdooDate
    date_to: OdooDate


class LossReason(_Row):
    """A row of `mrp.workcenter.productivity.loss`."""


RowT = TypeVar("RowT", bound=_Row)


def read_rows(contents: Sequence[object], model: type[RowT]) -> Rows[RowT]:
    """The rows of an answer, each once."""
    found = read_each(contents, lambda content: _row(content, model), _name)
    return found.once(lambda row: row.id, lambda number: f"record {number}")


def _row(content: object, model: type[RowT]) -> RowT:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        odd = {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}
        if not isinstance(content, dict) or not odd or not odd <= model.spare:
            raise
        kept = {name: value for name, value in content.items() if name not in odd}
        return model.model_validate({**kept, "left_out": tuple(sorted(odd))})


def _name(content: object, place: int) -> str:
    number = content.get("id") if isinstance(content, dict) else None
    return f"record {number}" if isinstance(number, int) and not isinstance(number, bool) else f"row {place}"


class RawRows(RootModel[list[Any]]):
    """The rows of an answer as they came."""


class Number(RootModel[Annotated[int, Field(strict=True, ge=0)]]):
    """The answer of `search_count`."""


class ExternalIds(RootModel[dict[str, VendorText]]):
    """The answer of `get_external_id`: by the id of a record as text, empty where it has none."""


class SystemParameter(RootModel[Annotated[VendorName | None, BeforeValidator(_absent)]]):
    """The answer of `get_param`."""


class LoadMessage(BaseModel):
    """Why `load` did not take a row."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    message: VendorText = ""
    field: Text = None


class LoadAnswer(BaseModel):
    """The answer of `load`: HTTP 200 also if nothing was stored; then there are no ids."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ids: Annotated[tuple[Id, ...] | None, BeforeValidator(_absent)] = None
    messages: tuple[LoadMessage, ...] = ()


class Version(BaseModel):
    """The answer of `/web/version`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: VendorText
    version_info: tuple[int | str, ...]


class Session(BaseModel):
    """The answer of `context_get`: the user of the key."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    uid: Id


class User(_Row):
    """A row of `res.users`."""

    login: VendorText


class OdooError(BaseModel):
    """The body of an error. Its `debug` is a stack trace, and is not read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: VendorText
    message: VendorText = ""
