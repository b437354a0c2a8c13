"""Decisions of people on the real engine, where two do not agree."""

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError

from activities.proposals import DecideCase
from domain.keys import case_workflow_id
from tests.support.plant import code, deviation
from tests.workflows.fake_plant import FakePlant


async def test_a_second_person_who_says_otherwise_is_told_and_the_case_goes_on_to_its_end(plant: FakePlant) -> None:
    await plant.take(code(1), deviation(2))
    case = (await plant.case()).id
    handle = plant.client.get_workflow_handle(case_workflow_id(case))
    await handle.execute_update("decide", DecideCase(case=case, approved=True, by="pat", reason="seen it"))
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update("decide", DecideCase(case=case, approved=False, by="kim", reason="not I"))
    plant.cmms.people_close(case, "REPAIRED")
    await plant.hint()
    await handle.result()
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
