"""The transaction in which a line's events are judged."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import psycopg
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.anomaly import Anomaly, Fate
from domain.canonical import canonical, sha256
from domain.clock import Clock
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
from domain.verdict import Context, Memory
from millwright.storage import ledger
from millwright.storage.casebook import apply_verdicts
from millwright.storage.copying import COPY_FORMAT, copy_line
from millwright.storage.engine import raw, transaction
from millwright.storage.versions import VersionTerms, assignments_of_line

# The generation may be read before the lock is had, and then be older than it is: a pass too many, never one too few.
_TAKE = """
SELECT (SELECT generation FROM due WHERE subject = %s) FROM (SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))) l
"""
_UNDECIDED = """
SELECT id, source, external_id, asset, failure_mode, "position", at, anomaly::text
FROM events WHERE line = %s AND fate IS NULL ORDER BY id LIMIT %s
"""
_CONTEXTS = """
SELECT a.id, a.asset_class, a.criticality, a.machine, a.line,
       (SELECT count(*) FROM observables o WHERE o.asset = a.id AND o.kind = 'code') AS codes
FROM assets a WHERE a.id = ANY(%s) AND a.valid_to IS NULL
"""
_MEMORIES = """
SELECT m.version, m.asset, m.failure_mode, m."position", m.body
FROM memories m JOIN unnest(%b::text[], %b::text[]) AS k(asset, failure_mode)
  ON m.asset = k.asset AND m.failure_mode = k.failure_mode
WHERE m.version = ANY(%s)
"""
# The newest revision of each event's verdict; an aside moved nothing and is passed over.
_BEFORE = """
SELECT "position", memory FROM verdicts
WHERE version = %s AND asset = %s AND failure_mode = %s AND "position" < %s AND memory <> ''
ORDER BY "position" DESC, revision DESC LIMIT 1
"""
_AFTER = """
SELECT DISTINCT ON (v."position", v.event_id) v.event_id, v.revision, v.rung,
       e.source, e.external_id, e."position", e.at, e.anomaly::text
FROM verdicts v JOIN events e ON e.id = v.event_id
WHERE v.version = %s AND v.asset = %s AND v.failure_mode = %s AND v."position" > %s AND v.memory <> ''
ORDER BY v."position", v.event_id, v.revision DESC
"""
# Arrays go in binary: written as text, every quote in them is escaped, and memories are full of quotes.
_KEEP_MEMORIES = """
INSERT INTO memories (version, asset, failure_mode, "position", body)
SELECT * FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[])
ON CONFLICT (version, asset, failure_mode) DO UPDATE SET "position" = excluded."position", body = excluded.body
"""
_KEEP_CONTEXTS = """
INSERT INTO contexts (digest, body) SELECT * FROM unnest(%b::text[], %b::text[]) ON CONFLICT DO NOTHING
"""
_COPY_VERDICTS = (
    "COPY verdicts (event_id, version, revision, role, asset, failure_mode, position, at, rung, body, digest, "
    f"memory, ledger_seq, leaf) FROM STDIN {COPY_FORMAT}"
)
_DECIDE = "UPDATE events SET fate = %s WHERE id = ANY(%b::bigint[])"
# A wake comes with its events in one transaction: where the generation is still the one that was read before them,
# all that was woken for has been judged.
_REST = "UPDATE due SET due_at = NULL WHERE subject = %s AND generation = %s RETURNING TRUE"


def _event(row: tuple[object, ...]) -> LineEvent:
    event_id, source, external_id, asset, failure_mode, position, at, text_ = row
    body = str(text_)
    return LineEvent(
        int(str(event_id)),
        str(source),
        str(external_id),
        str(asset),
        str(failure_mode),
        str(position),
        _moment(at),
        Anomaly.model_validate_json(body),
        sha256(body.encode()),
    )


def _verdict(one: Judged, record: str, digest: str, seq: int, leaf: int) -> str:
    """A verdict as a line for COPY, in the order of `_COPY_VERDICTS`."""
    event = one.event
    return copy_line(
        (
            str(event.id),
            one.assignment.digest,
            str(one.revision),
            one.assignment.role,
            event.asset,
            event.failure_mode,
            event.position,
            event.at.isoformat(),
            str(int(one.verdict.rung)),
            record,
            digest,
            "" if one.aside else one.memory_text.decode(),
            str(seq),
            str(leaf),
        )
    )


def _moment(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError(f"expected a time, found {value!r}")
    return value


class _LineWork:
    """See `domain.judging.LineWork`."""

    def __init__(
        self,
        connection: AsyncConnection,
        driver: psycopg.AsyncConnection[tuple[object, ...]],
        line: str,
        clock: Clock,
    ) -> None:
        self._connection = connection
        self._driver = driver
        self._clock = clock
        self._line = line
        self._contexts: dict[str, JudgedContext] = {}
        self._memories: dict[tuple[str, FaultKey], MemoryState] = {}
        self.generation = 0
        self.events: Sequence[LineEvent] = ()
        self.spoiled: Sequence[Spoiled] = ()
        self.assignments: Sequence[Assignment] = ()

    async def read(self, limit: int, terms: VersionTerms) -> None:
        """Takes the line for this transaction and reads what judging needs."""
        events: list[LineEvent] = []
        spoiled: list[Spoiled] = []
        async with self._driver.cursor() as cursor:
            await cursor.execute(_TAKE, (line_workflow_id(self._line), self._line))
            woken = await cursor.fetchone()
            self.generation = int(str(woken[0])) if woken and woken[0] is not None else 0
            await cursor.execute(_UNDECIDED, (self._line, limit))
            for row in await cursor.fetchall():
                try:
                    events.append(_event(row))
                except (ValidationError, TypeError) as error:
                    spoiled.append(Spoiled(int(str(row[0])), f"the stored anomaly cannot be read: {error}"))
            if not events:
                self.spoiled = spoiled
                return
            self.assignments = await assignments_of_line(cursor, self._line, self._clock.now(), terms)
        keys = sorted({event.key for event in events})
        async with self._driver.cursor() as cursor, self._driver.cursor() as other:
            # Two questions on one way to the database and back.
            async with self._driver.pipeline():
                await cursor.execute(_CONTEXTS, (list({event.asset for event in events}),))
                await other.execute(
                    _MEMORIES,
                    ([k[0] for k in keys], [k[1] for k in keys], [a.digest for a in self.assignments]),
                )
            for asset, asset_class, criticality, machine, line, codes in await cursor.fetchall():
                context = Context.model_validate(
                    {
                        "asset": asset,
                        "asset_class": asset_class or "",
                        "criticality": criticality,
                        "machine": machine or asset,
                        "line": line or "",
                        "codes": codes,
                    }
                )
                self._contexts[context.asset] = JudgedContext.of(context)
            for version, asset, mode, position, body in await other.fetchall():
                self._memories[(str(version), (str(asset), str(mode)))] = MemoryState(
                    str(position), Memory.model_validate_json(str(body))
                )
        self.events = [event for event in events if event.asset in self._contexts]
        self.spoiled = spoiled + [
            Spoiled(event.id, f"asset {event.asset} is no longer in the register")
            for event in events
            if event.asset not in self._contexts
        ]

    def context(self, asset: str) -> JudgedContext:
        return self._contexts[asset]

    def memory(self, version: str, key: FaultKey) -> MemoryState | None:
        return self._memories.get((version, key))

    async def history(
        self, version: str, key: FaultKey, position: str
    ) -> tuple[MemoryState | None, Sequence[PastVerdict]]:
        place = (version, key[0], key[1], position)
        async with self._driver.cursor() as cursor:
            await cursor.execute(_BEFORE, place)
            found = await cursor.fetchone()
            before = MemoryState(str(found[0]), Memory.model_validate_json(str(found[1]))) if found else None
            await cursor.execute(_AFTER, place)
            past = [
                PastVerdict(
                    _event((event_id, source, external_id, key[0], key[1], where, at, body)),
                    int(str(revision)),
                    int(str(rung)),
                )
                for event_id, revision, rung, source, external_id, where, at, body in await cursor.fetchall()
            ]
        missing = {one.event.asset for one in past} - set(self._contexts)
        if missing:
            raise LookupError(f"no context was read for {sorted(missing)}")
        return before, past

    async def write(
        self,
        judged: Sequence[Judged],
        memories: Mapping[tuple[str, FaultKey], MemoryState],
        contexts: Mapping[str, JudgedContext],
        spoiled: Sequence[Spoiled],
    ) -> Sequence[str]:
        if not judged and not spoiled:
            return []
        now = self._clock.now()
        entry = ledger.Entry(now)
        records = [(one, one.record()) for one in judged]
        digests = [sha256(record) for _, record in records]
        leaves = [entry.add_leaf(digest) for digest in digests]
        for bad in spoiled:
            entry.add(ledger.act("event-quarantined", f"event/{bad.event_id}", "watch", now, {"reason": bad.reason}))
        woken = await apply_verdicts(self._connection, judged, entry, now)
        async with self._driver.cursor() as cursor:
            async with self._driver.pipeline():
                await cursor.execute(
                    _KEEP_CONTEXTS,
                    ([c.digest for c in contexts.values()], [c.text.decode() for c in contexts.values()]),
                )
                await cursor.execute(
                    _KEEP_MEMORIES,
                    (
                        [version for version, _ in memories],
                        [key[0] for _, key in memories],
                        [key[1] for _, key in memories],
                        [state.position for state in memories.values()],
                        [canonical(state.memory).decode() for state in memories.values()],
                    ),
                )
                decided = sorted({one.event.id for one in judged if one.revision == 0})
                await cursor.execute(_DECIDE, (Fate.DECIDED.value, decided))
            for bad in spoiled:
                await cursor.execute(
                    "UPDATE events SET fate = %s, reason = %s WHERE id = %s",
                    (Fate.QUARANTINED.value, bad.reason, bad.event_id),
                )
            # From here everybody who judges waits for us, so nothing but the last writes follows.
            head = await ledger.lock_head(self._connection) if entry.leaves else None
            if head is not None and judged:
                rows = [
                    _verdict(one, record.decode(), digest, head.seq + 1, leaf)
                    for (one, record), digest, leaf in zip(records, digests, leaves, strict=True)
                ]
                async with cursor.copy(_COPY_VERDICTS) as copy:
                    await copy.write("\n".join([*rows, ""]).encode())
        if head is not None:
            await ledger.append(self._connection, entry, head)
        return woken


class LineStore:
    """See `domain.judging.LineStore`.

    Args:
        engine: the database.
        clock: the plant's time.
        terms: how long each policy version waits for late events and re-arms, by digest.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock, terms: VersionTerms) -> None:
        self._engine = engine
        self._clock = clock
        self._terms = terms

    @asynccontextmanager
    async def open(self, line: str, limit: int) -> AsyncIterator[_LineWork]:
        async with transaction(self._engine) as connection:
            work = _LineWork(connection, await raw(connection), line, self._clock)
            await work.read(limit, self._terms)
            yield work

    async def rest(self, line: str, seen: int) -> bool:
        async with transaction(self._engine) as connection:
            driver = await raw(connection)
            async with driver.cursor() as cursor:
                await cursor.execute(_REST, (line_workflow_id(line), seen))
                return await cursor.fetchone() is not None
