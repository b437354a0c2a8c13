"""The orders that a poll has not given out yet, page by page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from connectors.call import Call
from connectors.cmms.rest.client import RestClient
from connectors.cmms.rest.expressions import moment_text
from connectors.cmms.rest.mapping import RestRow
from connectors.cmms.rest.models import UnreadableRestOrder
from connectors.cmms.rest.requests import RestListing
from connectors.cmms.rest.rows import RestRowReading
from connectors.rows import UnreadableRow
from connectors.watermark import Watermark, mark_of
from domain.errors import ActionRequired, Refused

_MOST_PAGES: Final = 1000


class RestCursor(Watermark):
    """The watermark of a poll."""

    def unseen(self, rows: Iterable[RestRow]) -> list[RestRow]:
        """The rows not given out yet in this version."""
        return [row for row in rows if mark_of(row.version) not in self.seen]

    def advanced(
        self, given: Iterable[RestRow], unreadable: Iterable[UnreadableRow], overlap: timedelta
    ) -> "RestCursor":
        """The cursor after these were given out. An unreadable row without a date moves no watermark."""
        dates = {mark_of(row.version): row.changed_at for row in given}
        return self.passed(dates | {row.mark: row.date for row in unreadable}, lambda watermark: watermark - overlap)


@dataclass(frozen=True)
class RestUnseen:
    """Orders that were not given out yet in this version, and unreadable ones that were not reported yet."""

    rows: Sequence[RestRow]
    unreadable: Sequence[UnreadableRestOrder]


async def unseen(
    client: RestClient,
    call: Call,
    listing: RestListing,
    cursor: RestCursor,
    overlap: timedelta,
    reading: RestRowReading,
) -> RestUnseen:
    """What is new on the first page that has anything new with a date, oldest first.

    A page that was given out already is passed by asking again from its last date: by the link to the next page, a row
    would be skipped whenever another one changes in between and moves to the end. The link counts only if a whole page
    has one date, or none that can be read.
    """
    start = cursor.start(overlap)
    page = await client.page(call, listing, {"since": moment_text(start, reading.zone)})
    undated: list[UnreadableRestOrder] = []
    for _ in range(_MOST_PAGES):
        rows, unreadable = reading.each(page.rows)
        dates = [row.changed_at for row in rows]
        if page.onward is not None and dates != sorted(dates):
            # The watermark would pass what stands on the pages behind.
            raise call.error(
                ActionRequired,
                "the list of changed orders does not come by rising time of change; have `changes` ask for that order",
                field="changes",
            )
        fresh = cursor.unseen(row for row in rows if row.keys)
        reports = cursor.unreported(row for row in unreadable if row.ours)
        undated += [row for row in reports if row.date is None]
        dated = [row for row in reports if row.date is not None]
        if fresh or dated or page.onward is None:
            fresh.sort(key=lambda row: (row.changed_at, row.id))
            return RestUnseen(fresh, dated + cursor.unreported(undated))
        dates += [row.date for row in unreadable if row.date is not None]
        onward = max(dates, default=None)
        if onward is not None and (start is None or onward > start):
            start = onward
            page = await client.page(call, listing, {"since": moment_text(start, reading.zone)})
        else:
            page = await client.next_page(call, listing, page)
    raise call.error(Refused, "unreadable reply: the pages of changed orders do not end")
