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

_LOOK_EVERY = 0.01
_LIMIT = 500
_NOT_SOONER = 0.06
"""Seconds between two signals to a subject that has not come to rest in between: it goes on by itself."""


class Dispatcher:
    """Signals the workflow of every subject that is due.

    A subject that stays due is signalled again after a patience of wall time: the engine may have lost the signal,
    or all it knew. One that is woken again and again before it has come to rest is signalled now and then only: who
    works on it sees the new generation and goes on. So a flood costs a few signals a second. Several dispatchers side
    by side only wake twice.

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
        # What is due no more has come to rest, and its next wake is worth a signal at once.
        still = {one.subject for one in found}
        self._signalled = {subject: seen for subject, seen in self._signalled.items() if subject in still}
        return len(wanted)

    def _wants(self, one: DueSubject) -> bool:
        seen = self._signalled.get(one.subject)
        if seen is None:
            return True
        signalled, at = seen
        return time.monotonic() - at > (self._patience if signalled == one else _NOT_SOONER)
