"""Loops that wait: repeat a step, retry after an error, wait until a condition is true.

No other module sleeps in a loop. Business waits are not loops: they are due rows, in plant time.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_delay,
    stop_never,
    wait_exponential,
    wait_fixed,
)

from domain.errors import MillwrightError

_T = TypeVar("_T")


class Ended(Exception):
    """The process was asked to end during a wait."""


class Outage:
    """Logs one sentence when an outage begins, and one when it is over.

    An error that is none of ours is a bug: it is logged with its traceback, also during an outage.

    Args:
        log: the logger.
        began: the sentence at the beginning; the error follows it.
        over: the sentence at the end.
    """

    def __init__(self, log: logging.Logger, began: str, over: str) -> None:
        self._log = log
        self._began = began
        self._over = over
        self._is_on = False
        self._bugs: set[str] = set()

    def begins(self, error: BaseException | None) -> None:
        """Call it when an attempt failed."""
        bug = None if error is None or isinstance(error, MillwrightError) else f"{type(error).__name__}: {error}"
        if bug is not None and bug not in self._bugs:
            self._log.error("%s: %s", self._began, bug, exc_info=error)
            self._bugs.add(bug)
        elif not self._is_on:
            self._log.warning("%s: %s", self._began, error)
        self._is_on = True

    def is_over(self) -> None:
        """Call it when an attempt succeeded."""
        if self._is_on:
            self._log.warning("%s", self._over)
        self._is_on = False
        self._bugs.clear()


class Backoff:
    """Pauses, each twice as long as the one before, until `reset`.

    Args:
        first: seconds of the first pause.
        longest: seconds of the longest.
        stop: ends a pause when it is set.
    """

    def __init__(self, first: float, longest: float, stop: asyncio.Event) -> None:
        self._first = first
        self._longest = longest
        self._stop = stop
        self.seconds = first
        """The length of the next pause."""

    async def pause(self) -> None:
        """Waits, and doubles the next pause."""
        await _pause(self.seconds, self._stop)
        self.seconds = min(self.seconds * 2, self._longest)

    def reset(self) -> None:
        """Makes the next pause the first one again."""
        self.seconds = self._first


async def repeat(
    step: Callable[[], Awaitable[None]], *, every: float, delay_first: bool = False, stop: asyncio.Event | None = None
) -> None:
    """Repeats a step until cancelled, or until `stop` is set. An error of the step ends it.

    Args:
        step: what is repeated.
        every: seconds from the end of a step to the beginning of the next.
        delay_first: waits that long before the first step too.
        stop: ends the loop, also during a pause.
    """
    ends = delay_first and await _pause(every, stop)
    while not ends:
        await step()
        ends = await _pause(every, stop)


async def retry(
    attempt: Callable[[], Awaitable[_T]],
    *,
    on: tuple[type[Exception], ...],
    outage: Outage,
    first: float,
    longest: float | None = None,
    stop: asyncio.Event | None = None,
) -> _T:
    """Repeats an attempt after each error of the given kinds, without a limit; returns its result.

    Args:
        attempt: what is tried.
        on: the errors after which it is tried again; others are raised.
        outage: logs the first error, and the success after it.
        first: seconds before the second attempt, doubled before each later one.
        longest: maximum seconds between two attempts; without it all pauses are as long as the first.
        stop: when it is set no further attempt is made.

    Raises:
        Ended: an attempt failed, and `stop` is set.
    """

    async def once() -> _T:
        return await attempt()

    async def sleep(seconds: float) -> None:
        if await _pause(seconds, stop):
            raise Ended

    def failed(state: RetryCallState) -> None:
        outage.begins(state.outcome.exception() if state.outcome else None)

    waits = wait_exponential(multiplier=first, max=first if longest is None else longest)
    retrying = AsyncRetrying(retry=retry_if_exception_type(on), wait=waits, sleep=sleep, before_sleep=failed)
    result: _T = await retrying(once)
    outage.is_over()
    return result


async def wait_until(
    look: Callable[[], Awaitable[_T]],
    is_it: Callable[[_T], bool],
    *,
    every: float,
    timeout: float | None = None,
    longest: float | None = None,
    growth: float = 1.0,
) -> _T:
    """Calls `look` until `is_it` accepts its result, or until the timeout; returns the last result.

    Args:
        look: gives the current state.
        is_it: whether the state is as wanted.
        every: seconds between the first two calls.
        timeout: maximum seconds; None waits without a limit.
        longest: maximum seconds between two calls.
        growth: the factor by which each pause is longer than the one before.
    """

    async def once() -> _T:
        return await look()

    retrying = AsyncRetrying(
        retry=retry_if_result(lambda found: not is_it(found)),
        wait=wait_exponential(multiplier=every, exp_base=growth, max=every if longest is None else longest),
        stop=stop_never if timeout is None else stop_after_delay(timeout),
        sleep=asyncio.sleep,
        retry_error_callback=_last,
    )
    found: _T = await retrying(once)
    return found


def block_until(condition: Callable[[], bool], *, every: float, timeout: float | None = None) -> bool:
    """Blocks the thread until a condition is true, or until the timeout: then it returns false.

    Args:
        condition: whether to stop waiting.
        every: seconds between two calls.
        timeout: maximum seconds; None waits without a limit.
    """
    stop = stop_never if timeout is None else stop_after_delay(timeout)
    looking = Retrying(
        retry=retry_if_result(lambda holds: not holds), wait=wait_fixed(every), stop=stop, retry_error_callback=_last
    )
    return looking(condition)


def _last(state: RetryCallState) -> object:
    return state.outcome.result() if state.outcome else None


async def _pause(seconds: float, stop: asyncio.Event | None) -> bool:
    """Waits; returns whether `stop` was set before or during the wait."""
    if stop is None:
        await asyncio.sleep(seconds)
        return False
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
