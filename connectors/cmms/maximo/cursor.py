"""How far the poll has read: a watermark on `statusdate` and what was already given out near it.

Maximo filters by local time without an offset, keeps fractions of seconds, and stamps a change before it commits. So
the watermark is rounded up to the second, every question begins `overlap` before it (earlier still where the site's
clocks change), and what was given out in that stretch is remembered: nothing is missed, and a poll comes to an end.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError

from connectors.cmms.maximo.models import UnreadableRow, WorkOrderRow
from domain.model import Moment

_NEAR_A_CLOCK_CHANGE = timedelta(hours=3)

_UNDATED: Final = 2**53
"""The second under which an unreadable row without a date is remembered: it may be in any answer. Builds that know no
unreadable rows keep it too."""
_MOST_UNDATED: Final = 1000
"""How many such rows are remembered. More of them are reported at every poll, which storage counts as one each."""


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


def _rounded_up(moment: datetime) -> datetime:
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)


def _fingerprint(row: WorkOrderRow) -> str:
    version = f"{row.siteid}/{row.wonum}/{row.statusdate.isoformat()}/{row.internal_status}/{row.rowstamp}"
    return hashlib.sha256(version.encode()).hexdigest()[:12]


def _mark(row: UnreadableRow) -> str:
    return row.report.digest[:12]


class Cursor(BaseModel):
    """Where a poll stands. Its text is opaque to everybody else.

    `seen` holds the fingerprint and the second of every version given out that may be asked for again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    watermark: Moment | None = None
    seen: dict[str, int] = {}

    @classmethod
    def parse(cls, text: str | None) -> "Cursor":
        """The cursor of a text that `text` gave.

        Raises:
            ValueError: it is not one of ours.
        """
        if text is None:
            return cls()
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            raise ValueError("the cursor is not one that this connector gave out") from None

    def text(self) -> str:
        return self.model_dump_json()

    def start(self, overlap: timedelta, zone: ZoneInfo) -> datetime | None:
        """From when to ask; None asks from the beginning."""
        return None if self.watermark is None else lower_bound(self.watermark - overlap, zone)

    def unseen(self, rows: Iterable[WorkOrderRow], zone: ZoneInfo) -> list[WorkOrderRow]:
        """The rows not given out yet in this version, each once, oldest first."""
        fresh = {mark: row for row in rows if (mark := _fingerprint(row)) not in self.seen}
        return sorted(fresh.values(), key=lambda row: (instant(row.statusdate, zone), row.siteid, row.wonum))

    def unreported(self, rows: Iterable[UnreadableRow]) -> list[UnreadableRow]:
        """The unreadable rows not reported yet with this content, each once."""
        return list({mark: row for row in rows if (mark := _mark(row)) not in self.seen}.values())

    def advanced(
        self,
        given: Iterable[WorkOrderRow],
        overlap: timedelta,
        zone: ZoneInfo,
        unreadable: Iterable[UnreadableRow] = (),
    ) -> "Cursor":
        """The cursor after these rows were given out. An unreadable row without a date moves no watermark."""
        reported = {_mark(row): row.statusdate for row in unreadable}
        dates = {_fingerprint(row): instant(row.statusdate, zone) for row in given}
        dates |= {mark: instant(date, zone) for mark, date in reported.items() if date is not None}
        undated = {mark for mark, date in reported.items() if date is None}
        undated |= {mark for mark, second in self.seen.items() if second == _UNDATED}
        after = self._moved(dates, overlap, zone)
        dated = {mark: second for mark, second in after.seen.items() if second != _UNDATED}
        # In order, so that the text of the cursor is the same after a poll that brought nothing new.
        return Cursor(watermark=after.watermark, seen=dated | dict.fromkeys(sorted(undated)[:_MOST_UNDATED], _UNDATED))

    def _moved(self, dates: Mapping[str, datetime], overlap: timedelta, zone: ZoneInfo) -> "Cursor":
        if not dates:
            return self
        latest = _rounded_up(max(dates.values()))
        watermark = latest if self.watermark is None else max(self.watermark, latest)
        moved = Cursor(watermark=watermark)
        floor = moved.start(overlap, zone) or watermark
        kept = {mark: second for mark, second in self.seen.items() if second >= int(floor.timestamp())}
        fresh = {mark: int(date.timestamp()) for mark, date in dates.items()}
        return Cursor(watermark=watermark, seen=kept | fresh)
