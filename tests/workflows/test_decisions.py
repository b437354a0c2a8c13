"""Decisions of people, which storage keeps and the workflow of the case reads."""

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError

from domain.cases import ClosedAs
from domain.errors import ActRejected
from domain.keys import case_workflow_id
from tests.support.plant import alarm_by_hand, code, deviation
from tests.workflows.fake_plant import FakePlant


async def test_a_second_person_who_says_otherwise_is_told_and_the_case_goes_on_to_its_end(plant: FakePlant) -> None:
    await plant.take(code(1), deviation(2))
    case = (await plant.case()).id
    await plant.decide(case, approved=True)
    with pytest.raises(ActRejected, match="pat approved"):
        await plant.decide(case, approved=False, by="kim")
    plant.cmms.people_close(case, "REPAIRED")
    await plant.hint()
    handle = plant.client.get_workflow_handle(case_workflow_id(case))
    await handle.result()
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED


async def test_whoever_reaches_the_engine_decides_nothing(plant: FakePlant) -> None:
    await plant.take(alarm_by_hand())
    case = (await plant.case()).id
    handle = plant.client.get_workflow_handle(case_workflow_id(case))
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update("decide", {"case": case, "approved": True, "by": "mallory", "reason": "mine"})
    await plant.at_rest()
    assert ((await plant.case()).decision, plant.cmms.orders) == (None, {})


async def test_a_decision_made_while_no_worker_answers_is_carried_out_afterwards(plant: FakePlant) -> None:
    await plant.take(alarm_by_hand())
    case = (await plant.case()).id
    await plant.stop_worker()
    await plant.record_decision(case, approved=False)
    plant.start_worker()
    await plant.at_rest()
    assert (await plant.case()).closed_as is ClosedAs.REJECTED
