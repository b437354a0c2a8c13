"""The requests of an answer, read one by one: one that cannot be read is set aside with its reason."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter, ValidationError

from connectors.cmms.odoo.models import MaintenanceRequest
from connectors.odoo.models import OdooMoment
from connectors.rows import RecordReading, UnreadableRow, field_and_reason

_MOMENT: Final[TypeAdapter[datetime]] = TypeAdapter(OdooMoment)


@dataclass(frozen=True)
class RequestPage:
    """The requests of one answer.

    Args:
        size: the number of rows that came.
    """

    requests: tuple[MaintenanceRequest, ...]
    unreadable: tuple[UnreadableRow, ...]
    size: int

    @property
    def latest(self) -> datetime | None:
        """The latest change on it; None if no date can be read."""
        dates = [row.date for row in self.unreadable if row.date is not None]
        return max([*dates, *(request.write_date for request in self.requests)], default=None)


@dataclass(frozen=True)
class RequestReading(RecordReading):
    """How the requests of one answer are read."""

    def page(self, contents: Sequence[object]) -> RequestPage:
        """The requests of an answer. If one comes with two contents, neither is believed."""
        read: defaultdict[int, dict[MaintenanceRequest, object]] = defaultdict(dict)
        unreadable: list[UnreadableRow] = []
        for place, content in enumerate(contents, start=1):
            row = self._row(content, place)
            if isinstance(row, UnreadableRow):
                unreadable.append(row)
            else:
                read[row.id].setdefault(row, content)
        for number, versions in read.items():
            if len(versions) > 1:
                unreadable += [
                    self._set_aside(content, str(number), "id", "came with two contents", row.write_date)
                    for row, content in versions.items()
                ]
        requests = tuple(next(iter(versions)) for versions in read.values() if len(versions) == 1)
        return RequestPage(requests, tuple(unreadable), len(contents))

    def _row(self, content: object, place: int) -> MaintenanceRequest | UnreadableRow:
        try:
            row = MaintenanceRequest.model_validate(content)
        except ValidationError as error:
            field, reason = field_and_reason(error)
            return self._set_aside(content, _name(content, place), field, reason, self._date(content))
        if row.write_date > self.latest:
            return self._set_aside(content, str(row.id), "write_date", self.in_future, None)
        return row

    def _set_aside(
        self, content: object, name: str, field: str | None, reason: str, date: datetime | None
    ) -> UnreadableRow:
        return UnreadableRow(self.report(content, name, field, reason), date)

    def _date(self, content: object) -> datetime | None:
        given = content.get("write_date") if isinstance(content, dict) else None
        try:
            date = _MOMENT.validate_python(given)
        except ValidationError:
            return None
        return date if date <= self.latest else None


def _name(content: object, place: int) -> str:
    number = content.get("id") if isinstance(content, dict) else None
    return str(number) if isinstance(number, int) and not isinstance(number, bool) else f"row {place} of a page"
