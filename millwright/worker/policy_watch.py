"""The watch of policies: halts canaries that leave their band, and records versions that come into force on their date.

Its waits are due rows in the plant's clock, so they survive every restart. Judging does not depend on it, because
judging reads the versions in force by itself.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.assigning import Placement
from domain.clock import Clock
from domain.errors import StorageFault, StorageUnavailable
from domain.loops import Outage, repeat, retry
from millwright.bootstrap import Storage
from millwright.policy_operations.canary_bands import seen_of
from millwright.storage.database.engine import transaction
from millwright.storage.policies.canaries import CanaryCounts
from millwright.storage.policies.lifecycle import CANARY_SUBJECT, IN_FORCE_SUBJECT
from millwright.storage.scheduling import due
from millwright.storage.scheduling.due import DueSubject, looking
from policies.statistics.canary import Band, leaves

log = logging.getLogger(__name__)

LOOK_AGAIN = timedelta(minutes=15)
"""How often a canary is tested, in plant time."""
_LOOK_EVERY = 0.2
_AWAY = 1.0
"""Seconds to wait after a failure of the database."""


class PolicyWatch:
    """Processes due assignments.

    Args:
        storage: the stores.
    """

    def __init__(self, storage: Storage) -> None:
        self._engine = storage.engine
        self._clock: Clock = storage.clock
        self._lifecycle = storage.policies.lifecycle
        self._counts = CanaryCounts(storage.engine)
        self._outage = Outage(
            log, "policies are not watched: storage does not answer", "storage is back: policies are watched"
        )

    async def run(self) -> None:
        """Watches until cancelled."""
        # The outermost loop: its end would end the whole worker.
        await retry(self._watch, on=(Exception,), outage=self._outage, first=_AWAY)

    async def _watch(self) -> None:
        """Watches over one connection, while storage answers."""
        async with looking(self._engine, policies=True) as due_now:

            async def look() -> None:
                await self._see_all(await due_now(self._clock.now()))
                self._outage.is_over()

            await repeat(look, every=_LOOK_EVERY)

    async def look(self) -> int:
        """Processes everything that is due; returns the number of subjects."""
        async with looking(self._engine, policies=True) as due_now:
            found = await due_now(self._clock.now())
        await self._see_all(found)
        return len(found)

    async def _see_all(self, found: Sequence[DueSubject]) -> None:
        for due_subject in found:
            try:
                next_at = await self._see(due_subject)
            except (StorageUnavailable, StorageFault):
                raise
            except Exception:  # The outermost place of looking: one that cannot be processed must not stop the others.
                next_at = self._clock.now() + LOOK_AGAIN
                log.exception("%s cannot be processed, and is tried again at %s", due_subject.subject, next_at)
            async with transaction(self._engine) as connection:
                await due.settle(connection, due_subject.subject, due_subject.generation, next_at)

    async def _see(self, due_subject: DueSubject) -> datetime | None:
        kind, _, number = due_subject.subject.rpartition("/")
        row = await self._lifecycle.assignment(int(number))
        if row is None:
            return None
        placement, band = row
        if f"{kind}/" == CANARY_SUBJECT:
            return await self._watch_canary(placement, band)
        if f"{kind}/" == IN_FORCE_SUBJECT:
            return await self._lifecycle.note_turn(placement.id)
        return None

    async def _watch_canary(self, placement: Placement, band: str | None) -> datetime | None:
        now = self._clock.now()
        if placement.effective_from > now:
            return placement.effective_from
        if not placement.in_force(now, now) or band is None:
            return None
        counted = await self._counts.count(placement.scope, placement.effective_from, now, placement.digest)
        reasons = leaves(Band.model_validate_json(band), seen_of(counted, now))
        if not reasons:
            return now + LOOK_AGAIN
        if await self._lifecycle.halt(placement.id, "; ".join(reasons)):
            log.warning("canary %s for %s is halted: %s", placement.digest[:12], placement.scope.words, reasons)
        return None
