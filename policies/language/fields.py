"""The types of values in a policy document, each with the accepted forms and its error messages."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, StrictBool, StrictFloat, StrictInt, StrictStr, WithJsonSchema
from pydantic_core import PydanticCustomError

from domain.verdict import Rung

UNCONDITIONAL = "true"
IDENTIFIER = r"^[a-z][a-z0-9-]{0,63}$"
NAME = r"^[a-z][a-z0-9_]{0,39}$"
SEMVER = r"^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})$"
YAML_FILE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.yaml$"
MACHINE = r"^[^\s*?]([^\n*?]{0,198}[^\s*?])?$"
NAME_EACH_MACHINE = "name each machine: a release without a person is approved asset by asset"

_DURATION = re.compile(r"(-)?P(?=.)(?:([0-9]{1,5})D)?(?:T(?=.)(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,7})S)?)?")
_LONGEST = timedelta(days=366)
_DURATION_FIX = "write an ISO 8601 duration such as PT24H or P2D"
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})")
_EARLIEST, _LATEST = 1970, 2199
"""The years in which an instant may lie, so that adding a duration stays within the calendar."""
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
_MOMENT_FIX = "write an instant with its zone, such as 2026-01-31T12:00:00Z"


def parse_duration(value: object) -> timedelta:
    """An ISO 8601 duration of days, hours, minutes and seconds, at most 366 days; a minus sign may lead.

    Years and months are refused, because their length depends on when they begin.
    """
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("duration", "{value} is no duration", {"value": repr(value), "fix": _DURATION_FIX})
    sign, days, hours, minutes, seconds = found.groups(default="0")
    length = timedelta(days=int(days), hours=int(hours), minutes=int(minutes), seconds=int(seconds))
    if length > _LONGEST:
        raise PydanticCustomError("duration", "{value} is longer than 366 days", {"value": value, "fix": "shorten it"})
    return -length if sign == "-" else length


def _positive_duration(value: object) -> timedelta:
    length = parse_duration(value)
    if length <= timedelta(0):
        raise PydanticCustomError("duration", "must be longer than nothing", {"fix": _DURATION_FIX})
    return length


def _whole_duration(value: object) -> timedelta:
    length = parse_duration(value)
    if length < timedelta(0):
        raise PydanticCustomError("duration", "must not be negative", {"fix": _DURATION_FIX})
    return length


def parse_moment(value: object) -> datetime:
    """An instant with its zone (RFC 3339) in the years 1970 to 2199, held in UTC."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    try:
        if found is not None and _EARLIEST <= int(found.group()[:4]) <= _LATEST:
            return datetime.fromisoformat(found.group()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise PydanticCustomError("moment", "{value} is no instant", {"value": repr(value), "fix": _MOMENT_FIX})


def parse_time(value: object) -> time:
    """A time of day, as 22:00."""
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("time", "{value} is no time of day", {"value": repr(value), "fix": "write '22:00'"})
    return time(int(found[1]), int(found[2]))


def parse_date(value: object) -> date:
    """A day, as 2026-12-25."""
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("date", "{value} is no day", {"value": repr(value), "fix": "write 2026-12-25"})


def parse_zone(value: object) -> str:
    """The name of a time zone of the IANA database."""
    try:
        if isinstance(value, str) and _ZONE.fullmatch(value):
            return ZoneInfo(value).key
    except (OSError, ValueError, KeyError):
        pass
    fix = "write a name of the IANA database, such as Europe/Berlin"
    raise PydanticCustomError("zone", "{value} is no time zone", {"value": repr(value), "fix": fix})


def parse_rung(value: object) -> Rung:
    """A rung of the ladder from its word."""
    if isinstance(value, Rung):
        return value
    words = [rung.word for rung in Rung]
    if value not in words:
        raise PydanticCustomError(
            "rung", "{value} is no rung", {"value": repr(value), "fix": f"one of {', '.join(words)}"}
        )
    return Rung[str(value).upper()]


def _machine(value: object) -> object:
    if isinstance(value, dict | list):
        raise PydanticCustomError("machine", "must be the id of one machine", {"fix": NAME_EACH_MACHINE})
    return value


def _machines(value: object) -> object:
    if not isinstance(value, list):
        raise PydanticCustomError("machines", "must be a list of machines", {"fix": NAME_EACH_MACHINE})
    if not value:
        fix = "name each machine, or leave `holds` out: then no hold is released without a person"
        raise PydanticCustomError("machines", "must not be empty", {"fix": fix})
    return value


def _one_line(value: object) -> object:
    return " ".join(value.split()) if isinstance(value, str) else value


def _stripped(value: object) -> object:
    if value is True:
        return UNCONDITIONAL  # YAML reads a bare `true` as a boolean, but here it is a condition.
    return value.strip() if isinstance(value, str) else value


def _duration_schema(described: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": r"^-?P[0-9DTHMS]+$", "description": described})


def _text_schema(described: str, **limits: int) -> WithJsonSchema:
    schema: Mapping[str, object] = {"type": "string", "description": described, **limits}
    return WithJsonSchema(dict(schema))


Duration = Annotated[
    timedelta, BeforeValidator(_positive_duration), _duration_schema("an ISO 8601 duration, such as PT24H")
]
Delay = Annotated[
    timedelta, BeforeValidator(_whole_duration), _duration_schema("an ISO 8601 duration, such as PT10M; PT0S for none")
]
"""A duration that may be none at all."""
SpelledMoment = Annotated[
    datetime,
    BeforeValidator(parse_moment),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "description": "an instant, such as 2026-01-31T12:00:00Z"}
    ),
]
TimeOfDay = Annotated[
    time, BeforeValidator(parse_time), WithJsonSchema({"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"})
]
Date = Annotated[date, BeforeValidator(parse_date), WithJsonSchema({"type": "string", "format": "date"})]
Zone = Annotated[StrictStr, BeforeValidator(parse_zone)]
RungWord = Annotated[
    Rung,
    BeforeValidator(parse_rung),
    WithJsonSchema({"type": "string", "enum": [rung.word for rung in Rung], "description": "a rung of the ladder"}),
]
Words = Annotated[
    StrictStr,
    BeforeValidator(_one_line),
    Field(min_length=1, max_length=1000),
    _text_schema("a sentence for people", minLength=1, maxLength=1000),
]
"""A sentence for people; line breaks of the document are no part of it."""
Condition = Annotated[
    StrictStr,
    BeforeValidator(_stripped),
    Field(min_length=1),
    WithJsonSchema({"type": ["string", "boolean"], "minLength": 1, "description": "a condition in CEL"}),
]
"""A condition in the language of `policies.language.grammar`."""
Identifier = Annotated[StrictStr, Field(pattern=IDENTIFIER)]
Name = Annotated[StrictStr, Field(pattern=NAME)]
"""A name that conditions can use after a dot: `param.threshold`."""
Semver = Annotated[StrictStr, Field(pattern=SEMVER)]
CasesFile = Annotated[StrictStr, Field(pattern=YAML_FILE)]
Threshold = Annotated[StrictFloat | StrictInt, Field(ge=0)]
Text = Annotated[StrictStr, Field(min_length=1, max_length=200)]
"""A name that somebody else gave: of an asset, a class, a zone."""
Machines = Annotated[
    tuple[Annotated[StrictStr, Field(pattern=MACHINE), BeforeValidator(_machine)], ...],
    Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    BeforeValidator(_machines),
]
"""Machines by their ids, each one named: no pattern stands for several."""
Classes = Annotated[tuple[Text, ...], Field(min_length=1, json_schema_extra={"uniqueItems": True})]
"""Classes of assets by their names; in a policy `asset.class`."""


def _scalar(value: object) -> object:
    if isinstance(value, bool | int | float) or (isinstance(value, str) and 0 < len(value) <= 200):
        return value
    raise PydanticCustomError("scalar", "must be a number, a text or true or false", {"fix": "write one plain value"})


Scalar = Annotated[StrictBool | StrictInt | StrictFloat | StrictStr, BeforeValidator(_scalar)]
"""What a parameter may be: its type is the type of its value."""
