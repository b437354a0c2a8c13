"""What the specifications allow in a request: lengths, patterns, enumerations and numbers of items."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from sandbox.sap_dm.errors import Problem

PLANT: Final = 6
RESOURCE: Final = 36
SFC: Final = 128
SFCS: Final = 500
STATUSES: Final = ("UNKNOWN", "PRODUCTIVE", "SCHEDULED_DOWN", "UNSCHEDULED_DOWN", "ENABLED", "DISABLED")
RECORD_TYPES: Final = ("MANUAL", "AUTOMATIC")
_NAME: Final = re.compile(r"(?! )[0-9A-Z_$!)(+~@^=\-*. ]+(?<! )")


def text(body: Mapping[str, object], name: str, longest: int, *, required: bool = False) -> str | None:
    """A text of 1 to `longest` characters.

    Raises:
        Problem: it is missing, or is none.
    """
    value = body.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise Problem(400, f"{name} must have 1 to {longest} characters", parameter=name)
    return value


def name(values: Mapping[str, object], key: str, longest: int) -> str:
    """A name of capitals, digits and signs."""
    found = text(values, key, longest, required=True) or ""
    if not _NAME.fullmatch(found):
        raise Problem(400, f"{key} has a character that is not allowed", parameter=key)
    return found


def one_of(body: Mapping[str, object], key: str, allowed: Collection[str], *, required: bool = False) -> str | None:
    """A value of an enumeration."""
    value = body.get(key)
    if value is None and not required:
        return None
    if not isinstance(value, str) or value not in allowed:
        raise Problem(400, f"{key} must be one of {', '.join(allowed)}", parameter=key)
    return value


def sfcs(body: Mapping[str, object]) -> list[str]:
    """1 to 500 SFCs of at most 128 characters."""
    value = body.get("sfcs")
    if not isinstance(value, list) or not value:
        raise Problem(400, "sfcs must name an SFC", parameter="sfcs")
    if len(value) > SFCS:
        raise Problem(400, f"sfcs must have at most {SFCS} items", parameter="sfcs")
    if not all(isinstance(each, str) and 1 <= len(each) <= SFC for each in value):
        raise Problem(400, f"each of sfcs must have 1 to {SFC} characters", parameter="sfcs")
    return [str(each) for each in value]


def whole(values: Mapping[str, str], key: str, default: int, least: int, most: int) -> int:
    """A whole number within bounds."""
    written = values.get(key, str(default))
    if not re.fullmatch(r"\d{1,9}", written) or not least <= int(written) <= most:
        raise Problem(400, f"{key} must be between {least} and {most}", parameter=key)
    return int(written)
