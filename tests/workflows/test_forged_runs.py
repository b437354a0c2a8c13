"""What somebody who reaches the engine's port can do to workflows, and that storage gets its way."""

import pytest
from temporalio import workflow
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.progress import CaseRef
from domain.cases import ClosedAs
from domain.keys import case_workflow_id
from tests.support.plant import alarm_by_hand, code, deviation
from tests.workflows.fake_plant import FakePlant
from workflows.queues import case_queue


@workflow.defn(name="MaintenanceCase", sandboxed=False)
class EndsAtOnce:
    """A forged workflow of a case, which says that all is done."""

    @workflow.run
    async def run(self, _ref: CaseRef) -> None:
        return


async def reviewed(plant: FakePlant) -> str:
    await plant.take(alarm_by_hand())
    return (await plant.case()).id


async def test_a_case_whose_workflow_was_terminated_is_started_again_when_it_is_due(plant: FakePlant) -> None:
    case = await reviewed(plant)
    handle = plant.client.get_workflow_handle(case_workflow_id(case))
    await handle.terminate()
    await plant.decide(case, approved=True)
    assert list(plant.cmms.orders) == [case]
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING


async def test_a_case_whose_workflow_completed_early_stays_open_and_is_started_again(unmanned: FakePlant) -> None:
    plant = unmanned
    plant.start_worker()
    case = await reviewed(plant)
    await plant.stop_worker()
    queue = case_queue(plant.settings.task_queue)
    forger = Worker(plant.client, task_queue=queue, workflows=[EndsAtOnce], workflow_runner=UnsandboxedWorkflowRunner())
    async with forger:
        forged = await plant.client.start_workflow(
            EndsAtOnce.run,
            CaseRef(case=case),
            id=case_workflow_id(case),
            task_queue=queue,
            id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
        )
        await forged.result()
    plant.start_worker()
    assert (await plant.case()).closed_as is None
    await plant.decide(case, approved=False)
    assert (await plant.case()).closed_as is ClosedAs.REJECTED


async def test_a_run_on_a_queue_that_nobody_serves_is_ended_and_the_case_goes_on(plant: FakePlant) -> None:
    case = await reviewed(plant)
    forged = await plant.client.start_workflow(
        "MaintenanceCase",
        CaseRef(case=case),
        id=case_workflow_id(case),
        task_queue="nobody-serves-this",
        id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
    )
    await plant.decide(case, approved=True)
    assert list(plant.cmms.orders) == [case]
    ended = await plant.client.get_workflow_handle(case_workflow_id(case), run_id=forged.result_run_id).describe()
    assert ended.status is WorkflowExecutionStatus.TERMINATED


async def test_a_run_whose_task_fails_for_ever_is_ended_and_the_case_goes_on(plant: FakePlant) -> None:
    case = await reviewed(plant)
    forged = await plant.client.start_workflow(
        "MaintenanceCase",
        "garbage",
        id=case_workflow_id(case),
        task_queue=case_queue(plant.settings.task_queue),
        id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
    )
    await plant.decide(case, approved=True)
    assert list(plant.cmms.orders) == [case]
    ended = await plant.client.get_workflow_handle(case_workflow_id(case), run_id=forged.result_run_id).describe()
    assert ended.status is WorkflowExecutionStatus.TERMINATED


async def test_a_run_that_was_given_another_case_works_on_the_case_of_its_id(plant: FakePlant) -> None:
    case = await reviewed(plant)
    await plant.client.start_workflow(
        "MaintenanceCase",
        CaseRef(case="MWANOTHER1"),
        id=case_workflow_id(case),
        task_queue=case_queue(plant.settings.task_queue),
        id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
    )
    await plant.decide(case, approved=True)
    assert list(plant.cmms.orders) == [case]


async def test_a_run_for_a_case_that_storage_does_not_know_fails_with_a_sentence(plant: FakePlant) -> None:
    handle = await plant.client.start_workflow(
        "MaintenanceCase",
        CaseRef(case="MWNOTHERE0"),
        id="case/MWNOTHERE0",
        task_queue=case_queue(plant.settings.task_queue),
    )
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    cause = failed.value.cause.__cause__
    assert isinstance(cause, ApplicationError)
    assert "no case MWNOTHERE0" in cause.message


async def test_a_poll_that_was_given_a_long_interval_is_due_again_by_the_settings(plant: FakePlant) -> None:
    await plant.take(code(1), deviation(2))
    await plant.client.start_workflow(
        "ConnectorPoll",
        {"system": "fake", "interval": "P3650D"},
        id="poll/fake",
        task_queue=plant.settings.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
    )
    await plant.hint()
    (case,) = plant.cmms.orders
    plant.cmms.people_close(case, "REPAIRED")
    await plant.pass_time(plant.settings.poll_interval)
    assert (await plant.case()).closed_as is ClosedAs.DONE
