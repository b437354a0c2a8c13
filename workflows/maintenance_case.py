"""A case: propose, review, place, order, wait, learn."""

from collections.abc import Awaitable, Callable
from enum import Enum

from temporalio import workflow
from temporalio.common import Priority, SearchAttributeKey

with workflow.unsafe.imports_passed_through():
    from activities.holds import Holds
    from activities.outcomes import Outcomes
    from activities.progress import CaseRef, Facts, Progress
    from activities.proposals import Proposals
    from activities.routes import CaseRoute, Routes
    from activities.suspect_lots import LotLists
    from activities.work_orders import WorkOrders
    from domain.keys import name_in
    from workflows.options import FOR_EVER, HEARTBEAT, STORAGE_STEP, VENDOR_STEP
    from workflows.queues import cmms_queue, mes_queue

Activity = Callable[..., Awaitable[Progress]]

ASSET = SearchAttributeKey.for_keyword("MillwrightAsset")
SITE = SearchAttributeKey.for_keyword("MillwrightSite")
RUNG = SearchAttributeKey.for_keyword("MillwrightRung")
SEVERITY = SearchAttributeKey.for_keyword("MillwrightSeverity")
POLICY = SearchAttributeKey.for_keyword("MillwrightPolicyVersion")
WORK_ORDER = SearchAttributeKey.for_keyword("MillwrightWorkOrder")
CASE = SearchAttributeKey.for_keyword("MillwrightCase")
WAITING = SearchAttributeKey.for_keyword("MillwrightWaitingFor")
SEARCH_ATTRIBUTES = (ASSET, SITE, RUNG, SEVERITY, POLICY, WORK_ORDER, CASE, WAITING)
_LONGEST_ATTRIBUTE = 200


class Where(Enum):
    """Where a step runs."""

    HERE = "here"
    """In the workflow's own worker, as a local activity: it uses storage only."""
    CASES = "cases"
    """On the queue of cases."""
    CMMS = "cmms"
    """On the queue of the CMMS instance that the case's order is placed in."""
    MES = "mes"
    """On the queue of the MES instance that the case's machine is run by."""


@workflow.defn(name="MaintenanceCase")
class MaintenanceCase:
    """One episode of one fault, from the first verdict to the outcome.

    Every step ensures one result and reports whether it is done. So a case that is restarted without a history skips
    the steps that are done.
    """

    @workflow.init
    def __init__(self, _ref: CaseRef) -> None:
        self._ref = self._own()
        self._wakes = 0
        self._progress: Progress | None = None
        self._told: Facts | None = None
        self._route = CaseRoute(cmms="", mes="", priority=0)

    @workflow.run
    async def run(self, _ref: CaseRef) -> None:
        await self._find_route()
        await self._propose()
        await self._review()
        await self._order()
        await self._list_lots()
        await self._learn()
        self._publish()

    def _own(self) -> CaseRef:
        """The case of this run. The engine's users may start a run with any input, so the case is that of its id."""
        return CaseRef(case=name_in(workflow.info().workflow_id))

    async def _find_route(self) -> None:
        self._route = await workflow.execute_local_activity_method(
            Routes.route_case, self._ref, start_to_close_timeout=STORAGE_STEP, retry_policy=FOR_EVER
        )

    async def _propose(self) -> None:
        await self._until_done(Proposals.propose_work, Where.MES)

    async def _review(self) -> None:
        if self._last.review_wanted:
            await self._until_done(Proposals.await_review, Where.HERE)

    async def _order(self) -> None:
        """Places the order, and follows it until it is finished or nobody wants it any more."""
        while True:
            seen = self._wakes
            before = (self._last.timed, self._last.holds)
            # The rung may have risen during the review or an outage of the CMMS: decide the timing again before the
            # order.
            if not self._last.timed:
                await self._propose()
            # The order does not wait for a hold that is due later, or for an MES that does not answer.
            if self._last.holds:
                await self._once(Holds.ensure_hold, Where.MES)
                await self._list_lots()
            if self._last.placed:
                progress = await self._once(WorkOrders.follow_order, Where.HERE)
            else:
                progress = await self._once(WorkOrders.ensure_order, Where.CMMS)
            if progress.call_wanted:
                progress = await self._once(WorkOrders.move_order, Where.CMMS)
            if progress.done:
                return
            # The rung may have risen meanwhile: decide the timing, and place the hold, before the case waits.
            if before == (self._last.timed, self._last.holds):
                await self._woken_since(seen)

    async def _list_lots(self) -> None:
        """The case does not wait for the list."""
        if self._last.lots:
            await self._once(LotLists.list_suspect_lots, Where.MES)

    async def _learn(self) -> None:
        await self._until_done(Outcomes.record_outcome, Where.HERE)
        await self._until_done(Outcomes.tell_twin, Where.CASES)
        await self._until_done(Outcomes.keep_label, Where.HERE)
        await self._until_done(Outcomes.close_case, Where.HERE)
        if self._last.held:
            await self._until_done(Holds.release_hold, Where.MES)
            await self._until_done(Outcomes.close_case, Where.HERE)

    async def _until_done(self, step: Activity, where: Where) -> None:
        while True:
            seen = self._wakes
            if (await self._once(step, where)).done:
                return
            await self._woken_since(seen)

    async def _once(self, step: Activity, where: Where) -> Progress:
        self._progress = await self._execute(step, where)
        return self._progress

    @property
    def _last(self) -> Progress:
        """What the last step said."""
        if self._progress is None:
            raise RuntimeError("no step of the case has run yet")
        return self._progress

    async def _execute(self, step: Activity, where: Where) -> Progress:
        if where is Where.HERE:
            return await workflow.execute_local_activity_method(
                step, self._ref, start_to_close_timeout=STORAGE_STEP, retry_policy=FOR_EVER
            )
        return await workflow.execute_activity_method(
            step,
            self._ref,
            task_queue=self._queue(where),
            start_to_close_timeout=VENDOR_STEP,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=FOR_EVER,
            priority=Priority(priority_key=(self._progress or self._route).priority),
        )

    def _queue(self, where: Where) -> str:
        queue = workflow.info().task_queue
        if where is Where.CMMS:
            return cmms_queue(queue, self._route.cmms)
        return mes_queue(queue, self._route.mes) if where is Where.MES else queue

    async def _woken_since(self, seen: int) -> None:
        self._publish()
        if workflow.info().is_continue_as_new_suggested():
            workflow.continue_as_new(self._ref)
        await workflow.wait_condition(lambda: self._wakes > seen)

    def _publish(self) -> None:
        """Sets the search attributes of the case."""
        facts = self._last.facts
        if facts == self._told:
            return
        self._told = facts
        pairs = [
            (CASE, self._ref.case),
            (ASSET, facts.asset),
            (SITE, facts.site),
            (RUNG, facts.rung),
            (SEVERITY, facts.severity),
            (POLICY, facts.policy_version),
            (WORK_ORDER, facts.work_order or ""),
            (WAITING, (facts.waiting_for or "")[:_LONGEST_ATTRIBUTE]),
        ]
        workflow.upsert_search_attributes([key.value_set(value) for key, value in pairs])

    @workflow.signal(name="wake")
    def wake(self) -> None:
        """Something that concerns the case was stored, or is due."""
        self._wakes += 1
