"""What is read of a line to judge it: events, memories, and what was judged before."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from domain.anomaly import Anomaly, position_time
from domain.canonical import sha256
from domain.judging import FaultKey, LineEvent, MemoryState, PastVerdict, Spoiled
from domain.verdict import Memory
from millwright.storage.database.engine import Cursor, Driver

log = logging.getLogger(__name__)

_EVENT = 'e.id, e.source, e.external_id, e.asset, e.failure_mode, e."position", e.anomaly::text'
_PENDING = f"""
SELECT {_EVENT}
FROM (SELECT event_id FROM pending WHERE line = %s ORDER BY event_id LIMIT %s) p JOIN events e ON e.id = p.event_id
ORDER BY e.id
"""
# Where more waits than one transaction takes, the faults take turns: nobody waits behind another's flood.
_PENDING_BY_TURNS = f"""
SELECT {_EVENT}
FROM (
    SELECT w.id FROM (
        SELECT f.id, row_number() OVER (PARTITION BY f.asset, f.failure_mode ORDER BY f.id) AS turn
        FROM (SELECT event_id FROM pending WHERE line = %s ORDER BY event_id LIMIT %s) p
        JOIN events f ON f.id = p.event_id
    ) w ORDER BY w.turn, w.id LIMIT %s
) t JOIN events e ON e.id = t.id ORDER BY e.id
"""
_TURNS = 5
"""How many transactions' worth of what waits is looked through for whose turn it is."""
_LAST = """
LATERAL (
    SELECT v."position", v.memory FROM verdicts v
    WHERE v.version = k.version AND v.asset = k.asset AND v.failure_mode = k.failure_mode AND v.memory <> ''
    ORDER BY v.at DESC, v."position" DESC, v.revision DESC LIMIT 1) v
"""
# A row of memories can be altered, a verdict cannot: the row only says where to look, and whether it still agrees.
_MEMORIES = f"""
SELECT k.version, k.asset, k.failure_mode, v."position", v.memory, (k."position", k.body) = (v."position", v.memory)
FROM (SELECT m.version, m.asset, m.failure_mode, m."position", m.body
  FROM memories m JOIN unnest(%b::text[], %b::text[]) AS f(asset, failure_mode)
  ON m.asset = f.asset AND m.failure_mode = f.failure_mode WHERE m.version = ANY(%s)) k, {_LAST}
"""
_LEFT_BEHIND = f"""
SELECT k.version, k.asset, k.failure_mode, v."position", v.memory, true
FROM unnest(%s::text[], %s::text[], %s::text[]) AS k(version, asset, failure_mode), {_LAST}
"""
# The newest revision of each event's verdict; one on an event that came too late moved nothing and is passed over.
_BEFORE = """
SELECT "position", memory FROM verdicts
WHERE version = %s AND asset = %s AND failure_mode = %s AND at <= %s AND "position" < %s AND memory <> ''
ORDER BY at DESC, "position" DESC, revision DESC LIMIT 1
"""
_AFTER = f"""
SELECT DISTINCT ON (v."position", v.event_id) v.revision, v.rung, {_EVENT}
FROM verdicts v JOIN events e ON e.id = v.event_id
WHERE v.version = %s AND v.asset = %s AND v.failure_mode = %s AND v.at >= %s AND v."position" > %s AND v.memory <> ''
ORDER BY v."position", v.event_id, v.revision DESC
"""
_UNJUDGED = f"""
SELECT {_EVENT}
FROM events e WHERE e.asset = %s AND e.failure_mode = %s AND e.at >= %s AND e."position" > %s
  AND EXISTS (SELECT FROM verdicts v WHERE v.event_id = e.id)
  AND NOT EXISTS (SELECT FROM verdicts v WHERE v.event_id = e.id AND v.version = %s) ORDER BY e."position"
"""


class _EventRow(NamedTuple):
    id: int
    source: str
    external_id: str
    asset: str
    failure_mode: str
    position: str
    anomaly: str


class _MemoryRow(NamedTuple):
    version: str
    asset: str
    failure_mode: str
    position: str
    body: str
    agrees: bool


class _StateRow(NamedTuple):
    position: str
    memory: str


class _PastVerdictRow(NamedTuple):
    revision: int
    rung: int
    id: int
    source: str
    external_id: str
    asset: str
    failure_mode: str
    position: str
    anomaly: str


async def ask_pending(cursor: Cursor, line: str, limit: int) -> None:
    """Asks for the events that wait, the oldest first; `read_pending` reads the answer."""
    await cursor.execute(_PENDING, (line, limit))


async def ask_pending_by_turns(cursor: Cursor, line: str, limit: int) -> None:
    """As `ask_pending`, where more waits than is asked for."""
    await cursor.execute(_PENDING_BY_TURNS, (line, _TURNS * limit, limit))


def read_pending(rows: Iterable[tuple[object, ...]]) -> tuple[list[LineEvent], list[Spoiled]]:
    """The events that wait, and those of them that cannot be read."""
    events: list[LineEvent] = []
    spoiled: list[Spoiled] = []
    for row in map(_EventRow._make, rows):
        try:
            events.append(_event(row))
        except (ValidationError, TypeError) as error:
            spoiled.append(Spoiled(row.id, f"the stored anomaly cannot be read: {error}"))
    return events, spoiled


async def ask_memories(cursor: Cursor, keys: Sequence[FaultKey], versions: Sequence[str]) -> None:
    """Asks for the memories of faults under versions; `read_memories` reads the answer."""
    await cursor.execute(_MEMORIES, ([asset for asset, _ in keys], [mode for _, mode in keys], list(versions)))


def read_memories(rows: Iterable[tuple[object, ...]]) -> dict[tuple[str, FaultKey], MemoryState]:
    """Memories by version and fault, as the last verdicts left them."""
    found: dict[tuple[str, FaultKey], MemoryState] = {}
    for row in map(_MemoryRow._make, rows):
        if not row.agrees:
            log.warning(
                "the memory of %s %s under version %s is not what the last verdict left behind, and was altered: the "
                "verdict's is used",
                row.asset, row.failure_mode, row.version[:12],
            )  # fmt: skip
        state = MemoryState(row.position, Memory.model_validate_json(row.body))
        found[row.version, (row.asset, row.failure_mode)] = state
    return found


async def read_missing_memories(
    driver: Driver, missing: Sequence[tuple[str, FaultKey]]
) -> dict[tuple[str, FaultKey], MemoryState]:
    """The memories of which the row is gone, as the last verdicts left them. Nearly always there is none: the version
    judges the fault for the first time."""
    columns = [
        [version for version, _ in missing],
        *(list(part) for part in zip(*(key for _, key in missing), strict=True)),
    ]
    async with driver.cursor() as cursor:
        await cursor.execute(_LEFT_BEHIND, columns)
        return read_memories(await cursor.fetchall())


async def read_unjudged(driver: Driver, version: str, key: FaultKey, since: datetime, after: str) -> list[LineEvent]:
    """The events of a fault that others judged and this version did not, those behind a position."""
    async with driver.cursor() as cursor:
        await cursor.execute(_UNJUDGED, (*key, since, after, version))
        return [_event(_EventRow._make(row)) for row in await cursor.fetchall()]


async def read_memory_before(driver: Driver, version: str, key: FaultKey, position: str) -> MemoryState | None:
    """The memory that the last verdict before a position left behind."""
    async with driver.cursor() as cursor:
        await cursor.execute(_BEFORE, (version, *key, position_time(position), position))
        found = await cursor.fetchone()
    if found is None:
        return None
    row = _StateRow._make(found)
    return MemoryState(row.position, Memory.model_validate_json(row.memory))


async def read_verdicts_after(driver: Driver, version: str, key: FaultKey, position: str) -> list[PastVerdict]:
    """The standing verdicts behind a position, each with its event."""
    async with driver.cursor() as cursor:
        await cursor.execute(_AFTER, (version, *key, position_time(position), position))
        rows = [_PastVerdictRow._make(row) for row in await cursor.fetchall()]
    return [PastVerdict(_event(_EventRow(*row[2:])), row.revision, row.rung) for row in rows]


def _event(row: _EventRow) -> LineEvent:
    number, source, external_id, asset, failure_mode, position, body = row
    anomaly = Anomaly.model_validate_json(body)
    digest = sha256(body.encode())
    return LineEvent(number, source, external_id, asset, failure_mode, position, anomaly.at, anomaly, digest)
