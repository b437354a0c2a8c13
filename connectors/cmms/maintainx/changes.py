"""The orders that a poll has not given out yet, by a watermark on `updatedAt`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.call import Call
from connectors.cmms.maintainx.client import MaintainXClient
from connectors.cmms.maintainx.models import MaintainXListed
from connectors.cmms.maintainx.rows import MaintainXOrderReading
from connectors.cmms.maintainx.texts import TAG_BEGINS
from connectors.rows import UnreadableRow
from connectors.text import moment_text
from connectors.watermark import Watermark, mark_of
from domain.errors import Refused

MaintainXRow = MaintainXListed | UnreadableRow
"""A row of a list, read or not."""


@dataclass(frozen=True)
class MaintainXUnseen:
    """What was not given out yet, oldest first."""

    rows: Sequence[MaintainXListed]
    unreadable: Sequence[UnreadableRow]


class MaintainXCursor(Watermark):
    """The watermark of a poll of MaintainX."""

    def unseen(self, rows: Iterable[MaintainXRow]) -> dict[str, MaintainXRow]:
        """The rows not given out yet in this version, by their marks."""
        marked = {_mark(row): row for row in rows}
        return {mark: row for mark, row in marked.items() if mark not in self.seen}

    def advanced(self, given: MaintainXUnseen, overlap: timedelta) -> "MaintainXCursor":
        """The cursor after these were given out. An unreadable row without a date moves no watermark."""
        rows: list[MaintainXRow] = [*given.rows, *given.unreadable]
        dates = {_mark(row): _date(row) for row in rows}
        return self.passed(dates, lambda watermark: watermark - overlap)


async def unseen(
    client: MaintainXClient,
    call: Call,
    cursor: MaintainXCursor,
    overlap: timedelta,
    size: int,
    reading: MaintainXOrderReading,
) -> MaintainXUnseen:
    """What is new, at most `size` orders.

    A list that was given out already is passed by asking again from its last date: by the vendor's cursor, a row could
    be skipped whenever another one changes in between and moves to the end. The vendor's cursor is followed to its end
    where dates do not rise: all rows have one date, or the list is in another order than was asked for.

    Raises:
        Refused: the pages do not end.
    """
    start, place = cursor.start(overlap), None
    fresh: dict[str, MaintainXRow] = {}
    dates: list[datetime] = []
    places: set[str] = set()
    while True:
        filters = {"title": TAG_BEGINS, "sort": "updatedAt"}
        if start is not None:
            filters["updatedAt[gte]"] = moment_text(start)
        page = await client.page(call, filters, cursor=place)
        rows = reading.listed(page.workOrders)
        fresh |= cursor.unseen(rows)
        dates += [date for date in map(_date, rows) if date is not None]
        rising = len(dates) > 1 and dates[0] < dates[-1] and dates == sorted(dates)
        if page.nextCursor is None:
            return _oldest(fresh.values(), None, size)
        if rising and any(_date(row) is not None for row in fresh.values()):
            return _oldest(fresh.values(), dates[-1], size)
        if rising:
            start, place, dates = dates[-1], None, []
            continue
        if page.nextCursor in places:
            raise call.error(Refused, "its list of work orders does not end: it gives one cursor twice")
        place = page.nextCursor
        places.add(place)


def _oldest(rows: Iterable[MaintainXRow], until: datetime | None, size: int) -> MaintainXUnseen:
    """The first rows by their dates.

    Args:
        until: up to when they are complete; None if they are so to the end.
    """
    dated = sorted(((date, row) for row in rows if (date := _date(row)) is not None), key=lambda each: each[0])
    given = [row for date, row in dated if until is None or date <= until][:size]
    given += [row for row in rows if _date(row) is None]
    return MaintainXUnseen(
        [row for row in given if isinstance(row, MaintainXListed)],
        [row for row in given if isinstance(row, UnreadableRow)],
    )


def _date(row: MaintainXRow) -> datetime | None:
    return row.updatedAt.astimezone(UTC) if isinstance(row, MaintainXListed) else row.date


def _mark(row: MaintainXRow) -> str:
    return mark_of(row.version) if isinstance(row, MaintainXListed) else row.mark
