"""Reads what changed in a CMMS, and wakes the cases that it concerns."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from temporalio import activity

from activities.instances import instance
from domain.casework import ChangeStore
from domain.clock import Clock
from domain.errors import ConnectorError, Unavailable
from domain.keys import case_workflow_id
from domain.model import Model
from domain.ports import Cmms, WorkflowEngine

_AFTER_A_FAILURE = timedelta(minutes=5)


class PollSystem(Model):
    """Asks for a system's changes; `interval` is how long until the next time."""

    system: str
    interval: timedelta


class Polled(Model):
    """What a poll found, and why it found nothing where the system did not answer."""

    changes: int
    problem: str | None


class OrderChanges:
    """Polls the CMMS instances.

    Args:
        changes: where a poll's findings are kept.
        cmms: where the planners work, by the id of each CMMS instance.
        clock: the plant's time.
        engine: to wake cases.
        interval: how often a CMMS is polled at least.
        afterwards: what each poll goes on with in a CMMS: the nightly reconcile, and the reading of the work on assets.
            Each says after how long it is to be called again, if before the next poll.
    """

    def __init__(
        self,
        changes: ChangeStore,
        cmms: Mapping[str, Cmms],
        clock: Clock,
        engine: WorkflowEngine,
        interval: timedelta,
        afterwards: Sequence[Callable[[str], Awaitable[timedelta | None]]],
    ) -> None:
        self._changes = changes
        self._cmms = cmms
        self._clock = clock
        self._engine = engine
        self._interval = interval
        self._afterwards = afterwards

    @activity.defn(name="poll-changes")
    async def poll_changes(self, poll: PollSystem) -> Polled:
        """Reads all that changed in the CMMS since the last time, page by page, and wakes the cases it concerns. What
        else is due goes on after it: what polls bring is no drift."""
        seen = await self._changes.poll_generation(poll.system)
        cursor = await self._changes.cursor(poll.system)
        total = 0
        problem: str | None = None
        woken: set[str] = set()
        try:
            cmms = instance(self._cmms, poll.system, "CMMS", "changed-since")
            while True:
                page = await cmms.changed_since(cursor)
                read = page.records or page.unreadable
                if read or page.cursor != cursor:
                    stored = self._changes.store_page(poll.system, page.records, page.cursor, page.unreadable)
                    woken |= set(await stored)
                for record in page.unreadable:
                    activity.logger.warning("%s: %s", poll.system, record.words)
                total += len(page.records)
                if not read or page.cursor == cursor:
                    break
                cursor = page.cursor
        except ConnectorError as error:
            problem = str(error)
            activity.logger.warning("polling waits: %s", error)
        # The interval came through the engine, so it can only shorten that of the settings.
        wait = min(poll.interval, self._interval)
        if problem is not None:
            wait = min(wait, _AFTER_A_FAILURE)
        else:
            again = [await go_on(poll.system) for go_on in self._afterwards]
            wait = min((wait, *(each for each in again if each is not None)))
        await self._changes.finish_poll(poll.system, seen, self._clock.now() + wait)
        if woken:
            try:
                await self._engine.wake([case_workflow_id(case) for case in sorted(woken)])
            except Unavailable as error:
                activity.logger.info("cases will be woken by the dispatcher: %s", error)
        return Polled(changes=total, problem=problem)
