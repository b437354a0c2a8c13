"""Judges a line in one long activity of its workflow, for as long as events arrive."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from temporalio import activity

from activities.judging import JudgeLine, Judging, LineJudged
from domain.errors import StorageUnavailable, Unavailable
from domain.judging import LineStore

_QUIET = 10.0
"""Seconds without an event after which the activity ends."""
_LONGEST_STAY = 300.0
"""Maximum seconds of the activity, so that the workflow shows progress under load."""
_AT_ONCE = 4
"""Maximum number of concurrent transactions. They share one core, so more would only make all of them slower. A line
that waits judges more events in one transaction."""
_NO_PROGRESS = 30.0
"""Maximum seconds of a transaction."""
_ENGINE_ASKED_EVERY = 5.0
_ENGINE_AWAY = 15.0
"""Seconds without an answer of the engine after which judging stops. This is the heartbeat timeout: after it the engine
considers the activity dead and may start another attempt."""


@dataclass(slots=True)
class Stay:
    """The time during which one activity judges a line."""

    asked: int = 0
    """The newest generation that the line was seen due with."""
    called: asyncio.Event = field(default_factory=asyncio.Event)
    ends: bool = False
    """Whether the worker is about to end, or a newer attempt judges the line."""

    def end(self) -> None:
        self.ends = True
        self.called.set()


class LinesJudgedHere:
    """The lines that activities of this process judge. The dispatcher of this process notifies them directly, without a
    signal."""

    def __init__(self) -> None:
        self._stays: dict[str, Stay] = {}
        self._passes = 0
        self._free = asyncio.Semaphore(_AT_ONCE)

    @property
    def busy(self) -> bool:
        """Whether a transaction over any line is running."""
        return self._passes > 0

    def call(self, line: str, generation: int) -> bool:
        """Notifies the activity that judges a line that the line is due; false if no activity of this process does."""
        stay = self._stays.get(line)
        if stay is None or stay.ends:
            return False
        stay.asked = max(stay.asked, generation)
        stay.called.set()
        return True

    @contextmanager
    def stay(self, line: str) -> Iterator[Stay]:
        """Registers an activity for a line. An earlier attempt of the same activity ends after its transaction."""
        earlier = self._stays.get(line)
        if earlier is not None:
            earlier.end()
        stay = self._stays[line] = Stay()
        try:
            yield stay
        finally:
            if self._stays.get(line) is stay:
                del self._stays[line]

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """A transaction over a line."""
        self._passes += 1
        try:
            async with self._free:
                yield
        finally:
            self._passes -= 1


class LineJudging:
    """Judges lines, each in a heartbeating activity.

    Args:
        judging: judges the events of one transaction.
        lines: the store of the leases of lines.
        here: the lines that are judged in this process.
        engine_answers: asks whether the engine answers.
    """

    def __init__(
        self,
        judging: Judging,
        lines: LineStore,
        here: LinesJudgedHere,
        engine_answers: Callable[[], Awaitable[bool]],
    ) -> None:
        self._judging = judging
        self._lines = lines
        self._here = here
        self._engine_answers = engine_answers

    @activity.defn(name="judge-line")
    async def judge_line(self, request: JudgeLine) -> LineJudged:
        """Judges a line's events as they arrive, in one transaction for each batch, and heartbeats after each batch.

        Ends after ten seconds without an event, after five minutes, when the worker ends, or when a newer attempt
        judges the line. Two concurrent attempts do no harm: the line's lock lets one transaction judge it at a time.

        Raises:
            StorageUnavailable: the database does not answer, or a transaction did not end in time; what was not
                committed is judged again.
            Unavailable: the engine does not answer; the events wait.
            PolicyRejected: a version assigned to the line was altered or is unsigned; its events wait.
        """
        with self._here.stay(request.line) as stay:
            ending = asyncio.create_task(_end_with_worker(stay))
            try:
                judged = await self._judge_while_events_come(request.line, stay)
            finally:
                ending.cancel()
        if not stay.ends or activity.is_worker_shutdown():
            await self._lines.leave(request.line)
        return judged

    async def _judge_while_events_come(self, line: str, stay: Stay) -> LineJudged:
        clock = asyncio.get_running_loop().time
        began = answered = clock()
        events = 0
        cases: set[str] = set()
        while True:
            stay.called.clear()
            try:
                async with asyncio.timeout(_NO_PROGRESS), self._here.passing():
                    batch = await self._judging.judge_batch(line, leased=True)
            except TimeoutError as error:
                raise StorageUnavailable(f"a transaction over {line} took longer than {_NO_PROGRESS:g} s") from error
            activity.heartbeat()
            events += batch.events
            cases.update(batch.cases)
            if stay.ends or clock() - began > _LONGEST_STAY:
                return LineJudged(events=events, cases=tuple(sorted(cases)), rested=batch.rested)
            if clock() - answered > _ENGINE_ASKED_EVERY:
                answered = await self._asked_engine(answered, clock())
            if batch.rested and not await _called(stay, batch.generation):
                return LineJudged(events=events, cases=tuple(sorted(cases)), rested=True)

    async def _asked_engine(self, answered: float, now: float) -> float:
        """The time of the engine's last answer.

        Raises:
            Unavailable: it has not answered for too long.
        """
        if await self._engine_answers():
            return now
        if now - answered > _ENGINE_AWAY:
            raise Unavailable("it does not answer", system="temporal", operation="judge-line")
        return answered


async def _called(stay: Stay, generation: int) -> bool:
    """Waits until the line is due again; false if no event arrived in time, or the activity must end."""
    try:
        async with asyncio.timeout(_QUIET):
            while not stay.ends and stay.asked <= generation:
                await stay.called.wait()
                stay.called.clear()
    except TimeoutError:
        return False
    return not stay.ends


async def _end_with_worker(stay: Stay) -> None:
    await activity.wait_for_worker_shutdown()
    stay.end()
