"""The watch of holds that nobody answers for: tells operations of each."""

import logging

from activities.orphan_holds import OrphanHolds
from domain.loops import Outage, repeat, retry
from domain.orphan_holds import HoldRecord

log = logging.getLogger(__name__)

_LOOK_EVERY = 60.0
_AWAY = 1.0
"""Seconds to wait after a failure of the database."""


class HoldWatch:
    """Compares the holds in storage with those of each MES, and puts what nobody answers for into the lane of
    operations. It releases nothing.

    Args:
        orphans: finds them.
        record: tells people of them.
    """

    def __init__(self, orphans: OrphanHolds, record: HoldRecord) -> None:
        self._orphans = orphans
        self._record = record
        self._told: frozenset[str] = frozenset()
        self._outage = Outage(
            log, "holds are not compared: storage does not answer", "storage is back: holds are compared"
        )

    async def run(self) -> None:
        """Watches until cancelled."""
        await retry(
            lambda: repeat(self.look, every=_LOOK_EVERY),
            on=(Exception,),  # The outermost loop: its end would end the whole worker.
            outage=self._outage,
            first=_AWAY,
        )

    async def look(self) -> None:
        """Looks once."""
        found = await self._orphans.find()
        words = frozenset(orphan.words for orphan in found.orphans)
        for each in sorted(words - self._told):
            log.error("nobody answers for hold %s; only a person may release it", each)
        self._told = words
        await self._record.tell(found)
        self._outage.is_over()
