"""Orders of MaintainX, read one by one: one that cannot be read is set aside with its reason, and the others are
taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pydantic import TypeAdapter, ValidationError

from connectors.cmms.maintainx.models import MaintainXListed, MaintainXOrder
from connectors.json_reading import ZonedDate
from connectors.rows import RecordReading, UnreadableRow, field_and_reason, name_in
from domain.unreadable import UnreadableRecord

_DATE: TypeAdapter[datetime] = TypeAdapter(ZonedDate)
_NAMES: Final = ("sequentialId", "id")
"""By what an order that cannot be read is named: the first that can be read."""
_REPORTED: Final = ("id", "sequentialId", "updatedAt", "title", "status", "priority")
"""What is reported of a row of a list. Other fields may be another with each answer, which would not be a change."""


@dataclass(frozen=True)
class MaintainXOrderReading(RecordReading):
    """How the orders of one answer are read."""

    def listed(self, contents: Sequence[object]) -> list[MaintainXListed | UnreadableRow]:
        """The rows of a list, in its order."""
        return [self._listed(content, place) for place, content in enumerate(contents, start=1)]

    def order(self, content: object) -> MaintainXOrder | UnreadableRecord:
        """An order by itself, or why it cannot be read."""
        try:
            order = MaintainXOrder.model_validate(content)
        except ValidationError as error:
            field, reason = field_and_reason(error)
            return self.report(content, name_in(content, _NAMES, 1), field, reason)
        if order.updatedAt > self.latest:
            return self.report(content, order.number, "updatedAt", self.in_future)
        return order

    def _listed(self, content: object, place: int) -> MaintainXListed | UnreadableRow:
        try:
            row = MaintainXListed.model_validate(content)
        except ValidationError as error:
            field, reason = field_and_reason(error)
            return self._set_aside(content, place, field, reason, self._date(content))
        if row.updatedAt > self.latest:
            return self._set_aside(content, place, "updatedAt", self.in_future, None)
        return row

    def _set_aside(
        self, content: object, place: int, field: str | None, reason: str, date: datetime | None
    ) -> UnreadableRow:
        reported = {name: content.get(name) for name in _REPORTED} if isinstance(content, dict) else content
        return UnreadableRow(self.report(reported, name_in(content, _NAMES, place), field, reason), date)

    def _date(self, content: object) -> datetime | None:
        given = content.get("updatedAt") if isinstance(content, dict) else None
        try:
            moment = _DATE.validate_python(given).astimezone(UTC)
        except (ValidationError, OverflowError):
            return None
        return moment if moment <= self.latest else None
