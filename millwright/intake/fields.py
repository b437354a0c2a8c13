"""Reads fields from parsed JSON; each error names the field, the problem and the correction."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from domain.errors import EventRejected
from millwright.intake.json_text import joined, keepable

LONGEST_NAME = 256
FUTURE_TOLERANCE = timedelta(minutes=5)
"""Maximum time by which a sender's clock may be ahead of ours."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""The earliest valid time: an earlier one comes from a clock that was never set."""

_MOMENT_FIX = "write it as 2026-01-31T12:00:00Z"
_SHORTEST_MOMENT = len("2026-01-31T12:00:00Z")


def mapping(value: object, path: str) -> Mapping[str, object]:
    """The value as a JSON object.

    Raises:
        EventRejected: it is anything else.
    """
    if isinstance(value, dict):
        return value
    raise EventRejected(f"must be a JSON object, not {kind_of(value)}", field=path or None)


def text(data: Mapping[str, object], name: str, path: str) -> str:
    """A required, non-empty text of at most 256 characters.

    Raises:
        EventRejected: it is missing, empty, too long or no text.
    """
    if name not in data:
        raise EventRejected("is missing", field=joined(path, name))
    return name_of(data[name], joined(path, name))


def name_of(value: object, field: str) -> str:
    """A value as a name: text, not empty, at most 256 characters.

    Raises:
        EventRejected: it is not.
    """
    if not isinstance(value, str):
        raise EventRejected(f"must be a text, not {kind_of(value)}", field=field)
    if not value.strip():
        raise EventRejected("is empty", field=field)
    if len(value) > LONGEST_NAME:
        raise EventRejected(f"is longer than {LONGEST_NAME} characters", field=field)
    if not keepable(value):
        raise EventRejected("holds a NUL or half a character", field=field, fix="send plain Unicode text")
    return value


def number(data: Mapping[str, object], name: str, path: str) -> float:
    """A required, finite number.

    Raises:
        EventRejected: it is missing, not finite or no number; a boolean or a text of digits is none.
    """
    field = joined(path, name)
    if name not in data:
        raise EventRejected("is missing", field=field)
    value = data[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EventRejected(f"must be a number, not {kind_of(value)}", field=field)
    try:
        real = float(value)
    except OverflowError:
        real = math.inf
    if not math.isfinite(real):
        raise EventRejected("is NaN, infinite or too large", field=field, fix="send a finite number")
    return real


def score(data: Mapping[str, object], name: str, path: str) -> float:
    """A required number that is not negative.

    Raises:
        EventRejected: it is negative, missing or no number.
    """
    value = number(data, name, path)
    if value < 0:
        raise EventRejected(
            f"is negative ({value:g})", field=joined(path, name), fix="count it in the direction that matters"
        )
    return value


def optional_share(data: Mapping[str, object], name: str, path: str) -> float | None:
    """A number from 0 to 1, None if it is absent or null.

    Raises:
        EventRejected: it is outside that range or no number.
    """
    if data.get(name) is None:
        return None
    value = number(data, name, path)
    if not 0 <= value <= 1:
        raise EventRejected(f"must be from 0 to 1, not {value:g}", field=joined(path, name))
    return value


def parsed_moment(value: object, field: str) -> datetime:
    """An instant of RFC 3339 in UTC.

    Raises:
        EventRejected: it is no text, no instant, or has no time zone.
    """
    if not isinstance(value, str):
        raise EventRejected(f"must be an instant as text, not {kind_of(value)}", field=field, fix=_MOMENT_FIX)
    # fromisoformat also accepts week dates, the basic format and dates without a time, which RFC 3339 does not have.
    if len(value) < _SHORTEST_MOMENT or value[4] != "-" or value[7] != "-" or value[10] not in "Tt ":
        raise EventRejected("is not an instant with a time zone", field=field, fix=_MOMENT_FIX)
    try:
        moment = datetime.fromisoformat(value[:-1] + "+00:00" if value[-1] in "Zz" else value)
        if moment.tzinfo is UTC:
            return moment
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise EventRejected("is not an instant", field=field, fix=_MOMENT_FIX) from None
    raise EventRejected("has no time zone", field=field, fix=_MOMENT_FIX)


def bounded_moment(value: object, field: str, now: datetime) -> datetime:
    """A valid time of an observation.

    Raises:
        EventRejected: it lies more than five minutes ahead of `now`, before the year 2000, or is no instant.
    """
    moment = value if isinstance(value, datetime) else parsed_moment(value, field)
    if moment > now + FUTURE_TOLERANCE:
        raise EventRejected(
            f"lies in the future ({moment:%Y-%m-%dT%H:%M:%SZ}; it is {now:%Y-%m-%dT%H:%M:%SZ})",
            field=field,
            fix="set the sender's clock and send it again",
        )
    if moment < EARLIEST:
        raise EventRejected(f"lies before the year 2000 ({moment:%Y-%m-%d})", field=field, fix="set the sender's clock")
    return moment


def kind_of(value: object) -> str:
    """The type of a JSON value, for messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"
