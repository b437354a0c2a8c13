"""Wakes due subjects: at the start, on every notice of new work, and whenever the plant's time moves."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.line_judging import LinesJudgedHere
from domain.clock import Clock
from domain.errors import ConnectorError
from domain.keys import line_workflow_id
from domain.loops import Outage, repeat, retry
from domain.ports import WorkflowEngine
from millwright.storage.scheduling.due import DueSubject, looking

log = logging.getLogger(__name__)

_LOOK_EVERY = 0.01
_AWAY = 1.0
"""Seconds to wait after a failure of the database or the engine."""
_AT_ONCE = 20
"""Maximum number of concurrent signals."""
_AT_MOST_PATIENT = 8
"""The largest factor by which the interval between signals to a due subject grows."""
_NOT_SOONER = 0.06
"""Seconds between two signals to a subject that stays due and is woken again."""
_LINES = line_workflow_id("")


@dataclass(frozen=True, slots=True)
class _Signal:
    """The last signal to a subject: its time and generation, and the interval before the next signal."""

    at: float
    due: DueSubject
    patience: float


class Dispatcher:
    """Signals the workflow of every subject that is due.

    A subject that stays due is signalled again after an interval of wall time, doubled each time, because the engine
    may have lost the signal or its database, or somebody may have ended the workflow. After several signals the engine
    also looks whether the workflow under the subject's id is ours. A subject that is woken again while it is due is
    signalled at a limited rate. If an activity of this process judges a line, the activity is notified; if an activity
    of another worker does, the line is skipped. Several dispatchers may wake a subject twice, which does no harm.

    Args:
        storage: the store of due rows.
        engine: the workflow engine.
        clock: the plant's time.
        here: the lines that are judged in this process.
        patience: seconds before a subject that stays due is signalled for the second time.
    """

    def __init__(
        self, storage: AsyncEngine, engine: WorkflowEngine, clock: Clock, here: LinesJudgedHere, patience: float = 1.0
    ) -> None:
        self._storage = storage
        self._engine = engine
        self._clock = clock
        self._here = here
        self._patience = patience
        self._most_patience = patience * _AT_MOST_PATIENT
        self._signals: dict[str, _Signal] = {}
        self._signalling: asyncio.Task[None] | None = None
        self._engine_away_until = 0.0
        self._outage = Outage(
            log, "no workflow can be woken: storage does not answer", "storage is back: workflows are woken"
        )

    async def run(self) -> None:
        """Dispatches until cancelled."""
        try:
            # The outermost loop: its end would end the whole worker.
            await retry(self._watch, on=(Exception,), outage=self._outage, first=_AWAY)
        finally:
            if self._signalling is not None:
                self._signalling.cancel()

    async def _watch(self) -> None:
        """Dispatches over one connection, while storage answers."""
        async with looking(self._storage) as due:

            async def look() -> None:
                if self._signalling is not None and self._signalling.done():
                    await self.signalled()
                found = await due(self._clock.now())
                self._outage.is_over()
                self.dispatch(found, time.monotonic())

            await repeat(look, every=_LOOK_EVERY)

    def dispatch(self, due: Sequence[DueSubject], now: float) -> None:
        """Notifies the lines that are judged here, and signals other due subjects if their interval is over.

        Lines are notified also while signals wait for the engine: signals are sent in the background, and the next ones
        wait until they are delivered.

        Args:
            now: seconds of wall time, from any beginning.
        """
        others = [due_subject for due_subject in due if not self._calls(due_subject)]
        if self._signalling is not None or now < self._engine_away_until:
            return
        wanted = [due_subject for due_subject in others if self._wants(due_subject, now)]
        # Lines first, then subjects without a signal yet. The batch is small, so that later subjects do not wait for
        # the many cases of a flood.
        wanted = sorted(wanted, key=self._turn)[:_AT_ONCE]
        if wanted:
            signals = {due_subject.subject: self._signal_for(due_subject, now) for due_subject in wanted}
            unanswered = {subject for subject, signal in signals.items() if signal.patience >= self._most_patience}
            self._signalling = asyncio.create_task(self._engine.wake(list(signals), unanswered))
            self._signals |= signals
        # A subject that is no longer due was processed, so its next wake is signalled at once.
        still = {due_subject.subject for due_subject in others}
        self._signals = {subject: signal for subject, signal in self._signals.items() if subject in still}

    async def signalled(self) -> None:
        """Waits until the sent signals are delivered. After an error of the engine, no signals are sent for a while."""
        signalling, self._signalling = self._signalling, None
        if signalling is None:
            return
        try:
            await signalling
        except ConnectorError as error:
            log.warning("no workflow can be woken: %s", error)
            self._engine_away_until = time.monotonic() + _AWAY
            # The engine may have lost all signals.
            self._signals.clear()
        except Exception:  # The outermost place of signalling: one subject must not keep the others from being woken.
            log.exception("a subject cannot be woken")

    def _calls(self, due_subject: DueSubject) -> bool:
        """Whether an activity judges the line; an activity of this process is notified."""
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

    def _signal_for(self, due_subject: DueSubject, now: float) -> _Signal:
        """The signal, with the time for which the subject may stay due before the next one. In a flood a case may wait
        long, and each signal gives its workflow another task in the engine."""
        last = self._signals.get(due_subject.subject)
        patience = self._patience
        if last is not None and last.due == due_subject:
            patience = min(last.patience * 2, self._most_patience)
        return _Signal(now, due_subject, patience)
