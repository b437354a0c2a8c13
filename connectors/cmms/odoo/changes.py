"""The requests that a poll has not given out yet, page by page.

Odoo compares `write_date` with parts of seconds and shows whole ones, and it stamps a change with the time at which its
transaction began. So each poll begins some time before the watermark, and what was given out there is remembered by its
content.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.call import Call
from connectors.cmms.odoo.client import OdooMaintenanceClient
from connectors.cmms.odoo.models import MaintenanceRequest
from connectors.cmms.odoo.rows import UnreadableRequest
from connectors.text import digest_of
from connectors.watermark import Watermark

_MARK_LENGTH = 12


@dataclass(frozen=True)
class UnseenRequests:
    """Requests that were not given out yet in this version, and unreadable ones that were not reported yet."""

    requests: tuple[MaintenanceRequest, ...]
    unreadable: tuple[UnreadableRequest, ...]


async def first_unseen(
    client: OdooMaintenanceClient, call: Call, mark: Watermark, overlap: timedelta, page_size: int
) -> UnseenRequests:
    """What is new on the first page that has anything new.

    A page already given out is passed by asking again from its last change: following pages by their place would skip a
    request whenever another changes in between and moves to the end. That is done only where a whole page has changed
    in one second.
    """
    start = None if mark.watermark is None else mark.watermark - overlap
    offset = 0
    while True:
        page = await client.changed(call, start, offset)
        requests = {_mark(request): request for request in page.requests}
        unreadable = {row.report.digest[:_MARK_LENGTH]: row for row in page.unreadable}
        fresh = UnseenRequests(
            tuple(
                sorted(
                    (request for key, request in requests.items() if key not in mark.seen),
                    key=lambda request: (request.write_date, request.id),
                )
            ),
            tuple(row for key, row in unreadable.items() if key not in mark.seen),
        )
        if fresh.requests or fresh.unreadable or page.size < page_size:
            return fresh
        latest = page.latest
        if latest is not None and (start is None or latest > start):
            start, offset = latest, 0
        else:
            offset += page.size


def after(mark: Watermark, given: UnseenRequests, overlap: timedelta) -> Watermark:
    """The watermark after these were given out."""
    return mark.passed({**_dates(given.requests), **_dates_of_unreadable(given.unreadable)}, lambda at: at - overlap)


def _mark(request: MaintenanceRequest) -> str:
    return digest_of(request.model_dump_json(), _MARK_LENGTH)


def _dates(requests: Iterable[MaintenanceRequest]) -> dict[str, datetime | None]:
    return {_mark(request): request.write_date for request in requests}


def _dates_of_unreadable(rows: Iterable[UnreadableRequest]) -> dict[str, datetime | None]:
    return {row.report.digest[:_MARK_LENGTH]: row.write_date for row in rows}
