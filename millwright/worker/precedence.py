"""Judging goes first: a case may take a second, a verdict may not."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import httpx

_AT_ONCE: Final = 2
"""Transactions of cases at once where no line is judged. A pass that comes then waits for so many."""
_APART: Final = 0.03
"""Seconds of this process's own CPU between two that begin while lines are judged: on a machine with other work the
clock's seconds say little. One takes two or three milliseconds, so this bounds the share of them all."""
_LONGEST: Final = 0.1
"""Seconds after which the next one begins in any case: those that wait for a lock are in nobody's way for longer."""
_LOOK_AGAIN: Final = 0.002


class Precedence:
    """Has transactions of cases and requests to vendors begin while no line is judged, or one by one at a distance.

    All share one event loop. Where a hundred cases come at once each turn of the loop goes through a transaction of
    each, and a pass over a line takes some twenty turns. Between its transactions a step holds no lock, so that is
    where it gives way; while it waits for a vendor's answer it is in nobody's way.

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
    async def turn(self) -> AsyncIterator[None]:
        """A transaction, begun when its time has come."""
        if self._waiting or not self._may_begin():
            await self._wait()
        self._last, self._last_cpu = time.monotonic(), time.thread_time()
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    async def before_request(self, _: httpx.Request) -> None:
        """Waits until a request to a vendor may begin: a hook of the client that the connectors are given."""
        async with self.turn():
            pass

    def _may_begin(self) -> bool:
        if time.monotonic() - self._last >= _LONGEST:
            return True
        if self._judging():
            return time.thread_time() - self._last_cpu >= _APART
        return self._running < _AT_ONCE

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
