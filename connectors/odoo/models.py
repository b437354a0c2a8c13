"""Odoo's records as its JSON-2 API gives them (Odoo 19.0, `/json/2/<model>/<method>`), and its XML-RPC too.

An empty field is `false`, a link to another record is `[id, name]`, and a time is UTC without an offset.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, ValidationError

from connectors.rows import Rows, read_each
from domain.vendor_texts import VendorName, VendorText

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
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


def _day(value: object) -> object:
    if value is False:
        return None
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("is no date")
    day = date.fromisoformat(value)
    if day.year not in _YEARS:
        raise ValueError(f"has the year {day.year:04d}, which is a mistake")
    return day


def _link(value: object) -> object:
    if value is False:
        return None
    if isinstance(value, list) and len(value) == 2:
        return {"id": value[0], "name": value[1]}
    raise ValueError("is no link to a record")


Id = Annotated[int, Field(strict=True, gt=0)]
OdooDate = Annotated[datetime | None, BeforeValidator(_date)]
OdooDay = Annotated[date | None, BeforeValidator(_day)]
OdooMoment = Annotated[datetime, BeforeValidator(_date)]
Text = Annotated[VendorText | None, BeforeValidator(_absent)]


class OdooRow(BaseModel):
    """A record with its id."""

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


RowT = TypeVar("RowT", bound=OdooRow)


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


class Reference(RootModel[tuple[str, Annotated[Id | None, BeforeValidator(_absent)]]]):
    """The answer of `check_object_reference`: a model, and the id of a record that our user may see."""


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


class XmlRpcVersion(BaseModel):
    """The answer of `version` over XML-RPC."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    server_version: VendorText
    server_version_info: tuple[int | str, ...]


class AuthenticatedUser(RootModel[Annotated[Id | None, BeforeValidator(_absent)]]):
    """The answer of `authenticate` over XML-RPC: the id of the user; None if the key does not count."""


class Metadata(OdooRow):
    """A row of `get_metadata`, as far as we read it."""

    xmlid: Text


class Session(BaseModel):
    """The answer of `context_get`: the user of the key."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    uid: Id


class OdooUser(OdooRow):
    """A row of `res.users`."""

    login: VendorText


class OdooError(BaseModel):
    """The body of an error. Its `debug` is a stack trace, and is not read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: VendorText
    message: VendorText = ""
