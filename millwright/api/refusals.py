"""Counts refused sign-ins, bounds them and logs them: in windows of a minute, in bounded memory."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

WINDOW: Final = 60.0
MOST_OF_ONE: Final = 20
"""Refused sign-ins of one address in a window; further ones are locked out until its end."""
MOST_OF_ALL: Final = 500
MOST_ADDRESSES: Final = 1024


class Refusals:
    """The refused sign-ins of the present window.

    Whoever has a valid key never meets it: a key is looked up first, so that nobody can lock out somebody else. A key
    of 256 bits cannot be guessed; the bound keeps guesses off the database and out of the log.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun = clock()
        self._total = 0
        self._by_address: Counter[str] = Counter()
        self._told = False

    def locked_out(self, address: str) -> int | None:
        """The seconds until a further sign-in from an address is looked at again; None if it is looked at now."""
        self._turn()
        if self._total < MOST_OF_ALL and self._by_address[address] < MOST_OF_ONE:
            return None
        return max(1, round(self._begun + WINDOW - self._clock()))

    def add(self, address: str) -> None:
        """Counts a refused sign-in."""
        self._turn()
        self._total += 1
        if address in self._by_address or len(self._by_address) < MOST_ADDRESSES:
            self._by_address[address] += 1
        if self.locked_out(address) is not None and not self._told:
            self._told = True
            log.warning(
                "%d sign-ins were refused within %.0f s, %d of them from %s; further ones wait for the next minute",
                self._total, WINDOW, self._by_address[address], address,
            )  # fmt: skip

    def _turn(self) -> None:
        now = self._clock()
        if now - self._begun < WINDOW:
            return
        if self._told:
            addresses = len(self._by_address)
            log.warning("in all, %d sign-ins from %d addresses were refused in that minute", self._total, addresses)
        self._begun, self._total, self._told = now, 0, False
        self._by_address.clear()
