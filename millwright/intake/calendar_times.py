"""The times of an iCalendar (RFC 5545): their zones, lengths, and the local times that clocks skip or repeat."""

import re
import warnings
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final, Self

from icalendar import Calendar, Component, Timezone, TypesFactory, vDDDLists, vDDDTypes
from icalendar.error import GloballyUniqueTZIDGuessed
from icalendar.timezone import tzp
from icalendar.timezone.zoneinfo import ZONEINFO

from millwright.intake.calendar_entries import wrong

RARE_ENOUGH: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_WITHIN_A_DAY: Final = ("BYHOUR", "BYMINUTE", "BYSECOND")
_OF_A_CLOCK: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYDAY", "BYMONTHDAY"})
_DAYS_OF_A_WEEK: Final = 7
_LONGEST_ZONE: Final = 32_768
_DAY: Final = timedelta(days=1)
_DAYS: Final = re.compile(r"(\d+)([WD])")


class Length(timedelta):
    """The length of an event.

    RFC 5545 adds days and weeks of a DURATION to the local time, and hours, minutes and seconds to the instant (3.3.6).
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
        if not self.days_on_wall:
            return instant(begins) + self
        return instant(begins + self.days_on_wall) + (self - self.days_on_wall)


def instant(wall: datetime) -> datetime:
    """The instant of a local time, in UTC.

    A time that clocks skip is read with the offset before the change, and of a time that clocks repeat the first counts
    (RFC 5545, 3.3.5). A zone of the database gives that by itself; one that a VTIMEZONE describes has the offset after
    the change.
    """
    if not _skipped(wall):
        return wall.astimezone(UTC)
    before = (wall - _DAY).utcoffset()
    return (wall.replace(tzinfo=None) - (before or timedelta())).replace(tzinfo=UTC)


def oddness(wall: datetime) -> str | None:
    """The words for a local time that clocks skip or repeat, and how it is read; None for all others."""
    if _skipped(wall):
        return "does not exist, because clocks go forward, and is read with the offset before"
    if wall.fold == 0 and wall.utcoffset() != wall.replace(fold=1).utcoffset():
        return "occurs twice, because clocks go back, and is read as the first of the two"
    return None


def _skipped(wall: datetime) -> bool:
    if wall.utcoffset() == wall.replace(fold=1 - wall.fold).utcoffset() == (wall - _DAY).utcoffset():
        # Clocks do not change here: a zone of a VTIMEZONE is slow to convert back.
        return False
    back = wall.astimezone(UTC).astimezone(wall.tzinfo)
    return back.replace(tzinfo=None) != wall.replace(tzinfo=None)


def _is_of_a_clock(rule: dict[str, Any]) -> bool:
    """If a rule of a VTIMEZONE gives a few days a year. The library counts them from the first year for each time."""
    by_day = "BYDAY" in rule or "BYMONTHDAY" in rule
    return (
        rule.get("FREQ") == ["YEARLY"]
        and advances(rule)
        and set(rule) <= _OF_A_CLOCK
        and len(rule.get("BYMONTH", ())) == by_day
        and len(rule.get("BYDAY", ())) <= 1
        and len(rule.get("BYMONTHDAY", ())) <= _DAYS_OF_A_WEEK
    )


def recurs_too_often(rule: dict[str, Any]) -> bool:
    """If a rule may give more than one time a day."""
    return rule.get("FREQ", [""])[0] not in RARE_ENOUGH or any(part in rule for part in _WITHIN_A_DAY)


def advances(rule: dict[str, Any]) -> bool:
    """If the INTERVAL of a rule is positive, as RFC 5545, 3.3.10, asks for. The library does not check it."""
    return all(isinstance(interval, int) and interval > 0 for interval in rule.get("INTERVAL", ()))


class Undescribed(tzinfo):
    """A zone whose VTIMEZONE cannot be used. It refuses the events that use it, not the calendar."""

    def __init__(self, problem: str) -> None:
        self.problem = problem

    def utcoffset(self, dt: datetime | None) -> None:
        """There is none."""

    def dst(self, dt: datetime | None) -> None:
        """There is none."""

    def tzname(self, dt: datetime | None) -> None:
        """There is none."""


class Zones(ZONEINFO):
    """Finds zones for the library: by IANA and Windows name, or as a VTIMEZONE describes them."""

    def timezone(self, name: str) -> tzinfo | None:
        """See `ZONEINFO.timezone`."""
        try:
            return super().timezone(name)
        except OSError:
            # The name of a folder of the database: `Europe`.
            return None

    def create_timezone(self, tz: Timezone) -> tzinfo:  # type: ignore[override]
        """See `ZONEINFO.create_timezone`."""
        if not all(_is_of_a_clock(rule) for part in tz.subcomponents for rule in listed(part, "RRULE")):
            return Undescribed("its clocks change too often")
        if len(tz.to_ical()) > _LONGEST_ZONE:
            return Undescribed(f"it is longer than {_LONGEST_ZONE} bytes")
        names = [part.name for part in tz.subcomponents]
        if len(names) > 1 and "STANDARD" not in names:
            return Undescribed("it has no STANDARD")
        try:
            return super().create_timezone(tz)
        except ValueError as error:
            return Undescribed(str(error))


class _Time(vDDDTypes):
    """A time, length or period of an iCalendar, read like the library with two differences.

    A time that ends in Z is in UTC whatever its TZID says, and a length keeps its days apart.
    """

    @classmethod
    def from_ical(cls, ical: str, timezone: str | None = None) -> Any:
        """See `vDDDTypes.from_ical`."""
        begins, slash, ends = ical.partition("/")
        if slash:
            return cls.from_ical(begins, timezone), cls.from_ical(ends, timezone)
        read = super().from_ical(ical, None if ical.endswith("Z") else timezone)  # type: ignore[no-untyped-call]
        if not isinstance(read, timedelta):
            return read
        days = sum(int(count) * (7 if unit == "W" else 1) for count, unit in _DAYS.findall(ical.upper()))
        return Length.of(read, timedelta(days))


class _Times(vDDDLists):
    @staticmethod
    def from_ical(ical: str, timezone: str | None = None) -> list[Any]:
        return [_Time.from_ical(each, timezone) for each in ical.split(",")]


class _Types(TypesFactory):
    def __init__(self) -> None:
        super().__init__()
        for name in ("date", "date-time", "duration"):
            self[name] = _Time
        self["date-time-list"] = _Times


class _Calendar(Calendar):
    types_factory = _Types()


def parse(text: str) -> list[Calendar]:
    """The calendars in a text. What an earlier text said of a zone does not count in this one.

    Raises:
        ValueError: it is no iCalendar.
    """
    tzp.use(Zones())
    with warnings.catch_warnings():
        # A TZID such as /mozilla.org/20050126_1/Europe/Berlin: the guess is meant.
        warnings.simplefilter("ignore", GloballyUniqueTZIDGuessed)
        try:
            return _Calendar.from_ical(text, multiple=True)
        except (AttributeError, LookupError, TypeError) as error:
            # The library raises these for components that it does not know, where others say what a zone is.
            raise ValueError(str(error)) from error


def zone_of(name: str) -> tzinfo | None:
    """A zone by its name, or None; also one that a calendar of the last text describes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GloballyUniqueTZIDGuessed)
        found = tzp.timezone(name)
    return None if isinstance(found, Undescribed) else found


def listed(component: Component, key: str) -> list[Any]:
    """The values of a property that may occur more than once."""
    found: Any = component.get(key, [])
    return found if isinstance(found, list) else [found]


def is_date(value: Any, at: object) -> bool:
    """If a time of a property is a date without a time of day."""
    return value.params.get("VALUE", "").upper() == "DATE" or (isinstance(at, date) and not isinstance(at, datetime))


def wall_time(value: Any, at: object, key: str, where: str, zone: tzinfo | None) -> datetime:
    """A time of an event in its own zone; for a date, its midnight.

    Args:
        value: the property.
        at: its time, or one of its times.
        key: the name of the property.
        where: the place of the event, for the error.
        zone: the zone of a time that names none.

    Raises:
        Rejected: it is no time, or its zone is not known.
    """
    if not isinstance(at, date):
        raise wrong(where, f"{key} is no time", "write it as 20260131T120000Z", key)
    found = at if isinstance(at, datetime) else datetime(at.year, at.month, at.day)  # noqa: DTZ001 - its zone follows
    if isinstance(found.tzinfo, Undescribed):
        problem = f"time zone {value.params.get('TZID')!r} has a VTIMEZONE that cannot be used ({found.tzinfo.problem})"
        raise wrong(where, problem, "use an IANA name: Europe/Berlin", key)
    if found.tzinfo is not None:
        return found
    if value.params.get("TZID") is not None:
        problem = f"time zone {value.params['TZID']!r} is unknown"
        raise wrong(where, problem, "use an IANA name: Europe/Berlin", key)
    if zone is None:
        fix = "give TZID, or a time in UTC that ends in Z, or import it with --zone"
        raise wrong(where, f"{key} has no time zone", fix, key)
    return found.replace(tzinfo=zone)
