"""How many orders waited for the planner, and what became of them."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.work_orders import WorkOrderStatus
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.reporting.figures import read_figures
from tests.support.attached_order import attach
from tests.support.completed_work import ordered
from tests.support.judged_plant import Plant
from tests.support.plant import code, deviation

NONE = {"waited": 0, "waiting": 0, "approved": 0, "not_done": 0}


@pytest.mark.parametrize(
    ("released", "status", "reviewed"),
    [
        (True, WorkOrderStatus.COMPLETED, {}),
        (False, WorkOrderStatus.WAITING_APPROVAL, {"waited": 1, "waiting": 1}),
        (False, WorkOrderStatus.APPROVED, {"waited": 1, "approved": 1}),
        (False, WorkOrderStatus.COMPLETED, {"waited": 1, "approved": 1}),
        (False, WorkOrderStatus.CANCELLED, {"waited": 1, "not_done": 1}),
        (False, WorkOrderStatus.DELETED, {"waited": 1, "not_done": 1}),
    ],
)
async def test_an_order_counts_by_its_draft_and_by_what_became_of_it(
    storage_engine: AsyncEngine, released: bool, status: WorkOrderStatus, reviewed: dict[str, int]
) -> None:
    plant = Plant(storage_engine)
    await plant.prepare()
    await plant.take(deviation(1), code(2), deviation(3))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    cases = CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))
    assert (await read_figures(plant.engine)).reviewed == NONE

    await ordered(cases, str(case), status, released=released)

    figures = await read_figures(plant.engine)
    assert figures.reviewed == NONE | reviewed
    assert figures.work_orders == {"created": 1, status.value: 1, "attached": 0}


async def test_an_order_of_a_person_is_neither_created_nor_reviewed(storage_engine: AsyncEngine) -> None:
    plant = Plant(storage_engine)
    await plant.prepare()
    await plant.take(deviation(1), code(2), deviation(3))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    cases = CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))

    assert await attach(cases, str(case), "1224", plant.clock.now())

    figures = await read_figures(plant.engine)
    assert (figures.reviewed, figures.work_orders) == (NONE, {"created": 0, "attached": 1})
