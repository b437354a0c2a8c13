"""Shift calendars: whether an instant is within named hours, in the plant's local time.

Pure, except for the time-zone database: if a time zone's rules change, the hours change with them.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from policies.language.schema import Calendar, Hours

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)


def within(calendar: Calendar, at: datetime) -> bool:
    """Whether an instant is in one of a calendar's hours. Total: an instant without a local time is in none."""
    try:
        local = at.astimezone(ZoneInfo(calendar.zone))
        return any(_covers(calendar, hours, local) for hours in calendar.hours)
    except OverflowError:
        return False


def _covers(calendar: Calendar, hours: Hours, local: datetime) -> bool:
    if hours.start is None or hours.end is None:
        return _begins(calendar, hours, local)
    clock = local.time()
    if hours.start < hours.end:
        return hours.start <= clock < hours.end and _begins(calendar, hours, local)
    if clock >= hours.start:
        return _begins(calendar, hours, local)
    return clock < hours.end and _begins(calendar, hours, local - _DAY)


def _begins(calendar: Calendar, hours: Hours, day: datetime) -> bool:
    return _DAYS[day.weekday()] in hours.days and day.date() not in calendar.except_
