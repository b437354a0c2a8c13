"""Lines that stay with the worker that judged them, for as long as something comes."""

import asyncio
import contextvars
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

_QUIET = 10.0
"""Seconds without an event after which a line is left."""
_AT_MOST = 300.0
"""Seconds after which a line is left at its next rest, however much comes: its watch shows that it goes on."""
_APART, _AT_MOST_APART = 0.03, 0.25
"""Seconds between the beginnings of two transactions of a line that goes on getting a little: doubled each time, so
that many small messages share a transaction. What comes to a line at rest is judged at once."""
_AT_ONCE = 4
"""Passes at once. More would share one core and all end late; who waits for a turn takes along what comes meanwhile."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one transaction over a line did.

    `generation` is the line's as of before it read; `many` says that so much came that nothing is to be gathered
    before the next; `rested` is false where more was left or came meanwhile.
    """

    events: int
    cases: Sequence[str]
    generation: int
    many: bool
    rested: bool


@dataclass(slots=True)
class Pace:
    """When the next transaction of a line may begin."""

    began: float
    apart: float = _APART

    async def gather(self, last: Pass) -> None:
        """Waits until enough time lies between the last beginning and the next one, which is now."""
        wait = self.began + self.apart - time.monotonic()
        if last.many:
            await asyncio.sleep(0)
        elif wait > 0:
            await asyncio.sleep(wait)
            self.apart = min(self.apart * 2, _AT_MOST_APART)
        else:
            self.apart = _APART
        self.began = time.monotonic()


@dataclass(slots=True)
class _Stay:
    last: Pass
    pace: Pace
    asked: int = 0
    """The newest generation that the line was seen due with."""
    called: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Attendance:
    """The lines that this process attends.

    To wake a watch through the engine costs a handful of history events and some milliseconds of two processes. So a
    line that was just judged stays with who judged it: the dispatcher of the same process calls here, and storage says
    to all others until when that is to be relied on. Whatever fails ends the stay; the line is due still, and its
    watch is woken as ever.
    """

    def __init__(self) -> None:
        self._stays: dict[str, _Stay] = {}
        self._ended = False
        self._judging = 0
        self._turns = asyncio.Semaphore(_AT_ONCE)

    @property
    def busy(self) -> bool:
        """Whether any line is being judged, or waits for its turn."""
        return self._judging > 0

    @asynccontextmanager
    async def judging(self) -> AsyncIterator[None]:
        """A pass, begun when few others go on, for as long as the block lasts."""
        self._judging += 1
        try:
            async with self._turns:
                yield
        finally:
            self._judging -= 1

    def attends(self, line: str) -> bool:
        """Whether the line is attended here."""
        return line in self._stays

    def attend(
        self,
        line: str,
        last: Pass,
        pace: Pace,
        judge: Callable[[str], Awaitable[Pass]],
        leave: Callable[[str], Awaitable[None]],
    ) -> bool:
        """Attends a line from now on, unless this process is about to end; says whether it does.

        Args:
            last: the pass that was just made.
            pace: when it began.
            judge: makes the next one, and says in storage that the line is attended.
            leave: says in storage that it is attended no more.
        """
        if self._ended or line in self._stays:
            return line in self._stays
        stay = self._stays[line] = _Stay(last, pace)
        # Not in the context of the activity that began it: that ends, and this goes on.
        stay.task = asyncio.create_task(self._stay(line, stay, judge, leave), context=contextvars.Context())
        return True

    def call(self, line: str, generation: int) -> bool:
        """Tells who attends the line that it is due; false where nobody does here."""
        stay = self._stays.get(line)
        if stay is None:
            return False
        stay.asked = generation
        if generation > stay.last.generation:
            stay.called.set()
        return True

    async def end(self) -> None:
        """Leaves every line as soon as the transaction over it is at its end, and waits for that."""
        self._ended = True
        tasks = [stay.task for stay in self._stays.values() if stay.task is not None]
        for stay in self._stays.values():
            stay.called.set()
        await asyncio.gather(*tasks)

    async def _stay(
        self,
        line: str,
        stay: _Stay,
        judge: Callable[[str], Awaitable[Pass]],
        leave: Callable[[str], Awaitable[None]],
    ) -> None:
        try:
            if not await self._taken_over(line, stay, judge):
                await leave(line)
        except Exception as error:  # noqa: BLE001 - the outermost loop of a stay: its watch judges on, and says why not
            log.warning("line %s is left to its watch: %s", line, error)
        finally:
            del self._stays[line]

    async def _taken_over(self, line: str, stay: _Stay, judge: Callable[[str], Awaitable[Pass]]) -> bool:
        """Judges a line for as long as the stay lasts; whether somebody else judges it by then."""
        until = stay.pace.began + _AT_MOST
        while not self._ended and (not stay.last.rested or await self._is_called(stay, until)):
            alone = not stay.last.rested
            await stay.pace.gather(stay.last)
            stay.last = await judge(line)
            if stay.asked <= stay.last.generation:
                stay.called.clear()
            if stay.last.rested and not stay.last.events and not alone:
                # What we were called for was judged by another: two would be in each other's way.
                return True
        return False

    async def _is_called(self, stay: _Stay, until: float) -> bool:
        if time.monotonic() > until:
            return False
        try:
            await asyncio.wait_for(stay.called.wait(), _QUIET)
        except TimeoutError:
            return False
        return not self._ended
