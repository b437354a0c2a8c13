"""The plant of a contract suite, served from a thread of its own, so that a command can be run against it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Final, Protocol, TypeVar

from sandbox.clock import PlantClock

_TICK: Final = timedelta(milliseconds=5)
_PATIENCE: Final = 30.0


class Startable(Protocol):
    """A plant that is started and stopped, and its clock."""

    clock: PlantClock

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


T = TypeVar("T")
PlantT = TypeVar("PlantT", bound=Startable)


@contextmanager
def served(make: Callable[[], PlantT]) -> Iterator[PlantT]:
    """A plant that is served within the block. Its time passes, as that of a live system does."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="served-plant")
    thread.start()

    def run(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(_PATIENCE)

    async def made() -> PlantT:
        # In the loop's thread: the database of a plant is used by the thread that opened it.
        return make()

    try:
        plant = run(made())
        try:
            run(plant.start())
            ticking = asyncio.run_coroutine_threadsafe(_tick(plant.clock), loop)
            yield plant
            ticking.cancel()
        finally:
            run(_stop(plant))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_PATIENCE)
        loop.close()


async def _tick(clock: PlantClock) -> None:
    with suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(_TICK.total_seconds())
            clock.set(clock.now() + _TICK)


async def _stop(plant: Startable) -> None:
    await plant.stop()
    # The tick's task ends before its loop does.
    await asyncio.sleep(2 * _TICK.total_seconds())
