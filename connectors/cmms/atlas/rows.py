"""Requests and orders, read one by one: one that cannot be read is set aside with its reason, and the others are
taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pydantic import TypeAdapter, ValidationError

from connectors.cmms.atlas.client import ORDERS, AtlasKind
from connectors.cmms.atlas.models import AtlasOrder, AtlasRequest
from connectors.json_reading import ZonedDate
from connectors.rows import RecordReading, UnreadableRow, field_and_reason, name_in

AtlasRecord = AtlasRequest | AtlasOrder
"""A request or an order."""

_DATE: TypeAdapter[datetime] = TypeAdapter(ZonedDate)
_NAMES: Final = ("customId", "id")
"""By what a record that cannot be read is named: the first that can be read."""


@dataclass(frozen=True)
class AtlasRecordReading(RecordReading):
    """How the requests and orders of one answer are read."""

    def each(self, kind: AtlasKind, contents: Sequence[object]) -> tuple[list[AtlasRecord], list[UnreadableRow]]:
        """The records of a page, each once, and those that cannot be read."""
        found: list[AtlasRecord] = []
        unreadable: list[UnreadableRow] = []
        for place, content in enumerate(contents, start=1):
            read = self.one(kind, content, place)
            if isinstance(read, UnreadableRow):
                unreadable.append(read)
            elif read not in found:
                found.append(read)
        return found, unreadable

    def one(self, kind: AtlasKind, content: object, place: int = 1) -> AtlasRecord | UnreadableRow:
        """One record, or why it cannot be read."""
        changed_at = self._date(content)
        try:
            model = AtlasOrder if kind == ORDERS else AtlasRequest
            row: AtlasRecord = model.model_validate(content)
        except ValidationError as error:
            field, reason = field_and_reason(error)
            return self.set_aside(content, name_in(content, _NAMES, place), field, reason, changed_at)
        if changed_at is None:
            return self.set_aside(content, row.number, "updatedAt", self.in_future, None)
        return row

    def set_aside(
        self, content: object, name: str, field: str | None, reason: str, changed_at: datetime | None
    ) -> UnreadableRow:
        """A record that cannot be read, with its report."""
        return UnreadableRow(self.report(content, name, field, reason), changed_at)

    def _date(self, content: object) -> datetime | None:
        given = content.get("updatedAt") if isinstance(content, dict) else None
        try:
            moment = _DATE.validate_python(given).astimezone(UTC)
        except (ValidationError, OverflowError):
            return None
        return moment if moment <= self.latest else None
