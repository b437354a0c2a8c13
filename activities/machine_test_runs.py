"""Follows the test run of a machine after the work: released for good on proof, else production decides."""

from datetime import timedelta

from activities.hold_notices import HoldNotices
from activities.progress import Step
from domain.cases import Lane
from domain.clock import Clock
from domain.errors import ConnectorError
from domain.hold_store import HoldStore
from domain.holds import A_SHIFT, HoldView
from domain.machine_test_runs import MachineTestRun, RunStanding
from domain.ports import Judge, Mes
from domain.production import hold_notice


class MachineTestRuns:
    """Follows test runs. Nothing here starts or stops a machine.

    Args:
        holds: the hold store, which decides by what was received.
        judge: says which machines a version has run on test first.
        notices: writes the state of the hold to the machine's twin.
        clock: the plant's time.
        interval: how often the MES is read at least.
    """

    def __init__(self, holds: HoldStore, judge: Judge, notices: HoldNotices, clock: Clock, interval: timedelta) -> None:
        self._holds = holds
        self._judge = judge
        self._notices = notices
        self._clock = clock
        self._interval = interval

    def asked_by(self, attempt: Step) -> MachineTestRun | None:
        """What the version of a case asks for before its machine is released for good."""
        view = attempt.view
        terms = self._judge.hold_terms(view.version, view.context.asset_class).test_run
        return None if terms is None else MachineTestRun(terms=terms, version=view.version)

    async def follow(self, attempt: Step, hold: HoldView, mes: Mes) -> None:
        """Reads whether the machine runs, and has storage decide. Done once the hold is released for good."""
        run = hold.test_run
        if run is None or run.until is None:
            raise LookupError(f"hold {hold.key} has no test run")
        await self._notices.tell_twin(attempt.view, hold, mes.enforcement)
        running, trouble = None, ""
        try:
            production = await mes.read_production(hold.equipment)
        except ConnectorError as error:
            # Whether it runs is unknown, which proves nothing. The time of the test run goes on.
            read_at, trouble = None, f" The MES: {error.problem}."
        else:
            read_at = production.read_at
            running = production.running and production.doubt is None
        standing = await self._holds.follow_test_run(hold.key, running, read_at)
        ended = await self._holds.read(attempt.view.id)
        if ended is None or not ended.state.live:
            if ended is not None:
                await self._notices.tell_twin(attempt.view, ended, mes.enforcement)
            return
        self._wait(attempt, hold, run, standing, f"{trouble} {hold_notice(mes.enforcement)}")

    def _wait(self, attempt: Step, hold: HoldView, run: MachineTestRun, standing: RunStanding, note: str) -> None:
        now, until = self._clock.now(), run.until or self._clock.now()
        if standing.asks is None:
            attempt.at_latest = min(now + min(self._interval, run.terms.look_every), max(until, now))
            # The sentence stays the same while the test run goes on: each change of it is recorded.
            attempt.wait(f"the test run of {hold.equipment}, until {until:%Y-%m-%d %H:%M} UTC.{note}")
            return
        late = now - until >= A_SHIFT
        attempt.lane = Lane.OPERATIONS if late else Lane.PRODUCTION
        attempt.at_latest = now + self._interval
        called = " It waits for more than a shift." if late else ""
        attempt.wait(
            f"production to decide on {hold.equipment}, which runs on test: hold it again, or release it for good. "
            f"{standing.asks[0].upper()}{standing.asks[1:]}.{called}{note}"
        )
