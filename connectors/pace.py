"""Keeps the requests to one system under the vendor's limit, so that none is made only to be refused."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

_MINUTE: Final = 61.0
"""Seconds. A request may reach the vendor up to a second faster than the one a minute before it."""


class Pace:
    """The turns of the requests of one connector in one process: at most so many in any minute.

    Requests take their turns in the order in which they ask. The first of a minute are not spread over it, because an
    order that comes alone must not wait. Any minute is counted, and not a window of the vendor's, whose beginning we do
    not know.

    Args:
        most: how many requests may be made in any minute; None for as many as come.
        seconds: a clock that never goes back, in seconds.
        wait: waits for so many seconds.
    """

    def __init__(
        self,
        most: int | None,
        seconds: Callable[[], float] = time.monotonic,
        wait: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._seconds = seconds
        self._wait = wait
        self._made: deque[float] | None = None if most is None else deque(maxlen=most)
        self._first = asyncio.Lock()
        """It is given to those who wait in the order in which they came."""

    async def turn(self) -> None:
        """Returns when one more request may be made."""
        made = self._made
        if made is None:
            return
        async with self._first:
            while len(made) == made.maxlen and (left := made[0] + _MINUTE - self._seconds()) > 0:
                await self._wait(left)
            made.append(self._seconds())
