"""How far the poll has read: one watermark on `LastChangeDateTime` of notifications and of orders.

SAP keeps the stamp in whole seconds of UTC, and stamps a change before it commits it. So every question begins
`overlap` before the watermark, and what was given out in that stretch is remembered.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from connectors.cmms.sap_pm.mapping import SapPmWork
from connectors.cmms.sap_pm.models import SapPmUnreadableRow
from connectors.watermark import Watermark, mark_of


def _fingerprint(work: SapPmWork) -> str:
    # Without the ETag, which an unchanged record need not keep.
    records = [record for record in (work.notification, work.order) if record is not None]
    version = "\x1f".join(record.model_dump_json(exclude={"metadata"}) for record in records)
    return mark_of(version)


class SapPmCursor(Watermark):
    """The watermark of a poll of SAP."""

    def unseen(self, works: Iterable[SapPmWork]) -> list[SapPmWork]:
        """Those not given out yet in this version, oldest first."""
        fresh = [work for work in works if _fingerprint(work) not in self.seen]
        return sorted(fresh, key=lambda work: (work.changed_at, work.notification.number))

    def behind(self, passed: datetime) -> "SapPmCursor":
        """The cursor after all changes before a time were read."""
        latest = passed if self.watermark is None else max(self.watermark, passed)
        return SapPmCursor(watermark=latest, seen=self.seen)

    def advanced(
        self, given: Iterable[SapPmWork], overlap: timedelta, unreadable: Iterable[SapPmUnreadableRow]
    ) -> "SapPmCursor":
        """The cursor after these were given out. An unreadable row without a date moves no watermark."""
        given_out: dict[str, datetime | None] = {_fingerprint(work): work.changed_at for work in given}
        given_out |= {row.mark: row.date for row in unreadable}
        return self.passed(given_out, lambda watermark: watermark - overlap)
