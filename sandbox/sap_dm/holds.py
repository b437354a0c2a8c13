"""The holds of SFCs and the blocks of resources, by whomever, and what SAP shows of them: less than is kept here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sandbox.jobcontrol.holds import HoldRow


class Holds:
    """Every hold since the plant's first start. An SFC may have several open ones, of several parties.

    The `key` of a row is the word before the first colon of the comment; a person's hold has their name there.
    """

    def __init__(self, rows: Iterable[HoldRow] = ()) -> None:
        self._rows = {row.id: row for row in rows}
        self._unsaved: set[int] = set()

    def place(self, machine: int, resource: str, job: str, at: datetime, comment: str, method: str) -> int:
        """Record a hold; returns its id."""
        number = len(self._rows) + 1
        key = comment.partition(":")[0]
        self._rows[number] = HoldRow(number, machine, resource, job, at, key, method)
        self._unsaved.add(number)
        return number

    def end(self, job: str, at: datetime, by: str) -> None:
        """End every open hold of a job, whoever placed it."""
        for row in self.open_on(job):
            self._rows[row.id] = replace(row, released=at, released_by=by)
            self._unsaved.add(row.id)

    def open_on(self, job: str) -> list[HoldRow]:
        """The open holds of a job."""
        return [row for row in self._rows.values() if row.job == job and row.released is None]

    def rows(self) -> list[HoldRow]:
        """Every hold, oldest first."""
        return list(self._rows.values())

    def unsaved(self) -> list[HoldRow]:
        """Rows changed since this was last asked."""
        rows = [self._rows[number] for number in sorted(self._unsaved)]
        self._unsaved.clear()
        return rows
