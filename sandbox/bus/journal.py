"""The bus on disk: SQLite stores unsettled messages, so that a restarted bus continues where it was.

Changes are gathered and written in one transaction at the end of a turn of the event loop, before any answer of that
turn leaves. `synchronous=OFF`: a committed change survives the end of this process, not of the machine.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sandbox.bus.message import Message, State

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entity (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, last_sequence INTEGER NOT NULL, settled INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS message (
    entity INTEGER NOT NULL, sequence INTEGER NOT NULL, state INTEGER NOT NULL, delivery_count INTEGER NOT NULL,
    enqueued_ms INTEGER NOT NULL, due_ms INTEGER, expires_ms INTEGER, content BLOB NOT NULL,
    PRIMARY KEY (entity, sequence)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS session (
    entity INTEGER NOT NULL, id TEXT NOT NULL, state BLOB NOT NULL, PRIMARY KEY (entity, id)) WITHOUT ROWID;
"""
_WRITE_AT: Final = 2000  # changes gathered outside a running loop before they are written anyway

MessageKey = tuple[int, int]


class EntityLog:
    """One entity's pages of the journal: its messages, its last sequence number, its count of settled messages."""

    def __init__(self, journal: "Journal", number: int, last_sequence: int, settled: int) -> None:
        self._journal = journal
        self.number = number
        self.last_sequence = last_sequence
        self.settled = settled

    def next_sequence(self) -> int:
        """A sequence number this entity has never given before."""
        self.last_sequence += 1
        self._journal.entity_changed(self)
        return self.last_sequence

    def count_settled(self, change: int) -> None:
        self.settled += change
        self._journal.entity_changed(self)

    def store(self, message: Message) -> None:
        """The message is in the entity, with the content and standing it has when the turn ends."""
        self._journal.message_stored((self.number, message.sequence), message)

    def mark(self, message: Message) -> None:
        """The standing of a stored message changed."""
        self._journal.message_marked((self.number, message.sequence), message)

    def remove(self, sequence: int) -> None:
        """The message has left the entity."""
        self._journal.message_removed((self.number, sequence))

    def messages(self) -> Iterator[Message]:
        """What the journal holds of this entity, by sequence number; a lock counts as lost with the last process."""
        return self._journal.read_messages(self.number)

    def session_states(self) -> Iterator[tuple[str, bytes]]:
        return self._journal.read_session_states(self.number)

    def set_session_state(self, session_id: str, state: bytes | None) -> None:
        self._journal.session_changed((self.number, session_id), state)


class Journal:
    """The whole bus's journal in `directory`/bus.sqlite; without a directory it remembers nothing."""

    def __init__(self, directory: Path | None) -> None:
        self._numbers = 0
        self._entities: set[EntityLog] = set()
        self._stored: dict[MessageKey, Message] = {}
        self._marked: dict[MessageKey, Message] = {}
        self._removed: set[MessageKey] = set()
        self._sessions: dict[tuple[int, str], bytes | None] = {}
        self._database: sqlite3.Connection | None = None
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(directory / "bus.sqlite", isolation_level=None)
            # Exclusive: two buses on one journal would both give the same sequence numbers; and it spares system calls.
            self._database.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=OFF")
            self._database.execute("PRAGMA journal_size_limit=4194304")
            self._database.executescript(_SCHEMA)

    def open_entity(self, path: str) -> EntityLog:
        """The log of the entity at `path`, begun where there is none."""
        if self._database is None:
            self._numbers += 1
            return EntityLog(self, self._numbers, 0, 0)
        self._database.execute(
            "INSERT INTO entity (path, last_sequence, settled) VALUES (?, 0, 0) ON CONFLICT DO NOTHING",
            (path.lower(),),
        )
        number, last_sequence, settled = self._database.execute(
            "SELECT id, last_sequence, settled FROM entity WHERE path = ?", (path.lower(),)
        ).fetchone()
        return EntityLog(self, int(number), int(last_sequence), int(settled))

    def forget(self, path: str) -> None:
        """Forget an entity and all that is in it; opened again, it begins anew."""
        self.commit()
        if self._database is None:
            return
        found = self._database.execute("SELECT id FROM entity WHERE path = ?", (path.lower(),)).fetchone()
        for statement in (
            "DELETE FROM message WHERE entity = ?",
            "DELETE FROM session WHERE entity = ?",
            "DELETE FROM entity WHERE id = ?",
        ):
            self._database.execute(statement, found)

    def entity_changed(self, log: EntityLog) -> None:
        if self._database is not None:
            self._entities.add(log)

    def message_stored(self, key: MessageKey, message: Message) -> None:
        if self._database is not None:
            self._stored[key] = message
            if len(self._stored) >= _WRITE_AT:
                self.commit()

    def message_marked(self, key: MessageKey, message: Message) -> None:
        if self._database is not None and key not in self._stored:
            self._marked[key] = message

    def message_removed(self, key: MessageKey) -> None:
        if self._database is not None:
            self._stored.pop(key, None)
            self._marked.pop(key, None)
            self._removed.add(key)

    def session_changed(self, key: tuple[int, str], state: bytes | None) -> None:
        if self._database is not None:
            self._sessions[key] = state

    def commit(self) -> None:
        """Write all gathered changes in one transaction."""
        database = self._database
        if database is None or not (self._entities or self._removed or self._stored or self._marked or self._sessions):
            return
        try:
            database.execute("BEGIN")
            self._write(database)
            database.execute("COMMIT")
        except sqlite3.Error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise
        for gathered in (self._entities, self._removed, self._stored, self._marked, self._sessions):
            gathered.clear()

    def _write(self, database: sqlite3.Connection) -> None:
        if self._removed:
            database.executemany("DELETE FROM message WHERE entity = ? AND sequence = ?", self._removed)
        if self._stored:
            database.executemany(
                "INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *key,
                        *_standing(message),
                        message.enqueued_ms,
                        message.due_ms,
                        message.expires_ms,
                        message.stored(),
                    )
                    for key, message in self._stored.items()
                ],
            )
        if self._marked:
            database.executemany(
                "UPDATE message SET state = ?, delivery_count = ? WHERE entity = ? AND sequence = ?",
                [(*_standing(message), *key) for key, message in self._marked.items()],
            )
        if self._entities:
            database.executemany(
                "UPDATE entity SET last_sequence = ?, settled = ? WHERE id = ?",
                [(log.last_sequence, log.settled, log.number) for log in self._entities],
            )
        for (number, session_id), state in self._sessions.items():
            if state is None:
                database.execute("DELETE FROM session WHERE entity = ? AND id = ?", (number, session_id))
            else:
                database.execute("INSERT OR REPLACE INTO session VALUES (?, ?, ?)", (number, session_id, state))

    def close(self) -> None:
        """Write what is gathered and close the file."""
        self.commit()
        if self._database is not None:
            self._database.close()
            self._database = None

    def read_messages(self, number: int) -> Iterator[Message]:
        if self._database is None:
            return
        rows = self._database.execute(
            "SELECT sequence, state, delivery_count, enqueued_ms, due_ms, expires_ms, content"
            " FROM message WHERE entity = ? ORDER BY sequence",
            (number,),
        )
        for sequence, state, delivery_count, enqueued_ms, due_ms, expires_ms, content in rows.fetchall():
            message = Message.parse(content)
            message.sequence = sequence
            message.state = State(state)
            message.deferred = message.state is State.DEFERRED
            message.delivery_count = delivery_count
            message.enqueued_ms = enqueued_ms
            message.due_ms = due_ms
            message.expires_ms = expires_ms
            yield message

    def read_session_states(self, number: int) -> Iterator[tuple[str, bytes]]:
        if self._database is None:
            return
        rows = self._database.execute("SELECT id, state FROM session WHERE entity = ?", (number,))
        for session_id, state in rows.fetchall():
            yield str(session_id), bytes(state)


def _standing(message: Message) -> tuple[int, int]:
    """(state, delivery count) as the next process shall find them: a lock does not outlive this one."""
    if message.state is State.LOCKED:
        return int(State.DEFERRED if message.deferred else State.ACTIVE), message.delivery_count + 1
    return int(message.state), message.delivery_count
