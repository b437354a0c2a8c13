"""How far the poll has read: a watermark on `statusdate` and what was already given out near it.

Maximo filters by local time without an offset. So every question begins earlier still where the site's clocks change.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.cmms.maximo.models import UnreadableOrder, WorkOrderRow
from connectors.watermark import Watermark, mark_of

_NEAR_A_CLOCK_CHANGE = timedelta(hours=3)


def instant(moment: datetime, zone: ZoneInfo) -> datetime:
    """A date of Maximo's as an instant; one without an offset is the site's local time."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def lower_bound(moment: datetime, zone: ZoneInfo) -> datetime:
    """The whole second from which to ask so that nothing from `moment` on is missed.

    Where the site's clocks change nearby, local times come twice or are read as the other of two: twice the step
    earlier is safe whichever way Maximo reads them.
    """
    before = (moment - _NEAR_A_CLOCK_CHANGE).astimezone(zone).utcoffset() or timedelta()
    after = (moment + _NEAR_A_CLOCK_CHANGE).astimezone(zone).utcoffset() or timedelta()
    return (moment - 2 * abs(after - before)).replace(microsecond=0)


def local_text(moment: datetime, zone: ZoneInfo) -> str:
    """An instant as Maximo's filters want it: local, without an offset."""
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


def _fingerprint(row: WorkOrderRow) -> str:
    version = f"{row.siteid}/{row.wonum}/{row.statusdate.isoformat()}/{row.internal_status}/{row.rowstamp}"
    return mark_of(version)


class Cursor(Watermark):
    """The watermark of a poll of Maximo."""

    def local_start(self, overlap: timedelta, zone: ZoneInfo) -> datetime | None:
        """From when to ask; None asks from the beginning."""
        return None if self.watermark is None else lower_bound(self.watermark - overlap, zone)

    def unseen(self, rows: Iterable[WorkOrderRow], zone: ZoneInfo) -> list[WorkOrderRow]:
        """The rows not given out yet in this version, each once, oldest first."""
        fresh = {mark: row for row in rows if (mark := _fingerprint(row)) not in self.seen}
        return sorted(fresh.values(), key=lambda row: (instant(row.statusdate, zone), row.siteid, row.wonum))

    def advanced(
        self,
        given: Iterable[WorkOrderRow],
        overlap: timedelta,
        zone: ZoneInfo,
        unreadable: Iterable[UnreadableOrder] = (),
    ) -> "Cursor":
        """The cursor after these rows were given out. An unreadable row without a date moves no watermark."""
        given_out: dict[str, datetime | None] = {_fingerprint(row): instant(row.statusdate, zone) for row in given}
        given_out |= {row.mark: None if row.date is None else instant(row.date, zone) for row in unreadable}
        return self.passed(given_out, lambda watermark: lower_bound(watermark - overlap, zone))
