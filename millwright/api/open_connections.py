"""Bounds the connections that are open, in all and from each address."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Container
from http import HTTPStatus
from typing import Final

from millwright.api.problems import Problem

log = logging.getLogger(__name__)

_BETWEEN_LINES: Final = 60.0
"""Seconds between two lines of the log about refused connections."""


class OpenConnections:
    """Counts the open connections of a server.

    Only the address of the connection itself counts. A header such as `X-Forwarded-For` may be written by anybody.

    Args:
        most: how many may be open in all.
        most_of_one: how many may be open from one address.
        proxies: addresses without a bound of their own, because each carries the requests of many callers.
        clock: seconds that never go back.
    """

    def __init__(
        self, most: int, most_of_one: int, proxies: Container[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._proxies = proxies
        self._clock = clock
        self._told_at = float("-inf")
        self._open: Counter[str] = Counter()

    def begin(self, address: str) -> Problem | None:
        """Counts a connection; if there may be no further one, it is not counted, and the answer says why."""
        if self._open.total() >= self._most:
            return self._refused(address, f"{self._most} connections are open, and no more may be at once")
        if self._open[address] >= self._most_of_one and address not in self._proxies:
            return self._refused(
                address,
                f"{self._most_of_one} connections of this address are open, and no more may be at once",
                fix="send the requests over fewer connections; if a proxy has this address, set MILLWRIGHT_API_PROXIES",
            )
        self._open[address] += 1
        return None

    def end(self, address: str) -> None:
        """A counted connection has ended."""
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]

    def _refused(self, address: str, detail: str, fix: str | None = None) -> Problem:
        if self._clock() - self._told_at >= _BETWEEN_LINES:
            self._told_at = self._clock()
            log.warning("a connection from %s is refused: %s", address, detail)
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-connections", detail, fix=fix)
