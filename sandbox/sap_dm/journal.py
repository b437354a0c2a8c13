"""What the plant keeps on disk: progress, statuses of resources, SFCs and holds, each as one JSON text, in SQLite."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final

from sandbox.jobcontrol.holds import HoldRow
from sandbox.jobcontrol.journal import open_kept, progress_text, read_progress
from sandbox.jobcontrol.workstation import Progress

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS plan (seed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS kept (kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (kind, name)) STRICT;
"""


class Journal:
    """Opens or makes `sap_dm.sqlite` under `directory`; None keeps it in memory only.

    Raises:
        ValueError: the file was made under another seed, so its orders mean other jobs.
    """

    def __init__(self, directory: Path | None, seed: int) -> None:
        self._connection = open_kept(directory, "sap_dm.sqlite", _SCHEMA, seed)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def progress(self) -> dict[str, Progress]:
        """Kept progress by resource."""
        return {name: read_progress(json.loads(value)) for name, value in self._kept("progress")}

    def statuses(self) -> dict[str, tuple[str | None, datetime]]:
        """The status that was set for each resource, and when it was changed last."""
        kept = {name: json.loads(value) for name, value in self._kept("status")}
        return {name: (word, datetime.fromisoformat(at)) for name, (word, at) in kept.items()}

    def holds(self) -> list[HoldRow]:
        """Kept holds, oldest first."""
        return sorted((_hold(json.loads(value)) for _, value in self._kept("hold")), key=lambda row: row.id)

    def write(
        self,
        progress: Iterable[tuple[str, Progress]],
        statuses: Iterable[tuple[str, str | None, datetime]],
        holds: Iterable[HoldRow],
    ) -> None:
        """Keep what changed, in one transaction."""
        rows = [("progress", name, progress_text(state)) for name, state in progress]
        rows += [("status", name, json.dumps([word, at.isoformat()])) for name, word, at in statuses]
        rows += [("hold", str(row.id), json.dumps(asdict(row), default=datetime.isoformat)) for row in holds]
        with self._connection as connection:
            connection.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", rows)

    def _kept(self, kind: str) -> list[tuple[str, str]]:
        return self._connection.execute("SELECT name, value FROM kept WHERE kind = ?", (kind,)).fetchall()


def _hold(row: dict[str, object]) -> HoldRow:
    times = {name: datetime.fromisoformat(str(row[name])) for name in ("placed", "released") if row[name] is not None}
    return HoldRow(**{**row, **times})  # type: ignore[arg-type]
