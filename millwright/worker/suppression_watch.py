"""The watch of shelves and windows: each returns when its time has come."""

import asyncio
import logging

from domain.errors import StorageFault, StorageUnavailable
from millwright.storage.outage import Outage
from millwright.storage.returning import Returning

log = logging.getLogger(__name__)

_LOOK_EVERY = 0.2


class SuppressionWatch:
    """Returns what is due. Their waits are due rows in the plant's clock, so they survive every restart.

    Args:
        returning: who returns one.
    """

    def __init__(self, returning: Returning) -> None:
        self._returning = returning
        self._outage = Outage(log, "shelves and windows do not return for the moment", "shelves and windows return")

    async def run(self) -> None:
        """Watches until cancelled."""
        while True:
            try:
                for suppression in await self._returning.return_due():
                    log.info("suppression %s has returned", suppression)
                self._outage.is_over()
                await asyncio.sleep(_LOOK_EVERY)
            except (StorageUnavailable, StorageFault) as error:
                self._outage.begins(error)
                await asyncio.sleep(1)
