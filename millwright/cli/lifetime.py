"""The start and end of a long-lived process: it waits for its parts, and shuts down cleanly when asked to."""

import asyncio
import ctypes
import gc
import logging
import signal
import sys
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
SWITCH_INTERVAL: Final = 0.001
"""Seconds for which a thread may keep the interpreter while the event loop waits for it. Python's 5 ms are too long
where a thread decodes a job list or compiles a version."""


def live(life: Coroutine[Any, Any, None]) -> None:
    """Runs a process of ours to its end."""
    import uvloop

    _bound_heap()
    sys.setswitchinterval(SWITCH_INTERVAL)
    uvloop.run(life)


def settle_in() -> None:
    """Freezes all loaded objects, so that the garbage collector does not scan them again.

    A batch of a hundred events creates thousands of objects, none of them in a cycle. With Python's first threshold of
    700 the collector runs a dozen times in a batch.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)


def _bound_heap() -> None:
    """Makes glibc return freed memory. By default glibc raises its thresholds with the largest freed block, and then
    keeps up to 64 MB at the top of each heap. Does nothing without glibc."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_TRIM_THRESHOLD, _HELD)
        mallopt(_M_MMAP_THRESHOLD, _HELD)


async def give_back_memory() -> None:
    """Returns the free pages within the heap to the system, every two seconds until cancelled.

    By itself glibc returns only free memory at the end of the heap, but after a batch the free pages are within it.
    Does nothing without glibc.
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
    """The result of an attempt, retried until the part answers. Logs one sentence when it does not answer, and one when
    it does.

    Args:
        part: the name and the address of the part.
        pause: seconds before the second attempt; doubled each time, at most ten.

    Raises:
        Ended: `stop` was set meanwhile.
    """
    return await retry(
        attempt,
        on=(StorageUnavailable, StorageFault, ConnectorError),
        outage=Outage(log, f"waiting for {part}", f"{part} answers now"),
        first=pause,
        longest=_LONGEST_PAUSE,
        stop=stop,
    )
