"""Holds a machine for as long as a case asks for it, and releases it after a person of production approved that."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from temporalio import activity

from activities.hold_notices import HoldNotices
from activities.hold_proposals import HoldProposals
from activities.instances import instance, serving
from activities.machine_test_runs import MachineTestRuns
from activities.progress import CaseRef, Progress, Step, called_off, overruled, step
from activities.wanted_holds import HOLD_STEP, SOON, asks_for_hold, hold_stands, hold_wanted
from domain.cases import CaseView, ClosedAs, Lane
from domain.casework import CaseStore
from domain.clock import Clock
from domain.errors import ActionRequired, ActRejected, NotProved, Refused
from domain.hold_store import HoldStore
from domain.holds import A_SHIFT, HoldStatus, HoldView, Placement, PlacementState, Release
from domain.machine_test_runs import READY_FOR_TEST_RUN
from domain.ports import Judge, Mes, TwinGraph
from domain.production import HoldMethod, HoldPlan, HoldReading, HoldState, PlaceResult, hold_notice
from domain.stops import StoppableAction

_JOBS_AT_ONCE = 8
"""Maximum number of jobs of one machine that are held in one pass. Further jobs are held in the next pass."""
_STARTED = "a person started the job in the MES"
_SEEN_IN_MES = "seen in the MES"


class Holds:
    """Places, reads and releases holds.

    Args:
        cases: the case store.
        holds: the hold store.
        mes: the MES that holds the jobs, by the id of each instance.
        twins: the twin graph, to which the state of a machine's hold is written.
        judge: says which holds an approved policy version places unasked, and which machines it releases without a
            person.
        clock: the plant's time.
        interval: how often the state of a hold is read from the MES.
    """

    def __init__(
        self,
        cases: CaseStore,
        holds: HoldStore,
        mes: Mapping[str, Mes],
        twins: TwinGraph,
        judge: Judge,
        clock: Clock,
        interval: timedelta,
    ) -> None:
        self._cases = cases
        self._holds = holds
        self._mes = mes
        self._notices = HoldNotices(cases, holds, twins, clock)
        self._proposals = HoldProposals(cases, holds, judge, clock)
        self._test_runs = MachineTestRuns(holds, judge, self._notices, clock, interval)
        self._judge = judge
        self._clock = clock
        self._interval = interval

    @activity.defn(name=HOLD_STEP)
    async def ensure_hold(self, ref: CaseRef) -> Progress:
        """Proposes the hold that a case asks for to production, places it when it is due, and keeps the machine held
        after that.

        Not done while production has not answered, the hold is not yet due, is refused by the MES, is not in effect, or
        is not proved to be ours.
        """
        async with step(self._cases, self._clock, ref.case, HOLD_STEP, last=False) as attempt:
            view, now = attempt.view, self._clock.now()
            attempt.calls_a_person = True
            if _left_alone(view, now):
                attempt.wait(view.waiting_for, view.waiting_until)
            elif hold_stands(view):
                await self._look_after(attempt)
            elif hold_wanted(view):
                await self._claim_when_due(attempt)
            elif asks_for_hold(view):
                # The MES does not know the machine, or its name was taken away.
                await self._cases.check_names(view)
        return attempt.progress

    async def _claim_when_due(self, attempt: Step) -> None:
        """Places the hold of a case if it is due and nothing speaks against it; else the step waits."""
        view, now = attempt.view, self._clock.now()
        failed = view.waiting_step == HOLD_STEP and view.attempts > 0
        if failed and view.waiting_until is not None and view.waiting_until > now:
            attempt.wait(view.waiting_for, view.waiting_until)
        elif (stopped := await self._cases.stop_reason(view.id, StoppableAction.HOLD)) is not None:
            attempt.wait(stopped)
        else:
            system = serving(view.mes_system, "MES", view, "place-hold")
            terms = await self._proposals.placeable(attempt, system)
            if terms is not None:
                await self._cases.check_names(view)
                await self._holds.claim(view.id, system, view.mes_equipment or "", unasked=terms.unasked)
                await self._look_after(attempt)

    @activity.defn(name="release-hold")
    async def release_hold(self, ref: CaseRef) -> Progress:
        """Done when the machine is no longer held for this case.

        The case's work is done. If another case has work on the machine, that case keeps the hold. Otherwise the
        machine stays held until a person of production releases it, here or in the MES, or an approved policy version
        allows the release of this machine without a person. Only then the MES is called to let the machine run.
        """
        async with step(self._cases, self._clock, ref.case, "release-hold") as attempt:
            attempt.calls_a_person = True
            if attempt.view.closed_as is None:
                # The case was reopened, or its work continues, so it keeps its claim.
                return attempt.progress
            hold = await self._holds.mark_ready(ref.case, self._test_runs.asked_by(attempt))
            if hold is None or not hold.state.live:
                await self._notices.tell_end(attempt.view)
                return attempt.progress
            attempt.at_latest = self._clock.now() + self._interval
            if hold.state is HoldStatus.RELEASING and await self._carry_out(attempt.view, hold):
                hold = await self._holds.read(ref.case)
            elif hold.state is not HoldStatus.TESTING:
                await self._look_after(attempt)
                hold = await self._holds.read(ref.case)
            if hold is None or not hold.state.live or not attempt.done:
                return attempt.progress
            if hold.state is HoldStatus.TESTING:
                await self._test_runs.follow(attempt, hold, self._mes_of(hold))
                return attempt.progress
            if not hold.ever_accepted and not hold.live_placements:
                await self._holds.end(hold.key, HoldStatus.VOID, "no job was held")
                await self._notices.tell_end(attempt.view)
            elif hold.test_run is None and self._unattended(attempt.view):
                await self._release_unattended(attempt, hold)
            else:
                self._wait_for_production(attempt, hold)
        return attempt.progress

    async def _look_after(self, attempt: Step) -> None:
        """Reads the state of each placement, holds other jobs that run on the machine, and reports what people must
        do."""
        hold = await self._current(attempt)
        if hold.state is not HoldStatus.ASKED:
            return
        for placement in hold.live_placements:
            await self._follow(attempt.view, hold, placement)
        hold = await self._current(attempt)
        if hold.state is HoldStatus.ASKED and self._keeps_held(attempt.view, hold):
            await self._hold_what_runs(attempt, hold)
            hold = await self._current(attempt)
        await self._notices.tell_twin(attempt.view, hold, self._mes_of(hold).enforcement)
        unproven = [each for each in hold.live_placements if each.state is PlacementState.UNPROVEN]
        late = [each for each in hold.live_placements if each.state is PlacementState.ACCEPTED]
        if not attempt.done or not hold.state.live:
            return
        if unproven:
            attempt.lane = Lane.PLANNER
            attempt.wait(
                f"a person to look at {hold.equipment}: {hold.words}; release it in the MES if it is not needed"
            )
        elif late:
            attempt.lane = Lane.PLANNER
            attempt.wait(f"production to look at {hold.equipment}: {hold.words}", self._clock.now() + SOON)
        elif attempt.view.closed_as is None and (since := hold.stale_since(self._clock.now())) is not None:
            # The sentence stays the same, so that operations are called once.
            attempt.lane = Lane.OPERATIONS
            attempt.wait(
                f"operations to find out why {hold.equipment} is still held: nothing has changed since "
                f"{since:%Y-%m-%d %H:%M} UTC, and the work is not done"
            )

    def _mes_of(self, hold: HoldView) -> Mes:
        """The instance that has the hold: the machine is released nowhere else."""
        return instance(self._mes, hold.system, "MES", "hold")

    async def _current(self, attempt: Step) -> HoldView:
        hold = await self._holds.read(attempt.view.id)
        if hold is None:
            raise LookupError(f"case {attempt.view.id} has no hold")
        return hold

    def _keeps_held(self, view: CaseView, hold: HoldView) -> bool:
        """Whether the jobs of the machine must be held. Not if a person overruled the hold or the case; after the work,
        only if the machine was held during it."""
        if hold.overruled_at is not None or overruled(view):
            return False
        if view.closed_as is not None:
            return hold.ever_accepted
        return view.order is not None or called_off(view) is None

    async def _follow(self, view: CaseView, hold: HoldView, placement: Placement) -> None:
        """Updates one placement from the MES."""
        key, number = hold.key, placement.number
        if placement.state is PlacementState.INTENDED:
            if not placement.placeable_by(view.id, self._clock.now()):
                return
            if not self._keeps_held(view, hold) or view.closed_as is not None:
                await self._not_placed(hold, placement)
            elif await self._cases.stop_reason(view.id, StoppableAction.HOLD) is None:
                try:
                    await self._intend_and_place(view, hold, placement.plan)
                except NotProved:
                    # Its target is another one by now, or an earlier build did not tell it: the job is planned again.
                    await self._not_placed(hold, placement)
            return
        reading = await self._mes_of(hold).read_hold(placement.plan)
        if not _newer(reading, placement, self._clock.now()):
            return
        if reading.state is HoldState.GONE:
            await self._holds.move_placement(key, number, PlacementState.ENDED, read_at=reading.read_at)
        elif reading.state is HoldState.HELD:
            if placement.state is PlacementState.ACCEPTED:
                await self._holds.move_placement(key, number, PlacementState.IN_EFFECT, read_at=reading.read_at)
            elif placement.state is PlacementState.IN_EFFECT:
                await self._holds.record_reading(key, number, reading.read_at)
        elif placement.state is not PlacementState.ACCEPTED and hold.releasable:
            await self._seen_released(hold, placement, reading.read_at)
        elif placement.state is not PlacementState.ACCEPTED:
            await self._holds.move_placement(
                key, number, PlacementState.OVERRULED, read_at=reading.read_at, reason=_STARTED
            )

    async def _seen_released(self, hold: HoldView, placement: Placement, read_at: datetime) -> None:
        """Records that a job which runs again after the work was released in the MES, without a person's statement."""
        await self._holds.move_placement(
            hold.key,
            placement.number,
            PlacementState.RELEASED,
            read_at=read_at,
            reason=_SEEN_IN_MES,
            release=Release(by=_SEEN_IN_MES, meaning=None, reason=_STARTED, at=read_at),
        )

    async def _hold_what_runs(self, attempt: Step, hold: HoldView) -> None:
        """Holds every job that runs, or may run, on the machine and is not yet held by this hold."""
        view = attempt.view
        for _ in range(_JOBS_AT_ONCE):
            mes = self._mes_of(hold)
            plan = await mes.plan_hold(hold.equipment, hold.key)
            plan = plan.model_copy(update={"enforcement": mes.enforcement})
            if hold.has_placed(plan):
                return
            if not plan.method.acts:
                if (doubt := hold.doubt_of(plan)) is not None:
                    attempt.lane = Lane.PRODUCTION
                    attempt.wait(doubt, self._clock.now() + self._interval)
                return
            stopped = await self._cases.stop_reason(view.id, StoppableAction.HOLD)
            if stopped is not None:
                attempt.wait(stopped)
                return
            await self._intend_and_place(view, hold, plan)
            hold = await self._current(attempt)
        attempt.lane = Lane.PLANNER
        attempt.wait(
            f"production to look at {hold.equipment}: each job ends before it can be held",
            self._clock.now() + SOON,
        )

    async def _intend_and_place(self, view: CaseView, hold: HoldView, plan: HoldPlan) -> None:
        """Calls the MES to hold a job, unless another case of this hold does so or has done so."""
        placement = await self._holds.intend_placement(hold.key, plan, view.id)
        if placement is None:
            return
        key, number = hold.key, placement.number
        result = await self._mes_of(hold).place_hold(placement.plan, f"{view.asset.name}: {view.failure_mode}")
        now = self._clock.now()
        if result is PlaceResult.IN_EFFECT:
            await self._holds.move_placement(key, number, PlacementState.IN_EFFECT, read_at=now)
        elif result is PlaceResult.ACCEPTED:
            await self._holds.move_placement(key, number, PlacementState.ACCEPTED)
        elif result is PlaceResult.HELD_ALREADY:
            reason = "found held; the answer to our call was lost, or somebody else held it"
            await self._holds.move_placement(key, number, PlacementState.UNPROVEN, read_at=now, reason=reason)
        else:
            reason = "the job moved on before it could be held"
            await self._holds.move_placement(key, number, PlacementState.VOID, reason=reason)

    async def _not_placed(self, hold: HoldView, placement: Placement) -> None:
        """Ends an intended placement that is no longer needed. Its call may have reached the MES before a crash."""
        reading = await self._mes_of(hold).read_hold(placement.plan)
        state, reason = PlacementState.VOID, "not needed any more"
        if reading.state is HoldState.HELD:
            state, reason = PlacementState.UNPROVEN, "found held after an interrupted attempt"
        await self._holds.move_placement(hold.key, placement.number, state, read_at=reading.read_at, reason=reason)

    async def _carry_out(self, view: CaseView, hold: HoldView) -> bool:
        """Carries out an approved release if it is still valid; returns whether it did.

        The MES is called once for each approval. If the answer was lost and the job is still held, somebody else may
        hold it now. Then production must look at it.
        """
        release = hold.release
        words = release.meaning or release.reason if release is not None else ""
        for placement in hold.live_placements:
            if not await self._holds.revalidate_release(hold.key, release):
                return False
            if release is not None and release.version is not None:
                await self._check_unattended(view, hold, release.version)
            key, number = hold.key, placement.number
            reading = await self._mes_of(hold).read_hold(placement.plan)
            if reading.state is HoldState.HELD:
                if placement.release_called_at is not None:
                    await self._holds.doubt_release(key, number)
                    return False
                await self._holds.record_release_call(key, number, unanswered=True)
                try:
                    await self._mes_of(hold).release_hold(placement.plan, f"{key}: {words}")
                except (ActionRequired, Refused):
                    await self._holds.record_release_call(key, number, unanswered=False)
                    raise
            elif reading.state is HoldState.ABSENT and placement.plan.method is HoldMethod.BLOCK:
                # A job runs all the same, and our block is still there: it would stop the next one.
                await self._mes_of(hold).release_hold(placement.plan, f"{key}: {words}")
            await self._holds.move_placement(key, number, PlacementState.RELEASED)
        if not await self._holds.revalidate_release(hold.key, release):
            return False
        if release is not None and release.meaning == READY_FOR_TEST_RUN:
            await self._holds.begin_test_run(hold.key)
            return True
        await self._holds.end(hold.key, HoldStatus.RELEASED, words)
        released = await self._holds.read(view.id)
        if released is not None:
            await self._notices.tell_twin(view, released, self._mes_of(released).enforcement)
        return True

    def _unattended(self, view: CaseView) -> bool:
        """Whether the version that decided allows the release of this machine without a person; never after a
        cancellation."""
        return view.closed_as is ClosedAs.DONE and self._judge.releases_unattended(view.version, view.machine.id)

    async def _check_unattended(self, view: CaseView, hold: HoldView, version: str) -> None:
        """Asks the version again, because rows in storage can be altered.

        Raises:
            ActionRequired: it does not allow the release of this machine without a person.
        """
        await self._cases.check_names(view)
        if version != view.version or not self._unattended(view):
            raise ActionRequired(
                f"no version allows the release of {hold.equipment} without a person; the MES is told nothing: run "
                "`millwright audit verify`, and find out who released it",
                system="record",
                operation="release-hold",
                key=hold.key,
                field="release",
            )

    async def _release_unattended(self, attempt: Step, hold: HoldView) -> None:
        view = attempt.view
        release = Release(
            by=f"policy {view.verdict.policy} {view.verdict.version}",
            meaning=None,
            reason=f"the version approves the release of {view.machine.id} without a person",
            at=self._clock.now(),
            version=view.version,
        )
        try:
            await self._holds.approve_release(hold.key, release)
        except ActRejected as error:
            attempt.wait(f"production: {error.problem}")
            return
        approved = await self._holds.read(view.id)
        if approved is not None:
            await self._carry_out(view, approved)

    def _wait_for_production(self, attempt: Step, hold: HoldView) -> None:
        """Waits for production to release the machine; after a shift, the case is in the operations lane."""
        now = self._clock.now()
        since = hold.ready_at or now
        late = now - since >= A_SHIFT
        attempt.lane = Lane.OPERATIONS if late else Lane.PRODUCTION
        done = "the work is done" if attempt.view.closed_as is ClosedAs.DONE else "no work is to be done"
        called = ", for more than a shift" if late else ""
        step = "" if hold.test_run is None else " for a test run"
        attempt.wait(
            f"production to release {hold.equipment}{step}: {done} since {since:%Y-%m-%d %H:%M} UTC{called}. "
            f"{hold_notice(self._mes_of(hold).enforcement)}"
        )


def _left_alone(view: CaseView, now: datetime) -> bool:
    """Whether the MES failed and must not be called yet. Not if a placement must be read, or a proof was lacking."""
    waits = view.waiting_step == HOLD_STEP and view.attempts > 0 and view.lane is not Lane.PRODUCTION
    if view.hold is None or not waits or view.waiting_until is None or view.waiting_until <= now:
        return False
    return all(each.state is PlacementState.INTENDED for each in view.hold.live_placements)


def _newer(reading: HoldReading, placement: Placement, now: datetime) -> bool:
    """Whether a reading is newer than the stored state of a placement. A reading that cases of one process share may be
    older than a call of another process.

    No reading is of later than now: a stored time that is was not written by us, and keeps no reading out.
    """
    known_at = placement.read_at or placement.accepted_at
    return known_at is None or reading.read_at > known_at or known_at > now
