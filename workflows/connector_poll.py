"""Polls another system: a CMMS for changed orders, an MES for what its machines do."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority

with workflow.unsafe.imports_passed_through():
    from activities.machine_states import MachineStates, ReadStates
    from activities.order_changes import OrderChanges, PollSystem
    from domain.keys import mes_in, name_in
    from domain.model import Model
    from domain.priorities import FIRST
    from workflows.options import FOR_EVER, HEARTBEAT, PASSES_BEFORE_NEW_HISTORY, VENDOR_STEP
    from workflows.queues import cmms_queue, mes_queue


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
            mes = mes_in(self._poll.system)
            if mes is None:
                await self._read_changes()
            else:
                await self._read_states(mes)
            if workflow.info().is_continue_as_new_suggested():
                break
        workflow.continue_as_new(self._poll)

    async def _read_changes(self) -> None:
        await workflow.execute_activity_method(
            OrderChanges.poll_changes,
            PollSystem(system=self._poll.system, interval=self._poll.interval),
            task_queue=cmms_queue(workflow.info().task_queue, self._poll.system),
            # A poll brings completed orders. It must not wait behind the new orders of a flood.
            priority=Priority(priority_key=FIRST),
            start_to_close_timeout=VENDOR_STEP,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=FOR_EVER,
        )

    async def _read_states(self, mes: str) -> None:
        await workflow.execute_activity_method(
            MachineStates.read_machine_states,
            ReadStates(system=mes, interval=self._poll.interval),
            task_queue=mes_queue(workflow.info().task_queue, mes),
            # One call for all machines of an MES. Behind those of a flood of cases its reading would become too old.
            priority=Priority(priority_key=FIRST),
            start_to_close_timeout=VENDOR_STEP,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=FOR_EVER,
        )

    @workflow.signal(name="wake")
    def wake(self) -> None:
        """The poll is due, by its interval or by a webhook."""
        self._woken = True
