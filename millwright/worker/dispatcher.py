"""Wakes what is due: at start, on every notice of new work, and whenever the plant's time moves."""

import asyncio
import logging
import time

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.clock import Clock
from domain.errors import ConnectorError, StorageUnavailable
from domain.ports import WorkflowEngine
from millwright.storage.due import DueSubject, due_subjects
from millwright.storage.engine import transaction

log = logging.getLogger(__name__)

_LOOK_EVERY = 0.02
_LIMIT = 500


class Dispatcher:
    """Signals the workflow of every subject that is due.

    A subject that stays due is signalled again after a patience of wall time: the engine may have lost the signal,
    or all it knew. Several dispatchers side by side only wake twice.

    Args:
        storage: where the due rows are.
        engine: who runs the workflows.
        clock: the plant's time.
        patience: seconds before the same subject, still due, is signalled again.
    """

    def __init__(self, storage: AsyncEngine, engine: WorkflowEngine, clock: Clock, patience: float = 1.0) -> None:
        self._storage = storage
        self._engine = engine
        self._clock = clock
        self._patience = patience
        self._signalled: dict[str, tuple[DueSubject, float]] = {}

    async def run(self) -> None:
        """Dispatches until cancelled."""
        while True:
            try:
                await self.dispatch()
            except (StorageUnavailable, ConnectorError) as error:
                log.warning("nothing can be woken for the moment: %s", error)
                await asyncio.sleep(1)
            await asyncio.sleep(_LOOK_EVERY)

    async def dispatch(self) -> int:
        """Wakes what is due now; gives how many subjects were signalled."""
        async with transaction(self._storage) as connection:
            found = await due_subjects(connection, self._clock.now(), _LIMIT)
        wanted = [one for one in found if self._wants(one)]
        if wanted:
            await self._engine.wake([one.subject for one in wanted])
            now = time.monotonic()
            self._signalled.update({one.subject: (one, now) for one in wanted})
        if len(self._signalled) > 10 * _LIMIT:
            still = {one.subject for one in found}
            self._signalled = {s: seen for s, seen in self._signalled.items() if s in still}
        return len(wanted)

    def _wants(self, one: DueSubject) -> bool:
        seen = self._signalled.get(one.subject)
        if seen is None or seen[0] != one:
            return True
        return time.monotonic() - seen[1] > self._patience
