"""The occurrences of an event that recurs (RFC 5545): its rules, dates, exceptions and changes."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final, NamedTuple

from icalendar import Calendar, Component, Event, vDDDLists, vDDDTypes, vRecur
from recurring_ical_events import CalendarQuery

from millwright.intake.calendar_entries import wrong
from millwright.intake.calendar_times import (
    RARE_ENOUGH,
    Length,
    advances,
    instant,
    is_date,
    listed,
    recurs_too_often,
    wall_time,
)

_MOST_OCCURRENCES: Final = 1000
_LONGEST_SERIES: Final = timedelta(days=3653)
_FOR_EVER: Final = datetime(9000, 1, 1)  # noqa: DTZ001 - the expansion is in local time
_NUMBER: Final = "X-MILLWRIGHT-NUMBER"
"""The property that carries through the expansion from which part an occurrence comes."""


class Part(NamedTuple):
    """An event: a whole one, a series, or a change of one occurrence or of all from one on.

    Attributes:
        event: as it was read.
        begins: in the zone that it was written in. The occurrence that is changed, if that is cancelled.
        length: of it and each occurrence.
        zone: the zone of times that name none.
        cancelled: a change that removes.
        where: the place of the entry, for errors.
    """

    event: Component
    begins: datetime
    length: Length
    zone: tzinfo | None
    cancelled: bool
    where: str

    def times(self, key: str) -> Iterator[tuple[Any, Any]]:
        """Each value of a property with its time or period."""
        for value in listed(self.event, key):
            for each in value.dts if isinstance(value, vDDDLists) else (value,):
                yield value, each.dt

    def changes(self) -> datetime | None:
        """The start, by the rule, of the occurrence that it changes."""
        for value, at in self.times("RECURRENCE-ID"):
            return wall_time(value, at, "RECURRENCE-ID", self.where, self.zone)
        return None

    @property
    def of_all_later(self) -> bool:
        """If it changes all later occurrences, too."""
        return any("RANGE" in value.params for value, _ in self.times("RECURRENCE-ID"))

    @property
    def sequence(self) -> int:
        """Which revision it is."""
        written = self.event.get("SEQUENCE", 0)
        return written if isinstance(written, int) else 0


class Occurrence(NamedTuple):
    """One occurrence.

    Attributes:
        part: what describes it.
        by_rule: its start by the rule.
        begins: its start, in the zone that it was written in.
        begins_at: its start, in UTC.
        ends_at: its end, in UTC.
    """

    part: Part
    by_rule: datetime
    begins: datetime
    begins_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, part: Part, by_rule: datetime, begins: datetime) -> "Occurrence":
        """One that is as long as the part says."""
        return cls(part, by_rule, begins, instant(begins), part.length.end(begins))


def occurrences(parts: Sequence[Part], where: str) -> list[Occurrence]:
    """All occurrences of a series, earliest first, without cancelled ones.

    The library expands local times without a zone. With zones it compares local times with times in UTC, so that an
    exception may take away another occurrence; and it gives all later occurrences of a change the same RECURRENCE-ID.

    Raises:
        Rejected: it recurs without end, too long or too often, or cannot be read.
    """
    for part in parts:
        _bound(part)
    _check_revisions(parts, where)
    whole = max((part for part in parts if part.changes() is None), key=lambda part: part.sequence, default=None)
    if whole is None and any(part.of_all_later for part in parts):
        problem = "it changes all later occurrences of a series that is not in the file (RANGE)"
        raise wrong(where, problem, "export the series with it", "RECURRENCE-ID")
    zone = (whole or parts[0]).begins.tzinfo
    series = Calendar()
    series.subcomponents = [_in_local_time(part, number, zone) for number, part in enumerate(parts)]
    by_date = {} if whole is None else _by_date(whole, zone)
    first = min(*(_local(part.begins, zone) for part in parts), *by_date, _FOR_EVER)
    try:
        found: list[Any] = CalendarQuery(series).between(first - timedelta(days=1), _FOR_EVER)
    except ValueError as error:
        problem = f"it recurs in a way that cannot be read ({error})"
        raise wrong(where, problem, "export single events", "RRULE") from error
    read = (_occurrence(parts[int(each[_NUMBER])], each, zone, by_date) for each in found)
    return sorted((each for each in read if not each.part.cancelled), key=lambda each: each.begins_at)


class _Listed(NamedTuple):
    """A start that RDATE lists, and the end in UTC if it is a PERIOD."""

    begins: datetime
    ends: datetime | None


def _occurrence(part: Part, found: Any, zone: tzinfo | None, by_date: dict[datetime, _Listed]) -> Occurrence:
    """What the library found, in the zones of the calendar."""
    local = found["DTSTART"].dt
    changed = part.changes()
    if changed is None:
        begins, ends = by_date.get(local, _Listed(local.replace(tzinfo=zone), None))
        made = Occurrence.of(part, begins, begins)
        return made if ends is None else made._replace(ends_at=ends)
    if not part.of_all_later or local == _local(part.begins, zone):
        return Occurrence.of(part, changed, part.begins)
    moved_by = _local(part.begins, zone) - _local(changed, zone)
    return Occurrence.of(part, (local - moved_by).replace(tzinfo=zone), local.replace(tzinfo=zone))


def _local(at: datetime, zone: tzinfo | None) -> datetime:
    """A time on the wall of a zone. One that is in the zone stays as written, also if clocks skip it."""
    return (at if at.tzinfo is zone else instant(at).astimezone(zone)).replace(tzinfo=None)


def _in_local_time(part: Part, number: int, zone: tzinfo | None) -> Event:
    """The part as the library expands it: nothing but its times, in local time."""
    made = Event()
    made["UID"] = "series"
    made["SEQUENCE"] = part.sequence
    made[_NUMBER] = number
    made["DTSTART"] = vDDDTypes(_local(part.begins, zone))
    changed = part.changes()
    if changed is not None:
        params = {"RANGE": "THISANDFUTURE"} if part.of_all_later else {}
        made["RECURRENCE-ID"] = vDDDTypes(_local(changed, zone), params)
        return made
    rules = [vRecur(dict(rule) | _until(part, rule)) for rule in listed(part.event, "RRULE")]
    if rules:
        made["RRULE"] = rules
    dates = [_local(begins, zone) for begins, _ in _dates(part)]
    if dates:
        made["RDATE"] = vDDDLists(dates)
    exceptions = [_exception(part, value, at, zone) for value, at in part.times("EXDATE")]
    if exceptions:
        made["EXDATE"] = vDDDLists(exceptions)
    return made


def _exception(part: Part, value: Any, at: Any, zone: tzinfo | None) -> date:
    """The occurrence that an EXDATE takes away; a date takes away all of its day."""
    if isinstance(at, date) and is_date(value, at):
        return date(at.year, at.month, at.day)
    return _local(wall_time(value, at, "EXDATE", part.where, part.begins.tzinfo), zone)


def _dates(part: Part) -> Iterator[tuple[datetime, Any]]:
    """The starts that RDATE lists, each with the end or length of a PERIOD, or None."""
    for value, at in part.times("RDATE"):
        begins, ends = at if isinstance(at, tuple) else (at, None)
        start: Any = part.event["DTSTART"]
        if is_date(value, begins) and not is_date(start, start.dt):
            raise wrong(part.where, "RDATE is a date, and DTSTART a time", "give RDATE as 20260131T120000Z", "RDATE")
        yield wall_time(value, begins, "RDATE", part.where, part.begins.tzinfo), (value, ends)


def _by_date(part: Part, zone: tzinfo | None) -> dict[datetime, _Listed]:
    """What RDATE lists, by local start: the library keeps neither lengths in days nor the second of two equal times."""
    found: dict[datetime, _Listed] = {}
    for begins, (value, ends) in _dates(part):
        until = ends
        if isinstance(ends, Length):
            until = ends.end(begins)
        elif ends is not None:
            until = instant(wall_time(value, ends, "RDATE", part.where, part.begins.tzinfo))
        if until is not None and until <= instant(begins):
            raise wrong(part.where, "a PERIOD does not end after it begins", "correct its times", "RDATE")
        there = found.setdefault(_local(begins, zone), _Listed(begins, until))
        if instant(there.begins) != instant(begins):
            problem = "RDATE lists both times of an hour that clocks repeat"
            raise wrong(part.where, problem, "give one of them as an entry of its own", "RDATE")
    return found


def _until(part: Part, rule: Any) -> dict[str, list[datetime]]:
    """UNTIL as the last local start that is not after it: the library does not convert it.

    It is in UTC, or in the zone of the event, or a date, whose day counts.
    """
    for until in rule.get("UNTIL", []):
        zone = part.begins.tzinfo
        if not isinstance(until, datetime):
            return {"UNTIL": [datetime.combine(until, part.begins.time())]}
        limit = instant(until if until.tzinfo is not None else until.replace(tzinfo=zone))
        last = datetime.combine(limit.astimezone(zone).date(), part.begins.time(), zone)
        fits = instant(last) <= limit
        return {"UNTIL": [last.replace(tzinfo=None) - (timedelta() if fits else timedelta(seconds=1))]}
    return {}


def _check_revisions(parts: Sequence[Part], where: str) -> None:
    """Refuses two descriptions of the same: the library would drop one of them."""
    seen: set[tuple[datetime | None, int]] = set()
    for part in parts:
        changed = part.changes()
        key = (None if changed is None else instant(changed), part.sequence)
        if key in seen:
            what = "it is described twice" if changed is None else "two of its changes are of the same occurrence"
            raise wrong(where, what, "give each once, or with a SEQUENCE of its own", "UID")
        seen.add(key)


def _bound(part: Part) -> None:
    """Refuses an event that recurs without end, for too long, too often, or in a form that is obsolete."""
    event, where = part.event, part.where
    if "EXRULE" in event:
        raise wrong(where, "it recurs with exceptions by EXRULE, which is obsolete", "give EXDATE", "EXRULE")
    for value, _ in part.times("RECURRENCE-ID"):
        if value.params.get("RANGE", "THISANDFUTURE").upper() != "THISANDFUTURE":
            raise wrong(where, "a change has an obsolete RANGE", "give RANGE=THISANDFUTURE", "RECURRENCE-ID")
    for rule in listed(event, "RRULE"):
        if recurs_too_often(rule):
            fix = f"give FREQ as {', '.join(RARE_ENOUGH)}"
            raise wrong(where, "it recurs more than once a day (RRULE)", fix, "RRULE")
        if not advances(rule):
            raise wrong(where, "it recurs at an INTERVAL that is not positive (RRULE)", "give 1 or more", "RRULE")
        if "COUNT" not in rule and "UNTIL" not in rule:
            raise wrong(where, "it recurs without end (RRULE)", "give UNTIL or COUNT", "RRULE")
        if "COUNT" in rule and "UNTIL" in rule:
            raise wrong(where, "its RRULE has both UNTIL and COUNT", "give one of them", "RRULE")
        if rule.get("COUNT", [0])[0] > _MOST_OCCURRENCES:
            fix = f"give a COUNT of {_MOST_OCCURRENCES} at most"
            raise wrong(where, "it recurs too often (RRULE)", fix, "RRULE")
        for until in rule.get("UNTIL", []):
            # The limit of ten years need not be exact, so the zone of UNTIL does not matter.
            last = part.begins.date() + _LONGEST_SERIES
            if not isinstance(until, date) or date(until.year, until.month, until.day) > last:
                raise wrong(where, "it recurs for too long (RRULE)", f"give an UNTIL up to {last}", "RRULE")
