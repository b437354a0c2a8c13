"""The transaction in which a line's events are judged."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import psycopg
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.anomaly import Anomaly, Fate, position_time
from domain.canonical import canonical, sha256
from domain.clock import Clock
from domain.engines import EngineMark
from domain.judging import (
    Assignment,
    FaultKey,
    Judged,
    JudgedContext,
    LineEvent,
    MemoryState,
    PastVerdict,
    Spoiled,
)
from domain.keys import line_workflow_id
from domain.verdict import Memory
from millwright.storage.cases.case_transitions import apply_verdicts
from millwright.storage.database.arrays import Array, bigints, smallints, texts
from millwright.storage.database.engine import Cursor, Statement, raw, send_all, transaction
from millwright.storage.judging.contexts import ContextStore
from millwright.storage.ledger import ledger
from millwright.storage.policies.assignments import LOCK_TO_JUDGE, AssignedVersions, VersionsInForce, VersionTerms

# The generation may be read before the locks are had, and then be older than it is: a pass too many, never one too few.
_TAKE = f"""
SELECT (SELECT generation FROM due WHERE subject = %s), (SELECT engine FROM ledger_head)
FROM (SELECT pg_advisory_xact_lock(hashtextextended(%s, 0)), {LOCK_TO_JUDGE}) l
"""
_PENDING = """
SELECT e.id, e.source, e.external_id, e.asset, e.failure_mode, e."position", e.anomaly::text
FROM (SELECT event_id FROM pending WHERE line = %s ORDER BY event_id LIMIT %s) p JOIN events e ON e.id = p.event_id
ORDER BY e.id
"""
# Where more waits than one transaction takes, the faults take turns: nobody waits behind another's flood.
_PENDING_BY_TURNS = """
SELECT e.id, e.source, e.external_id, e.asset, e.failure_mode, e."position", e.anomaly::text
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
_MEMORIES = """
SELECT m.version, m.asset, m.failure_mode, m."position", m.body
FROM memories m JOIN unnest(%b::text[], %b::text[]) AS k(asset, failure_mode)
  ON m.asset = k.asset AND m.failure_mode = k.failure_mode
WHERE m.version = ANY(%s)
"""
# The newest revision of each event's verdict; one on an event that came too late moved nothing and is passed over.
_BEFORE = """
SELECT "position", memory FROM verdicts
WHERE version = %s AND asset = %s AND failure_mode = %s AND at <= %s AND "position" < %s AND memory <> ''
ORDER BY at DESC, "position" DESC, revision DESC LIMIT 1
"""
_AFTER = """
SELECT DISTINCT ON (v."position", v.event_id) v.revision, v.rung,
       e.id, e.source, e.external_id, e.asset, e.failure_mode, e."position", e.anomaly::text
FROM verdicts v JOIN events e ON e.id = v.event_id
WHERE v.version = %s AND v.asset = %s AND v.failure_mode = %s AND v.at >= %s AND v."position" > %s AND v.memory <> ''
ORDER BY v."position", v.event_id, v.revision DESC
"""
_UNJUDGED = """
SELECT e.id, e.source, e.external_id, e.asset, e.failure_mode, e."position", e.anomaly::text
FROM events e WHERE e.asset = %s AND e.failure_mode = %s AND e.at >= %s AND e."position" > %s
  AND EXISTS (SELECT FROM verdicts v WHERE v.event_id = e.id)
  AND NOT EXISTS (SELECT FROM verdicts v WHERE v.event_id = e.id AND v.version = %s) ORDER BY e."position"
"""
# Two in one, because each statement is waited for once more. Arrays go in binary: written as text, every quote in them
# is escaped, and memories are full of quotes.
_DECIDE = """
WITH decided AS (DELETE FROM pending WHERE line = %s AND event_id = ANY(%b::bigint[]))
INSERT INTO memories (version, asset, failure_mode, "position", body)
SELECT * FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[])
ON CONFLICT (version, asset, failure_mode) DO UPDATE SET "position" = excluded."position", body = excluded.body
"""
# One statement with the ledger's row: all of it is with the database before the head is locked. A COPY would be waited
# for with the head held.
_ADD_VERDICTS = f"""
INSERT INTO verdicts (event_id, version, revision, role, asset, failure_mode, "position", at, rung, body, digest,
    memory, ledger_seq, leaf)
SELECT v.event_id, v.version, v.revision, v.role, v.asset, v.failure_mode, v."position",
    (split_part(v."position", '|', 1) || 'Z')::timestamptz, v.rung, v.body, v.digest, v.memory, h.seq, v.place - 1
FROM {ledger.CHAIN} AS h(seq),
    unnest(%b::bigint[], %b::text[], %b::smallint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::smallint[],
    %b::text[], %b::text[], %b::text[])
    WITH ORDINALITY AS v(event_id, version, revision, role, asset, failure_mode, "position", rung, body, digest, memory,
    place) ORDER BY v.place
"""
_SPOIL = "UPDATE events SET fate = %s, reason = %s WHERE id = %s"
# A wake comes with its events in one transaction: where the generation is still the one that was read before them,
# all that was woken for has been judged.
_REST = """
UPDATE due SET due_at = NULL, idle_count = idle_count + 1, lease_until = NULL WHERE subject = %s AND generation = %s
RETURNING TRUE
"""
# By the database's own clock: the plant's may stand, and those of two machines may differ. Said again with each rest,
# and where a line does not come to rest before what was said is over.
_REST_LEASED = """
UPDATE due SET due_at = CASE WHEN generation = %(seen)s THEN NULL ELSE due_at END,
    idle_count = idle_count + (generation = %(seen)s)::int, lease_until = clock_timestamp() + %(lease)s
WHERE subject = %(subject)s AND (generation = %(seen)s OR lease_until < clock_timestamp() + %(lease)s / 2)
RETURNING generation = %(seen)s
"""
_LEAVE = "UPDATE due SET lease_until = NULL WHERE subject = %s"
_LEASE = timedelta(seconds=15)
"""How long dispatchers rely on an activity that judges a line, after it said so: as long as the engine, which gives the
line to another worker when it misses the heartbeat of one that was killed."""


_EventRow = tuple[int, str, str, str, str, str, str]


def _event(row: _EventRow) -> LineEvent:
    number, source, external_id, asset, failure_mode, position, body = row
    anomaly = Anomaly.model_validate_json(body)
    digest = sha256(body.encode())
    return LineEvent(number, source, external_id, asset, failure_mode, position, anomaly.at, anomaly, digest)


def _read(rows: Sequence[tuple[object, ...]]) -> tuple[list[LineEvent], list[Spoiled]]:
    events: list[LineEvent] = []
    spoiled: list[Spoiled] = []
    for row in rows:
        try:
            events.append(_event(cast("_EventRow", row)))
        except (ValidationError, TypeError) as error:
            spoiled.append(Spoiled(int(str(row[0])), f"the stored anomaly cannot be read: {error}"))
    return events, spoiled


def _columns(judged: Sequence[Judged], records: Sequence[bytes], digests: Sequence[str]) -> tuple[Array, ...]:
    """Verdicts in the columns of `_ADD_VERDICTS`; their order is that of their leaves."""
    events = [judgement.event for judgement in judged]
    return (
        bigints([event.id for event in events]),
        texts([judgement.assignment.digest.encode() for judgement in judged]),
        smallints([judgement.revision for judgement in judged]),
        texts([judgement.assignment.role.encode() for judgement in judged]),
        texts([event.asset.encode() for event in events]),
        texts([event.failure_mode.encode() for event in events]),
        # A position is led by the event's instant, in UTC.
        texts([event.position.encode() for event in events]),
        smallints([judgement.verdict.rung.value for judgement in judged]),
        texts(records),
        texts([digest.encode() for digest in digests]),
        texts([b"" if judgement.too_late else judgement.memory_text for judgement in judged]),
    )


@dataclass(frozen=True, slots=True)
class _LastWrites:
    """What is written when the judging transaction ends well."""

    entry: ledger.Entry
    cases: Sequence[Statement]
    verdicts: tuple[Array, ...] | None
    memories: Mapping[tuple[str, FaultKey], MemoryState]
    contexts: Mapping[str, JudgedContext]
    spoiled: Sequence[Spoiled]
    done: Sequence[int]


class _LineWork:
    """See `domain.judging.LineWork`."""

    def __init__(
        self,
        connection: AsyncConnection,
        driver: psycopg.AsyncConnection[tuple[object, ...]],
        line: str,
        clock: Clock,
        contexts: ContextStore,
        policies: AssignedVersions,
        mark: Callable[[], EngineMark] | None,
        *,
        leased: bool,
    ) -> None:
        self._connection = connection
        self._leased = leased
        self._left = False
        self._mark = mark
        self._engine_before: str | None = None
        self._driver = driver
        self._clock = clock
        self._line = line
        self._store = contexts
        self._contexts: Mapping[str, JudgedContext] = {}
        self._memories: dict[tuple[str, FaultKey], MemoryState] = {}
        self._policies = policies
        self._in_force: VersionsInForce | None = None
        self._last: _LastWrites | None = None
        self.new_contexts: Sequence[str] = ()
        self.generation = 0
        self.rested = False
        self.at = clock.now()
        self.events: Sequence[LineEvent] = ()
        self.spoiled: Sequence[Spoiled] = ()

    async def read(self, limit: int) -> None:
        """Takes the line for this transaction and reads what judging needs."""
        async with self._driver.cursor() as taking, self._driver.cursor() as waiting, self._driver.cursor() as other:
            # On one way to the database and back, all of it under the locks. What judges is read once for the whole
            # batch: no asset of it is judged by two active versions.
            async with self._driver.pipeline():
                await taking.execute(_TAKE, (line_workflow_id(self._line), self._line))
                await waiting.execute(_PENDING, (self._line, limit))
                in_force = self._in_force = await self._policies.read(other, self._clock.now)
            self.at = in_force.at
            woken = await taking.fetchone()
            self.generation = int(str(woken[0])) if woken and woken[0] is not None else 0
            self._engine_before = str(woken[1]) if woken and woken[1] is not None else None
            found = await waiting.fetchall()
            self._left = len(found) == limit
            if self._left:
                await waiting.execute(_PENDING_BY_TURNS, (self._line, _TURNS * limit, limit))
                found = await waiting.fetchall()
            events, spoiled = _read(found)
            if not events:
                self.spoiled = spoiled
                return
            keys = sorted({event.key for event in events})
            async with self._driver.pipeline():
                await self._store.ask(other, {asset for asset, _ in keys})
                asked = ([k[0] for k in keys], [k[1] for k in keys], in_force.digests(self._line))
                await waiting.execute(_MEMORIES, asked)
            self._contexts = await self._store.answer(other)
            for version, asset, mode, position, body in await waiting.fetchall():
                self._memories[(str(version), (str(asset), str(mode)))] = MemoryState(
                    str(position), Memory.model_validate_json(str(body))
                )
        self.events = [event for event in events if event.asset in self._contexts]
        self.spoiled = spoiled + [
            Spoiled(event.id, f"asset {event.asset} is no longer in the register")
            for event in events
            if event.asset not in self._contexts
        ]

    def assignments_of(self, asset: str) -> Sequence[Assignment]:
        return self._in_force.of(self._contexts[asset].place) if self._in_force is not None else ()

    def context(self, asset: str) -> JudgedContext:
        return self._contexts[asset]

    def memory(self, version: str, key: FaultKey) -> MemoryState | None:
        return self._memories.get((version, key))

    async def unjudged(self, version: str, key: FaultKey, since: datetime, after: str) -> Sequence[LineEvent]:
        async with self._driver.cursor() as cursor:
            await cursor.execute(_UNJUDGED, (*key, since, after, version))
            return [_event(cast("_EventRow", row)) for row in await cursor.fetchall()]

    async def memory_before(self, version: str, key: FaultKey, position: str) -> MemoryState | None:
        async with self._driver.cursor() as cursor:
            await cursor.execute(_BEFORE, (version, *key, position_time(position), position))
            found = await cursor.fetchone()
        return MemoryState(str(found[0]), Memory.model_validate_json(str(found[1]))) if found else None

    async def verdicts_after(self, version: str, key: FaultKey, position: str) -> Sequence[PastVerdict]:
        async with self._driver.cursor() as cursor:
            await cursor.execute(_AFTER, (version, *key, position_time(position), position))
            past = [
                PastVerdict(_event(cast("_EventRow", row[2:])), int(str(row[0])), int(str(row[1])))
                for row in await cursor.fetchall()
            ]
        missing = {verdict.event.asset for verdict in past} - set(self._contexts)
        if missing:
            raise LookupError(f"no context was read for {sorted(missing)}")
        return past

    async def write(
        self,
        judged: Sequence[Judged],
        memories: Mapping[tuple[str, FaultKey], MemoryState],
        contexts: Mapping[str, JudgedContext],
        spoiled: Sequence[Spoiled],
    ) -> Sequence[str]:
        if not judged and not spoiled:
            return []
        # The row is of the instant of which the assignments are: the audit holds verdicts against what was in force.
        now = self.at
        entry = ledger.Entry(now)
        records = [verdict.record() for verdict in judged]
        digests = [sha256(record) for record in records]
        for digest in digests:
            entry.add_leaf(digest)
        for bad in spoiled:
            entry.add(ledger.act("event-quarantined", f"event/{bad.event_id}", "watch", now, {"reason": bad.reason}))
        applied = await apply_verdicts(self._connection, judged, entry, now)
        judged_now = {verdict.event.id for verdict in judged if verdict.revision == 0}
        done = sorted(judged_now.union(bad.event_id for bad in spoiled))
        verdicts = _columns(judged, records, digests) if judged else None
        self._last = _LastWrites(entry, applied.statements, verdicts, memories, contexts, spoiled, done)
        return applied.woken

    async def commit(self) -> None:
        """Ends the transaction, with all that `write` left for last, and the line's rest where nothing is left."""
        last = self._last
        if last is None:
            if not self.events:
                async with self._driver.cursor() as resting:
                    await self._rest(resting)
                    self.rested = await self._has_rested(resting)
            return
        memories = last.memories
        kept = (
            [version for version, _ in memories],
            [key[0] for _, key in memories],
            [key[1] for _, key in memories],
            [state.position for state in memories.values()],
            [canonical(state.memory).decode() for state in memories.values()],
        )
        mark = self._mark() if self._mark is not None and last.verdicts is not None else None
        if mark is not None and mark.digest != self._engine_before:
            await ledger.take_over(self._connection, last.entry, mark)
        async with self._driver.cursor() as cursor, self._driver.cursor() as resting:
            # All on one way to the database and back, the commit too: from the ledger's row on everybody waits for us.
            async with self._driver.pipeline():
                for statement, values in last.cases:
                    await cursor.execute(statement, values)
                self.new_contexts = await self._store.keep(cursor, last.contexts)
                await cursor.execute(_DECIDE, (self._line, last.done, *kept))
                for bad in last.spoiled:
                    await cursor.execute(_SPOIL, (Fate.QUARANTINED.value, bad.reason, bad.event_id))
                if not self._left:
                    await self._rest(resting)
                engine = None if mark is None else mark.digest
                if last.verdicts is None:
                    await ledger.append_by(cursor, last.entry, engine)
                else:
                    await cursor.execute(_ADD_VERDICTS, (*ledger.chain_values(last.entry, engine), *last.verdicts))
                    await ledger.add_acts(cursor, last.entry)
                await send_all(self._driver)
                await self._driver.commit()
            if not self._left:
                self.rested = await self._has_rested(resting)

    async def _rest(self, cursor: Cursor) -> None:
        """Asks that the line come to rest, unless something came to it after its events were read.

        Before the ledger's row: who wakes the line has its `due` row first, too.
        """
        subject = line_workflow_id(self._line)
        if self._leased:
            values = {"subject": subject, "seen": self.generation, "lease": _LEASE}
            await cursor.execute(_REST_LEASED, values)
        else:
            await cursor.execute(_REST, (subject, self.generation))

    async def _has_rested(self, cursor: Cursor) -> bool:
        """Whether the line came to rest. One that was never woken has no `due` row, and was never up."""
        if self.generation == 0:
            return True
        found = await cursor.fetchone()
        return found is not None and bool(found[0])


class LineStore:
    """See `domain.judging.LineStore`.

    Args:
        engine: the database.
        clock: the plant's time.
        terms: the versions compiled in this process.
        mark: gives the engine that judges here, asked when the first verdict is written; None leaves it unsaid.
    """

    def __init__(
        self, engine: AsyncEngine, clock: Clock, terms: VersionTerms, mark: Callable[[], EngineMark] | None = None
    ) -> None:
        self._engine = engine
        self._mark = mark
        self._clock = clock
        self._policies = AssignedVersions(terms)
        self._contexts = ContextStore()

    @asynccontextmanager
    async def open(self, line: str, limit: int, *, leased: bool = False) -> AsyncIterator[_LineWork]:
        async with transaction(self._engine) as connection:
            driver = await raw(connection)
            work = _LineWork(
                connection, driver, line, self._clock, self._contexts, self._policies, self._mark, leased=leased
            )
            await work.read(limit)
            yield work
            await work.commit()
        self._contexts.kept(work.new_contexts)

    async def leave(self, line: str) -> None:
        async with transaction(self._engine) as connection:
            driver = await raw(connection)
            async with driver.cursor() as cursor:
                await cursor.execute(_LEAVE, (line_workflow_id(line),))
