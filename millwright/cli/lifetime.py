"""How a long-lived process begins and ends: it waits for its parts, and goes in good order when asked to."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

from domain.errors import ConnectorError, StorageFault, StorageUnavailable

log = logging.getLogger("millwright")

_T = TypeVar("_T")
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0


class Ended(Exception):
    """The process was asked to end while it waited for a part."""


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
    said = False
    while True:
        try:
            found = await attempt()
        except (StorageUnavailable, StorageFault, ConnectorError) as error:
            if not said:
                log.warning("waiting for %s: %s", part, error)
            said = True
            if await _stopped(stop, pause):
                raise Ended from error
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            if said:
                log.warning("%s is there now", part)
            return found


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
