"""Judges a line's events in event order, independently of their order of arrival."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby

from temporalio import activity

from domain.anomaly import position_time
from domain.canonical import canonical, sha256, timestamp
from domain.case_rules import is_too_late
from domain.errors import PolicyRejected, Rejected, StorageFault, StorageUnavailable
from domain.judging import (
    Assignment,
    FaultKey,
    Judged,
    JudgedContext,
    LineEvent,
    LineStore,
    LineWork,
    MemoryState,
    PastVerdict,
    Spoiled,
)
from domain.model import Model
from domain.ports import Judge
from domain.verdict import Memory

EMPTY = Memory()
_BATCH = 500
"""Maximum number of events in one transaction. A larger transaction shares its fixed costs between more events, but a
worker's memory grows with it. Above this number the cost for each event hardly falls."""

_AT_A_STRETCH = 0.002
"""Maximum seconds of judging before the event loop runs other tasks."""


class JudgeLine(Model):
    """Asks for a line's undecided events to be judged."""

    line: str


class LineJudged(Model):
    """The result of judging a line; `rested` is false if events were left or arrived meanwhile."""

    events: int
    cases: tuple[str, ...]
    rested: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction did, and the line's generation before it read; `rested` is false if more events were left or
    arrived meanwhile."""

    events: int
    cases: Sequence[str]
    generation: int
    rested: bool


@dataclass(slots=True)
class _Result:
    judged_at: datetime
    judged: list[Judged] = field(default_factory=list)
    memories: dict[tuple[str, FaultKey], MemoryState] = field(default_factory=dict)
    contexts: dict[str, JudgedContext] = field(default_factory=dict)
    warm: dict[tuple[str, FaultKey], datetime] = field(default_factory=dict)
    """The memories that include everything that other versions judged before this one began, and when it began."""


def _assigned(work: LineWork, asset: str) -> Sequence[Assignment]:
    found = work.assignments_of(asset)
    if all(assignment.role != "active" for assignment in found):
        raise PolicyRejected(f"no policy version is active for {asset}", fix="activate one; the events wait")
    return found


class Judging:
    """Judges lines.

    Args:
        lines: the store of events and verdicts.
        judge: the judging function.
    """

    def __init__(self, lines: LineStore, judge: Judge) -> None:
        self._lines = lines
        self._judge = judge
        self._warm: dict[tuple[str, FaultKey], datetime] = {}

    async def judge_batch(self, line: str, *, leased: bool = False) -> Batch:
        """One transaction over a line. If no event is left, the line is no longer due.

        Args:
            leased: stores that an activity judges the line, so that no dispatcher wakes its workflow.

        Raises:
            StorageUnavailable: the database does not answer; what was not committed is judged again.
            PolicyRejected: a version assigned to the line was altered or is unsigned; its events wait.
        """
        return await self._judge_batch(line, _BATCH, leased)

    async def _judge_batch(self, line: str, limit: int, leased: bool) -> Batch:
        """One transaction. If an event makes it fail, it is halved until that event is alone."""
        try:
            async with self._lines.open(line, limit, leased=leased) as work:
                result = await self._judge_events(work)
                cases = await work.write(result.judged, result.memories, result.contexts, work.spoiled)
            self._warm.update(result.warm)
            return Batch(len(work.events) + len(work.spoiled), cases, work.generation, work.rested)
        except (StorageUnavailable, StorageFault, Rejected):
            raise
        except Exception as error:  # noqa: BLE001 - the outermost loop of judging: one bad event must not stop a line
            if limit > 1:
                activity.logger.warning("judging %d events of %s failed (%s); halving", limit, line, error)
                return await self._judge_batch(line, limit // 2, leased)
            return await self._spoil(line, error, leased)

    async def _spoil(self, line: str, error: Exception, leased: bool) -> Batch:
        async with self._lines.open(line, 1, leased=leased) as work:
            reason = f"judging it failed: {type(error).__name__}: {error}"
            bad = [*work.spoiled, *(Spoiled(event.id, reason) for event in work.events)]
            await work.write([], {}, {}, bad)
        return Batch(len(bad), (), work.generation, work.rested)

    async def _judge_events(self, work: LineWork) -> _Result:
        result = _Result(work.at)
        events = sorted(work.events, key=lambda event: (event.key, event.position))
        began = time.monotonic()
        for key, group in groupby(events, key=lambda event: event.key):
            # Judging only computes. In between, other tasks of this process must be able to release the ledger's head.
            if time.monotonic() - began > _AT_A_STRETCH:
                await asyncio.sleep(0)
                began = time.monotonic()
            fresh = list(group)
            context = work.context(key[0])
            result.contexts[context.digest] = context
            for assignment in _assigned(work, key[0]):
                await self._judge_fault(work, assignment, key, fresh, context, result)
        return result

    async def _judge_fault(
        self,
        work: LineWork,
        assignment: Assignment,
        key: FaultKey,
        fresh: list[LineEvent],
        context: JudgedContext,
        result: _Result,
    ) -> None:
        """Judges one fault's new events under one version, and judges later events again."""
        state = await self._warmed(work, assignment, key, fresh[0], context, result)
        past: Sequence[PastVerdict] = ()
        if state is not None and fresh[0].position < state.position:
            newest = position_time(state.position)
            on_time = [event for event in fresh if not is_too_late(event.at, newest, assignment.lateness)]
            for event in fresh:
                if event not in on_time:
                    await self._judge_too_late_event(work, assignment, event, context, result)
            if not on_time:
                return
            fresh = on_time
            if fresh[0].position < state.position:
                state = await work.memory_before(assignment.digest, key, fresh[0].position)
                past = await work.verdicts_after(assignment.digest, key, fresh[0].position)
        await self._fold(work, assignment, state, fresh, past, context, result)

    async def _warmed(
        self,
        work: LineWork,
        assignment: Assignment,
        key: FaultKey,
        first: LineEvent,
        context: JudgedContext,
        result: _Result,
    ) -> MemoryState | None:
        """The memory of a fault. If the version did not judge here before, the memory is built from the events that
        other versions judged.

        These verdicts are stored as a shadow's, so that the memory can be reproduced. They have no effect.
        """
        state = work.memory(assignment.digest, key)
        place = (assignment.digest, key)
        # Read once: while the version judges here without a break, it judges everything that other versions judge.
        if assignment.since is None or self._warm.get(place) == assignment.since:
            return state
        # A position begins with its time, in the format of `timestamp`. Comparing the texts gives the same order as the
        # times.
        if state is not None and state.position >= timestamp(assignment.since)[:-1]:
            return state
        after = state.position if state is not None else ""
        unjudged = await work.unjudged(assignment.digest, key, first.at - assignment.warm_for, after)
        missed = [event for event in unjudged if event.position < first.position]
        if len(missed) == len(unjudged):
            result.warm[place] = assignment.since
        if missed:
            await self._fold(work, replace(assignment, role="shadow"), state, missed, (), context, result)
            state = result.memories[place]
        return state

    async def _judge_too_late_event(
        self,
        work: LineWork,
        assignment: Assignment,
        event: LineEvent,
        context: JudgedContext,
        result: _Result,
    ) -> None:
        before = await work.memory_before(assignment.digest, event.key, event.position)
        memory = before.memory if before else EMPTY
        inputs = self._judge.read_inputs(assignment.digest)
        if any(inputs):
            context = (await work.told([event], inputs))[event.id]
            result.contexts[context.digest] = context
        verdict, after = self._judge.judge(assignment.digest, memory, event.anomaly, context.context)
        text = canonical(after)
        result.judged.append(
            Judged(
                event,
                assignment,
                0,
                verdict,
                context.digest,
                sha256(canonical(memory)),
                text,
                sha256(text),
                result.judged_at,
                too_late=True,
            )
        )

    async def _fold(
        self,
        work: LineWork,
        assignment: Assignment,
        state: MemoryState | None,
        fresh: Sequence[LineEvent],
        past: Sequence[PastVerdict],
        context: JudgedContext,
        result: _Result,
    ) -> None:
        memory = state.memory if state else EMPTY
        digest = sha256(canonical(memory))
        queue = [(event, 0, None) for event in fresh] + [(p.event, p.revision + 1, p.rung) for p in past]
        queue.sort(key=lambda item: item[0].position)
        told: Mapping[int, JudgedContext] = {}
        inputs = self._judge.read_inputs(assignment.digest)
        if any(inputs):
            told = await work.told([event for event, _, _ in queue], inputs)
            result.contexts.update((each.digest, each) for each in told.values())
        for event, revision, previous in queue:
            context = told.get(event.id, context)
            verdict, memory = self._judge.judge(assignment.digest, memory, event.anomaly, context.context)
            text = canonical(memory)
            after = sha256(text)
            result.judged.append(
                Judged(
                    event,
                    assignment,
                    revision,
                    verdict,
                    context.digest,
                    digest,
                    text,
                    after,
                    result.judged_at,
                    previous_rung=previous,
                )
            )
            digest = after
        key = queue[-1][0].key
        result.memories[(assignment.digest, key)] = MemoryState(queue[-1][0].position, memory)
