"""Reads JSON so that a value that nobody can use makes only its own field unreadable, never the whole answer."""

import json
import math
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

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
