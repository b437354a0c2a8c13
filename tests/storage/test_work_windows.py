"""Work in progress keeps the machine's other faults quiet, where an installation asks for it, and for so long."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Received
from domain.work_orders import Touched, WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.changes import ChangeStore
from millwright.storage.cases.suppression_end import SuppressionEnd
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, PUMP, START, code, deviation

LONGEST = timedelta(hours=12)


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    made = Plant(storage_engine)
    await made.prepare()
    made.clock.time = START + timedelta(hours=3)
    return made


def record(status: WorkOrderStatus, hours: float, key: str = "", name: str = "M001-COMP1") -> WorkOrderRecord:
    return WorkOrderRecord(
        ref=WorkOrderRef(system="maximo", id="1001", key=key),
        status=status,
        vendor_status={"in_progress": "INPRG", "completed": "COMP"}.get(status.value, "APPR"),
        changed_at=START + timedelta(hours=hours),
        touched=Touched.YES,
        asset_external_id=name,
    )


async def told(plant: Plant, *records: WorkOrderRecord, longest: timedelta | None = LONGEST) -> None:
    await ChangeStore(plant.engine, plant.clock, longest).store_page("maximo", records, "c1")


async def asset_of_cases(plant: Plant) -> list[object]:
    return [row[0] for row in await plant.rows("SELECT asset FROM cases ORDER BY asset")]


def motor_fails(hours: float) -> list[Received]:
    codes = [code(hours - 1, name, asset=MOTOR) for name in ("error2", "error3")]
    return [*codes, deviation(hours, asset=MOTOR)]


async def test_work_in_progress_holds_back_the_other_faults_of_the_machine(plant: Plant) -> None:
    await told(plant, record(WorkOrderStatus.IN_PROGRESS, 2))
    await plant.take(*motor_fails(4))
    assert await asset_of_cases(plant) == []
    assert await plant.rows("SELECT kind, asset, source FROM suppressions") == [("work", "machine-001", "maximo/1001")]


@pytest.mark.parametrize("status", [status for status in WorkOrderStatus if status is not WorkOrderStatus.IN_PROGRESS])
async def test_an_order_that_is_merely_open_or_over_holds_nothing_back(plant: Plant, status: WorkOrderStatus) -> None:
    await told(plant, record(status, 2))
    await plant.take(*motor_fails(4))
    assert await asset_of_cases(plant) == [MOTOR]


async def test_a_status_that_nobody_knows_is_no_work_in_progress(plant: Plant) -> None:
    await told(plant, record(WorkOrderStatus.IN_PROGRESS, 2).model_copy(update={"status_guessed": True}))
    await plant.take(*motor_fails(4))
    assert await asset_of_cases(plant) == [MOTOR]


async def test_work_that_goes_into_a_status_that_nobody_knows_holds_back_no_more(plant: Plant) -> None:
    await told(plant, record(WorkOrderStatus.IN_PROGRESS, 2))
    await told(plant, record(WorkOrderStatus.IN_PROGRESS, 2.5).model_copy(update={"status_guessed": True}))
    await plant.take(*motor_fails(4))
    assert await asset_of_cases(plant) == [MOTOR]


async def test_what_is_recent_when_the_work_is_done_opens_its_case_then(plant: Plant) -> None:
    await told(plant, record(WorkOrderStatus.IN_PROGRESS, 2))
    await plant.take(*motor_fails(4))
    plant.clock.time = START + timedelta(hours=6)
    await told(plant, record(WorkOrderStatus.COMPLETED, 5))
    await SuppressionEnd(plant.engine, plant.clock, StoredVersions(plant.catalogue)).return_due()
    assert await asset_of_cases(plant) == [MOTOR]


async def test_the_fault_that_is_being_worked_on_is_not_held_back(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    async with plant.engine.begin() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO work_orders (case_id, system, intended_at, draft) VALUES (%s, 'maximo', now(), '{}')", (case,)
        )
    await told(plant, record(WorkOrderStatus.IN_PROGRESS, 2.5, str(case)))
    await plant.take(deviation(4), *motor_fails(4))
    assert await plant.rows("SELECT asset, fed FROM cases") == [(PUMP, 2)]


async def test_a_window_of_work_ends_by_itself_when_it_has_lasted_longest(plant: Plant) -> None:
    await told(plant, record(WorkOrderStatus.IN_PROGRESS, 2))
    await plant.take(*motor_fails(15))
    assert await asset_of_cases(plant) == [MOTOR]


async def test_work_holds_nothing_back_where_nobody_asked_for_it(plant: Plant) -> None:
    await told(plant, record(WorkOrderStatus.IN_PROGRESS, 2), longest=None)
    assert await plant.rows("SELECT count(*) FROM suppressions") == [(0,)]
