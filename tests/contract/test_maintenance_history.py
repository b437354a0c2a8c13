"""From the completed order of a technician in Maximo to the verdict on the next anomaly."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.maintenance_histories import WorkReading
from activities.order_changes import OrderChanges, PollSystem
from domain.instances import SiteInstances
from domain.verdict import Rung
from domain.work_orders import WorkOrderRef
from millwright.audit.verifying import verify
from millwright.storage.cases.changes import ChangeStore
from millwright.storage.maintenance.readings import MaintenanceHistoryStore
from tests.contract.conftest import MaximoPlant
from tests.support.judged_plant import Plant, WakeCounter
from tests.support.plant import START, deviation
from tests.support.repaired_policy import put_repaired_in_force

HOUR = timedelta(hours=1)


async def test_a_repair_that_a_technician_completed_turns_an_order_into_an_inspection(
    storage_engine: AsyncEngine, tmp_path: Path
) -> None:
    plant = Plant(storage_engine)
    await plant.prepare()
    digest = await put_repaired_in_force(plant)
    maximo = MaximoPlant(tmp_path)
    maximo.failure_modes = {"OVERVOLT": "PDE"}
    maximo.clock.set(plant.clock.now() - 24 * HOUR)
    await maximo.start()
    try:
        number = await maximo.people_open("M001-COMP1")
        theirs = WorkOrderRef(system="maximo", id=number, key="")
        cmms = {"maximo": maximo.connector()}
        store = MaintenanceHistoryStore(plant.engine, plant.clock, SiteInstances(otherwise="maximo"))
        work = WorkReading(store, cmms, plant.clock, HOUR)
        changes = ChangeStore(plant.engine, plant.clock)
        polls = OrderChanges(changes, cmms, plant.clock, WakeCounter(), HOUR, [work.go_on])
        rules: list[object] = []
        for completed in (False, True):
            if completed:
                maximo.approve(theirs)
                maximo.complete(theirs, "The regulator was replaced.")
            polled = await polls.poll_changes(PollSystem(system="maximo", interval=HOUR))
            assert polled.problem is None
            plant.clock.time += 2 * HOUR
            await plant.take(deviation((plant.clock.now() - START) / HOUR))
        rows = await plant.rows(
            "SELECT body::json->>'rule', rung FROM verdicts WHERE version = :digest ORDER BY id", digest=digest
        )
        rules = [(rule, Rung(int(str(rung))).word) for rule, rung in rows]
        assert rules == [("shifted", "draft"), ("just-repaired", "inspect")]
        told = await plant.rows(
            "SELECT body::json->'work'->0->>'failure_mode' FROM maintenance_histories ORDER BY read_at"
        )
        assert [mode for (mode,) in told if mode is not None] == ["PDE"]
    finally:
        await maximo.stop()
    assert (await verify(plant.engine)).findings == ()
