"""Wakes what is due: at start, on every notice of new work, and whenever the plant's time moves."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.line_judging import LinesJudgedHere
from domain.clock import Clock
from domain.errors import ConnectorError, StorageFault, StorageUnavailable
from domain.keys import line_workflow_id
from domain.loops import Outage, repeat, retry
from domain.ports import WorkflowEngine
from millwright.storage.scheduling.due import DueSubject, looking

log = logging.getLogger(__name__)

_LOOK_EVERY = 0.01
_AWAY = 1.0
"""Seconds for which a database or an engine that does not answer is left alone."""
_AT_ONCE = 20
"""Signals on their way at once."""
_AT_MOST_PATIENT = 8
"""How many times as long the patience with a subject grows that stays due."""
_NOT_SOONER = 0.06
"""Seconds between two signals to a subject that has not come to rest in between."""
_LINES = line_workflow_id("")


@dataclass(frozen=True, slots=True)
class _Signal:
    """The last signal to a subject: when, and for what; and how long it may stay due before the next."""

    at: float
    due: DueSubject
    patience: float


class Dispatcher:
    """Signals the workflow of every subject that is due.

    A subject that stays due is signalled again after a patience of wall time, doubled each time: the engine may have
    lost the signal, or all it knew. One that is woken again before it has come to rest is signalled now and then only.
    A line that an activity of this process judges is called there, and one that another worker's activity judges is
    left to it. Several dispatchers side by side only wake twice.

    Args:
        storage: where the due rows are.
        engine: who runs the workflows.
        clock: the plant's time.
        here: the lines that are judged in this process.
        patience: seconds before the same subject, still due, is signalled again for the first time.
    """

    def __init__(
        self, storage: AsyncEngine, engine: WorkflowEngine, clock: Clock, here: LinesJudgedHere, patience: float = 1.0
    ) -> None:
        self._storage = storage
        self._engine = engine
        self._clock = clock
        self._here = here
        self._patience = patience
        self._signals: dict[str, _Signal] = {}
        self._signalling: asyncio.Task[None] | None = None
        self._engine_away_until = 0.0
        self._outage = Outage(log, "nothing can be woken for the moment", "storage is back: lines and cases are woken")

    async def run(self) -> None:
        """Dispatches until cancelled."""
        try:
            await retry(self._watch, on=(StorageUnavailable, StorageFault), outage=self._outage, first=_AWAY)
        finally:
            if self._signalling is not None:
                self._signalling.cancel()

    async def _watch(self) -> None:
        """Dispatches over one connection, for as long as storage answers."""
        async with looking(self._storage) as due:

            async def look() -> None:
                if self._signalling is not None and self._signalling.done():
                    await self.signalled()
                found = await due(self._clock.now())
                self._outage.is_over()
                self.dispatch(found, time.monotonic())

            await repeat(look, every=_LOOK_EVERY)

    def dispatch(self, due: Sequence[DueSubject], now: float) -> None:
        """Calls the lines that are judged here, and signals those of the other due subjects that want it.

        Lines are called whatever the engine does: signals go on their way, and until they are given the next ones wait.

        Args:
            now: seconds of wall time, from any beginning.
        """
        others = [due_subject for due_subject in due if not self._calls(due_subject)]
        if self._signalling is not None or now < self._engine_away_until:
            return
        wanted = [due_subject for due_subject in others if self._wants(due_subject, now)]
        # Lines first, then who was not signalled yet, and so few that what comes next does not wait long: a flood's
        # cases are many.
        wanted = sorted(wanted, key=self._turn)[:_AT_ONCE]
        if wanted:
            self._signalling = asyncio.create_task(self._engine.wake([due_subject.subject for due_subject in wanted]))
            for due_subject in wanted:
                self._signals[due_subject.subject] = _Signal(now, due_subject, self._patience_with(due_subject))
        # What is due no more has come to rest, and its next wake is worth a signal.
        still = {due_subject.subject for due_subject in others}
        self._signals = {subject: signal for subject, signal in self._signals.items() if subject in still}

    async def signalled(self) -> None:
        """Waits until the signals on their way are given. An engine that takes none is left alone for a while."""
        signalling, self._signalling = self._signalling, None
        if signalling is None:
            return
        try:
            await signalling
        except ConnectorError as error:
            log.warning("no watch or case can be woken for the moment: %s", error)
            self._engine_away_until = time.monotonic() + _AWAY
            # It may have lost all that it was told.
            self._signals.clear()

    def _calls(self, due_subject: DueSubject) -> bool:
        """Whether an activity judges the line; one of this process is called."""
        if not due_subject.subject.startswith(_LINES):
            return False
        return self._here.call(due_subject.subject.removeprefix(_LINES), due_subject.generation) or due_subject.leased

    def _turn(self, due_subject: DueSubject) -> tuple[bool, bool]:
        return not due_subject.subject.startswith(_LINES), due_subject.subject in self._signals

    def _wants(self, due_subject: DueSubject, now: float) -> bool:
        last = self._signals.get(due_subject.subject)
        if last is None:
            return True
        return now - last.at > (last.patience if last.due == due_subject else _NOT_SOONER)

    def _patience_with(self, due_subject: DueSubject) -> float:
        """How long a subject may stay due before it is signalled again: a case that waits for its turn in a flood is in
        hand, and each signal has the engine give its workflow one more task."""
        last = self._signals.get(due_subject.subject)
        if last is None or last.due != due_subject:
            return self._patience
        return min(last.patience * 2, self._patience * _AT_MOST_PATIENT)
