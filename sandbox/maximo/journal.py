"""What outlives the process: every record and counter of the CMMS, in one SQLite file."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from sandbox.maximo.mbo import Json, Mbo, Value

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (object TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (object, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


class Journal:
    """Records by object name and key, and counters; `commit` writes a whole transaction or nothing.

    Args:
        path: the SQLite file; None keeps everything in memory.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.executescript(_SCHEMA)

    def records(self) -> Iterator[tuple[str, str, Mbo]]:
        """Every record: object name, key, Mbo."""
        for name, key, body in self._connection.execute("SELECT object, key, body FROM record"):
            yield name, key, _read(json.loads(body))

    def counters(self) -> dict[str, int]:
        """Every counter's value."""
        return dict(self._connection.execute("SELECT name, value FROM counter"))

    def commit(self, changes: Iterable[tuple[str, str, Mbo | None]], counters: Mapping[str, int]) -> None:
        """Write records (None: deleted) and counters in one transaction."""
        with self._connection:
            self._connection.execute("BEGIN")
            for name, key, mbo in changes:
                if mbo is None:
                    self._connection.execute("DELETE FROM record WHERE object = ? AND key = ?", (name, key))
                else:
                    body = json.dumps(_write(mbo), separators=(",", ":"))
                    self._connection.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", (name, key, body))
            self._connection.executemany("INSERT OR REPLACE INTO counter VALUES (?, ?)", counters.items())

    def close(self) -> None:
        self._connection.close()


def _write(mbo: Mbo) -> dict[str, Json]:
    return {
        "attributes": {
            name: {"at": value.isoformat()} if isinstance(value, datetime) else value
            for name, value in mbo.attributes.items()
        },
        "children": {name: [_write(row) for row in rows] for name, rows in mbo.children.items()},
        "rowstamp": mbo.rowstamp,
    }


def _read(body: dict[str, object]) -> Mbo:
    attributes: dict[str, Value] = {}
    for name, value in _mapping(body["attributes"]).items():
        if isinstance(value, dict):
            attributes[name] = datetime.fromisoformat(value["at"])
        elif isinstance(value, str | int | float | bool):
            attributes[name] = value
    children = {
        name: [_read(_mapping(row)) for row in rows]
        for name, rows in _mapping(body["children"]).items()
        if isinstance(rows, list)
    }
    return Mbo(attributes, children, int(str(body["rowstamp"])))


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"the journal holds {value!r} where an object belongs")
    return value
