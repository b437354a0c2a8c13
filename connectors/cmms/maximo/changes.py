"""The rows that a poll has not given out yet, page by page."""

from collections.abc import Collection
from dataclasses import dataclass

from connectors.call import Call
from connectors.cmms.maximo.client import MaximoClient
from connectors.cmms.maximo.cursor import Cursor, instant, lower_bound
from connectors.cmms.maximo.models import UnreadableOrder, WorkOrderRow
from connectors.cmms.maximo.rows import OrderPage
from connectors.cmms.maximo.settings import MaximoSettings
from domain.errors import Refused
from domain.keys import CASE_PREFIX


@dataclass(frozen=True)
class Unseen:
    """Rows that were not given out yet in this version, and unreadable ones that were not reported yet."""

    rows: list[WorkOrderRow]
    unreadable: list[UnreadableOrder]


async def first_unseen(
    client: MaximoClient, call: Call, mark: Cursor, settings: MaximoSettings, fields: Collection[str]
) -> Unseen:
    """What is new on the first page that has anything new with a date, and all new rows without a date before it.

    A page already given out is passed by asking again from its last row: following `nextPage` by offset would
    skip a row whenever an order changes in between and moves to the end. It is followed only where a whole page
    shares its second, or has no date that can be read.
    """
    zone, start = settings.zone, mark.local_start(settings.overlap, settings.zone)
    page = await client.orders_changed(call, start, fields)
    followed: set[str] = set()
    undated: list[UnreadableOrder] = []
    while True:
        rows = mark.unseen((row for row in page.rows if (row.externalrefid or "").startswith(CASE_PREFIX)), zone)
        fresh = mark.unreported(row for row in page.unreadable if row.ours)
        undated += [row for row in fresh if row.date is None]
        dated = [row for row in fresh if row.date is not None]
        if rows or dated or page.is_empty or page.next_page is None:
            return Unseen(rows, dated + mark.unreported(undated))
        dates = [instant(date, zone) for date in page.dates]
        onward = lower_bound(max(dates), zone) if dates else None
        if onward is not None and (start is None or onward > start):
            start = onward
            page = await client.orders_changed(call, start, fields)
        else:
            page = await _follow(client, call, page, followed)


async def _follow(client: MaximoClient, call: Call, page: OrderPage, followed: set[str]) -> OrderPage:
    href = page.next_page or ""
    if href in followed:
        raise call.error(Refused, "unreadable reply: nextPage leads in a circle")
    followed.add(href)
    return await client.next_page(call, href)
