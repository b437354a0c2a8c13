"""From the completed order of a technician in a CMMS to the verdict on the next anomaly."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.maintenance_histories import WorkReading
from activities.order_changes import OrderChanges, PollSystem
from domain.assets import Alias
from domain.instances import SiteInstances
from domain.open_work import OpenWorkQuery
from domain.verdict import Rung
from millwright.audit.verifying import verify
from millwright.storage.cases.changes import ChangeStore
from millwright.storage.events.register import RegisterStore
from millwright.storage.maintenance.readings import MaintenanceHistoryStore
from tests.contract.atlas_plant import AtlasPlant
from tests.contract.conftest import MaximoPlant
from tests.contract.maintainx_plant import MaintainXPlant
from tests.contract.rest_plant import TicketsPlant
from tests.support.judged_plant import Plant, WakeCounter
from tests.support.plant import PUMP, START, deviation
from tests.support.repaired_policy import put_repaired_in_force

HOUR = timedelta(hours=1)

_Site = MaximoPlant | MaintainXPlant | AtlasPlant | TicketsPlant


@pytest.mark.parametrize("site_type", [MaximoPlant, AtlasPlant, TicketsPlant])
async def test_a_repair_that_a_technician_completed_turns_an_order_into_an_inspection(
    site_type: type[MaximoPlant | AtlasPlant | TicketsPlant], storage_engine: AsyncEngine, tmp_path: Path
) -> None:
    site = site_type(tmp_path)
    site.failure_modes = {"OVERVOLT": "PDE"}
    assert await modes_told_of_a_repair(site, storage_engine) == ["PDE"]


async def test_of_a_repair_in_maintainx_no_failure_mode_is_told(storage_engine: AsyncEngine) -> None:
    assert await modes_told_of_a_repair(MaintainXPlant(), storage_engine) == [None]


async def modes_told_of_a_repair(site: _Site, engine: AsyncEngine) -> list[object]:
    """The failure modes of a repair that lowered a rung, one for each time that it was read."""
    plant = Plant(engine)
    await plant.prepare()
    digest = await put_repaired_in_force(plant)
    site.clock.set(plant.clock.now() - 24 * HOUR)
    await site.start()
    try:
        about = site.draft()
        name, attributes = about.asset_external_id, about.asset_attributes
        alias = Alias(system="cmms:one", external_id=name, asset=PUMP, valid_from=START, attributes=attributes)
        await RegisterStore(plant.engine, plant.clock).map_alias(alias, "tests")
        await site.people_open(name)
        connector = site.connector()
        query = OpenWorkQuery(asset_external_id=name, asset_attributes=attributes, since=site.clock.now() - HOUR)
        [theirs] = [order.ref for order in (await connector.find_open_work(query)).orders]
        cmms = {"one": connector}
        store = MaintenanceHistoryStore(plant.engine, plant.clock, SiteInstances(otherwise="one"))
        work = WorkReading(store, cmms, plant.clock, HOUR)
        changes = ChangeStore(plant.engine, plant.clock)
        polls = OrderChanges(changes, cmms, plant.clock, WakeCounter(), HOUR, [work.go_on])
        for completed in (False, True):
            if completed:
                site.approve(theirs)
                site.complete(theirs, "The regulator was replaced.")
            polled = await polls.poll_changes(PollSystem(system="one", interval=HOUR))
            assert polled.problem is None
            plant.clock.time += 2 * HOUR
            await plant.take(deviation((plant.clock.now() - START) / HOUR))
        rows = await plant.rows(
            "SELECT body::json->>'rule', rung FROM verdicts WHERE version = :digest ORDER BY id", digest=digest
        )
        rules = [(rule, Rung(int(str(rung))).word) for rule, rung in rows]
        assert rules == [("shifted", "draft"), ("just-repaired", "inspect")]
        told = await plant.rows(
            "SELECT work ->> 'failure_mode' FROM maintenance_histories h, "
            "json_array_elements(h.body::json -> 'work') work WHERE h.asset = :asset ORDER BY h.read_at",
            asset=PUMP,
        )
    finally:
        await site.stop()
    assert (await verify(plant.engine)).findings == ()
    return [mode for (mode,) in told]
