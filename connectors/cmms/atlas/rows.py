"""Requests and orders, read one by one: one that cannot be read is set aside with its reason, and the others are
taken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pydantic import TypeAdapter, ValidationError

from connectors.cmms.atlas.client import ORDERS, AtlasKind
from connectors.cmms.atlas.models import AtlasDate, AtlasOrder, AtlasRequest
from connectors.json_reading import first_fault
from domain.unreadable import UnreadableRecord, content_text
from domain.vendor_texts import storable

AtlasRecord = AtlasRequest | AtlasOrder
"""A request or an order."""

_DATE: TypeAdapter[datetime] = TypeAdapter(AtlasDate)
_NAMES: Final = ("customId", "id")
"""By what a record that cannot be read is named: the first that can be read."""


@dataclass(frozen=True)
class UnreadableAtlasRecord:
    """A request or an order that cannot be read.

    Args:
        report: what is wrong.
        changed_at: its date, only if that can be read and believed.
    """

    report: UnreadableRecord
    changed_at: datetime | None


@dataclass(frozen=True)
class AtlasRecordReading:
    """How the records of one answer are read.

    Args:
        system: the instance.
        latest: a date after it is a mistake. A cursor that followed it would miss all later changes.
        masked: removes our secrets from a text, which Atlas may echo.
    """

    system: str
    latest: datetime
    masked: Callable[[str], str]

    def each(
        self, kind: AtlasKind, contents: Sequence[object]
    ) -> tuple[list[AtlasRecord], list[UnreadableAtlasRecord]]:
        """The records of a page, each once, and those that cannot be read."""
        found: list[AtlasRecord] = []
        unreadable: list[UnreadableAtlasRecord] = []
        for place, content in enumerate(contents, start=1):
            read = self.one(kind, content, place)
            if isinstance(read, UnreadableAtlasRecord):
                unreadable.append(read)
            elif read not in found:
                found.append(read)
        return found, unreadable

    def one(self, kind: AtlasKind, content: object, place: int = 1) -> AtlasRecord | UnreadableAtlasRecord:
        """One record, or why it cannot be read."""
        changed_at = self._date(content)
        try:
            model = AtlasOrder if kind == ORDERS else AtlasRequest
            row: AtlasRecord = model.model_validate(content)
        except ValidationError as error:
            field, problem = first_fault(error)
            reason = "is missing" if problem == "Field required" else problem
            return self.set_aside(content, _name(content, place), field or None, reason, changed_at)
        if changed_at is None:
            reason = f"lies after {self.latest:%Y-%m-%d %H:%M} UTC, which is in the future"
            return self.set_aside(content, row.number, "updatedAt", reason, None)
        return row

    def set_aside(
        self, content: object, name: str, field: str | None, reason: str, changed_at: datetime | None
    ) -> UnreadableAtlasRecord:
        """A record that cannot be read, with its report."""
        raw = self.masked(content_text(content))
        return UnreadableAtlasRecord(
            UnreadableRecord.of(self.system, name, field, self.masked(reason), content, raw), changed_at
        )

    def _date(self, content: object) -> datetime | None:
        given = content.get("updatedAt") if isinstance(content, dict) else None
        try:
            moment = _DATE.validate_python(given).astimezone(UTC)
        except (ValidationError, OverflowError):
            return None
        return moment if moment <= self.latest else None


def _name(content: object, place: int) -> str:
    values = [content.get(name) for name in _NAMES] if isinstance(content, dict) else []
    names = [str(value) for value in values if isinstance(value, str | int) and not isinstance(value, bool)]
    return next((name for name in names if name and storable(name) == name), f"row {place} of a page")
