"""Polls another system for changes."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority

with workflow.unsafe.imports_passed_through():
    from activities.work_orders import PollSystem, WorkOrders
    from domain.keys import name_in
    from domain.model import Model
    from domain.priorities import FIRST
    from workflows.options import FOR_EVER, HEARTBEAT, PASSES_BEFORE_NEW_HISTORY, VENDOR_STEP
    from workflows.queues import cmms_queue


class Poll(Model):
    """Names the system to ask, and how often."""

    system: str
    interval: timedelta


@workflow.defn(name="ConnectorPoll")
class ConnectorPoll:
    """Polls one system. A webhook only makes the poll due; all changes come from the poll, whose cursor is stored with
    them."""

    @workflow.init
    def __init__(self, poll: Poll) -> None:
        self._poll = Poll(system=name_in(workflow.info().workflow_id), interval=poll.interval)
        self._woken = True

    @workflow.run
    async def run(self, _poll: Poll) -> None:
        for _ in range(PASSES_BEFORE_NEW_HISTORY):
            await workflow.wait_condition(lambda: self._woken)
            self._woken = False
            await workflow.execute_activity_method(
                WorkOrders.poll_changes,
                PollSystem(system=self._poll.system, interval=self._poll.interval),
                task_queue=cmms_queue(workflow.info().task_queue, self._poll.system),
                # A poll brings completed orders. It must not wait behind the new orders of a flood.
                priority=Priority(priority_key=FIRST),
                start_to_close_timeout=VENDOR_STEP,
                heartbeat_timeout=HEARTBEAT,
                retry_policy=FOR_EVER,
            )
            if workflow.info().is_continue_as_new_suggested():
                break
        workflow.continue_as_new(self._poll)

    @workflow.signal(name="wake")
    def wake(self) -> None:
        """The poll is due, by its interval or by a webhook."""
        self._woken = True
