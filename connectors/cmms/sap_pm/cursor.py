"""How far the poll has read: one watermark on `LastChangeDateTime` of notifications and of orders.

SAP keeps the stamp in whole seconds of UTC, and stamps a change before it commits it. So every question begins
`overlap` before the watermark, and what was given out in that stretch is remembered.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from connectors.cmms.sap_pm.mapping import SapPmWork
from connectors.cmms.sap_pm.models import SapPmUnreadableRow
from connectors.watermark import Watermark


def _fingerprint(work: SapPmWork) -> str:
    # Without the ETag, which an unchanged record need not keep.
    records = [record for record in (work.notification, work.order) if record is not None]
    version = "\x1f".join(record.model_dump_json(exclude={"metadata"}) for record in records)
    return hashlib.sha256(version.encode()).hexdigest()[:12]


def _mark(row: SapPmUnreadableRow) -> str:
    return row.report.digest[:12]


class SapPmCursor(Watermark):
    """The watermark of a poll of SAP."""

    def start(self, overlap: timedelta) -> datetime | None:
        """From when to ask; None asks from the beginning."""
        return None if self.watermark is None else self.watermark - overlap

    def unseen(self, works: Iterable[SapPmWork]) -> list[SapPmWork]:
        """Those not given out yet in this version, oldest first."""
        fresh = [work for work in works if _fingerprint(work) not in self.seen]
        return sorted(fresh, key=lambda work: (work.changed_at, work.notification.number))

    def unreported(self, rows: Iterable[SapPmUnreadableRow]) -> list[SapPmUnreadableRow]:
        """The unreadable rows not reported yet with this content, each once."""
        return list({mark: row for row in rows if (mark := _mark(row)) not in self.seen}.values())

    def behind(self, passed: datetime) -> "SapPmCursor":
        """The cursor after all changes before a time were read."""
        latest = passed if self.watermark is None else max(self.watermark, passed)
        return SapPmCursor(watermark=latest, seen=self.seen)

    def advanced(
        self, given: Iterable[SapPmWork], overlap: timedelta, unreadable: Iterable[SapPmUnreadableRow]
    ) -> "SapPmCursor":
        """The cursor after these were given out. An unreadable row without a date moves no watermark."""
        given_out: dict[str, datetime | None] = {_fingerprint(work): work.changed_at for work in given}
        given_out |= {_mark(row): row.stamp for row in unreadable}
        return self.passed(given_out, lambda watermark: watermark - overlap)
