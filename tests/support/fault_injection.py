"""Calls to other systems: a coroutine stops before each call until the test chooses the outcome."""

from collections.abc import Callable, Coroutine, Generator
from enum import Enum
from typing import Generic, TypeVar

from domain.errors import ActionRequired, Refused, StorageUnavailable, Unavailable

T = TypeVar("T")


class CallOutcome(Enum):
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

    def __await__(self) -> Generator[bool, CallOutcome, CallOutcome]:
        return (yield self._asks_vendor)


async def pause() -> None:
    """Stops once, whatever outcome is chosen."""
    await _Waiting()


async def store_call(effect: Callable[[], T]) -> T:
    """A transaction: done or not, and the caller may not live to hear of it.

    Raises:
        StorageUnavailable: nothing was written.
        Crash: it was written, and nobody was there to hear it.
    """
    outcome = await _Waiting()
    if outcome in (CallOutcome.CRASH_BEFORE, CallOutcome.AWAY, CallOutcome.PERSON_NEEDED, CallOutcome.REFUSED):
        raise StorageUnavailable("away")
    result = effect()
    if outcome in (CallOutcome.CRASH_AFTER, CallOutcome.ANSWER_LOST):
        raise Crash
    return result


async def vendor_call(effect: Callable[[], T]) -> T:
    """A call to another system.

    Raises:
        Unavailable: it did nothing, or its answer was lost.
        ActionRequired, Refused: it did nothing.
        Crash: before or after it took effect.
    """
    outcome = await _Waiting(asks_vendor=True)
    match outcome:
        case CallOutcome.CRASH_BEFORE:
            raise Crash
        case CallOutcome.AWAY:
            raise Unavailable("503", system="fake", operation="call")
        case CallOutcome.PERSON_NEEDED:
            raise ActionRequired("BMXAA4153E", field="siteid", system="fake", operation="call")
        case CallOutcome.REFUSED:
            raise Refused("405", system="fake", operation="call")
    result = effect()
    if outcome is CallOutcome.CRASH_AFTER:
        raise Crash
    if outcome is CallOutcome.ANSWER_LOST:
        raise Unavailable("the connection was dropped", system="fake", operation="call")
    return result


class Played(Generic[T]):
    """A coroutine played call by call."""

    def __init__(self, story: Coroutine[bool, CallOutcome, T]) -> None:
        self._story = story
        self.asks_vendor = False
        """Whether the call before which it stands is one to another system."""
        self.result: T | None = None
        self.ended = False
        self._send(None)

    def play(self, outcome: CallOutcome = CallOutcome.FINE) -> None:
        """Lets the call before which it stands go this way, and goes on to the next."""
        if not self.ended:
            self._send(outcome)

    def leave(self) -> None:
        """Forgets it where it stands."""
        self._story.close()
        self.ended = True

    def _send(self, outcome: CallOutcome | None) -> None:
        try:
            # A new coroutine takes nothing but None.
            self.asks_vendor = self._story.send(outcome)  # type: ignore[arg-type]
        except StopIteration as stop:
            self.ended = True
            self.result = stop.value
