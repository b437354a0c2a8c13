"""Keeping production from running on, and letting it run again: each hold ours, each undone."""

from datetime import datetime, timedelta

from temporalio import activity

from activities.progress import CaseRef, Progress, called_off, overruled, step
from domain.cases import CaseView, HoldView
from domain.casework import CaseStore
from domain.clock import Clock
from domain.errors import ActionRequired
from domain.ports import Mes
from domain.production import HoldMethod, HoldState
from domain.stops import StoppableAction
from domain.verdict import Rung

_AGAIN = timedelta(minutes=1)
_PLACES_NOTHING = (HoldMethod.NOTHING_TO_HOLD, HoldMethod.ALREADY_HELD)


def hold_wanted(view: CaseView) -> bool:
    """Whether a hold is still to be placed for a case, now or when it falls due."""
    if view.closed_as is not None or view.rung < Rung.WORK_ORDER_AND_HOLD or view.mes_equipment is None:
        return False
    if overruled(view) or (view.order is None and called_off(view)):
        return False
    if view.order is not None and view.order.status.finished:
        return False
    return view.hold is None or view.hold.state == "intended"


def hold_falls_due(view: CaseView, now: datetime) -> datetime | None:
    """When a hold that is still to be placed is to be looked at, whatever keeps the order; None where none is.

    One that is overdue could not be placed: the MES is asked again in a minute.
    """
    if not hold_wanted(view) or view.urgency is None:
        return None
    return max(view.urgency.hold_at or now, now + _AGAIN)


class Holds:
    """Places and releases holds.

    Args:
        cases: where cases and holds are kept.
        mes: where they take effect.
        system: the MES connector's id.
        clock: the plant's time.
    """

    def __init__(self, cases: CaseStore, mes: Mes, system: str, clock: Clock) -> None:
        self._cases = cases
        self._mes = mes
        self._system = system
        self._clock = clock

    @activity.defn(name="ensure-hold")
    async def ensure_hold(self, ref: CaseRef) -> Progress:
        """Places the hold that a case asks for, once it falls due: intent with prior state, act, read back, record.

        Not done while the hold is still to fall due, or the MES does not answer.
        """
        async with step(self._cases, self._clock, ref.case, "ensure-hold", last=False) as one:
            view = one.view
            if not hold_wanted(view):
                return one.progress
            if view.urgency is None:
                one.wait(view.waiting_for)
                return one.progress
            due_at = view.urgency.hold_at
            if due_at is not None and due_at > self._clock.now():
                one.wait(view.waiting_for, due_at)
                return one.progress
            if view.waiting_step == "ensure-hold" and view.waiting_until and view.waiting_until > self._clock.now():
                one.wait(view.waiting_for, view.waiting_until)
                return one.progress
            stopped = await self._cases.stopped(view.id, StoppableAction.HOLD)
            if stopped is not None:
                one.wait(stopped)
                return one.progress
            await self._place(view)
        return one.progress

    @activity.defn(name="release-hold")
    async def release_hold(self, ref: CaseRef) -> Progress:
        """Drops the case's claim, and lets production run again when no other open case needs the hold.

        A hold that cannot be proved to be ours is shown to a person and left alone until it is gone.
        """
        async with step(self._cases, self._clock, ref.case, "release-hold") as one:
            hold = await self._cases.hold_dropped(ref.case)
            if hold is None or hold.claims > 0:
                return one.progress
            if hold.state == "intended":
                await self._never_placed(hold)
            elif hold.state == "unproven":
                await self._unproven(hold)
            elif hold.state == "releasing":
                await self._mes.release_hold(hold.plan, f"{one.view.id}: work finished")
                await self._cases.hold_settled(hold.key, "released")
        return one.progress

    async def _place(self, view: CaseView) -> None:
        plan = view.hold.plan if view.hold else await self._mes.plan_hold(view.mes_equipment or "", view.id)
        hold = await self._cases.hold_claimed(view.id, self._system, plan)
        if hold.state != "intended":
            return
        if hold.plan.method in _PLACES_NOTHING:
            await self._cases.hold_settled(hold.key, "void", hold.plan.method.value)
            return
        try:
            state = await self._mes.place_hold(hold.plan, f"{view.asset.name}: {view.failure_mode}")
        except ActionRequired as error:
            await self._cases.hold_settled(hold.key, "unproven", error.problem)
            return
        if state is HoldState.HELD:
            await self._cases.hold_settled(hold.key, "placed")
        else:
            await self._cases.hold_settled(hold.key, "void", "the job moved on before it could be held")

    async def _never_placed(self, hold: HoldView) -> None:
        """A hold intended and then not needed: it may have reached the MES before a crash."""
        if hold.plan.method in _PLACES_NOTHING:
            await self._cases.hold_settled(hold.key, "void", hold.plan.method.value)
        elif await self._mes.read_hold(hold.plan) is HoldState.HELD:
            await self._cases.hold_settled(hold.key, "unproven", "found held after an interrupted attempt")
            await self._unproven(hold)
        else:
            await self._cases.hold_settled(hold.key, "void", "not needed any more")

    async def _unproven(self, hold: HoldView) -> None:
        if await self._mes.read_hold(hold.plan) is HoldState.HELD:
            raise ActionRequired(
                f"job {hold.plan.job} on {hold.plan.equipment} is held and we cannot prove that the hold is ours; "
                "release it in the MES if it is not needed",
                system=self._system,
                operation="release-hold",
                key=hold.key,
            )
        await self._cases.hold_settled(hold.key, "released", "found released")
