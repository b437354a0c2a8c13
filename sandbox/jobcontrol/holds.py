"""The MES's own record of holds: job, key and duration. It is part of the sandbox's independent count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sandbox.jobcontrol.job import Method


@dataclass(frozen=True)
class HoldRow:
    """One hold; times are plant time, `key` is the Comment's text exactly as received.

    `released_by` names the method that ended it: Resume or Start, or Stop, Abort or Cancel, with which the held job,
    and so its hold, came to an end.
    """

    id: int
    machine: int
    equipment: str
    job: str
    placed: datetime
    key: str
    method: str
    released: datetime | None = None
    released_by: str | None = None


class HoldRecord:
    """All holds since the plant's first start, at most one open per job."""

    def __init__(self, rows: Iterable[HoldRow] = ()) -> None:
        self._rows = {row.id: row for row in rows}
        self._open = {row.job: row.id for row in self._rows.values() if row.released is None}
        self._unsaved: set[int] = set()

    def place(self, *, machine: int, equipment: str, job: str, placed: datetime, key: str, method: Method) -> None:
        """Record a hold that has just been placed."""
        number = len(self._rows) + 1
        self._rows[number] = HoldRow(number, machine, equipment, job, placed, key, method.value)
        self._open[job] = number
        self._unsaved.add(number)

    def release(self, job: str, released: datetime, method: Method) -> None:
        """Close the hold on `job`; nothing where none of ours is open."""
        number = self._open.pop(job, None)
        if number is None:
            return
        self._rows[number] = replace(self._rows[number], released=released, released_by=method.value)
        self._unsaved.add(number)

    def rows(self) -> list[HoldRow]:
        """Every hold, oldest first."""
        return list(self._rows.values())

    def unsaved(self) -> list[HoldRow]:
        """Rows changed since this was last asked."""
        rows = [self._rows[number] for number in sorted(self._unsaved)]
        self._unsaved.clear()
        return rows
