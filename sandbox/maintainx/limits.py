"""The rate limit: how many requests a user may make in a minute of wall time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

_WINDOW: Final = 60.0


class RateLimit:
    """Counts the requests of each user in windows of 60 seconds.

    Args:
        most: how many a user may make in a window.
        enforced: whether a request beyond that is refused.
        seconds: the clock of the windows.
    """

    def __init__(self, most: int, seconds: Callable[[], float], *, enforced: bool) -> None:
        self._most = most
        self._seconds = seconds
        self._enforced = enforced
        self._windows: dict[int, tuple[float, int]] = {}

    def count(self, user: int) -> bool:
        """Counts a request; whether it is taken."""
        now = self._seconds()
        begun, asked = self._windows.get(user, (now, 0))
        if now - begun >= _WINDOW:
            begun, asked = now, 0
        self._windows[user] = (begun, asked + 1)
        return asked < self._most or not self._enforced

    def headers(self, user: int) -> Mapping[str, str]:
        """What each answer says of the limit; `Reset` is the number of seconds that are left of the window."""
        now = self._seconds()
        begun, asked = self._windows.get(user, (now, 0))
        return {
            "X-Rate-Limit-Limit": str(self._most),
            "X-Rate-Limit-Remaining": str(max(self._most - asked, 0)),
            "X-Rate-Limit-Reset": str(math.ceil(max(begun + _WINDOW - now, 0.0))),
        }
