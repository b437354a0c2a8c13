"""One good work order for a case: looked up before it is made, read back after, followed to its end."""

from datetime import timedelta

from temporalio import activity

from activities.autonomy import Autonomy
from activities.holds import hold_stands, hold_wanted, next_look
from activities.order_text import order_draft
from activities.progress import CaseRef, Progress, Step, called_off, overruled, step
from domain.cases import CaseView
from domain.casework import CaseStore, ChangeStore
from domain.clock import Clock
from domain.errors import ActionRequired, ConnectorError, Unavailable
from domain.holds import HoldStore
from domain.keys import case_workflow_id
from domain.model import Model
from domain.ports import Cmms, Judge, WorkflowEngine
from domain.production import ISOLATION_NOTICE
from domain.stops import StoppableAction
from domain.work_orders import WorkOrderRecord, WorkOrderStatus

_AFTER_A_FAILURE = timedelta(minutes=5)


class PollSystem(Model):
    """Asks for a system's changes; `interval` is how long until the next time."""

    system: str
    interval: timedelta


class Polled(Model):
    """What a poll found, and why it found nothing where the system did not answer."""

    changes: int
    problem: str | None


class WorkOrders:
    """Places and follows orders.

    Args:
        cases: where cases are kept.
        holds: where holds are kept.
        changes: where a poll's findings are kept.
        cmms: where the planners work.
        system: the CMMS connector's id.
        judge: for the words of the decision.
        autonomy: whether an order goes out without review.
        clock: the plant's time.
        engine: to wake cases.
        interval: how often the MES is asked how a hold stands.
    """

    def __init__(
        self,
        cases: CaseStore,
        holds: HoldStore,
        changes: ChangeStore,
        cmms: Cmms,
        system: str,
        judge: Judge,
        autonomy: Autonomy,
        clock: Clock,
        engine: WorkflowEngine,
        interval: timedelta,
    ) -> None:
        self._cases = cases
        self._holds = holds
        self._interval = interval
        self._changes = changes
        self._cmms = cmms
        self._system = system
        self._judge = judge
        self._autonomy = autonomy
        self._clock = clock
        self._engine = engine

    @activity.defn(name="ensure-order")
    async def ensure_order(self, ref: CaseRef) -> Progress:
        """Makes sure that the CMMS holds the case's order: once, whatever happened before."""
        async with step(self._cases, self._clock, ref.case, "ensure-order") as attempt:
            view, now = attempt.view, self._clock.now()
            attempt.at_latest = next_look(view, now, self._interval)
            attempt.calls_a_person = hold_stands(view)
            placed = view.order is not None or not self._wanted(view)
            if placed or view.urgency is None or not attempt.leaves_alone(now):
                await self._ensure(attempt)
        return attempt.progress

    @activity.defn(name="follow-order")
    async def follow_order(self, ref: CaseRef) -> Progress:
        """Done when the order is finished, or there is none to follow.

        Speaks with storage only: where the CMMS must be called, `move-order` does so next.
        """
        async with step(self._cases, self._clock, ref.case, "follow-order") as attempt:
            order = self._order_to_follow(attempt)
            if order is None:
                return attempt.progress
            if _planner_is_to_be_told(attempt.view) or await self._wanted_status(attempt.view, order) is not None:
                attempt.want_call()
            else:
                self._wait_for_people(attempt, order)
        return attempt.progress

    @activity.defn(name="move-order")
    async def move_order(self, ref: CaseRef) -> Progress:
        """Releases or withdraws a draft, and tells the planner of an overruled hold. Then as `follow-order`."""
        async with step(self._cases, self._clock, ref.case, "follow-order") as attempt:
            view, known = attempt.view, self._order_to_follow(attempt)
            if known is None:
                return attempt.progress
            wanted = await self._wanted_status(view, known)
            if wanted is WorkOrderStatus.APPROVED:
                stopped = await self._cases.stop_reason(view.id, StoppableAction.ORDER)
                if stopped is not None:
                    attempt.wait(stopped)
                    return attempt.progress
            order = await self._moved(view, known, wanted)
            if order != known:
                await self._cases.record_order(view.id, order)
            await self._tell_of_overruling(view, order)
            if not order.status.finished:
                self._wait_for_people(attempt, order)
        return attempt.progress

    @activity.defn(name="poll-changes")
    async def poll_changes(self, poll: PollSystem) -> Polled:
        """Reads all that changed in the CMMS since the last time, page by page, and wakes the cases it concerns."""
        seen = await self._changes.poll_generation(poll.system)
        cursor = await self._changes.cursor(poll.system)
        total = 0
        problem: str | None = None
        woken: set[str] = set()
        try:
            while True:
                page = await self._cmms.changed_since(cursor)
                if page.records or page.cursor != cursor:
                    woken |= set(await self._changes.store_page(poll.system, page.records, page.cursor))
                total += len(page.records)
                if not page.records or page.cursor == cursor:
                    break
                cursor = page.cursor
        except ConnectorError as error:
            problem = str(error)
            activity.logger.warning("polling waits: %s", error)
        wait = poll.interval if problem is None else min(poll.interval, _AFTER_A_FAILURE)
        await self._changes.finish_poll(poll.system, seen, self._clock.now() + wait)
        if woken:
            try:
                await self._engine.wake([case_workflow_id(case) for case in sorted(woken)])
            except Unavailable as error:
                activity.logger.info("cases will be woken by the dispatcher: %s", error)
        return Polled(changes=total, problem=problem)

    def _order_to_follow(self, attempt: Step) -> WorkOrderRecord | None:
        """The order that is not finished yet, of a case whose work goes on; its hold is looked at again in time."""
        view = attempt.view
        if view.order is None or view.order.status.finished or view.closed_as is not None:
            return None
        attempt.at_latest = next_look(view, self._clock.now(), self._interval)
        return view.order

    async def _wanted_status(self, view: CaseView, order: WorkOrderRecord) -> WorkOrderStatus | None:
        """What the CMMS is to be asked for: to approve the order, or to cancel it; None for neither.

        What was released without a person is taken back by a person's no; evidence revised away undoes no release.
        """
        waits = order.status is WorkOrderStatus.WAITING_APPROVAL
        if called_off(view) is not None:
            taken_back = overruled(view) and order.status is WorkOrderStatus.APPROVED
            return WorkOrderStatus.CANCELLED if waits or taken_back else None
        return WorkOrderStatus.APPROVED if waits and await self._autonomy.released(view) else None

    async def _moved(self, view: CaseView, order: WorkOrderRecord, wanted: WorkOrderStatus | None) -> WorkOrderRecord:
        """The order, withdrawn where nobody wants it any more and nobody has touched it, or released."""
        reason = called_off(view)
        if reason is not None and wanted is WorkOrderStatus.CANCELLED:
            return await self._cmms.withdraw_work_order(order.ref, reason)
        if wanted is WorkOrderStatus.APPROVED:
            return await self._cmms.release_work_order(order.ref, f"{view.id}: {view.verdict.rule}")
        return order

    async def _tell_of_overruling(self, view: CaseView, order: WorkOrderRecord) -> None:
        """Tells the planner, on the order, that production started a machine that was held for it."""
        hold = view.hold
        if hold is None or hold.overruled_at is None or not _planner_is_to_be_told(view):
            return
        words = (
            f"Production started {hold.equipment} in the MES; seen at {hold.overruled_at:%Y-%m-%d %H:%M} UTC. "
            f"The hold is overruled and is not placed again for this order. {ISOLATION_NOTICE}"
        )
        await self._cmms.add_note(order.ref, f"{hold.key}-overruled", words)
        await self._holds.record_planner_note(hold.key)

    async def _ensure(self, attempt: Step) -> None:
        view = attempt.view
        if view.closed_as is not None or view.order is not None:
            return
        if self._wanted(view) and view.urgency is None:
            attempt.wait("its work to be timed again, because it is worse than it was", self._clock.now())
        elif self._wanted(view):
            stopped = await self._cases.stop_reason(view.id, StoppableAction.ORDER)
            if stopped is not None:
                attempt.wait(stopped)
            else:
                await self._place(view, await self._autonomy.released(view))
        elif view.draft is not None:
            await self._look_for_lost(view)

    async def _place(self, view: CaseView, released: bool) -> None:
        if view.cmms_asset is None:
            raise ActionRequired(
                f"{view.asset.id} has no name in the CMMS; add it with `assets map`",
                system=self._system,
                operation="create-work-order",
                key=view.id,
                field="asset",
            )
        words = self._judge.words(view.version, view.verdict.rule)
        draft = await self._cases.intend_order(
            view.id, self._system, view.draft or order_draft(view, words, released=released)
        )
        await self._cases.record_order(view.id, await self._cmms.create_work_order(draft))

    async def _look_for_lost(self, view: CaseView) -> None:
        """Called off after an attempt whose answer was lost: the order may stand there without our knowing."""
        lost = await self._cmms.find_work_order(view.id)
        if lost is not None:
            await self._cases.record_order(view.id, lost)

    def _wanted(self, view: CaseView) -> bool:
        return called_off(view) is None and (view.rung.orders or view.decision is not None)

    def _wait_for_people(self, attempt: Step, order: WorkOrderRecord) -> None:
        view = attempt.view
        waits = order.status is WorkOrderStatus.WAITING_APPROVAL
        if view.decision is not None and overruled(view):
            reason = f"the planner to cancel {order.ref.id}, which others have in hand: {view.decision.by} said no"
        elif waits:
            reason = f"the planner to approve or cancel {order.ref.id}"
        else:
            reason = f"the technician to do {order.ref.id}"
        if view.urgency is None:
            # It has risen and is timed again in this very pass: until then it is not at rest.
            attempt.wait(reason, self._clock.now())
        elif view.waiting_step == "ensure-hold" and (hold_stands(view) or hold_wanted(view)):
            # Once the time it named is past, the hold is looked at again at its next look, not at once and for ever.
            until = view.waiting_until
            attempt.wait(view.waiting_for, until if until and until > self._clock.now() else None)
        elif not hold_wanted(view):
            attempt.wait(reason)
        else:
            attempt.wait(reason, view.urgency.hold_at)


def _planner_is_to_be_told(view: CaseView) -> bool:
    """Whether the case's hold was overruled and its order carries no note of that yet."""
    return view.hold is not None and view.hold.overruled_at is not None and not view.hold.planner_told
