"""Judges a history again on all cores: storage streams faults, processes judge them, and progress is reported."""

import asyncio
import multiprocessing
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar, cast

from domain.anomaly import Anomaly
from domain.verdict import NOTHING_READ, ReadInputs
from millwright.storage.reporting.history import FaultRows, History
from policies.engine.judging import CompiledPolicy, compile_policy
from policies.evaluation.backtest import Compared, FaultHistory, PastEvent, Replay, compare, replay_alone

_CHUNK = 4000
"""Number of judgements, over all versions, that one process gets at once."""
_ALONE = 20_000
"""Below this number of judgements starting processes costs more than they save."""

Progress = Callable[[int, int], None]
"""Called with the number of newly judged events, and the total."""


Part = TypeVar("Part", covariant=True)


class Job(Protocol[Part]):
    """The work of every process on its faults; it is sent to each process once."""

    def prepare(self) -> Callable[[Sequence[FaultHistory]], Part]:
        """Compiles what is needed, in the process that will use it."""
        ...


@dataclass(frozen=True, slots=True)
class Pair:
    """A candidate and the version to compare with, as text, so that any process can compile them."""

    candidate: str
    against: str
    since: datetime

    def prepare(self) -> Callable[[Sequence[FaultHistory]], Compared]:
        """See `Job`."""
        candidate = compile_policy(self.candidate, "candidate")
        against = candidate if self.against == self.candidate else compile_policy(self.against, "against")

        def judge(histories: Sequence[FaultHistory]) -> Compared:
            total = Compared()
            for history in histories:
                total.add(compare(candidate, against, history, self.since))
            return total

        return judge


@dataclass(frozen=True, slots=True)
class Many:
    """Any number of versions, each by itself."""

    texts: tuple[str, ...]
    since: datetime

    def prepare(self) -> Callable[[Sequence[FaultHistory]], list[Replay]]:
        """See `Job`."""
        policies = [compile_policy(text, f"proposal {number}") for number, text in enumerate(self.texts, start=1)]

        def judge(histories: Sequence[FaultHistory]) -> list[Replay]:
            totals = [Replay() for _ in policies]
            for history in histories:
                for policy, total in zip(policies, totals, strict=True):
                    total.add(replay_alone(policy, history, self.since))
            return totals

        return judge


_prepared: list[Callable[[Sequence[FaultHistory]], object]] = []


def _begin(job: Job[object]) -> None:
    _prepared.append(job.prepare())


def _work(faults: Sequence[FaultRows]) -> object:
    return _prepared[-1]([history_of(rows) for rows in faults])


def history_of(rows: FaultRows) -> FaultHistory:
    """A fault's stored events, read."""
    return FaultHistory(
        rows.asset,
        rows.failure_mode,
        [
            PastEvent(
                event,
                position,
                Anomaly.model_validate_json(anomaly),
                rows.context_of(event),
                event in rows.too_late,
            )
            for event, position, anomaly in rows.rows
        ],
    )


def used_by(*versions: CompiledPolicy) -> ReadInputs:
    """What at least one of these versions uses of what was read from other systems."""
    return ReadInputs(*map(any, zip(*(version.read_inputs for version in versions), strict=True)))


async def replay_history(
    history: History,
    candidate: CompiledPolicy,
    against: CompiledPolicy,
    since: datetime,
    until: datetime,
    progress: Progress,
    processes: int | None = None,
) -> Compared:
    """The whole history up to an instant under both versions; counting begins with `since`.

    Args:
        progress: called when a part is done.
        processes: number of processes; None uses every core, or only this process for a small history.
    """
    total = Compared()
    job = Pair(candidate.text, against.text, since)
    inputs = used_by(candidate, against)
    async for part in _replayed(history, job, until, progress, processes, 1, inputs=inputs):
        total.add(part)
    total.changed.sort(key=lambda changed: (changed.at, changed.asset, changed.failure_mode, changed.event))
    return total


async def replay_many(
    history: History,
    policies: Sequence[str],
    since: datetime,
    until: datetime,
    progress: Progress,
    processes: int | None = None,
    *,
    inputs: ReadInputs = NOTHING_READ,
) -> list[Replay]:
    """The same for any number of versions' texts, each by itself, in their order.

    Args:
        inputs: what one of them uses of what was read from other systems.
    """
    totals = [Replay() for _ in policies]
    job = Many(tuple(policies), since)
    async for parts in _replayed(history, job, until, progress, processes, len(policies), inputs=inputs):
        for total, part in zip(totals, parts, strict=True):
            total.add(part)
    return totals


async def _replayed(
    history: History,
    job: Job[Part],
    until: datetime,
    progress: Progress,
    processes: int | None,
    times: int,
    *,
    inputs: ReadInputs,
) -> AsyncIterator[Part]:
    """The job's result for each part of the history, in the order of its faults.

    Args:
        times: how many versions judge each event.
        inputs: what one of them uses of what was read from other systems.
    """
    size = await history.count(until)
    workers = processes or (1 if size * times < _ALONE else os.cpu_count() or 1)
    progress(0, size)
    running: deque[tuple[Awaitable[Part], int]] = deque()
    chunk: list[FaultRows] = []
    held = 0
    with ExitStack() as stack:
        submit = _submitter(stack, job, workers)
        async for rows in history.faults(until, inputs):
            chunk.append(rows)
            held += len(rows.rows)
            if held * times >= _CHUNK:
                running.append((submit(chunk), held))
                chunk, held = [], 0
                # Enough parts wait for every process; more would only keep the history in memory.
                while len(running) > 3 * workers:
                    part, events = running.popleft()
                    yield await part
                    progress(events, size)
        if chunk:
            running.append((submit(chunk), held))
        for part, events in running:
            yield await part
            progress(events, size)


def _submitter(stack: ExitStack, job: Job[Part], workers: int) -> Callable[[Sequence[FaultRows]], Awaitable[Part]]:
    if workers == 1:
        judge = job.prepare()

        async def here(faults: Sequence[FaultRows]) -> Part:
            return judge([history_of(rows) for rows in faults])

        return here
    # Not a fork: the parent holds a database connection and threads.
    pool = stack.enter_context(
        ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(job,))
    )

    def there(faults: Sequence[FaultRows]) -> Awaitable[Part]:
        # The type of the job's result is not known to the pool.
        return asyncio.wrap_future(cast("Future[Part]", pool.submit(_work, faults)))

    return there
