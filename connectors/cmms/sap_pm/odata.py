"""The notation of OData V2: dates, times, literals of filters and of keys."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

_DATE: Final = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{1,4})?\)/")
_YEARS: Final = range(1970, 2200)
"""Other years stand for "no date" or for a mistake."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant_of(value: object) -> object:
    """The instant of `/Date(ms+0000)/`. The milliseconds are UTC; the offset only says how to show them."""
    if value is None or isinstance(value, datetime):
        return value
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("is no date of OData V2, such as /Date(1763683200000+0000)/")
    try:
        moment = _EPOCH + timedelta(milliseconds=int(found.group(1)))
    except OverflowError:
        raise ValueError("is a date that no calendar has") from None
    if moment.year not in _YEARS:
        raise ValueError(f"has the year {moment.year:04d}, which is no date of a record")
    return moment


def date_text(moment: datetime) -> str:
    """The calendar day of a local time, as `Edm.DateTime` in JSON."""
    day = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return f"/Date({int((day - _EPOCH).total_seconds()) * 1000})/"


def time_text(moment: datetime) -> str:
    """The time of day of a local time, as `Edm.Time`."""
    return f"PT{moment.hour:02d}H{moment.minute:02d}M{moment.second:02d}S"


def text_literal(value: str) -> str:
    """A text in a filter: a quotation mark in it is doubled, so that it cannot end the text."""
    return "'" + value.replace("'", "''") + "'"


def moment_literal(moment: datetime) -> str:
    """An instant in a filter."""
    return f"datetimeoffset'{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z'"


def entity(name: str, key: str) -> str:
    """The path of a record by its key."""
    return f"{name}({quote(text_literal(key), safe='')})"


def query(params: dict[str, str]) -> str:
    """A query string. A space is %20, because not every OData server reads a plus as one."""
    return "&".join(f"{quote(name, safe='$-')}={quote(value, safe='')}" for name, value in params.items())
