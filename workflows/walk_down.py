"""A walk-down: hold one job of a machine, wait for the persons at it, let it run."""

from temporalio import workflow
from temporalio.common import Priority

with workflow.unsafe.imports_passed_through():
    from activities.walk_downs import WalkDownRef, WalkDownSteps
    from domain.keys import name_in
    from domain.priorities import FIRST
    from workflows.options import FOR_EVER, HEARTBEAT, STORAGE_STEP, VENDOR_STEP
    from workflows.queues import mes_queue


@workflow.defn(name="WalkDown")
class WalkDown:
    """One walk-down, from the word of production to its end. Persons at the machine wait for it, so its calls go first.

    Each pass finds in storage how far it has come. So one that is started again without a history goes on.
    """

    @workflow.init
    def __init__(self, _ref: WalkDownRef) -> None:
        self._ref = WalkDownRef(walk_down=name_in(workflow.info().workflow_id))
        self._wakes = 0

    @workflow.run
    async def run(self, _ref: WalkDownRef) -> None:
        route = await workflow.execute_local_activity_method(
            WalkDownSteps.route_walk_down, self._ref, start_to_close_timeout=STORAGE_STEP, retry_policy=FOR_EVER
        )
        while not await self._advance(route.mes):
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(self._ref)

    async def _advance(self, mes: str) -> bool:
        """One pass, and the wait for the next wake; returns whether the walk-down is over."""
        seen = self._wakes
        progress = await workflow.execute_activity_method(
            WalkDownSteps.advance_walk_down,
            self._ref,
            task_queue=mes_queue(workflow.info().task_queue, mes),
            priority=Priority(priority_key=FIRST),
            start_to_close_timeout=VENDOR_STEP,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=FOR_EVER,
        )
        if not progress.done:
            await workflow.wait_condition(lambda: self._wakes > seen)
        return progress.done

    @workflow.signal(name="wake")
    def wake(self) -> None:
        """A person acted, or a time was reached."""
        self._wakes += 1
