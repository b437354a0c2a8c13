"""A plant's calendar of planned work and planned stops: iCalendar, as planning tools export it, or a plain table."""

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from domain.errors import Rejected
from millwright.storage.suppressions import PlannedWindow

_COLUMNS = ("asset", "from", "until", "reason", "id")
_DURATION = TypeAdapter(timedelta)
_RECURRING = ("RRULE", "RDATE", "RECURRENCE-ID")
_Property = tuple[str, dict[str, str], str]


def read_calendar(file: Path) -> list[PlannedWindow]:
    """The windows in a calendar file, by its ending: `.ics` (RFC 5545) or `.csv`.

    Of an iCalendar event, LOCATION is the asset, SUMMARY the reason and UID the source; one that is CANCELLED is left
    out. Of a table, the columns are `asset`, `from`, `until`, `reason` and `id`; times are ISO 8601 with a time zone.

    Raises:
        Rejected: it cannot be read; the message names the entry or line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Rejected(f"{file} cannot be read: {error}", field="file", fix="give it as UTF-8 text") from error
    match file.suffix.lower():
        case ".ics":
            return list(_of_calendar(text, file.name))
        case ".csv":
            return list(_of_table(text, file.name))
    raise Rejected(f"{file.name} is no calendar", field="file", fix="give an .ics or a .csv")


def _of_table(text: str, name: str) -> Iterator[PlannedWindow]:
    rows = csv.DictReader(text.splitlines())
    missing = [column for column in _COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise Rejected(f"{name} has no column {', '.join(missing)}", field="file", fix=f"it has {', '.join(_COLUMNS)}")
    for row in rows:
        where = f"{name}, line {rows.line_num}"
        yield _window(
            where, row["asset"], _iso(row["from"], where), _iso(row["until"], where), row["reason"], row["id"]
        )


def _iso(written: str | None, where: str) -> datetime:
    try:
        at = datetime.fromisoformat((written or "").strip())
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise _wrong(where, f"{written!r} is no instant", "write it as 2026-01-31T12:00:00Z")
    return at


def _of_calendar(text: str, name: str) -> Iterator[PlannedWindow]:
    entry: dict[str, _Property] | None = None
    depth = 0
    for prop in _properties(text, name):
        key, _, value = prop
        if key == "BEGIN" and value.upper() == "VEVENT":
            entry, depth = {}, 0
        elif entry is not None and key in ("BEGIN", "END") and value.upper() != "VEVENT":
            # An alarm inside has properties of its own.
            depth += 1 if key == "BEGIN" else -1
        elif key == "END" and entry is not None:
            if entry.get("STATUS", ("", {}, ""))[2].upper() != "CANCELLED":
                yield _event(entry, name)
            entry = None
        elif entry is not None and depth == 0:
            entry[key] = prop
    if entry is not None:
        raise _wrong(name, "it ends within an event", "export it again")


def _event(entry: dict[str, _Property], name: str) -> PlannedWindow:
    uid = entry.get("UID", ("", {}, ""))[2]
    where = f"{name}, event {uid or 'without a UID'}"
    for key in _RECURRING:
        if key in entry:
            raise _wrong(where, f"it recurs ({key})", "export single events: each window has its own end")
    if "DTSTART" not in entry or not {"DTEND", "DURATION"} & set(entry):
        raise _wrong(where, "it lacks DTSTART, or both DTEND and DURATION", "give its times")
    begins = _instant(entry["DTSTART"], where)
    if "DTEND" in entry:
        ends = _instant(entry["DTEND"], where)
    else:
        try:
            ends = begins + _DURATION.validate_python(entry["DURATION"][2])
        except ValidationError as error:
            raise _wrong(where, "its DURATION cannot be read", "write it as PT8H") from error
    told = {key: _unescaped(entry.get(key, ("", {}, ""))[2]) for key in ("LOCATION", "SUMMARY")}
    return _window(where, told["LOCATION"], begins, ends, told["SUMMARY"], uid)


def _properties(text: str, name: str) -> Iterator[_Property]:
    """Name, parameters and value of each content line, unfolded."""
    unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "")
    for line in filter(None, unfolded.split("\n")):
        head, colon, value = _split_value(line)
        if not colon:
            raise _wrong(name, f"{line[:40]!r} is no property", "give an iCalendar file (RFC 5545)")
        key, *parameters = head.split(";")
        pairs = (parameter.partition("=") for parameter in parameters)
        yield key.upper(), {left.upper(): right.strip('"') for left, _, right in pairs}, value.strip()


def _split_value(line: str) -> tuple[str, str, str]:
    quoted = False
    for at, letter in enumerate(line):
        quoted ^= letter == '"'
        if letter == ":" and not quoted:
            return line[:at], ":", line[at + 1 :]
    return line, "", ""


def _instant(prop: _Property, where: str) -> datetime:
    key, parameters, value = prop
    try:
        if parameters.get("VALUE", "").upper() == "DATE":
            day = date.fromisoformat(value)
            return datetime.combine(day, time(), _zone(parameters, where, key))
        at = datetime.fromisoformat(value)
    except ValueError as error:
        raise _wrong(where, f"{key} {value!r} is no time", "write it as 20260131T120000Z") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=_zone(parameters, where, key))


def _zone(parameters: dict[str, str], where: str, key: str) -> ZoneInfo:
    named = parameters.get("TZID")
    if named is None:
        raise _wrong(where, f"{key} has no time zone", "give TZID, or a time in UTC that ends in Z")
    try:
        return ZoneInfo(named)
    except (ValueError, OSError, KeyError) as error:
        raise _wrong(where, f"time zone {named!r} is unknown", "use an IANA name: Europe/Berlin") from error


def _unescaped(value: str) -> str:
    for written, meant in (("\\n", " "), ("\\N", " "), ("\\,", ","), ("\\;", ";"), ("\\\\", "\\")):
        value = value.replace(written, meant)
    return value


def _window(
    where: str, asset: str | None, begins: datetime, ends: datetime, reason: str | None, source: str | None
) -> PlannedWindow:
    told = {"an asset": asset, "a reason": reason, "an id": source}
    for what, value in told.items():
        if not (value or "").strip():
            raise _wrong(where, f"it lacks {what}", "LOCATION is the asset, SUMMARY the reason, UID the id")
    return PlannedWindow(
        asset=(asset or "").strip(),
        from_at=begins.astimezone(UTC),
        until_at=ends.astimezone(UTC),
        reason=(reason or "").strip(),
        source=(source or "").strip(),
    )


def _wrong(where: str, problem: str, fix: str) -> Rejected:
    return Rejected(f"{where}: {problem}", field="file", fix=fix)
