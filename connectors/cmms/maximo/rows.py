"""The rows of a page, read one by one: an unreadable row is set aside with its reason, and the others are taken."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from connectors.cmms.maximo.cursor import instant
from connectors.cmms.maximo.models import MaximoDate, UnreadableRow, WorkOrderRow
from connectors.json_reading import first_fault
from domain.keys import CASE_PREFIX
from domain.unreadable import UnreadableRecord, content_text
from domain.vendor_texts import storable

_DATE: TypeAdapter[datetime] = TypeAdapter(MaximoDate)
_NAMES = ("wonum", "externalrefid", "href")
"""By what an unreadable row is named: the first that can be read."""


@dataclass(frozen=True)
class OrderPage:
    """A page of orders, read."""

    rows: tuple[WorkOrderRow, ...]
    unreadable: tuple[UnreadableRow, ...]
    next_page: str | None

    @property
    def is_empty(self) -> bool:
        return not self.rows and not self.unreadable

    @property
    def dates(self) -> list[datetime]:
        """The status dates of its rows, as far as they can be read."""
        of_unreadable = [row.statusdate for row in self.unreadable if row.statusdate is not None]
        return [row.statusdate for row in self.rows] + of_unreadable


@dataclass(frozen=True)
class RowReading:
    """How the rows of one answer are read.

    Args:
        system: the instance.
        latest: a status date after it is a mistake. A cursor that followed it would miss all later changes.
        masked: removes our secrets from a text, which a vendor may echo.
    """

    system: str
    zone: ZoneInfo
    latest: datetime
    masked: Callable[[str], str]

    def page(self, members: Sequence[object], next_page: str | None) -> OrderPage:
        """The rows of a page. If rows with one number have different keys, none of them is believed."""
        rows: list[tuple[WorkOrderRow, object]] = []
        unreadable: list[UnreadableRow] = []
        keys: defaultdict[tuple[str, str], set[str | None]] = defaultdict(set)
        for place, content in enumerate(members, start=1):
            read = self.row(content, place)
            if isinstance(read, UnreadableRow):
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

    def row(self, content: object, place: int = 1) -> WorkOrderRow | UnreadableRow:
        """One row, or why it cannot be read."""
        date = self._date(content)
        try:
            row = WorkOrderRow.model_validate(content)
        except ValidationError as error:
            field, problem = first_fault(error)
            reason = "is missing" if problem == "Field required" else problem
            return self.set_aside(content, _name(content, place), field or None, reason, date)
        if date is None:
            reason = f"lies after {self.latest:%Y-%m-%d %H:%M} UTC, which is in the future"
            return self.set_aside(content, row.wonum, "statusdate", reason, None)
        return row

    def set_aside(
        self, content: object, name: str, field: str | None, reason: str, date: datetime | None
    ) -> UnreadableRow:
        """An unreadable row with its report."""
        raw = self.masked(content_text(content))
        report = UnreadableRecord.of(self.system, name, field, self.masked(reason), content, raw)
        return UnreadableRow(report=report, statusdate=date, ours=_may_be_ours(content))

    def _date(self, content: object) -> datetime | None:
        given = content.get("statusdate") if isinstance(content, dict) else None
        try:
            date = _DATE.validate_python(given)
        except ValidationError:
            return None
        return date if instant(date, self.zone) <= self.latest else None


def _name(content: object, place: int) -> str:
    values = [content.get(name) for name in _NAMES] if isinstance(content, dict) else []
    names = [str(value) for value in values if isinstance(value, str | int) and not isinstance(value, bool)]
    return next((name for name in names if name and storable(name) == name), f"row {place} of a page")


def _may_be_ours(content: object) -> bool:
    """Whether a row has our key, or a key that cannot be read."""
    key = content.get("externalrefid") if isinstance(content, dict) else None
    return not isinstance(key, str) or key.startswith(CASE_PREFIX)
