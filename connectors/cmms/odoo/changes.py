"""The requests that a poll has not given out yet, page by page.

Odoo compares `write_date` with parts of seconds and shows whole ones, and it stamps a change with the time at which its
transaction began. So each poll begins some time before the watermark, and what was given out there is remembered by its
content.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.call import Call
from connectors.cmms.odoo.client import OdooMaintenanceClient
from connectors.cmms.odoo.models import MaintenanceRequest
from connectors.rows import UnreadableRow
from connectors.text import digest_of
from connectors.watermark import Watermark

_MARK_LENGTH = 12


@dataclass(frozen=True)
class UnseenRequests:
    """Requests that were not given out yet in this version, and unreadable ones that were not reported yet."""

    requests: tuple[MaintenanceRequest, ...]
    unreadable: tuple[UnreadableRow, ...]


async def first_unseen(
    client: OdooMaintenanceClient, call: Call, mark: Watermark, overlap: timedelta, page_size: int
) -> UnseenRequests:
    """What is new on the first page that has anything new.

    A page already given out is passed by asking again from its last change: following pages by their place would skip a
    request whenever another changes in between and moves to the end. That is done only where a whole page has changed
    in one second.
    """
    start, offset = mark.start(overlap), 0
    while True:
        page = await client.changed(call, start, offset)
        requests = {_mark(request): request for request in page.requests}
        fresh = UnseenRequests(
            tuple(
                sorted(
                    (request for key, request in requests.items() if key not in mark.seen),
                    key=lambda request: (request.write_date, request.id),
                )
            ),
            tuple(mark.unreported(page.unreadable)),
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
    given_out: dict[str, datetime | None] = {_mark(request): request.write_date for request in given.requests}
    given_out |= {row.mark: row.date for row in given.unreadable}
    return mark.passed(given_out, lambda watermark: watermark - overlap)


def _mark(request: MaintenanceRequest) -> str:
    return digest_of(request.model_dump_json(), _MARK_LENGTH)
