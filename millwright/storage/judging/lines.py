"""The transaction in which a line's events are judged."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.anomaly import Fate
from domain.assets import retired_words
from domain.canonical import sha256
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
from domain.maintenance_history import MaintenanceHistory
from domain.operating import OperatingState
from domain.verdict import ReadInputs
from millwright.storage.cases.case_transitions import apply_verdicts
from millwright.storage.database.asset_rows import retired_at
from millwright.storage.database.engine import Driver, raw, transaction
from millwright.storage.database.pipelines import committing_pipeline, pipeline
from millwright.storage.judging.contexts import ContextStore
from millwright.storage.judging.line_reading import (
    ask_memories,
    ask_pending,
    ask_pending_by_turns,
    read_memories,
    read_memory_before,
    read_missing_memories,
    read_pending,
    read_unjudged,
    read_verdicts_after,
)
from millwright.storage.judging.line_rest import ask_rest, has_rested, leave_line
from millwright.storage.judging.verdict_writing import (
    LastWrites,
    add_verdicts,
    decide,
    memory_columns,
    verdict_columns,
)
from millwright.storage.ledger import ledger
from millwright.storage.maintenance.histories_then import AssetThen, histories_then
from millwright.storage.operating.states_then import MachineThen, states_then
from millwright.storage.policies.assignments import LOCK_TO_JUDGE, AssignedVersions, VersionsInForce, VersionTerms
from millwright.storage.suppression.sensor_masks import SHIPPED_MASKS, MaskLimits

# The generation may be read before the locks are had, and then be older than it is: a pass too many, never one too few.
_TAKE = f"""
SELECT (SELECT generation FROM due WHERE subject = %s), (SELECT engine FROM ledger_head)
FROM (SELECT pg_advisory_xact_lock(hashtextextended(%s, 0)), {LOCK_TO_JUDGE}) l
"""


class _TakenRow(NamedTuple):
    generation: int | None
    engine: str | None


class _LineWork:
    """See `domain.judging.LineWork`."""

    def __init__(
        self,
        connection: AsyncConnection,
        driver: Driver,
        line: str,
        clock: Clock,
        contexts: ContextStore,
        policies: AssignedVersions,
        masks: MaskLimits,
        mark: Callable[[], EngineMark] | None,
        *,
        leased: bool,
    ) -> None:
        self._connection = connection
        self._leased = leased
        self._left = False
        self._mark = mark
        self._masks = masks
        self._engine_before: str | None = None
        self._driver = driver
        self._clock = clock
        self._line = line
        self._store = contexts
        self._contexts: Mapping[str, JudgedContext] = {}
        self._memories: dict[tuple[str, FaultKey], MemoryState] = {}
        self._operating: dict[MachineThen, OperatingState | None] = {}
        self._maintenance: dict[AssetThen, MaintenanceHistory | None] = {}
        self._policies = policies
        self._in_force: VersionsInForce | None = None
        self._last: LastWrites | None = None
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
            async with pipeline(self._driver):
                await taking.execute(_TAKE, (line_workflow_id(self._line), self._line))
                await ask_pending(waiting, self._line, limit)
                in_force = self._in_force = await self._policies.read(other, self._clock.now)
            self.at = in_force.at
            (taken,) = map(_TakenRow._make, await taking.fetchall())
            self.generation, self._engine_before = taken.generation or 0, taken.engine
            found = await waiting.fetchall()
            self._left = len(found) == limit
            if self._left:
                await ask_pending_by_turns(waiting, self._line, limit)
                found = await waiting.fetchall()
            events, spoiled = read_pending(found)
            if not events:
                self.spoiled = spoiled
                return
            keys = sorted({event.key for event in events})
            async with pipeline(self._driver):
                await self._store.ask(other, {asset for asset, _ in keys})
                await ask_memories(waiting, keys, in_force.digests(self._line))
            self._contexts = await self._store.answer(other)
            self._memories = read_memories(await waiting.fetchall())
            judging = [
                (assignment.digest, key)
                for key in keys
                if key[0] in self._contexts
                for assignment in self.assignments_of(key[0])
            ]
            missing = [place for place in judging if place not in self._memories]
            if missing:
                self._memories |= await read_missing_memories(self._driver, missing)
        self.events = [event for event in events if event.asset in self._contexts]
        absent = [event for event in events if event.asset not in self._contexts]
        self.spoiled = spoiled + (await self._set_aside(absent) if absent else [])

    async def _set_aside(self, events: Sequence[LineEvent]) -> list[Spoiled]:
        """Events whose asset left the register while they waited: as they would be read if they came now."""
        left = await retired_at(self._connection, sorted({event.asset for event in events}))
        return [
            Spoiled(event.id, f"{retired_words(event.asset, left[event.asset])}, before this was judged", Fate.UNMAPPED)
            if event.asset in left
            else Spoiled(event.id, f"asset {event.asset} is no longer in the register")
            for event in events
        ]

    def assignments_of(self, asset: str) -> Sequence[Assignment]:
        return self._in_force.of(self._contexts[asset].place) if self._in_force is not None else ()

    def context(self, asset: str) -> JudgedContext:
        return self._contexts[asset]

    async def told(self, events: Sequence[LineEvent], inputs: ReadInputs) -> Mapping[int, JudgedContext]:
        if inputs.operating:
            # With those of the batch, so that the faults of one batch need one question.
            unread = {self._machine_then(event) for event in (*events, *self.events)} - self._operating.keys()
            if unread:
                states = await states_then(self._driver, unread)
                self._operating.update((each, states.get(each)) for each in unread)
        if inputs.maintenance:
            unasked = {(event.asset, event.at) for event in (*events, *self.events)} - self._maintenance.keys()
            if unasked:
                histories = await histories_then(self._driver, unasked)
                self._maintenance.update((each, histories.get(each)) for each in unasked)
        return {
            event.id: self._contexts[event.asset].told(
                self._operating[self._machine_then(event)] if inputs.operating else None,
                self._maintenance[event.asset, event.at] if inputs.maintenance else None,
            )
            for event in events
        }

    def _machine_then(self, event: LineEvent) -> MachineThen:
        return self._contexts[event.asset].context.machine, event.at

    def memory(self, version: str, key: FaultKey) -> MemoryState | None:
        return self._memories.get((version, key))

    async def unjudged(self, version: str, key: FaultKey, since: datetime, after: str) -> Sequence[LineEvent]:
        return await read_unjudged(self._driver, version, key, since, after)

    async def memory_before(self, version: str, key: FaultKey, position: str) -> MemoryState | None:
        return await read_memory_before(self._driver, version, key, position)

    async def verdicts_after(self, version: str, key: FaultKey, position: str) -> Sequence[PastVerdict]:
        past = await read_verdicts_after(self._driver, version, key, position)
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
            entry.add(ledger.act(f"event-{bad.fate}", f"event/{bad.event_id}", "watch", now, {"reason": bad.reason}))
        applied = await apply_verdicts(self._connection, judged, entry, now, self._masks)
        judged_now = {verdict.event.id for verdict in judged if verdict.revision == 0}
        done = sorted(judged_now.union(bad.event_id for bad in spoiled))
        verdicts = verdict_columns(judged, records, digests) if judged else None
        self._last = LastWrites(entry, applied.statements, verdicts, memories, contexts, spoiled, done)
        return applied.woken

    async def commit(self) -> None:
        """Ends the transaction, with all that `write` left for last, and the line's rest where nothing is left."""
        last = self._last
        if last is None:
            if not self.events:
                async with self._driver.cursor() as resting:
                    await ask_rest(resting, self._line, self.generation, leased=self._leased)
                    self.rested = await has_rested(resting, self.generation)
            return
        memories = memory_columns(last.memories)
        mark = self._mark() if self._mark is not None and last.verdicts is not None else None
        if mark is not None and mark.digest != self._engine_before:
            await ledger.take_over(self._connection, last.entry, mark)
        async with self._driver.cursor() as cursor, self._driver.cursor() as resting:
            # All on one way to the database and back, the commit too: from the ledger's row on everybody waits for us.
            async with committing_pipeline(self._driver):
                for statement, values in last.cases:
                    await cursor.execute(statement, values)
                self.new_contexts = await self._store.keep(cursor, last.contexts)
                await decide(cursor, self._line, last.done, memories, last.spoiled)
                if not self._left:
                    await ask_rest(resting, self._line, self.generation, leased=self._leased)
                await add_verdicts(cursor, last.entry, last.verdicts, None if mark is None else mark.digest)
            if not self._left:
                self.rested = await has_rested(resting, self.generation)


class LineStore:
    """See `domain.judging.LineStore`.

    Args:
        engine: the database.
        clock: the plant's time.
        terms: the versions compiled in this process.
        mark: gives the engine that judges here, asked when the first verdict is written; None leaves it unsaid.
        masks: how long a suspected sensor is masked at most.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Clock,
        terms: VersionTerms,
        mark: Callable[[], EngineMark] | None = None,
        masks: MaskLimits = SHIPPED_MASKS,
    ) -> None:
        self._engine = engine
        self._mark = mark
        self._masks = masks
        self._clock = clock
        self._policies = AssignedVersions(terms)
        self._contexts = ContextStore()

    @asynccontextmanager
    async def open(self, line: str, limit: int, *, leased: bool = False) -> AsyncIterator[_LineWork]:
        async with transaction(self._engine) as connection:
            driver = await raw(connection)
            work = _LineWork(
                connection,
                driver,
                line,
                self._clock,
                self._contexts,
                self._policies,
                self._masks,
                self._mark,
                leased=leased,
            )
            await work.read(limit)
            yield work
            await work.commit()
        self._contexts.kept(work.new_contexts)

    async def leave(self, line: str) -> None:
        async with transaction(self._engine) as connection:
            driver = await raw(connection)
            async with driver.cursor() as cursor:
                await leave_line(cursor, line)
