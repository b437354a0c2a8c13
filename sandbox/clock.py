"""The one clock of the sandbox plant, moved by the conductor and read by every server and process."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

CLOCK_FILE: Final = "clock"


class Clock(Protocol):
    """Plant time, as a server reads it."""

    def now(self) -> datetime:
        """Aware UTC, never going back."""


class PlantClock:
    """Plant time: it stands still until it is set, and never runs backwards.

    Args:
        start: the plant time to begin with, aware; ignored where `directory` holds a later one already.
        directory: where each move is also written as ISO 8601 text to the file `clock`, by atomic replace,
            for the processes that share plant time; None keeps it in memory.

    Raises:
        ValueError: `start` has no time zone, or the clock file holds no aware ISO 8601 time.
    """

    def __init__(self, start: datetime, directory: Path | None = None) -> None:
        self._now = _utc(start)
        self._file = None if directory is None else directory / CLOCK_FILE
        if self._file is not None and self._file.exists():
            self._now = max(self._now, _utc(datetime.fromisoformat(self._file.read_text("ascii").strip())))
        self._write()

    def now(self) -> datetime:
        """Plant time, aware UTC."""
        return self._now

    def set(self, now: datetime) -> None:
        """Move to `now`.

        Raises:
            ValueError: `now` has no time zone or lies before the clock's time.
        """
        moved = _utc(now)
        if moved < self._now:
            raise ValueError(f"the plant clock stands at {self._now.isoformat()} and cannot go back to {moved}")
        self._now = moved
        self._write()

    def _write(self) -> None:
        if self._file is None:
            return
        fresh = self._file.with_name(f".{CLOCK_FILE}.{os.getpid()}")
        fresh.write_text(f"{self._now.isoformat()}\n", "ascii")
        fresh.replace(self._file)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)
