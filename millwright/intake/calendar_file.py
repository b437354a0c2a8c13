"""Reads a plant's calendar of planned work and planned stops: iCalendar, as planning tools export it, or a table."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from icalendar import Calendar, Component, TypesFactory, vDDDTypes
from recurring_ical_events import CalendarQuery

from domain.canonical import timestamp
from domain.errors import Rejected
from millwright.storage.suppression.suppressions import PlannedWindow

_COLUMNS = ("asset", "from", "until", "reason", "id")
_RULES: Final = ("RRULE", "RDATE", "RECURRENCE-ID")
"""Properties of a recurring event, or of an event that replaces one occurrence of another."""
_RARE_ENOUGH: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_WITHIN_A_DAY: Final = ("BYHOUR", "BYMINUTE", "BYSECOND")
_MOST_OCCURRENCES: Final = 1000
_LONGEST_SERIES: Final = timedelta(days=3653)
_FOR_EVER: Final = datetime(9000, 1, 1, tzinfo=UTC)
_DAYS: Final = re.compile(r"(\d+)([WD])")
_LENGTH: Final = "X-MILLWRIGHT-LENGTH"
"""The property that carries an event's length through the expansion."""


def read_calendar(file: Path) -> list[PlannedWindow]:
    """The windows in a calendar file, by its ending: `.ics` (RFC 5545) or `.csv`.

    In an iCalendar event, LOCATION is the asset, SUMMARY the reason and UID the source; CANCELLED events are skipped.
    Each occurrence of a recurring event is a window, whose source is the UID, a slash, and the start by its rule.
    In a table, the columns are `asset`, `from`, `until`, `reason` and `id`; times are ISO 8601 with a time zone.

    Raises:
        Rejected: it cannot be read, or an event recurs without end, too long or too often; the message names the entry
            or line.
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


class _Length(timedelta):
    """The length of an event.

    RFC 5545 adds days and weeks of a DURATION to the local time, and hours, minutes and seconds to the instant.
    When clocks change, P1D is 23 or 25 hours, and PT24H is not.
    """

    days_on_wall: timedelta

    @classmethod
    def of(cls, length: timedelta, days_on_wall: timedelta = timedelta()) -> Self:
        """A length, and the part of it that is in calendar days."""
        made = cls(length.days, length.seconds, length.microseconds)
        made.days_on_wall = days_on_wall
        return made

    def end(self, begins: datetime) -> datetime:
        """When an event of this length ends, in UTC."""
        return (begins + self.days_on_wall).astimezone(UTC) + (self - self.days_on_wall)


class _Time(vDDDTypes):
    """A time or length of an iCalendar, read like the library with two differences.

    A time that ends in Z is in UTC whatever its TZID says, and a length keeps its days apart.
    """

    @classmethod
    def from_ical(cls, ical: str, timezone: str | None = None) -> Any:
        """See `vDDDTypes.from_ical`."""
        read = super().from_ical(ical, None if ical.endswith("Z") else timezone)  # type: ignore[no-untyped-call]
        if not isinstance(read, timedelta):
            return read
        days = sum(int(count) * (7 if unit == "W" else 1) for count, unit in _DAYS.findall(ical.upper()))
        return _Length.of(read, timedelta(days))


class _Types(TypesFactory):
    def __init__(self) -> None:
        super().__init__()
        for name in ("date", "date-time", "duration"):
            self[name] = _Time


class _Calendar(Calendar):
    types_factory = _Types()


def _of_calendar(text: str, name: str) -> Iterator[PlannedWindow]:
    _check_nesting(text, name)
    try:
        events = [event for part in _Calendar.from_ical(text, multiple=True) for event in part.walk("VEVENT")]
    except ValueError as error:
        raise _wrong(name, f"a line is no property ({error})", "give an iCalendar file (RFC 5545)") from error
    entries = defaultdict[str, list[Component]](list)
    for event in events:
        uid = str(event.get("UID", ""))
        _check(event, _where(name, uid))
        entries[uid].append(event)
    for uid, of_one in entries.items():
        try:
            yield from _windows(uid, of_one, _where(name, uid))
        except OverflowError as error:
            raise _wrong(_where(name, uid), "its times lie outside the years 1 to 9999", "correct them") from error


def _check_nesting(text: str, name: str) -> None:
    """Refuses what the library would read as something else: an event that does not end, or that another part is in."""
    begun: list[str] = []
    for line in text.split("\n"):
        word, _, part = line.strip().upper().partition(":")
        if word == "BEGIN":
            if (part == "VEVENT" and begun != ["VCALENDAR"]) or (part == "VCALENDAR" and begun):
                raise _wrong(name, f"a {part} is within another part", "export it again")
            begun.append(part)
        elif word == "END" and (not begun or begun.pop() != part):
            raise _wrong(name, "an END does not end what began last", "export it again")
    if begun:
        raise _wrong(name, "it ends within an event or a calendar", "export it again")


def _where(name: str, uid: str) -> str:
    return f"{name}, event {uid or 'without a UID'}"


def _check(event: Component, where: str) -> None:
    """Refuses an event with an unreadable line, or with two values of a single-valued property."""
    for key, problem in event.errors:
        if key is None:
            raise _wrong(where, f"a line is no property ({problem})", "export it again (RFC 5545)")
        if key in ("DTSTART", "DTEND", "RECURRENCE-ID"):
            raise _wrong(where, f"{key} {str(event[key])!r} is no time", "write it as 20260131T120000Z")
        if key == "DURATION":
            raise _wrong(where, "its DURATION cannot be read", "write it as PT8H")
        if key in ("RRULE", "RDATE", "EXDATE"):
            raise _wrong(where, f"it recurs by a {key} that cannot be read ({problem})", "export it again (RFC 5545)")
    for key in ("UID", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "LOCATION", "SUMMARY", "STATUS"):
        if isinstance(event.get(key), list):
            raise _wrong(where, f"it has {key} more than once", "give each once")


def _windows(uid: str, events: Sequence[Component], where: str) -> Iterator[PlannedWindow]:
    """The windows of all events with the same UID: a single one, or a series and its changed occurrences."""
    kept = [event for event in events if not _cancelled(event) or "RECURRENCE-ID" in event]
    recurs = any(key in event for event in kept for key in _RULES)
    for event in kept:
        if _cancelled(event):
            # A cancelled occurrence only removes its window.
            event["DTSTART"] = event["DTEND"] = event["RECURRENCE-ID"]
            event.pop("DURATION", None)
        else:
            event[_LENGTH] = _Time(_length(event, where))
            if _value(event, _LENGTH).dt <= timedelta():
                raise _wrong(where, "it does not end after it begins", "correct its times")
    found = kept
    if recurs:
        if not uid:
            raise _wrong(where, "it recurs, and has no UID", "give it one: it names the windows")
        for event in kept:
            _bound(event, where)
        found = [each for each in _expanded(kept, where) if not _cancelled(each)]
    for each in found:
        begins = _instant(each, "DTSTART", where)
        source = uid
        if recurs:
            source = f"{uid}/{timestamp(_instant(each, 'RECURRENCE-ID', where))}"
        told = [str(each.get(key, "")).replace("\n", " ") for key in ("LOCATION", "SUMMARY")]
        yield _window(where, told[0], begins, _value(each, _LENGTH).dt.end(begins), told[1], source)


def _cancelled(event: Component) -> bool:
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def _length(event: Component, where: str) -> _Length:
    """The length of an event, and of each of its occurrences."""
    if "DTSTART" not in event or not {"DTEND", "DURATION"} & set(event):
        raise _wrong(where, "it lacks DTSTART, or both DTEND and DURATION", "give its times")
    begins = _instant(event, "DTSTART", where)
    if "DTEND" in event:
        ends = _instant(event, "DTEND", where)
        if _value(event, "DTEND").params.get("VALUE", "").upper() == "DATE":
            days = ends.date() - begins.date()
            return _Length.of(days, days)
        return _Length.of(ends.astimezone(UTC) - begins.astimezone(UTC))
    length = _value(event, "DURATION").dt
    if not isinstance(length, _Length):
        raise _wrong(where, "its DURATION cannot be read", "write it as PT8H")
    return length


def _instant(event: Component, key: str, where: str) -> datetime:
    """A time of an event, in its own zone; for a date, its midnight."""
    at, named = _value(event, key).dt, _value(event, key).params.get("TZID")
    if isinstance(at, datetime) and at.tzinfo is not None:
        return at
    if isinstance(at, date) and named is not None:
        raise _wrong(where, f"time zone {named!r} is unknown", "use an IANA name: Europe/Berlin")
    if isinstance(at, date):
        raise _wrong(where, f"{key} has no time zone", "give TZID, or a time in UTC that ends in Z")
    raise _wrong(where, f"{key} is no time", "write it as 20260131T120000Z")


def _bound(event: Component, where: str) -> None:
    """Refuses an event that recurs without end, for too long, too often, or in a form that the library does not
    support."""
    if "EXRULE" in event:
        raise _wrong(where, "it recurs with exceptions by EXRULE, which is obsolete", "give EXDATE")
    if "RECURRENCE-ID" in event and "RANGE" in _value(event, "RECURRENCE-ID").params:
        raise _wrong(where, "one change moves all later occurrences (RANGE)", "end the series there, and begin another")
    for rule in _listed(event, "RRULE"):
        if rule.get("FREQ", [""])[0] not in _RARE_ENOUGH or any(part in rule for part in _WITHIN_A_DAY):
            raise _wrong(where, "it recurs more than once a day (RRULE)", f"give FREQ as {', '.join(_RARE_ENOUGH)}")
        if "COUNT" not in rule and "UNTIL" not in rule:
            raise _wrong(where, "it recurs without end (RRULE)", "give UNTIL or COUNT")
        if rule.get("COUNT", [0])[0] > _MOST_OCCURRENCES:
            raise _wrong(where, "it recurs too often (RRULE)", f"give a COUNT of {_MOST_OCCURRENCES} at most")
        for until in rule.get("UNTIL", []):
            # The limit of ten years need not be exact, so the zone of UNTIL does not matter.
            last = _instant(event, "DTSTART", where).date() + _LONGEST_SERIES
            if not isinstance(until, date) or date(until.year, until.month, until.day) > last:
                raise _wrong(where, "it recurs for too long (RRULE)", f"give an UNTIL up to {last}")
    if any(isinstance(each.dt, tuple) for dates in _listed(event, "RDATE") for each in dates.dts):
        raise _wrong(where, "it recurs at periods (RDATE)", "give single events, each with its own end")


def _value(event: Component, key: str) -> Any:
    return event[key]


def _listed(event: Component, key: str) -> list[Any]:
    """The values of a property that may occur more than once."""
    found = _value(event, key) if key in event else []
    return found if isinstance(found, list) else [found]


def _expanded(events: Sequence[Component], where: str) -> list[Component]:
    """All occurrences of a series, earliest first."""
    series = Calendar()
    series.subcomponents = list(events)
    first = min(_instant(event, "DTSTART", where).astimezone(UTC) for event in events)
    try:
        found: list[Component] = CalendarQuery(series).between(first - timedelta(days=1), _FOR_EVER)
    except (ValueError, TypeError) as error:
        raise _wrong(where, f"it recurs in a way that cannot be read ({error})", "export single events") from error
    return sorted(found, key=lambda event: _instant(event, "DTSTART", where))


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
