"""The order of a person is no new order of a crew: a case takes it without a turn, and asks again once it is gone."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import Criticality
from domain.cases import ClosedAs, Decision
from domain.work_orders import WorkOrderStatus
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from tests.support.cmms import ABLE
from tests.support.crew_plant import CrewPlant

HOUR = timedelta(hours=1)
B, D = Criticality.B, Criticality.D
WAITS = "its turn: new orders of crew mechanical in 7 days: at most 1"


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> CrewPlant:
    """A plant whose crew gets one new order in seven days, and whose table of codes has one."""
    made = CrewPlant(storage_engine, {"b1": B, "b2": B, "d1": D})
    await made.prepare(1)
    made.cmms.can = ABLE.model_copy(update={"failure_modes": {"BEARING": "LOO"}})
    return made


async def no_findings(plant: CrewPlant, directory: Path) -> None:
    """Neither the verifier here nor that of an export finds anything."""
    assert (await verify(plant.engine)).findings == ()
    await export(plant.engine, directory)
    assert list(offline_verify.verify(directory)) == []


async def admitted(plant: CrewPlant) -> list[tuple[object, ...]]:
    return await plant.rows(
        "SELECT c.asset, n.admitted_at IS NOT NULL FROM admissions n JOIN cases c ON c.id = n.case_id ORDER BY 1"
    )


async def test_a_case_that_waits_for_its_turn_takes_the_order_of_a_person_and_no_place(
    plant: CrewPlant, tmp_path: Path
) -> None:
    b1, b2, d1 = await plant.break_down("b1", "b2", "d1")
    await plant.step(b1)
    theirs = plant.cmms.book.people_open("M-b2", "BEARING").ref
    await plant.step(b2, d1)
    order = (await plant.view(b2)).order
    assert (order and order.ref, (await plant.view(d1)).waiting_for) == (theirs, WAITS)
    later = plant.cmms.book.people_open("M-d1", "BEARING").ref
    plant.clock.time += timedelta(days=7)
    await plant.step(d1)
    order = (await plant.view(d1)).order
    assert (order and order.ref, plant.ordered) == (later, ["b1"])
    assert await admitted(plant) == [("b1", True)]
    await no_findings(plant, tmp_path)


async def test_a_case_whose_order_of_a_person_is_gone_asks_for_its_turn(plant: CrewPlant, tmp_path: Path) -> None:
    b1, b2, d1 = await plant.break_down("b1", "b2", "d1")
    theirs = plant.cmms.book.people_open("M-b2", "BEARING").ref
    await plant.step(b2, b1)
    assert plant.ordered == ["b1"]
    plant.cmms.book.people_change(theirs, WorkOrderStatus.IN_PROGRESS)
    order = plant.cmms.book.read(theirs)
    await plant.storage.cases.record_order(b2, order, plant.clock.now())
    await plant.storage.cases.detach_order(b2, order.model_copy(update={"codes": ()}), "has no problem code any more")
    plant.cmms.book.people_code(theirs, None)
    await plant.step(b2, d1)
    assert [(await plant.view(case)).waiting_for for case in (b2, d1)] == [WAITS, WAITS]
    plant.clock.time += timedelta(days=7)
    await plant.step(b2, d1)
    assert plant.ordered == ["b1", "b2"]
    await no_findings(plant, tmp_path)


async def test_an_order_of_a_person_of_a_case_that_had_its_turn_gives_the_place_to_the_next(
    plant: CrewPlant, tmp_path: Path
) -> None:
    b1, b2 = await plant.break_down("b1", "b2")
    assert await plant.orders._admissions.awaited(await plant.view(b1)) is None
    await plant.step(b2)
    assert (await plant.view(b2)).waiting_for == WAITS
    plant.cmms.book.people_open("M-b1", "BEARING")
    plant.clock.time += HOUR
    await plant.step(b1)
    assert await plant.due_at(b2) == plant.clock.now()
    await plant.step(b2)
    assert plant.ordered == ["b2"]
    await no_findings(plant, tmp_path)


async def test_an_order_that_was_changed_before_it_was_given_back_is_no_order_of_the_case(
    plant: CrewPlant, tmp_path: Path
) -> None:
    b1, b2 = await plant.break_down("b1", "b2")
    theirs = plant.cmms.book.people_open("M-b1", "BEARING").ref
    await plant.step(b1)
    plant.cmms.book.people_change(theirs, WorkOrderStatus.IN_PROGRESS)
    order = plant.cmms.book.read(theirs)
    await plant.storage.cases.record_order(b1, order, plant.clock.now())
    await plant.storage.cases.detach_order(b1, order.model_copy(update={"codes": ()}), "has no problem code any more")
    assert await plant.orders._admissions.awaited(await plant.view(b1)) is None
    no = Decision(approved=False, by="pat", reason="not now", at=plant.clock.now())
    await plant.storage.cases.record_decision(b1, no)
    await plant.storage.cases.close(b1, ClosedAs.REJECTED)
    await plant.step(b2)
    assert plant.ordered == ["b2"]
    await no_findings(plant, tmp_path)
