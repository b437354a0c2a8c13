"""Calls to the world as turns: a coroutine stands still before each one until the test says how it will go."""

from collections.abc import Callable, Coroutine, Generator
from enum import Enum
from typing import Generic, TypeVar

from domain.errors import ActionRequired, Refused, StorageUnavailable, Unavailable

T = TypeVar("T")


class Turn(Enum):
    """How the next call goes. A store knows only success and crashes; what a vendor refuses is a crash there."""

    FINE = "fine"
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    AWAY = "away"
    ANSWER_LOST = "answer lost"
    PERSON_NEEDED = "person needed"
    REFUSED = "refused"


class Crash(Exception):
    """The process was killed: the engine tries the activity again."""


class _Waiting:
    def __init__(self, asks_vendor: bool = False) -> None:
        self._asks_vendor = asks_vendor

    def __await__(self) -> Generator[bool, Turn, Turn]:
        return (yield self._asks_vendor)


async def pause() -> None:
    """Stands still for a turn, however that goes."""
    await _Waiting()


async def store_call(effect: Callable[[], T]) -> T:
    """A transaction: done or not, and the caller may not live to hear of it.

    Raises:
        StorageUnavailable: nothing was written.
        Crash: it was written, and nobody was there to hear it.
    """
    turn = await _Waiting()
    if turn in (Turn.CRASH_BEFORE, Turn.AWAY, Turn.PERSON_NEEDED, Turn.REFUSED):
        raise StorageUnavailable("away")
    result = effect()
    if turn in (Turn.CRASH_AFTER, Turn.ANSWER_LOST):
        raise Crash
    return result


async def vendor_call(effect: Callable[[], T]) -> T:
    """A call to another system.

    Raises:
        Unavailable: it did nothing, or its answer was lost.
        ActionRequired, Refused: it did nothing.
        Crash: before or after it took effect.
    """
    turn = await _Waiting(asks_vendor=True)
    match turn:
        case Turn.CRASH_BEFORE:
            raise Crash
        case Turn.AWAY:
            raise Unavailable("503", system="fake", operation="call")
        case Turn.PERSON_NEEDED:
            raise ActionRequired("BMXAA4153E", field="siteid", system="fake", operation="call")
        case Turn.REFUSED:
            raise Refused("405", system="fake", operation="call")
    result = effect()
    if turn is Turn.CRASH_AFTER:
        raise Crash
    if turn is Turn.ANSWER_LOST:
        raise Unavailable("the connection was dropped", system="fake", operation="call")
    return result


class Played(Generic[T]):
    """A coroutine played turn by turn."""

    def __init__(self, story: Coroutine[bool, Turn, T]) -> None:
        self._story = story
        self.asks_vendor = False
        """Whether the call before which it stands is one to another system."""
        self.result: T | None = None
        self.ended = False
        self._send(None)

    def play(self, turn: Turn = Turn.FINE) -> None:
        """Lets the call before which it stands go this way, and goes on to the next."""
        if not self.ended:
            self._send(turn)

    def leave(self) -> None:
        """Forgets it where it stands."""
        self._story.close()
        self.ended = True

    def _send(self, turn: Turn | None) -> None:
        try:
            # A new coroutine takes nothing but None.
            self.asks_vendor = self._story.send(turn)  # type: ignore[arg-type]
        except StopIteration as stop:
            self.ended = True
            self.result = stop.value
