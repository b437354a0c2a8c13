"""Judging goes first: a case may take a second, a verdict may not."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

_APART: Final = 0.04
"""Seconds of this process's own CPU between two steps that begin while lines are judged. A step takes some five
milliseconds, so this bounds the share of all steps, on a machine with other work, too."""
_LONGEST: Final = 0.25
"""Seconds after which the next one begins in any case."""
_AT_ONCE: Final = 8
"""Steps that run, or wait for their vendors, where nothing is judged, before another one is kept at a distance."""
_APART_AT_REST: Final = 0.02
"""Seconds of that distance: how many of those that run only wait is not known, and a silent vendor slows nobody."""
_LOOK_AGAIN: Final = 0.002
_ANSWERED_AT_ONCE: Final = "record-decision"


class Precedence:
    """Has the steps of cases begin while no line is judged, or one by one at a distance.

    All share one event loop. Where a hundred cases come at once each turn of the loop goes through a step of each, and
    a pass over a line takes some twenty turns. No step waits for others to end, so one that waits for its vendor is in
    nobody's way.

    Args:
        judging: whether a line is being judged.
    """

    def __init__(self, judging: Callable[[], bool]) -> None:
        self._judging = judging
        self._running = 0
        self._last = self._last_cpu = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._letting: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def step(self) -> AsyncIterator[None]:
        """A step, begun when its time has come."""
        if self._waiting or not self._may_begin():
            await self._wait()
        self._last, self._last_cpu = time.monotonic(), time.thread_time()
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    def _may_begin(self) -> bool:
        passed = time.monotonic() - self._last
        if not self._judging() and (self._running < _AT_ONCE or passed >= _APART_AT_REST):
            return True
        return time.thread_time() - self._last_cpu >= _APART or passed >= _LONGEST

    async def _wait(self) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        if self._letting is None:
            self._letting = asyncio.create_task(self._let())
        await mine

    async def _let(self) -> None:
        while self._waiting:
            if not self._may_begin():
                await asyncio.sleep(_LOOK_AGAIN)
                continue
            mine = self._waiting.popleft()
            if not mine.done():
                mine.set_result(None)
                # It begins before the next one is looked at.
                await asyncio.sleep(0)
        self._letting = None


class JudgingFirst(Interceptor):
    """Has a worker's activities begin by precedence; a person is answered at once."""

    def __init__(self, precedence: Precedence) -> None:
        self._precedence = precedence

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        """See `Interceptor.intercept_activity`."""
        return _Step(next, self._precedence)


class _Step(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, precedence: Precedence) -> None:  # noqa: A002 - the SDK's name
        super().__init__(next)
        self._precedence = precedence

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        if activity.info().activity_type == _ANSWERED_AT_ONCE:
            return await super().execute_activity(input)
        async with self._precedence.step():
            return await super().execute_activity(input)
