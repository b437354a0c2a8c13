"""The rows of a vendor's answer, read one by one: one that cannot be read hides no other."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import ValidationError

from connectors.json_reading import first_fault

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
