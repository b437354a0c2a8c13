"""Saying once that storage cannot be used, and once that it can again."""

import logging


class Outage:
    """What one part of a process says of storage: one sentence when an outage begins, one when it is over.

    Args:
        log: where it is said.
        stopped: what does not go on meanwhile.
        resumed: what goes on then.
    """

    def __init__(self, log: logging.Logger, stopped: str, resumed: str) -> None:
        self._log = log
        self._stopped = stopped
        self._resumed = resumed
        self._is_on = False

    def begins(self, error: Exception) -> None:
        """Storage was of no use just now."""
        if not self._is_on:
            self._log.warning("%s: %s", self._stopped, error)
        self._is_on = True

    def is_over(self) -> None:
        """Storage was of use just now."""
        if self._is_on:
            self._log.warning("storage is back: %s", self._resumed)
        self._is_on = False
