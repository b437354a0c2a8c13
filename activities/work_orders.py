"""One good work order for a case: looked up before it is made, read back after, followed to its end."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from temporalio import activity

from activities.admissions import Admissions
from activities.attached_orders import AttachedOrders, own_orders
from activities.autonomy import Autonomy
from activities.awaited_people import wait_for_people
from activities.instances import instance, serving
from activities.open_work import open_work_seen
from activities.order_files import OrderFiles
from activities.order_notes import escalation_wanted, notes_wanted, withdrawal_words
from activities.order_text import order_draft
from activities.outcome_reminders import OutcomeReminders
from activities.progress import CaseRef, Progress, Step, accepted, called_off, overruled, step
from activities.returns_to_normal import ReturnsToNormal
from activities.wanted_holds import asked_lane, hold_stands, next_look
from domain.cases import CaseView, Lane
from domain.casework import LEASE_LASTS, CaseStore, OrderLeases
from domain.clock import Clock
from domain.cmms import Idempotency, OrderApproval, OrderCancellation, OrderLease
from domain.draft_check import check_case, check_length, held_back
from domain.draft_findings import DraftCheck
from domain.errors import ActionRequired
from domain.order_terms import OrderTerms
from domain.ports import Cmms, Judge
from domain.site_codes import SiteCodes
from domain.stops import StoppableAction
from domain.wording import WORDINGS, Wording
from domain.work_orders import WorkOrderDraft, WorkOrderRecord, WorkOrderStatus

_THEIRS_READ_AGAIN = timedelta(hours=1)
"""How often the order of a person is read again at least: a poll shows only orders with a key of ours."""
_ENSURE = "ensure-order"
_FOLLOW = "follow-order"


class WorkOrders:
    """Places and follows orders.

    Args:
        cases: where cases are kept.
        leases: who may create an order where the CMMS cannot refuse a second one.
        cmms: where the planners work, by the id of each CMMS instance.
        judge: for the words of the decision.
        autonomy: whether an order goes out without review.
        admissions: whether an order goes out now, or waits for its turn.
        clock: the plant's time.
        interval: how often the MES is asked how a hold stands.
        reread: how often a placed order is read again: no poll shows one that was deleted, or whose key was taken off.
        codes: the tables of codes of each CMMS instance.
        terms: how orders are written for each CMMS instance; one that is not named takes English, without job plans.
        files: attaches the evidence to orders.
        normals: looks whether faults have returned to normal.
    """

    def __init__(
        self,
        cases: CaseStore,
        leases: OrderLeases,
        cmms: Mapping[str, Cmms],
        judge: Judge,
        autonomy: Autonomy,
        admissions: Admissions,
        clock: Clock,
        interval: timedelta,
        reread: timedelta,
        codes: Mapping[str, SiteCodes],
        terms: Mapping[str, OrderTerms],
        files: OrderFiles,
        normals: ReturnsToNormal,
    ) -> None:
        self._cases = cases
        self._interval = interval
        self._reread = reread
        self._terms = terms
        self._files = files
        self._normals = normals
        self._leases = leases
        self._cmms = cmms
        self._judge = judge
        self._autonomy = autonomy
        self._admissions = admissions
        self._clock = clock
        self._attached = AttachedOrders(cases, codes, clock)
        self._reminders = OutcomeReminders(cases, cmms, codes, terms, clock)

    @activity.defn(name=_ENSURE)
    async def ensure_order(self, ref: CaseRef) -> Progress:
        """Makes sure that the CMMS holds the case's order: once, whatever happened before. Then as `follow-order`."""
        async with step(self._cases, self._clock, ref.case, _ENSURE) as attempt:
            view, now = attempt.view, self._clock.now()
            attempt.at_latest = next_look(view, now, self._interval)
            attempt.calls_a_person = hold_stands(view)
            attempt.lane_meanwhile = asked_lane(view, now)
            placed = view.order is not None or not self._wanted(view)
            if placed or view.urgency is None or not attempt.leaves_alone(now):
                await self._ensure(attempt)
            if not attempt.done and hold_stands(view) and view.order is None and view.due_at is not None:
                # A machine is held, and nobody is told to work on it: a person must know, whatever the step waits for.
                attempt.lane = attempt.lane or (Lane.PLANNER if view.due_at <= now else None)
                attempt.at_latest = min(at for at in (attempt.at_latest, max(view.due_at, now)) if at is not None)
            if attempt.done and attempt.view.order is not None:
                attempt.go_on(_FOLLOW, attempt.view)
                await self._follow(attempt)
        return attempt.progress

    @activity.defn(name=_FOLLOW)
    async def follow_order(self, ref: CaseRef) -> Progress:
        """Done when the order is finished, or there is none to follow.

        Speaks with storage only: where the CMMS must be called, `move-order` does so next.
        """
        async with step(self._cases, self._clock, ref.case, _FOLLOW) as attempt:
            await self._follow(attempt)
        return attempt.progress

    @activity.defn(name="move-order")
    async def move_order(self, ref: CaseRef) -> Progress:
        """Reads an order again, releases or withdraws a draft, and notes on it what became known. Then as
        `follow-order`."""
        async with step(self._cases, self._clock, ref.case, _FOLLOW) as attempt:
            stored = attempt.view.order
            if stored is not None and await self._attached.detach(attempt, stored):
                # The case was called off after `follow-order`: nothing is written on the order of a person any more.
                return attempt.progress
            if self._reminders.due(attempt.view) is not None:
                await self._reminders.remind(attempt)
                return attempt.progress
            known = self._order_to_follow(attempt)
            if known is None:
                return attempt.progress
            await self._normals.look(attempt)
            view = attempt.view
            if self._read_again_at(view) <= self._clock.now():
                known = await self._read_again(attempt, known)
                if attempt.view.order is None or known.status.finished:
                    return attempt.progress
            wanted = await self._wanted_status(view, known)
            if wanted is WorkOrderStatus.APPROVED:
                stopped = await self._cases.stop_reason(view.id, StoppableAction.ORDER)
                if stopped is not None:
                    attempt.wait(stopped)
                    return attempt.progress
            asked_at = self._clock.now()
            order = await self._moved(view, known, wanted)
            if order != known:
                await self._cases.record_order(view.id, order, asked_at)
            before, order = order.priority, await self._escalated(view.model_copy(update={"order": order}), order)
            raised_to = order.priority if order.priority != before else None
            await self._note(view.model_copy(update={"order": order}), order, raised_to)
            await self._files.attach(view, order, self._wording(order.ref.system))
            if not order.status.finished:
                wait_for_people(attempt, order, self._clock.now())
        return attempt.progress

    async def _follow(self, attempt: Step) -> None:
        """Ends the step if the order is finished or there is none; else waits for people, or for a call to the CMMS."""
        known = attempt.view.order
        if known is not None and await self._attached.detach(attempt, known):
            return
        if self._reminders.due(attempt.view) is not None:
            attempt.lane_meanwhile = Lane.PLANNER
            if not attempt.leaves_alone(self._clock.now()):
                attempt.want_call()
            return
        order = self._order_to_follow(attempt)
        if order is None:
            return
        await self._normals.look(attempt)
        view = attempt.view
        unread = self._read_again_at(view) <= self._clock.now()
        wanted = await self._wanted_status(view, order)
        wants_files = self._files.wanted(view, order)
        notes = notes_wanted(view, self._judge, self._wording(order.ref.system))
        if unread or wanted is not None or wants_files or notes:
            attempt.want_call()
        else:
            wait_for_people(attempt, order, self._clock.now())

    def _order_to_follow(self, attempt: Step) -> WorkOrderRecord | None:
        """The order that is not finished yet, of a case whose work goes on; its hold is looked at again in time."""
        view = attempt.view
        if view.order is None or view.order.status.finished or view.closed_as is not None:
            return None
        now = self._clock.now()
        again_at = self._read_again_at(view)
        # One that is due is read in this pass. If that fails, the failure says when to try again.
        again_at = again_at if again_at > now else now + self._reread_of(view.order)
        look = next_look(view, now, self._interval)
        attempt.at_latest = min(at for at in (look, again_at) if at is not None)
        return view.order

    def _read_again_at(self, view: CaseView) -> datetime:
        """When the order is to be read again. An earlier build did not write down when it read it."""
        if view.order is None or view.order_read_at is None:
            return self._clock.now()
        return view.order_read_at + self._reread_of(view.order)

    def _reread_of(self, order: WorkOrderRecord) -> timedelta:
        return min(self._reread, _THEIRS_READ_AGAIN) if order.of_a_person else self._reread

    async def _read_again(self, attempt: Step, known: WorkOrderRecord) -> WorkOrderRecord:
        """The order as it is now. It is recorded, or detached if it is of a person and other work than the case's."""
        asked_at = self._clock.now()
        order = await self._instance(known.ref.system, "read-work-order").read_work_order(known.ref)
        if not await self._attached.detach(attempt, order):
            await self._cases.record_order(attempt.view.id, order, asked_at)
        return order

    async def _wanted_status(self, view: CaseView, order: WorkOrderRecord) -> WorkOrderStatus | None:
        """What the CMMS is to be asked for: to approve the order, or to cancel it; None for neither.

        What was released without a person is taken back by a person's no; evidence revised away, or a retirement,
        undoes no release. A CMMS in which orders are not taken back by us is not asked: the planner is. An order of a
        person is only that person's to move.
        """
        if order.of_a_person:
            return None
        waits = order.status is WorkOrderStatus.WAITING_APPROVAL
        if called_off(view) is not None:
            taken_back = overruled(view) and order.status is WorkOrderStatus.APPROVED
            able = (
                self._instance(order.ref.system, "move-order").capabilities.cancellation is not OrderCancellation.NONE
            )
            return WorkOrderStatus.CANCELLED if able and (waits or taken_back) else None
        may_go_out = waits and not self._held_back(view, view.draft_check)
        return WorkOrderStatus.APPROVED if may_go_out and await self._autonomy.released(view) else None

    async def _moved(self, view: CaseView, order: WorkOrderRecord, wanted: WorkOrderStatus | None) -> WorkOrderRecord:
        """The order, withdrawn where nobody wants it any more and nobody has touched it, or released."""
        if wanted is None:
            return order
        await self._cases.check_move(view.id, order.ref, wanted)
        cmms = self._instance(order.ref.system, "move-order")
        if wanted is WorkOrderStatus.CANCELLED:
            return await cmms.withdraw_work_order(order.ref, withdrawal_words(view, self._wording(order.ref.system)))
        return await cmms.release_work_order(order.ref, f"{view.id}: {view.verdict.rule}")

    async def _escalated(self, view: CaseView, order: WorkOrderRecord) -> WorkOrderRecord:
        """The order, with a higher priority and an earlier due date where the fault became worse."""
        escalation = escalation_wanted(view)
        cmms = self._instance(order.ref.system, "move-order")
        if escalation is None or not cmms.capabilities.raises_priority:
            return order
        await self._cases.check_move(view.id, order.ref, escalation)
        asked_at = self._clock.now()
        raised = await cmms.escalate_work_order(order.ref, escalation)
        if raised != order:
            await self._cases.record_order(view.id, raised, asked_at)
        return raised

    async def _note(self, view: CaseView, order: WorkOrderRecord, raised_to: int | None) -> None:
        for note in notes_wanted(view, self._judge, self._wording(order.ref.system), raised_to):
            await self._instance(order.ref.system, "add-note").add_note(order.ref, note.key, note.text)
            await self._cases.record_order_note(view.id, note.key, note.text)

    async def _ensure(self, attempt: Step) -> None:
        if attempt.view.closed_as is not None or attempt.view.order is not None:
            return
        await self._normals.look(attempt)
        view = attempt.view
        if self._wanted(view) and view.urgency is None:
            attempt.wait("its work to be timed again, because it is worse than it was", self._clock.now())
        elif self._wanted(view):
            stopped = await self._cases.stop_reason(view.id, StoppableAction.ORDER)
            if stopped is not None:
                attempt.wait(stopped)
            else:
                await self._place(attempt)
        elif view.draft is not None:
            await self._look_for_lost(attempt)

    async def _place(self, attempt: Step) -> None:
        view = attempt.view
        cmms = self._serving(view)
        if view.cmms_asset is None:
            raise ActionRequired(
                f"{view.asset.id} has no name in the CMMS; add it with `assets map`",
                system=view.cmms_system or "cmms",
                operation="create-work-order",
                key=view.id,
                field="asset",
            )
        released, words = await self._autonomy.released(view), self._judge.words(view.version, view.verdict.rule)
        # The draft of an earlier build was not checked.
        draft, seen, check = view.draft, view.open_work, view.draft_check or DraftCheck()
        if draft is None:
            endangers = self._endangers(view)
            check = check_case(
                view, words, self._terms_of(view.cmms_system or ""), self._clock.now(), endangers=endangers
            )
            check = check.model_copy(update={"withheld": released and self._held_back(view, check)})
        released = released and not self._held_back(view, check)
        if cmms.capabilities.approval is OrderApproval.NONE and not (released or accepted(view)):
            attempt.lane = Lane.REVIEW
            incomplete = f". {check.words.rstrip('.')}" if check.serious else ""
            attempt.wait(f"a person to accept it: in {view.cmms_system} an order cannot wait for approval{incomplete}")
            return
        if draft is None:
            # The order of a person is no new order of the crew. Where none can be taken, no case calls while it waits.
            looks_first = bool(cmms.capabilities.failure_modes)
            if not looks_first and await self._awaits_turn(attempt):
                return
            failures = view.attempts if view.waiting_step == _ENSURE else 0
            seen = await open_work_seen(cmms, view, view.cmms_asset, failures, self._clock.now())
            plan = self._terms_of(view.cmms_system or "").job_plan(view.context.asset_class, view.failure_mode)
            say = self._wording(view.cmms_system or "")
            draft = order_draft(view, words, seen, say, check, plan, released=released)
            cut = check_length(draft, cmms.capabilities.limits)
            check = check.model_copy(update={"findings": (*check.findings, *cut)})
            if await self._attached.attach(attempt, cmms, draft, seen, check):
                return
            if looks_first and await self._awaits_turn(attempt):
                return
        first = await self._cases.intend_order(view.id, view.cmms_system or "", draft, seen, check)
        attempt.sends_draft = True
        await self._create(attempt, cmms, first)

    async def _awaits_turn(self, attempt: Step) -> bool:
        """Whether the case has to wait for its turn, which the step then says."""
        awaited = await self._admissions.awaited(attempt.view)
        if awaited is None:
            return False
        # The wait has no end of its own: with one, each look would be recorded as another wait.
        attempt.at_latest = min(at for at in (attempt.at_latest, awaited.until) if at is not None)
        attempt.wait(awaited.words)
        return True

    async def _create(self, attempt: Step, cmms: Cmms, draft: WorkOrderDraft) -> None:
        """Creates the order and keeps it; under a lease, if two requests at once would make two orders, or fail because
        they are for one asset."""
        view, can, lease = attempt.view, cmms.capabilities, None
        if can.idempotency is Idempotency.LOOK_UP or can.one_at_a_time_per_asset:
            system = view.cmms_system or ""
            scope = f"asset {draft.asset_external_id}" if can.one_at_a_time_per_asset else draft.key
            lease = await self._leases.acquire(system, scope, draft.key)
            if lease is None:
                until = self._clock.now() + LEASE_LASTS
                attempt.wait(f"another step that creates an order in {system} for {scope} to end", until)
                return
        # The connector looks the key up first: a step whose lease ended by time may have created the order.
        asked_at = self._clock.now()
        await self._keep(attempt, await cmms.create_work_order(draft), asked_at, lease)
        if lease is not None:
            await self._leases.give_back(lease)

    async def _keep(
        self, attempt: Step, order: WorkOrderRecord, read_at: datetime, lease: OrderLease | None = None
    ) -> None:
        await self._cases.record_order(attempt.view.id, order, read_at, lease)
        attempt.view = attempt.view.model_copy(update={"order": order.without_past_day(None), "order_read_at": read_at})

    async def _look_for_lost(self, attempt: Step) -> None:
        """Called off after an attempt whose answer was lost: the order may stand there without our knowing."""
        view = attempt.view
        draft = view.draft_to_send
        if draft is None:
            return
        asked_at, cmms = self._clock.now(), self._serving(view)
        found = await cmms.find_work_orders(own_orders(cmms, draft))
        if len(found) > 1:
            numbers = ", ".join(record.ref.id for record in found)
            raise ActionRequired(
                f"more than one order carries the key of this case: {numbers}; keep one",
                system=view.cmms_system or "cmms",
                operation="find-work-orders",
                key=view.id,
            )
        for record in found:
            await self._keep(attempt, record, asked_at)

    def _endangers(self, view: CaseView) -> bool:
        return view.urgency is not None and self._judge.endangers(view.version, view.urgency)

    def _held_back(self, view: CaseView, check: DraftCheck | None) -> bool:
        return held_back(view, check, endangers=self._endangers(view))

    def _terms_of(self, system: str) -> OrderTerms:
        return self._terms.get(system, OrderTerms())

    def _wording(self, system: str) -> Wording:
        return WORDINGS[self._terms_of(system).language]

    def _serving(self, view: CaseView) -> Cmms:
        """The instance that has the case's order, or serves its site."""
        operation = "create-work-order"
        return self._instance(serving(view.cmms_system, "CMMS", view, operation), operation)

    def _instance(self, system: str, operation: str) -> Cmms:
        return instance(self._cmms, system, "CMMS", operation)

    def _wanted(self, view: CaseView) -> bool:
        return called_off(view) is None and (view.rung.orders or view.decision is not None)
