"""The rows of a list, read one by one: an unreadable row is set aside with its reason, and the others are taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from connectors.cmms.sap_pm.models import REFERENCE, SapDate, SapPmNotification, SapPmOrder, SapPmUnreadableRow, is_key
from connectors.rows import RecordReading, field_and_reason, name_in
from domain.vendor_texts import storable, unstorable

_DATE: TypeAdapter[datetime | None] = TypeAdapter(SapDate | None)
_LAST_CHANGE = "LastChangeDateTime"
_NUMBERS = {SapPmNotification: "MaintenanceNotification", SapPmOrder: "MaintenanceOrder"}

RowT = TypeVar("RowT", SapPmNotification, SapPmOrder)


@dataclass(frozen=True)
class SapPmPage(Generic[RowT]):
    """A page of records, read.

    Args:
        count: how many rows it has, readable or not.
        more: whether others may follow.
    """

    rows: tuple[RowT, ...]
    unreadable: tuple[SapPmUnreadableRow, ...]
    count: int
    more: bool


@dataclass(frozen=True)
class SapPmReading(RecordReading):
    """How the notifications and orders of one answer are read."""

    def page(self, contents: Sequence[object], model: type[RowT], *, more: bool) -> SapPmPage[RowT]:
        """The rows of a page, each once. If rows with one number have different keys, none of them is believed."""
        rows: list[tuple[RowT, object]] = []
        unreadable: list[SapPmUnreadableRow] = []
        for place, content in enumerate(contents, start=1):
            read = self.row(content, model, place)
            if isinstance(read, SapPmUnreadableRow):
                unreadable.append(read)
            else:
                rows.append((read, content))
        keys: dict[str, set[str | None]] = {}
        for row, _ in rows:
            keys.setdefault(row.number, set()).add(_key_of(row))
        unreadable += [
            self._set_aside(content, row.number, _NUMBERS[model], "is on several rows with different keys", row.stamp)
            for row, content in rows
            if len(keys[row.number]) > 1
        ]
        unique = {row.number: row for row, _ in rows if len(keys[row.number]) == 1}
        return SapPmPage(tuple(unique.values()), tuple(unreadable), len(contents), more)

    def row(self, content: object, model: type[RowT], place: int = 1) -> RowT | SapPmUnreadableRow:
        """One row, or why it cannot be read."""
        stamp = self._stamp(content)
        try:
            row = model.model_validate(content)
        except ValidationError as error:
            field, reason = field_and_reason(error)
            return self._set_aside(content, name_in(content, (_NUMBERS[model], REFERENCE), place), field, reason, stamp)
        if row.changed_at > self.latest:
            return self._set_aside(content, row.number, _LAST_CHANGE, self.in_future, None)
        return row

    def _set_aside(
        self, content: object, name: str, field: str | None, reason: str, stamp: datetime | None
    ) -> SapPmUnreadableRow:
        report = self.report(content, name, field, reason)
        named = content.get("MaintenanceNotification") if isinstance(content, dict) else None
        notification = named if isinstance(named, str) and named and storable(named) == named else None
        return SapPmUnreadableRow(report=report, date=stamp, ours=_may_be_ours(content), notification=notification)

    def _stamp(self, content: object) -> datetime | None:
        given = content.get(_LAST_CHANGE) if isinstance(content, dict) else None
        try:
            stamp = _DATE.validate_python(given)
        except ValidationError:
            return None
        return stamp if stamp is not None and stamp <= self.latest else None


def _key_of(row: SapPmNotification | SapPmOrder) -> str | None:
    return row.reference if isinstance(row, SapPmNotification) else row.notification


def _may_be_ours(content: object) -> bool:
    """Whether a notification has our key, or one that cannot be read. An order may be ours by its notification only."""
    key = content.get(REFERENCE) if isinstance(content, dict) else None
    return not isinstance(key, str) or unstorable(key) is not None or is_key(key)
