"""The base of every model: frozen, without unknown fields, with times in UTC and durations in ISO 8601."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

_DURATION = re.compile(r"-?P(?=.)(?:\d+W|(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:[.,]\d+)?S)?)?)", re.ASCII)


def _as_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("needs a time zone; write it as 2026-01-31T12:00:00Z")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_as_utc)]
"""A time with a time zone, always stored in UTC."""


def _as_duration(value: object) -> object:
    if isinstance(value, timedelta) or (isinstance(value, str) and _DURATION.fullmatch(value)):
        return value
    raise PydanticCustomError("duration", "must be an ISO 8601 duration, such as PT8H or P1D")


Duration = Annotated[timedelta, BeforeValidator(_as_duration)]
"""A duration that a person or another system writes: ISO 8601 text in weeks, or in days, hours, minutes and seconds.

Without this, pydantic also reads `05:00` (as five hours) and `3600` (as seconds). Years and months are refused, because
their length depends on when they begin.
"""


def _as_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone of the IANA database, such as Europe/Berlin") from None
    return name


ZoneName = Annotated[str, AfterValidator(_as_zone)]
"""The name of a time zone in the IANA database."""


class Model(BaseModel):
    """A frozen value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), ser_json_inf_nan="null")
    later: ClassVar[tuple[str, ...]] = ()
    """Fields that were added after the first release. Empty ones are left out of the canonical form, so that earlier
    digests stay the same."""

    @classmethod
    def trusted(cls, **fields: object) -> Self:
        """A value from fields that are already validated.

        For values that are made thousands of times a second. The fields must have their declared types, with times in
        UTC; missing fields get their defaults.
        """
        return cls.of_whole({**_defaults(cls), **fields})

    @classmethod
    def of_whole(cls, fields: dict[str, object]) -> Self:
        """Like `trusted`, with every field given. The value keeps the dict itself, so do not change it afterwards."""
        made = cls.__new__(cls)
        _put(made, "__dict__", fields)
        # It is not recorded which fields were given and which are defaults.
        _put(made, "__pydantic_fields_set__", set())
        _put(made, "__pydantic_extra__", None)
        _put(made, "__pydantic_private__", None)
        return made


_put = object.__setattr__  # The models are frozen.


@cache
def _defaults(model: type[Model]) -> Mapping[str, object]:
    return {name: field.default for name, field in model.model_fields.items() if not field.is_required()}
