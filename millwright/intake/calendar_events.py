"""The windows that the events of an iCalendar (RFC 5545) plan, entry by entry."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from icalendar import Component

from domain.canonical import timestamp
from domain.errors import Rejected
from millwright.intake.calendar_entries import Entry, planned, wrong
from millwright.intake.calendar_series import Occurrence, Part, occurrences
from millwright.intake.calendar_times import Length, instant, is_date, oddness, parse, wall_time, zone_of

_RULES: Final = ("RRULE", "RDATE", "RECURRENCE-ID")
"""Properties of a recurring event, or of an event that replaces one occurrence of another."""
_ONCE: Final = (
    "UID", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "SEQUENCE", "LOCATION", "SUMMARY", "STATUS",
)  # fmt: skip
_TIMES: Final = ("DTSTART", "DTEND", "RECURRENCE-ID")


def read_entries(text: str, name: str, zone: str | None) -> Iterator[Entry | Rejected]:
    """Each entry of a calendar, or why it is refused. An entry is all events with the same UID.

    Args:
        text: the calendar.
        name: the name of its file.
        zone: the zone of times that name none, where the calendar gives none either (X-WR-TIMEZONE).

    Raises:
        Rejected: it is no iCalendar.
    """
    _check_nesting(text, name)
    try:
        calendars = parse(text)
    except ValueError as error:
        problem = f"a line is no property ({error})"
        raise wrong(name, problem, "give an iCalendar file (RFC 5545)", "file") from error
    if zone is not None and zone_of(zone) is None:
        raise Rejected(f"{zone!r} is no time zone", field="zone", fix="use an IANA name: Europe/Berlin")
    entries = defaultdict[str, list[tuple[Component, tzinfo | None]]](list)
    for calendar in calendars:
        named = str(calendar.get("X-WR-TIMEZONE", zone or ""))
        for event in calendar.walk("VEVENT"):
            entries[str(event.get("UID", ""))].append((event, zone_of(named) if named else None))
    for uid, events in entries.items():
        where = f"{name}, event {uid or 'without a UID'}"
        try:
            yield _entry(uid, events, where)
        except Rejected as refused:
            yield refused
        except OverflowError:
            yield wrong(where, "its times lie outside the years 1 to 9999", "correct them", "DTSTART")


def _check_nesting(text: str, name: str) -> None:
    """Refuses what the library would read as something else: an event that does not end, or that another part is in."""
    begun: list[str] = []
    for line in text.split("\n"):
        word, _, part = line.strip().upper().partition(":")
        if word == "BEGIN":
            if (part == "VEVENT" and begun != ["VCALENDAR"]) or (part == "VCALENDAR" and begun):
                raise wrong(name, f"a {part} is within another part", "export it again", "file")
            begun.append(part)
        elif word == "END" and (not begun or begun.pop() != part):
            raise wrong(name, "an END does not end what began last", "export it again", "file")
    if begun:
        raise wrong(name, "it ends within an event or a calendar", "export it again", "file")


def _check(event: Component, where: str) -> None:
    """Refuses an event with an unreadable line, or with two values of a single-valued property."""
    for key, problem in event.errors:
        if key is None:
            raise wrong(where, f"a line is no property ({problem})", "export it again (RFC 5545)", "file")
        if key in _TIMES:
            raise wrong(where, f"{key} {str(event[key])!r} is no time", "write it as 20260131T120000Z", key)
        if key == "DURATION":
            raise wrong(where, "its DURATION cannot be read", "write it as PT8H", key)
        if key == "SEQUENCE":
            raise wrong(where, "its SEQUENCE is no number", "export it again (RFC 5545)", key)
        if key in ("RRULE", "RDATE", "EXDATE"):
            problem = f"it recurs by a {key} that cannot be read ({problem})"
            raise wrong(where, problem, "export it again (RFC 5545)", key)
    for key in _ONCE:
        if isinstance(event.get(key), list):
            raise wrong(where, f"it has {key} more than once", "give each once", key)


def _entry(uid: str, events: Sequence[tuple[Component, tzinfo | None]], where: str) -> Entry:
    """The windows of all events with the same UID: a single one, or a series and its changed occurrences."""
    for event, _ in events:
        _check(event, where)
    kept = [each for each in events if not _cancelled(each[0]) or "RECURRENCE-ID" in each[0]]
    parts = [_part(event, zone, where) for event, zone in kept]
    recurs = any(key in part.event for part in parts for key in _RULES)
    if not recurs:
        found = [Occurrence.of(part, part.begins, part.begins) for part in parts]
    elif not uid:
        raise wrong(where, "it recurs, and has no UID", "give it one: it names the windows", "UID")
    else:
        found = occurrences(parts, where)
    made = Entry([], [])
    for each in found:
        source = f"{uid}/{timestamp(instant(each.by_rule))}" if recurs else uid
        asset, reason = (str(each.part.event.get(key, "")).replace("\n", " ") for key in ("LOCATION", "SUMMARY"))
        told = {"LOCATION": asset, "SUMMARY": reason, "UID": source}
        made.windows.append(planned(where, told, each.begins_at, each.ends_at))
        made.odd.extend(_odd(each, where))
    return made


def _cancelled(event: Component) -> bool:
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def _part(event: Component, zone: tzinfo | None, where: str) -> Part:
    """An event with its times. One that only cancels an occurrence needs none."""
    if _cancelled(event):
        changed = _wall(event, "RECURRENCE-ID", where, zone)
        return Part(event, changed, Length.of(timedelta()), zone, True, where)
    if "DTSTART" not in event:
        raise wrong(where, "it lacks DTSTART", "give its times", "DTSTART")
    begins = _wall(event, "DTSTART", where, zone)
    if _value(event, "DTSTART").dt is begins:
        # Where the start names its zone, the end has to name one.
        zone = None
    part = Part(event, begins, _length(event, begins, where, zone), zone, False, where)
    if part.length <= timedelta():
        raise wrong(where, "it does not end after it begins", "correct its times", "DTEND")
    return part


def _length(event: Component, begins: datetime, where: str, zone: tzinfo | None) -> Length:
    """The length of an event, and of each of its occurrences."""
    whole_days = _is_date(event, "DTSTART")
    if "DTEND" in event:
        ends = _wall(event, "DTEND", where, zone)
        if _is_date(event, "DTEND") is not whole_days:
            raise wrong(where, "one of DTSTART and DTEND is a date, and one a time", "give both alike", "DTEND")
        if whole_days:
            days = ends.date() - begins.date()
            return Length.of(days, days)
        return Length.of(instant(ends) - instant(begins))
    if "DURATION" in event:
        length = _value(event, "DURATION").dt
        if not isinstance(length, Length):
            raise wrong(where, "its DURATION cannot be read", "write it as PT8H", "DURATION")
        return length
    if whole_days:
        return Length.of(timedelta(days=1), timedelta(days=1))
    raise wrong(where, "it lacks both DTEND and DURATION", "give its times", "DTEND")


def _odd(found: Occurrence, where: str) -> Iterator[str]:
    """A sentence for each time of an occurrence that clocks skip or repeat."""
    event, zone = found.part.event, found.part.zone
    times = [("start", found.begins)]
    if "DTEND" in event and found.begins == found.part.begins:
        times.append(("end", _wall(event, "DTEND", where, zone)))
    for what, wall in times:
        words = oddness(wall)
        if words is not None:
            named = _value(event, "DTSTART" if what == "start" else "DTEND").params.get("TZID", wall.tzinfo)
            yield f"{where}: its {what} {wall:%Y-%m-%d %H:%M} in {named} {words}: {instant(wall):%Y-%m-%d %H:%M} UTC"


def _wall(event: Component, key: str, where: str, zone: tzinfo | None) -> datetime:
    return wall_time(_value(event, key), _value(event, key).dt, key, where, zone)


def _is_date(event: Component, key: str) -> bool:
    return is_date(_value(event, key), _value(event, key).dt)


def _value(event: Component, key: str) -> Any:
    return event[key]
