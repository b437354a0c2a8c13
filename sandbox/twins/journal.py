"""What the twin service keeps on disk: one SQLite file, read whole at start, written on every change."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import orjson

from sandbox.twins.document import JsonObject, parse_object

Table = Literal["models", "twins", "relationships", "routes"]
_TABLES: Final[tuple[Table, ...]] = ("models", "twins", "relationships", "routes")


class Journal:
    """Documents by table and key, in the order they were first written.

    Args:
        directory: where `twins.sqlite` lies or shall lie; None keeps nothing beyond the process.
    """

    def __init__(self, directory: Path | None) -> None:
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
        name = ":memory:" if directory is None else str(directory / "twins.sqlite")
        # Each statement commits by itself; the file outlives the process, which is all the sandbox needs, so
        # nothing waits for the disk.
        self._database = sqlite3.connect(name, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = OFF")
        for table in _TABLES:
            self._database.execute(f"CREATE TABLE IF NOT EXISTS {table} (key TEXT PRIMARY KEY, document BLOB NOT NULL)")
        self._silent = directory is None

    def close(self) -> None:
        self._database.close()

    def read(self, table: Table) -> Iterator[tuple[str, JsonObject]]:
        """All documents of a table with their keys."""
        for key, document in self._database.execute(f"SELECT key, document FROM {table} ORDER BY rowid"):
            yield key, parse_object(document)

    def put(self, table: Table, key: str, document: JsonObject) -> None:
        if not self._silent:
            self._database.execute(
                f"INSERT INTO {table} VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET document = excluded.document",
                (key, orjson.dumps(document)),
            )

    def remove(self, table: Table, key: str) -> None:
        if not self._silent:
            self._database.execute(f"DELETE FROM {table} WHERE key = ?", (key,))
