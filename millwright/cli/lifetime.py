"""How a long-lived process begins and ends: it waits for its parts, and goes in good order when asked to."""

import asyncio
import ctypes
import gc
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

from domain.errors import ConnectorError, StorageFault, StorageUnavailable
from domain.loops import Outage, retry

log = logging.getLogger("millwright")

_T = TypeVar("_T")
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""Of glibc's malloc.h; see mallopt(3)."""
_HELD: Final = 1 << 20
_ARENAS: Final = 2
_YOUNG, _MIDDLE, _OLD = 20_000, 20, 50
_GIVEN_BACK_EVERY: Final = 2.0


def live(life: Coroutine[Any, Any, None]) -> None:
    """Runs a process of ours to its end."""
    import uvloop

    _bound_heap()
    uvloop.run(life)


def settle_in() -> None:
    """Once all is loaded: what is there stays, and the garbage collector need not look at it again and again.

    A batch of a hundred events makes thousands of objects, and none of them in a cycle; Python's first threshold of
    700 has the collector look a dozen times a batch.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)


def _bound_heap() -> None:
    """Has freed memory given back: glibc raises its thresholds with the largest block that it has seen freed, and
    keeps up to 64 MB at the top of each heap from then on. Elsewhere nothing is done."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_TRIM_THRESHOLD, _HELD)
        mallopt(_M_MMAP_THRESHOLD, _HELD)


async def give_back_memory() -> None:
    """Gives the free pages within the heap back, every two seconds until cancelled.

    By itself glibc gives back only what is free at its end: after a batch the heap is full of holes. Elsewhere
    nothing is done.
    """
    with suppress(OSError, AttributeError):
        trim = ctypes.CDLL(None).malloc_trim
        while True:
            await asyncio.sleep(_GIVEN_BACK_EVERY)
            trim(0)


def stopping() -> asyncio.Event:
    """An event that is set when the process is asked to end (SIGINT, SIGTERM)."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def once_there(
    part: str, attempt: Callable[[], Awaitable[_T]], stop: asyncio.Event, pause: float = _FIRST_PAUSE
) -> _T:
    """What an attempt gives, tried until the part answers. One sentence says that it is away, one that it has come.

    Args:
        part: what is waited for, and where it is.
        pause: seconds before the second attempt; doubled each time, ten at most.

    Raises:
        Ended: `stop` was set meanwhile.
    """
    return await retry(
        attempt,
        on=(StorageUnavailable, StorageFault, ConnectorError),
        outage=Outage(log, f"waiting for {part}", f"{part} is there now"),
        first=pause,
        longest=_LONGEST_PAUSE,
        stop=stop,
    )
