"""The rows of a list, read one by one: an unreadable row is set aside with its reason, and the others are taken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from connectors.cmms.sap_pm.models import SapDate, SapPmNotification, SapPmOrder, SapPmUnreadableRow, is_key
from connectors.json_reading import first_fault
from domain.unreadable import UnreadableRecord, content_text
from domain.vendor_texts import storable, unstorable

_DATE: TypeAdapter[datetime | None] = TypeAdapter(SapDate | None)
_LAST_CHANGE = "LastChangeDateTime"
_NUMBERS = {SapPmNotification: "MaintenanceNotification", SapPmOrder: "MaintenanceOrder"}
_REFERENCE = "MaintNotifExtReferenceNumber"

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
class SapPmReading:
    """How the rows of one answer are read.

    Args:
        system: the instance.
        latest: a stamp after it is a mistake. A cursor that followed it would miss all later changes.
        masked: removes our secrets from a text, which a vendor may echo.
    """

    system: str
    latest: datetime
    masked: Callable[[str], str]

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
            field, problem = first_fault(error)
            reason = "is missing" if problem == "Field required" else problem
            return self._set_aside(content, _name(content, model, place), field or None, reason, stamp)
        if row.changed_at > self.latest:
            reason = f"lies after {self.latest:%Y-%m-%d %H:%M} UTC, which is in the future"
            return self._set_aside(content, row.number, _LAST_CHANGE, reason, None)
        return row

    def _set_aside(
        self, content: object, name: str, field: str | None, reason: str, stamp: datetime | None
    ) -> SapPmUnreadableRow:
        raw = self.masked(content_text(content))
        report = UnreadableRecord.of(self.system, name, field, self.masked(reason), content, raw)
        named = content.get("MaintenanceNotification") if isinstance(content, dict) else None
        notification = named if isinstance(named, str) and named and storable(named) == named else None
        return SapPmUnreadableRow(report=report, stamp=stamp, ours=_may_be_ours(content), notification=notification)

    def _stamp(self, content: object) -> datetime | None:
        given = content.get(_LAST_CHANGE) if isinstance(content, dict) else None
        try:
            stamp = _DATE.validate_python(given)
        except ValidationError:
            return None
        return stamp if stamp is not None and stamp <= self.latest else None


def _key_of(row: SapPmNotification | SapPmOrder) -> str | None:
    return row.reference if isinstance(row, SapPmNotification) else row.notification


def _name(content: object, model: type[SapPmNotification] | type[SapPmOrder], place: int) -> str:
    names = (_NUMBERS[model], _REFERENCE)
    values = [content.get(name) for name in names] if isinstance(content, dict) else []
    texts = [str(value) for value in values if isinstance(value, str | int) and not isinstance(value, bool)]
    return next((text for text in texts if text and storable(text) == text), f"row {place} of a page")


def _may_be_ours(content: object) -> bool:
    """Whether a notification has our key, or one that cannot be read. An order may be ours by its notification only."""
    key = content.get(_REFERENCE) if isinstance(content, dict) else None
    return not isinstance(key, str) or unstorable(key) is not None or is_key(key)
