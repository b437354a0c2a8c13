"""Workflows that an earlier build began end by themselves, and begin again from storage."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.progress import CaseRef
from domain.keys import case_workflow_id, line_workflow_id
from tests.support.judged_plant import judge_to_rest
from tests.support.plant import LINE, alarm_by_hand, code, deviation
from tests.workflows.fake_plant import FakePlant
from workflows.line_watch import Line
from workflows.queues import case_queue

_SHORT = timedelta(seconds=20)


@activity.defn(name="propose-work")
async def propose(_name: str) -> str:
    return "done"


@workflow.defn(name="maintenance-case", sandboxed=False)
class CaseOfThen:
    """As the earlier build's case: patches, local activities, an activity of its own, and then a long wait."""

    def __init__(self) -> None:
        self._woken = 0

    @workflow.run
    async def run(self, ref: CaseRef) -> None:
        workflow.patched("steps-in-one-task")
        await workflow.execute_local_activity(propose, ref.case, start_to_close_timeout=_SHORT)
        await workflow.execute_activity(propose, ref.case, start_to_close_timeout=_SHORT)
        await workflow.wait_condition(lambda: self._woken > 1)

    @workflow.signal(name="wake")
    def wake(self) -> None:
        self._woken += 1


@workflow.defn(name="MaintenanceCase", sandboxed=False)
class CaseOfAnotherOrder(CaseOfThen):
    """A case of today's type whose steps come in another order."""

    @workflow.run
    async def run(self, ref: CaseRef) -> None:
        await workflow.execute_activity(propose, ref.case, start_to_close_timeout=_SHORT)
        await workflow.wait_condition(lambda: self._woken > 1)


@workflow.defn(name="line-watch", sandboxed=False)
class WatchOfThen:
    """As the earlier build's watch of a line."""

    def __init__(self) -> None:
        self._woken = 0

    @workflow.run
    async def run(self, line: Line) -> None:
        await workflow.execute_local_activity(propose, line.line, start_to_close_timeout=_SHORT)
        await workflow.wait_condition(lambda: self._woken > 1)

    @workflow.signal(name="wake")
    def wake(self) -> None:
        self._woken += 1


@pytest.mark.parametrize("then", [CaseOfThen, CaseOfAnotherOrder])
async def test_a_case_begun_by_an_earlier_build_begins_again_and_has_one_order(
    unmanned: FakePlant, then: type[CaseOfThen]
) -> None:
    plant = unmanned
    await plant.storage.inbox.store([code(1), deviation(2)], plant.clock.now())
    [case] = await judge_to_rest(plant.judging)
    workflow_id, queue = case_workflow_id(case), case_queue(plant.settings.task_queue)
    async with _earlier(plant.client, queue, then):
        first = await plant.client.start_workflow(
            then.run, CaseRef(case=case), id=workflow_id, task_queue=queue, start_signal="wake"
        )
        await _waits(first.result_run_id or "", workflow_id, plant.client)
    plant.start_worker()
    await plant.at_rest()
    assert list(plant.cmms.orders) == [case]
    ended = await plant.client.get_workflow_handle(workflow_id, run_id=first.result_run_id).describe()
    assert ended.status is WorkflowExecutionStatus.FAILED
    now = await plant.client.get_workflow_handle(workflow_id).describe()
    assert (now.workflow_type, now.status) == ("MaintenanceCase", WorkflowExecutionStatus.RUNNING)


async def test_a_decision_on_a_case_that_an_earlier_build_began_is_taken_at_once(
    unmanned: FakePlant,
) -> None:
    plant = unmanned
    await plant.storage.inbox.store([alarm_by_hand()], plant.clock.now())
    [case] = await judge_to_rest(plant.judging)
    async with plant.engine.begin() as connection:
        await connection.execute(text("UPDATE due SET due_at = NULL WHERE subject = :s"), {"s": case_workflow_id(case)})
    queue = case_queue(plant.settings.task_queue)
    async with _earlier(plant.client, queue, CaseOfThen):
        first = await plant.client.start_workflow(
            CaseOfThen.run, CaseRef(case=case), id=case_workflow_id(case), task_queue=queue, start_signal="wake"
        )
        await _waits(first.result_run_id or "", case_workflow_id(case), plant.client)
    plant.start_worker()
    await plant.decide(case, approved=True)
    assert list(plant.cmms.orders) == [case]


async def test_a_line_watched_by_an_earlier_build_is_watched_by_this_one(unmanned: FakePlant) -> None:
    plant = unmanned
    workflow_id, queue = line_workflow_id(LINE), plant.settings.task_queue
    async with _earlier(plant.client, queue, WatchOfThen):
        first = await plant.client.start_workflow(
            WatchOfThen.run, Line(line=LINE), id=workflow_id, task_queue=queue, start_signal="wake"
        )
        await _waits(first.result_run_id or "", workflow_id, plant.client)
    plant.start_worker()
    await plant.take(code(1), deviation(2))
    assert (await plant.storage.inbox.counts())["decided"] == 2
    now = await plant.client.get_workflow_handle(workflow_id).describe()
    assert (now.workflow_type, now.status) == ("LineWatch", WorkflowExecutionStatus.RUNNING)


def _earlier(client: Client, queue: str, story: type) -> Worker:
    return Worker(
        client,
        task_queue=queue,
        workflows=[story],
        activities=[propose],
        workflow_runner=UnsandboxedWorkflowRunner(),
        # Its sticky queue goes with it, and nobody waits for it.
        max_cached_workflows=0,
    )


async def _waits(run: str, workflow_id: str, client: Client) -> None:
    """Until the run has done its steps and waits."""
    handle = client.get_workflow_handle(workflow_id, run_id=run)
    steps = 0
    while not steps:
        history = await handle.fetch_history()
        completed = [each for each in history.events if each.HasField("workflow_task_completed_event_attributes")]
        steps = len(completed) > 0 and not (await handle.describe()).raw_description.pending_activities
        await asyncio.sleep(0.05)
