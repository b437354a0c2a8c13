"""The rows of a page, read one by one: an unreadable row is set aside with its reason, and the others are taken."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from connectors.cmms.maximo.cursor import instant
from connectors.cmms.maximo.models import MaximoDate, UnreadableOrder, WorkOrderRow
from connectors.rows import RecordReading, field_and_reason, name_in
from domain.keys import CASE_PREFIX

_DATE: TypeAdapter[datetime] = TypeAdapter(MaximoDate)
_NAMES = ("wonum", "externalrefid", "href")
"""By what an unreadable row is named: the first that can be read."""


@dataclass(frozen=True)
class OrderPage:
    """A page of orders, read."""

    rows: tuple[WorkOrderRow, ...]
    unreadable: tuple[UnreadableOrder, ...]
    next_page: str | None

    @property
    def is_empty(self) -> bool:
        return not self.rows and not self.unreadable

    @property
    def dates(self) -> list[datetime]:
        """The status dates of its rows, as far as they can be read."""
        of_unreadable = [row.date for row in self.unreadable if row.date is not None]
        return [row.statusdate for row in self.rows] + of_unreadable


@dataclass(frozen=True)
class RowReading(RecordReading):
    """How the orders of one answer are read.

    Args:
        zone: the time zone of the site, in which its dates without an offset are.
    """

    zone: ZoneInfo

    def page(self, members: Sequence[object], next_page: str | None) -> OrderPage:
        """The rows of a page. If rows with one number have different keys, none of them is believed."""
        rows: list[tuple[WorkOrderRow, object]] = []
        unreadable: list[UnreadableOrder] = []
        keys: defaultdict[tuple[str, str], set[str | None]] = defaultdict(set)
        for place, content in enumerate(members, start=1):
            read = self.row(content, place)
            if isinstance(read, UnreadableOrder):
                unreadable.append(read)
            else:
                rows.append((read, content))
                keys[read.siteid, read.wonum].add(read.externalrefid)
        unique = [(row, content) for row, content in rows if len(keys[row.siteid, row.wonum]) == 1]
        contradicting = [(row, content) for row, content in rows if len(keys[row.siteid, row.wonum]) > 1]
        unreadable += [
            self.set_aside(content, row.wonum, "wonum", "is on several rows with different keys", row.statusdate)
            for row, content in contradicting
        ]
        return OrderPage(tuple(row for row, _ in unique), tuple(unreadable), next_page)

    def row(self, content: object, place: int = 1) -> WorkOrderRow | UnreadableOrder:
        """One row, or why it cannot be read."""
        date = self._date(content)
        try:
            row = WorkOrderRow.model_validate(content)
        except ValidationError as error:
            field, reason = field_and_reason(error)
            return self.set_aside(content, name_in(content, _NAMES, place), field, reason, date)
        if date is None:
            return self.set_aside(content, row.wonum, "statusdate", self.in_future, None)
        return row

    def set_aside(
        self, content: object, name: str, field: str | None, reason: str, date: datetime | None
    ) -> UnreadableOrder:
        """An unreadable row with its report."""
        report = self.report(content, name, field, reason)
        return UnreadableOrder(report=report, date=date, ours=_may_be_ours(content))

    def _date(self, content: object) -> datetime | None:
        given = content.get("statusdate") if isinstance(content, dict) else None
        try:
            date = _DATE.validate_python(given)
        except ValidationError:
            return None
        return date if instant(date, self.zone) <= self.latest else None


def _may_be_ours(content: object) -> bool:
    """Whether a row has our key, or a key that cannot be read."""
    key = content.get("externalrefid") if isinstance(content, dict) else None
    return not isinstance(key, str) or key.startswith(CASE_PREFIX)
