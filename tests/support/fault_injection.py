"""Calls to other systems: a coroutine stops before each call until the test chooses the outcome."""

from collections.abc import Callable, Coroutine, Generator
from enum import Enum
from typing import Generic, TypeVar

from domain.errors import ActionRequired, Refused, StorageUnavailable, Unavailable

T = TypeVar("T")


class CallOutcome(Enum):
    """The outcome of the next call. A store has only success and crashes; an outcome that only a vendor has counts as a
    crash."""

    FINE = "fine"
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    AWAY = "away"
    ANSWER_LOST = "answer lost"
    PERSON_NEEDED = "person needed"
    REFUSED = "refused"


class Crash(Exception):
    """The process was killed: the engine retries the activity."""


class _Waiting:
    def __init__(self, asks_vendor: bool = False) -> None:
        self._asks_vendor = asks_vendor

    def __await__(self) -> Generator[bool, CallOutcome, CallOutcome]:
        return (yield self._asks_vendor)


async def pause() -> None:
    """Stops once, whatever outcome is chosen."""
    await _Waiting()


async def store_call(effect: Callable[[], T]) -> T:
    """A transaction: committed or not; the caller may crash before it gets the answer.

    Raises:
        StorageUnavailable: nothing was written.
        Crash: it was written, and the caller crashed.
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
    """A coroutine that is run call by call."""

    def __init__(self, story: Coroutine[bool, CallOutcome, T]) -> None:
        self._story = story
        self.asks_vendor = False
        """Whether it has stopped before a call to another system."""
        self.result: T | None = None
        self.ended = False
        self._send(None)

    def play(self, outcome: CallOutcome = CallOutcome.FINE) -> None:
        """Gives the call this outcome, and continues to the next call."""
        if not self.ended:
            self._send(outcome)

    def leave(self) -> None:
        """Drops the coroutine at its present call."""
        self._story.close()
        self.ended = True

    def _send(self, outcome: CallOutcome | None) -> None:
        try:
            # Only None can be sent to a new coroutine.
            self.asks_vendor = self._story.send(outcome)  # type: ignore[arg-type]
        except StopIteration as stop:
            self.ended = True
            self.result = stop.value
