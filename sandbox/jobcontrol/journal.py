"""What the shop floor keeps on disk: progress of each equipment, downloaded orders and holds, in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, astuple
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import orjson

from sandbox.jobcontrol.floor import Downloaded, DownloadedOrder
from sandbox.jobcontrol.holds import HoldRow
from sandbox.jobcontrol.job import JobState
from sandbox.jobcontrol.workstation import PastJob, Progress

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS plan (seed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS progress (equipment TEXT PRIMARY KEY, progress TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS downloaded (
  job TEXT PRIMARY KEY, equipment TEXT NOT NULL, state INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS hold (
  id INTEGER PRIMARY KEY, machine INTEGER NOT NULL, equipment TEXT NOT NULL, job TEXT NOT NULL,
  placed TEXT NOT NULL, key TEXT NOT NULL, method TEXT NOT NULL, released TEXT, released_by TEXT) STRICT;
"""


def open_kept(directory: Path | None, name: str, schema: str, seed: int) -> sqlite3.Connection:
    """Opens or makes a file of a plant that follows the schedule; without a directory it is in memory only.

    Raises:
        ValueError: the file was made under another seed, so its job numbers mean other jobs.
    """
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(":memory:" if directory is None else str(directory / name))
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + schema)
    kept = connection.execute("SELECT seed FROM plan").fetchone()
    if kept is None:
        with connection:
            connection.execute("INSERT INTO plan VALUES (?)", (seed,))
    elif kept[0] != seed:
        connection.close()
        raise ValueError(f"seed: the plant on disk was made with {kept[0]}, not {seed}")
    return connection


class Journal:
    """Opens or makes `jobcontrol.sqlite` under `directory`; None keeps it in memory only.

    Raises:
        ValueError: the file was made under another seed, so its job numbers mean other jobs.
    """

    def __init__(self, directory: Path | None, seed: int) -> None:
        self._connection = open_kept(directory, "jobcontrol.sqlite", _SCHEMA, seed)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def progress(self) -> dict[str, Progress]:
        """Kept progress by equipment id."""
        rows = self._connection.execute("SELECT equipment, progress FROM progress")
        return {equipment: read_progress(orjson.loads(text)) for equipment, text in rows}

    def downloaded(self) -> list[Downloaded]:
        """Kept orders of clients, oldest first."""
        rows = self._connection.execute("SELECT job, equipment, state, payload FROM downloaded ORDER BY rowid")
        return [
            Downloaded(DownloadedOrder(job, tuple(orjson.loads(equipment)), payload), JobState(state))
            for job, equipment, state, payload in rows
        ]

    def holds(self) -> list[HoldRow]:
        """Kept holds, oldest first."""
        rows = self._connection.execute(
            "SELECT id, machine, equipment, job, placed, key, method, released, released_by FROM hold ORDER BY id"
        )
        return [
            HoldRow(number, machine, equipment, job, _time(placed), key, method, _maybe(released), released_by)
            for number, machine, equipment, job, placed, key, method, released, released_by in rows
        ]

    def write(
        self,
        progress: Iterable[tuple[str, Progress]],
        downloaded: Iterable[tuple[str, Downloaded | None]],
        holds: Iterable[HoldRow],
    ) -> None:
        """Keep what changed, in one transaction; an order that is None is forgotten."""
        with self._connection as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO progress VALUES (?, ?)",
                [(equipment, progress_text(state)) for equipment, state in progress],
            )
            for job, stored in downloaded:
                if stored is None:
                    connection.execute("DELETE FROM downloaded WHERE job = ?", (job,))
                    continue
                equipment = orjson.dumps(stored.order.equipment).decode()
                connection.execute(
                    "INSERT INTO downloaded VALUES (?, ?, ?, ?) ON CONFLICT (job) DO UPDATE SET "
                    "equipment = excluded.equipment, state = excluded.state, payload = excluded.payload",
                    (job, equipment, stored.state.value, stored.order.payload),
                )
            connection.executemany(
                "INSERT OR REPLACE INTO hold VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_hold_columns(row) for row in holds],
            )


def _hold_columns(row: HoldRow) -> tuple[object, ...]:
    return tuple(value.isoformat() if isinstance(value, datetime) else value for value in astuple(row))


def progress_text(progress: Progress) -> str:
    """Progress as it is kept."""
    fields = asdict(progress)
    fields["lag"] = progress.lag // timedelta(microseconds=1)
    fields["skipped"] = sorted(progress.skipped)
    return orjson.dumps(fields).decode()


def read_progress(fields: dict[str, object]) -> Progress:
    """Progress from what was kept.

    Raises:
        ValueError: it is of another form.
    """
    match fields:
        case {
            "number": int(number),
            "state": int(state),
            "lag": int(lag),
            "since": since,
            "begun": begun,
            "skipped": list(skipped),
            "past": past,
        }:
            return Progress(
                number=number,
                state=JobState(state),
                lag=timedelta(microseconds=lag),
                since=_maybe(since),
                begun=_maybe(begun),
                skipped=frozenset(skipped),
                past=_past(past),
            )
    raise ValueError(f"progress: unreadable {fields!r}")


def _past(fields: object) -> PastJob | None:
    match fields:
        case {
            "number": int(number),
            "state": int(state),
            "start": str(start),
            "end": str(end),
            "remaining": int(left),
        }:
            return PastJob(number, JobState(state), _time(start), _time(end), left)
    return None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _maybe(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
