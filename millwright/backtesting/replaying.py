"""A history judged again on all cores: storage streams faults, processes judge them, progress is told."""

import asyncio
import multiprocessing
import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

from domain.anomaly import Anomaly
from millwright.storage.history import FaultRows, History
from policies.backtest import Compared, FaultHistory, PastEvent, compare
from policies.engine import CompiledPolicy, compile_policy

_CHUNK = 4000
"""Events that are given to a process at once."""
_ALONE = 20_000
"""Below so many events the start of processes costs more than they save."""

Progress = Callable[[int, int], None]
"""Told how many more events have been judged, and of how many in all."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A candidate and the version it is held against, as text, so that any process can compile them."""

    candidate: str
    against: str
    since: datetime


class _Judge:
    """What a process keeps between chunks: the compiled versions."""

    def __init__(self, pair: Pair) -> None:
        self.since = pair.since
        self.candidate = compile_policy(pair.candidate, "candidate")
        same = pair.against == pair.candidate
        self.against = self.candidate if same else compile_policy(pair.against, "against")

    def judge(self, faults: Sequence[FaultRows]) -> Compared:
        total = Compared()
        for rows in faults:
            total.add(compare(self.candidate, self.against, history_of(rows), self.since))
        return total


_judges: list[_Judge] = []


def _begin(pair: Pair) -> None:
    _judges.append(_Judge(pair))


def _judge(faults: Sequence[FaultRows]) -> Compared:
    return _judges[-1].judge(faults)


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
                rows.contexts.get(event, rows.context),
                event in rows.aside,
            )
            for event, position, anomaly in rows.rows
        ],
    )


async def replay_history(
    history: History,
    candidate: CompiledPolicy,
    against: CompiledPolicy,
    since: datetime,
    until: datetime,
    progress: Progress,
    processes: int | None = None,
) -> Compared:
    """The whole history up to an instant under both versions; what is counted begins with `since`.

    Args:
        progress: told as parts are done.
        processes: how many judge; None takes every core, or this very process for a small history.
    """
    pair = Pair(candidate.text, against.text, since)
    size = await history.count(until)
    workers = processes or (1 if size < _ALONE else os.cpu_count() or 1)
    total = Compared()
    progress(0, size)

    def take(part: Compared, events: int) -> None:
        total.add(part)
        progress(events, size)

    async with AsyncExitStack() as stack:
        submit = _submitter(stack, pair, workers)
        running: deque[tuple[Awaitable[Compared], int]] = deque()
        chunk: list[FaultRows] = []
        held = 0
        async for rows in history.faults(until):
            chunk.append(rows)
            held += len(rows.rows)
            if held >= _CHUNK:
                running.append((submit(chunk), held))
                chunk, held = [], 0
                # Enough waits for every process; more would only hold the history in memory.
                while len(running) > 3 * workers:
                    part, events = running.popleft()
                    take(await part, events)
        if chunk:
            running.append((submit(chunk), held))
        for part, events in running:
            take(await part, events)
    total.changed.sort(key=lambda one: (one.at, one.asset, one.failure_mode, one.event))
    return total


def _submitter(stack: AsyncExitStack, pair: Pair, workers: int) -> Callable[[Sequence[FaultRows]], Awaitable[Compared]]:
    if workers == 1:
        judge = _Judge(pair)

        async def here(faults: Sequence[FaultRows]) -> Compared:
            return judge.judge(faults)

        return here
    # Not a fork: the parent holds a database connection and threads.
    pool = stack.enter_context(
        ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(pair,))
    )

    def there(faults: Sequence[FaultRows]) -> Awaitable[Compared]:
        future: Future[Compared] = pool.submit(_judge, faults)
        return asyncio.wrap_future(future)

    return there
