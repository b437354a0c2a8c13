"""Wakes what is due: at start, on every notice of new work, and whenever the plant's time moves."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.clock import Clock
from domain.errors import ConnectorError, StorageUnavailable
from domain.keys import line_workflow_id
from domain.ports import WorkflowEngine
from millwright.storage.due import DueSubject, looking

log = logging.getLogger(__name__)

_LOOK_EVERY = 0.01
_NOT_SOONER = 0.06
"""Seconds between two signals to a subject that has not come to rest in between."""
_APART = 0.03
"""Seconds between two signals to a line that is woken again and again; doubled each time that it had to wait."""
_AT_MOST_APART = 0.25
_LINES = line_workflow_id("")


@dataclass(slots=True)
class _Signal:
    """The last signal to a subject: when, for what, and how far from it the next to a line must be."""

    at: float
    due: DueSubject
    apart: float = _APART
    waits: bool = False
    """Whether the subject was seen due again before that."""


class Dispatcher:
    """Signals the workflow of every subject that is due.

    A subject that stays due is signalled again after a patience of wall time: the engine may have lost the signal, or
    all it knew. One that is woken again before it has come to rest is signalled now and then only, and a line not at
    all: who judges it sees what came meanwhile and goes on. A line that is due again as soon as it has rested is left
    to gather for a moment, longer each time, so that many small messages cost few signals and few transactions; the
    first is signalled at once. Several dispatchers side by side only wake twice.

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
        self._signals: dict[str, _Signal] = {}

    async def run(self) -> None:
        """Dispatches until cancelled."""
        while True:
            try:
                async with looking(self._storage) as due:
                    while True:
                        await self.dispatch(await due(self._clock.now()), time.monotonic())
                        await asyncio.sleep(_LOOK_EVERY)
            except (StorageUnavailable, ConnectorError) as error:
                log.warning("nothing can be woken for the moment: %s", error)
                await asyncio.sleep(1)

    async def dispatch(self, due: Sequence[DueSubject], now: float) -> None:
        """Signals those of the due subjects that want it.

        Args:
            now: seconds of wall time, from any beginning.
        """
        wanted = [one for one in due if self._wants(one, now)]
        if wanted:
            await self._engine.wake([one.subject for one in wanted])
            for one in wanted:
                self._signals[one.subject] = _Signal(now, one, self._apart(one))
        # What is due no more has come to rest, and its next wake is worth a signal; a line's not before its time.
        still = {one.subject for one in due}
        self._signals = {
            subject: signal
            for subject, signal in self._signals.items()
            if subject in still or (subject.startswith(_LINES) and now - signal.at < signal.apart)
        }

    def _wants(self, one: DueSubject, now: float) -> bool:
        last = self._signals.get(one.subject)
        if last is None:
            return True
        since = now - last.at
        line = one.subject.startswith(_LINES)
        if last.due == one or (line and last.due.rests == one.rests):
            return since > self._patience
        if not line:
            return since > _NOT_SOONER
        last.waits = last.waits or since <= last.apart
        return since > last.apart

    def _apart(self, one: DueSubject) -> float:
        last = self._signals.get(one.subject)
        return min(last.apart * 2, _AT_MOST_APART) if last is not None and last.waits else _APART
