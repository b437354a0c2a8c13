"""The watch of shelves and windows: ends each at its time."""

import logging

from domain.loops import Outage, repeat, retry
from millwright.storage.cases.suppression_end import SuppressionEnd

log = logging.getLogger(__name__)

_LOOK_EVERY = 0.2
_AWAY = 1.0
"""Seconds to wait after a failure of the database."""


class SuppressionWatch:
    """Ends suppressions that are due. Their waits are due rows in the plant's clock, so they survive every restart.

    Args:
        suppression_end: ends due suppressions.
    """

    def __init__(self, suppression_end: SuppressionEnd) -> None:
        self._suppression_end = suppression_end
        self._outage = Outage(
            log, "shelves and windows do not end: storage does not answer", "storage is back: shelves and windows end"
        )

    async def run(self) -> None:
        """Watches until cancelled."""
        await retry(
            lambda: repeat(self._look, every=_LOOK_EVERY),
            on=(Exception,),  # The outermost loop: its end would end the whole worker.
            outage=self._outage,
            first=_AWAY,
        )

    async def _look(self) -> None:
        for suppression in await self._suppression_end.return_due():
            log.info("suppression %s has returned", suppression)
        self._outage.is_over()
