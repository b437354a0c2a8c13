"""The requests and orders that a poll has not given out yet.

Both have a watermark on `updatedAt`, which is one for both. A page that has further ones behind it counts only up to
its last date, so that the two lists are merged oldest first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from connectors.call import Call
from connectors.cmms.atlas.client import (
    ORDERS,
    REQUESTS,
    AtlasClient,
    AtlasFilter,
    AtlasKind,
    at_or_after,
    at_or_before,
)
from connectors.cmms.atlas.models import AtlasRequest
from connectors.cmms.atlas.rows import AtlasRecord, AtlasRecordReading
from connectors.rows import UnreadableRow
from connectors.watermark import Watermark, mark_of
from domain.keys import CASE_PREFIX

_RESOLUTION: Final = timedelta(milliseconds=1)
"""Of Atlas's dates."""

OURS = AtlasFilter("title", "cn", f"[{CASE_PREFIX}")
"""Records that have a key of ours in the title, or people's that look so."""


class AtlasCursor(Watermark):
    """The watermark of a poll of Atlas."""

    def unseen(self, rows: Iterable[AtlasRecord]) -> list[AtlasRecord]:
        """The rows not given out yet in this version."""
        return [row for row in rows if _fingerprint(row) not in self.seen]

    def advanced(
        self, given: Iterable[AtlasRecord], unreadable: Iterable[UnreadableRow], overlap: timedelta
    ) -> "AtlasCursor":
        """The cursor after these were given out. An unreadable row without a date moves no watermark."""
        dates: dict[str, datetime | None] = {_fingerprint(row): row.updatedAt.astimezone(UTC) for row in given}
        dates |= {row.mark: row.date for row in unreadable}
        return self.passed(dates, lambda watermark: watermark - overlap)


@dataclass(frozen=True)
class AtlasUnseen:
    """What was not given out yet."""

    passed: Sequence[AtlasRecord]
    unreadable: Sequence[UnreadableRow]

    @property
    def rows(self) -> list[AtlasRecord]:
        """What to give out: a request that became an order is represented by the order."""
        return [row for row in self.passed if not (isinstance(row, AtlasRequest) and row.workOrder is not None)]


@dataclass(frozen=True)
class _Fresh:
    rows: list[AtlasRecord]
    unreadable: list[UnreadableRow]
    until: datetime | None
    """Up to when the list is complete; None if it is so to its end."""


async def unseen(
    client: AtlasClient, call: Call, cursor: AtlasCursor, overlap: timedelta, reading: AtlasRecordReading
) -> AtlasUnseen:
    """What is new, oldest first: as much as a page of each list has."""
    lists = [await _fresh(client, call, cursor, overlap, reading, kind) for kind in (REQUESTS, ORDERS)]
    ends = [each.until for each in lists if each.until is not None]
    until = min(ends, default=None)
    rows = [row for each in lists for row in each.rows if until is None or row.updatedAt <= until]
    rows.sort(key=lambda row: (row.updatedAt, isinstance(row, AtlasRequest), row.id))
    unreadable = [
        row for each in lists for row in each.unreadable if until is None or row.date is None or row.date <= until
    ]
    return AtlasUnseen(rows, unreadable)


async def _fresh(
    client: AtlasClient,
    call: Call,
    cursor: AtlasCursor,
    overlap: timedelta,
    reading: AtlasRecordReading,
    kind: AtlasKind,
) -> _Fresh:
    """The first page that has anything new with a date.

    A page that was given out already is passed by asking again from its last date: by its number, a row would be
    skipped whenever another one changes in between and moves to the end. The number counts only if no date of a page
    can be read. A page that has one date only does not show all rows of this date, because Atlas sorts equal dates
    anew for each page: they are listed by their ids, before it is asked from the next date on.
    """
    start, until, number = cursor.start(overlap), None, 0
    undated: list[UnreadableRow] = []
    while True:
        filters = [OURS]
        filters += [at_or_after("updatedAt", start)] if start is not None else []
        filters += [at_or_before("updatedAt", until)] if until is not None else []
        page = await client.search(call, kind, filters, "updatedAt" if until is None else "id", number)
        rows, bad = reading.each(kind, page.content)
        fresh, unreported = cursor.unseen(rows), cursor.unreported(bad)
        undated += [row for row in unreported if row.date is None]
        dated = [row for row in unreported if row.date is not None]
        onward = max(
            [*(row.updatedAt for row in rows), *(row.date for row in bad if row.date is not None)], default=None
        )
        ended = page.last or not page.content
        if fresh or dated or (ended and until is None):
            return _Fresh(fresh, dated + cursor.unreported(undated), None if ended and until is None else onward)
        if until is not None:
            start, until, number = (until + _RESOLUTION, None, 0) if ended else (start, until, number + 1)
        elif onward is None:
            number += 1
        elif start is None or onward > start:
            start, number = onward, 0
        else:
            start, until, number = onward, onward, 0


def _fingerprint(row: AtlasRecord) -> str:
    kind = REQUESTS if isinstance(row, AtlasRequest) else ORDERS
    return mark_of(f"{kind}/{row.id}/{row.updatedAt.isoformat()}")
