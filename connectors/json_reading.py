"""Reads JSON so that a value that nobody can use makes only its own field unreadable, never the whole answer."""

import json
import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, ValidationError

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT.*", re.DOTALL)
_YEARS: Final = range(1970, 2200)
"""Other years stand for "no date" or for a mistake, and an instant near the year 1 or 9999 cannot be computed."""
_LONGEST_INTEGER: Final = 20
_INT64: Final = range(-(2**63), 2**63)


@dataclass(frozen=True)
class OddNumber:
    """A number that JSON or a database cannot hold: NaN, Infinity, or an integer of more than 64 bits.

    No field of a model accepts it.
    """

    text: str

    def __str__(self) -> str:
        return self.text


def parsed_json(content: bytes) -> object:
    """The value of some JSON.

    Bytes that are not UTF-8 become unpaired surrogates, which `domain.vendor_texts` shows or refuses like others.

    Raises:
        ValueError: it is not JSON, or it is nested too deep.
    """
    text = content.decode("utf-8", errors="surrogateescape").removeprefix("\ufeff")
    try:
        return json.loads(text, parse_constant=OddNumber, parse_float=_real, parse_int=_integer, strict=False)
    except json.JSONDecodeError as error:
        raise ValueError(f"Invalid JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise ValueError("Invalid JSON: it is nested too deep") from None


def _real(text: str) -> float | OddNumber:
    value = float(text)
    return value if math.isfinite(value) else OddNumber(text[:_LONGEST_INTEGER])


def _integer(text: str) -> int | OddNumber:
    if len(text) > _LONGEST_INTEGER or int(text) not in _INT64:
        return OddNumber(f"{text[:_LONGEST_INTEGER]}…" if len(text) > _LONGEST_INTEGER else text)
    return int(text)


def first_fault(error: ValidationError) -> tuple[str, str]:
    """The dotted path of the first field that a model refused, and why."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if isinstance(first["input"], OddNumber):
        return place, f"is {first['input']}, which is no number that can be kept"
    return place, first["msg"].removeprefix("Value error, ")


def _only_text(value: object) -> object:
    # A number would be read as seconds since 1970.
    if not isinstance(value, datetime) and not (isinstance(value, str) and _DATE.fullmatch(value)):
        raise ValueError("is no date")
    return value


def _usable(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("has no time zone")
    if moment.year not in _YEARS:
        raise ValueError(f"has the year {moment.year:04d}, which is no date of an order")
    return moment


ZonedDate = Annotated[datetime, BeforeValidator(_only_text), AfterValidator(_usable)]
"""A date of an order with time and zone, in ISO 8601."""
