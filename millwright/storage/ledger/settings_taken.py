"""Records in the ledger with which settings the processes run, and tells which run now."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.canonical import canonical, digest
from domain.clock import Clock
from domain.processes import SETTINGS_TAKEN, ProcessKind
from millwright.storage.database.engine import transaction
from millwright.storage.ledger import ledger

_ONE_AT_A_TIME: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 3))")
_LAST: Final = text("SELECT body, at FROM acts WHERE subject = :subject ORDER BY id DESC LIMIT 1")
_ALL: Final = text("SELECT body, at FROM acts WHERE subject = :subject ORDER BY id")
_CONNECTED: Final = text(
    "SELECT DISTINCT application_name AS name FROM pg_stat_activity "
    "WHERE datname = current_database() AND application_name LIKE 'millwright %'"
)
_READ_ONLY: Final = text("SELECT current_setting('transaction_read_only') = 'on'")
_SHOWN: Final = 12


class TakenSettings(NamedTuple):
    """The settings that processes of a kind took, and when."""

    process: ProcessKind
    values: dict[str, object]
    at: datetime


class _TakenRow(NamedTuple):
    body: str
    at: datetime


class _ConnectedRow(NamedTuple):
    name: str


async def take_settings(
    engine: AsyncEngine, clock: Clock, process: ProcessKind, values: Mapping[str, object]
) -> Sequence[str]:
    """Records the settings with which a process starts, unless the last process of its kind took the same.

    Returns:
        The settings that differ from the last ones; none if nothing was recorded.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    async with transaction(engine) as connection:
        # Two processes that start at once record the same settings once.
        await connection.execute(_ONE_AT_A_TIME, {"subject": process.subject})
        last = await last_settings(connection, process)
        # As they are read again later.
        told: dict[str, object] = json.loads(canonical(values))
        if last is not None and last.values == told:
            return ()
        before = {} if last is None else last.values
        differing = sorted(name for name in told.keys() | before.keys() if told.get(name) != before.get(name))
        entry = ledger.Entry(clock.now())
        detail: dict[str, object] = {"changed": differing, "settings": told}
        entry.add(ledger.act(SETTINGS_TAKEN, process.subject, "millwright", entry.at, detail))
        await ledger.append(connection, entry)
    return differing


async def is_read_only(engine: AsyncEngine) -> bool:
    """Whether the database cannot be written, such as a standby.

    Raises:
        StorageUnavailable: it does not answer.
    """
    async with transaction(engine) as connection:
        found: bool = (await connection.execute(_READ_ONLY)).scalar_one()
    return found


async def settings_running(engine: AsyncEngine) -> list[TakenSettings]:
    """The settings of every process that is connected to the database now: for each kind of process one of each.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    running = []
    async with transaction(engine) as connection:
        names = [_ConnectedRow._make(row).name for row in await connection.execute(_CONNECTED)]
        marks = {mark for name in names for mark in name.split()[1:]}
        for process in ProcessKind:
            rows = map(_TakenRow._make, await connection.execute(_ALL, {"subject": process.subject}))
            by_mark = {_mark(process, taken.values): taken for taken in (_taken(process, row) for row in rows)}
            running += [taken for mark, taken in sorted(by_mark.items()) if mark in marks]
    return running


def connection_name(taken: Mapping[ProcessKind, Mapping[str, object]]) -> str:
    """The name of a process's connections, by which `settings_running` knows it: at most 63 characters.

    It has a digest of the settings. They contain no secret.
    """
    return " ".join(("millwright", *(_mark(process, values) for process, values in sorted(taken.items()))))


def _mark(process: ProcessKind, values: Mapping[str, object]) -> str:
    return f"{process}:{digest(values)[:_SHOWN]}"


async def last_settings(connection: AsyncConnection, process: ProcessKind) -> TakenSettings | None:
    """The settings that a process of a kind took last; None if none has started yet."""
    row = (await connection.execute(_LAST, {"subject": process.subject})).one_or_none()
    return None if row is None else _taken(process, _TakenRow._make(row))


def _taken(process: ProcessKind, row: _TakenRow) -> TakenSettings:
    return TakenSettings(process, json.loads(row.body)["detail"]["settings"], row.at)
