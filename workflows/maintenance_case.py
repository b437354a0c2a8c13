"""A case: propose, review, place, order, wait, learn."""

from collections.abc import Awaitable, Callable

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.holds import Holds
    from activities.outcomes import Outcomes
    from activities.progress import CaseRef, Facts, Progress
    from activities.proposals import DecideCase, Proposals
    from activities.work_orders import WorkOrders
    from workflows.options import FOR_EVER, HEARTBEAT, STORAGE_STEP, VENDOR_STEP

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
_IN_ONE_TASK = "steps-in-one-task"
"""Since this patch a case goes from step to step within one task of the engine, and tells what operators search by
when it comes to wait. Each activity and each attribute of its own cost the engine more than the step cost us, and a
flood opens a hundred cases at once."""
_RELEASED_BY_PRODUCTION = "released-by-production"
"""Since this patch outcome, twin and label do not wait for the machine to be released, which only people do."""


@workflow.defn(name="maintenance-case")
class MaintenanceCase:
    """One episode of one fault, seen through to what was found.

    Every step makes sure of one thing and says when it is done, so a case started again from nothing passes what
    is done and goes on from there.
    """

    @workflow.init
    def __init__(self, ref: CaseRef) -> None:
        self._ref = ref
        self._wakes = 0
        self._facts: Facts | None = None
        self._told: Facts | None = None
        self._timed = True
        self._holds = False
        self._held = False

    @workflow.run
    async def run(self, _ref: CaseRef) -> None:
        await self._propose()
        await self._review()
        await self._place()
        await self._wait_for_work()
        await self._learn()
        await workflow.wait_condition(workflow.all_handlers_finished)
        self._publish()

    async def _propose(self) -> None:
        await self._until_done(Proposals.propose_work)

    async def _review(self) -> None:
        await self._until_done(Proposals.await_review, local=True)

    async def _place(self) -> None:
        while True:
            seen = self._wakes
            # A case that rose while it was reviewed, or while the CMMS was away, is timed again before it is ordered.
            if not self._timed:
                await self._propose()
            # A hold that falls due later, or an MES that is away, is no reason to leave the planner without an order.
            if self._holds:
                await self._once(Holds.ensure_hold)
            if (await self._once(WorkOrders.ensure_order)).done:
                return
            await self._woken_since(seen)

    async def _wait_for_work(self) -> None:
        while True:
            seen = self._wakes
            before = (self._timed, self._holds)
            if not self._timed:
                await self._propose()
            if self._holds:
                await self._once(Holds.ensure_hold)
            if (await self._once(WorkOrders.follow_order)).done:
                return
            # A case that rose meanwhile is timed, and held, before it is left to wait.
            if before == (self._timed, self._holds):
                await self._woken_since(seen)

    async def _learn(self) -> None:
        await self._until_done(Outcomes.record_outcome, local=True)
        if not self._patched(_RELEASED_BY_PRODUCTION):
            await self._until_done(Holds.release_hold, apart=True)
        await self._until_done(Outcomes.tell_twin, apart=True)
        await self._until_done(Outcomes.keep_label, local=True)
        await self._until_done(Outcomes.close_case, local=True)
        if self._held:
            await self._until_done(Holds.release_hold, apart=True)
            await self._until_done(Outcomes.close_case, local=True)

    def _patched(self, patch: str) -> bool:
        return workflow.patched(patch)

    async def _until_done(self, step: Activity, *, local: bool = False, apart: bool = False) -> None:
        while True:
            seen = self._wakes
            if (await self._once(step, local=local, apart=apart)).done:
                return
            await self._woken_since(seen)

    async def _once(self, step: Activity, *, local: bool = False, apart: bool = False) -> Progress:
        progress = await self._execute(step, local=local, apart=apart)
        self._timed, self._holds, self._held = progress.timed, progress.holds, progress.held
        self._tell(progress.facts)
        return progress

    async def _execute(self, step: Activity, *, local: bool, apart: bool) -> Progress:
        """Runs a step: one of storage only is `local`; one `apart` is a task of its own, so that a person's decision
        is answered before the case that it ends is over."""
        if local:
            return await workflow.execute_local_activity_method(
                step, self._ref, start_to_close_timeout=STORAGE_STEP, retry_policy=FOR_EVER
            )
        if not apart and self._patched(_IN_ONE_TASK):
            return await workflow.execute_local_activity_method(
                step, self._ref, start_to_close_timeout=VENDOR_STEP, retry_policy=FOR_EVER
            )
        return await workflow.execute_activity_method(
            step,
            self._ref,
            start_to_close_timeout=VENDOR_STEP,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=FOR_EVER,
        )

    async def _woken_since(self, seen: int) -> None:
        self._publish()
        if workflow.info().is_continue_as_new_suggested():
            await workflow.wait_condition(workflow.all_handlers_finished)
            workflow.continue_as_new(self._ref)
        await workflow.wait_condition(lambda: self._wakes > seen)

    def _tell(self, facts: Facts) -> None:
        self._facts = facts
        if not self._patched(_IN_ONE_TASK):
            self._publish()

    def _publish(self) -> None:
        """Makes the case findable by what operators search for."""
        facts = self._facts
        if facts is None or facts == self._told:
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
        """Something concerning the case came, or fell due."""
        self._wakes += 1

    @workflow.update(name="decide")
    async def decide(self, decision: DecideCase) -> None:
        """A person says yes or no."""
        await workflow.execute_local_activity_method(
            Proposals.record_decision, decision, start_to_close_timeout=STORAGE_STEP, retry_policy=FOR_EVER
        )
        self._wakes += 1

    @decide.validator
    def _check_decision(self, decision: DecideCase) -> None:
        if decision.case != self._ref.case:
            raise ApplicationError(f"this is case {self._ref.case}, not {decision.case}", non_retryable=True)
        if not decision.reason.strip():
            raise ApplicationError("reason: say why", non_retryable=True)
