"""How long the demo waits: for a part that starts as long as it lives, for work as long as it makes progress."""

import time
from collections.abc import Awaitable, Callable
from typing import Final

from domain.errors import MillwrightError
from domain.loops import wait_until

_LONGEST_SILENCE: Final = 60.0
"""Seconds without progress after which Millwright is stuck. A busy machine makes no single step that slow."""

_LOOK_EVERY: Final = 0.05
_SAY_EVERY: Final = 15.0


class Stuck(MillwrightError):
    """Millwright makes no progress; the message says what it waits for."""


class ProgressWatch:
    """The watch over one wait. It begins with the first look.

    Args:
        check: raises if a process has ended.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._waiting_on: str | None = None
        self._since = 0.0

    def look(self, waiting_on: str) -> None:
        """Notes what Millwright waits for now.

        Raises:
            Stuck: it has waited for the same thing for a minute.
        """
        self._check()
        now = time.monotonic()
        if waiting_on != self._waiting_on:
            self._waiting_on, self._since = waiting_on, now
        elif now - self._since > _LONGEST_SILENCE:
            raise Stuck(f"Millwright has made no progress for {_LONGEST_SILENCE:.0f} s; it waits for {waiting_on}")


async def wait_patiently(
    awaited: str, condition: Callable[[], Awaitable[bool]], check: Callable[[], None], say: Callable[[str], None]
) -> None:
    """Waits until a condition is true, without a limit, because a busy machine starts everything slowly.

    Args:
        awaited: what is waited for, as the end of a sentence.
        check: raises if a process has ended.
        say: called every 15 s with a sentence that says what is awaited.
    """
    began = said = time.monotonic()

    async def look() -> bool:
        nonlocal said
        if await condition():
            return True
        check()
        now = time.monotonic()
        if now - said >= _SAY_EVERY:
            said = now
            say(f"Still waiting, after {now - began:.0f} s, for {awaited}.")
        return False

    await wait_until(look, bool, every=_LOOK_EVERY)
