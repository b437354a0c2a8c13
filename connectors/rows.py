"""The rows of a vendor's answer, read one by one: one that cannot be read hides no other."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import ValidationError

from connectors.json_reading import first_fault
from domain.unreadable import UnreadableRecord, content_text
from domain.vendor_texts import storable

RowT = TypeVar("RowT")
KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass(frozen=True)
class Rows(Generic[RowT]):
    """The rows of an answer, and why others cannot be read."""

    rows: tuple[RowT, ...]
    unreadable: tuple[str, ...]

    def once(self, key: Callable[[RowT], KeyT], name: Callable[[KeyT], str]) -> "Rows[RowT]":
        """The same with each row once. If one comes with two contents, neither is believed.

        Args:
            key: what names a row.
            name: the name of a row for people.
        """
        found: dict[KeyT, list[RowT]] = {}
        for row in self.rows:
            same = found.setdefault(key(row), [])
            if row not in same:
                same.append(row)
        doubled = [f"{name(each)} came with two contents" for each, same in found.items() if len(same) > 1]
        return Rows(tuple(same[0] for same in found.values() if len(same) == 1), (*self.unreadable, *doubled))


def read_each(
    contents: Iterable[object], read: Callable[[object], RowT], name: Callable[[object, int], str], first: int = 1
) -> Rows[RowT]:
    """The rows of an answer.

    Args:
        read: reads one row, or raises a `ValidationError`.
        name: the name of a row that cannot be read, from its content and its place.
        first: the place of the first row, as people count.
    """
    found: list[RowT] = []
    unreadable: list[str] = []
    for place, content in enumerate(contents, start=first):
        try:
            found.append(read(content))
        except ValidationError as error:
            field, problem = first_fault(error)
            unreadable.append(f"{name(content, place)} cannot be read: {f'{field} ' if field else ''}{problem}")
    return Rows(tuple(found), tuple(unreadable))


@dataclass(frozen=True)
class UnreadableRow:
    """A row that cannot be read.

    Args:
        report: what is wrong.
        date: that of its last change, only if it can be read and believed.
    """

    report: UnreadableRecord
    date: datetime | None

    @property
    def mark(self) -> str:
        """A short name for its content."""
        return self.report.digest[:12]


@dataclass(frozen=True)
class RecordReading:
    """How the records of one answer of a CMMS are read. Those that cannot be read are reported.

    Args:
        system: the instance.
        latest: a change after it is a mistake. A cursor that followed it would miss all later changes.
        masked: removes our secrets from a text, which a vendor may echo.
    """

    system: str
    latest: datetime
    masked: Callable[[str], str]

    @property
    def in_future(self) -> str:
        """What is wrong with a change after `latest`."""
        return f"lies after {self.latest:%Y-%m-%d %H:%M} UTC, which is in the future"

    def report(self, content: object, name: str, field: str | None, reason: str) -> UnreadableRecord:
        """The report on a record that cannot be read."""
        raw = self.masked(content_text(content))
        return UnreadableRecord.of(self.system, name, field, self.masked(reason), content, raw)


def field_and_reason(error: ValidationError) -> tuple[str | None, str]:
    """The first field that a model refused, None for the record itself, and why."""
    field, problem = first_fault(error)
    return field or None, "is missing" if problem == "Field required" else problem


def name_in(content: object, fields: Iterable[str], place: int) -> str:
    """By what a record that cannot be read is named: the first of some fields that can be read, else its place."""
    values = [content.get(field) for field in fields] if isinstance(content, dict) else []
    names = [str(value) for value in values if isinstance(value, str | int) and not isinstance(value, bool)]
    return next((name for name in names if name and storable(name) == name), f"row {place} of a page")
