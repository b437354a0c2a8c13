"""The work that was done on an asset, as the connectors that list it tell it."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from domain.cmms_offers import WorkLister
from domain.completed_work import ToldWork
from domain.maintenance_history import HISTORY, CmmsAsset, WorkKind
from domain.work_orders import WorkOrderDraft, WorkOrderRef
from tests.contract.atlas_plant import Atlas13Plant, AtlasPlant
from tests.contract.cmms_plant import CmmsPlant, released
from tests.contract.maintainx_plant import MaintainXPlant
from tests.contract.odoo_maintenance_plant import OdooMaintenancePlant
from tests.contract.odoo_people import ASSETS, REPAIRED, SCRAP
from tests.contract.rest_plant import TicketsPlant

_PlantType = type[MaintainXPlant] | type[AtlasPlant] | type[TicketsPlant]

STOCK_STAGES = {"maintenance.stage_1": "in_progress", "maintenance.stage_3": "completed"}
_ANOTHER = "M002-COMP1"
"""An asset that nobody has worked on."""


async def test_the_work_done_on_an_asset_is_told_with_its_time_and_its_kind(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    assert isinstance(cmms, WorkLister)
    drafts = [cmms_plant.draft(released=True) for _ in range(5)]
    asset = _asset(drafts[0])
    orders = [await released(cmms, draft) for draft in drafts]
    until = drafts[0].reported_at + timedelta(days=1)
    assert await cmms.completed_work([asset], until - HISTORY) == ((),)
    cmms_plant.cancel(orders[4].ref)
    finished: dict[str, datetime] = {}
    for order in orders[:4]:
        cmms_plant.wait(timedelta(minutes=1))
        cmms_plant.complete(order.ref, "The regulator was replaced.")
        read = await cmms.read_work_order(order.ref)
        assert read.report is not None
        done_at = read.report.finished_at or read.changed_at
        # A request and the order of it have a number each.
        finished |= {ref.id: done_at for ref in (read.ref, read.order) if ref is not None}
    elsewhere = _asset(cmms_plant.draft(asset=_ANOTHER))
    told, nothing = await cmms.completed_work([asset, elsewhere], until - HISTORY)
    assert told is not None
    assert nothing == ()
    assert len({work.record for work in told}) == 4
    assert {work.record: work.done_at for work in told}.items() <= finished.items()
    assert {work.kind for work in told} == {WorkKind.CORRECTIVE}
    latest = max(finished.values())
    later = await cmms.completed_work([asset], latest)
    assert [len(work or ()) for work in later] == [1]


def _asset(draft: WorkOrderDraft) -> CmmsAsset:
    return CmmsAsset(draft.asset_external_id, draft.asset_attributes)


@pytest.mark.parametrize("plant_type", [MaintainXPlant, AtlasPlant, Atlas13Plant, TicketsPlant])
async def test_an_asset_that_the_cmms_does_not_know_is_unknown_and_hides_no_other(plant_type: _PlantType) -> None:
    plant = plant_type(None)
    await plant.start()
    try:
        known, cmms = _asset(plant.draft()), plant.connector()
        assert isinstance(cmms, WorkLister)
        nobodys = known._replace(external_id="987654")
        assert await cmms.completed_work([nobodys, known], plant.draft().reported_at - HISTORY) == (None, ())
    finally:
        await plant.stop()


async def test_many_assets_of_maintainx_are_looked_for_in_its_list() -> None:
    plant = MaintainXPlant(names=[f"M00{number}" for number in range(8)])
    await plant.start()
    try:
        assets = [CmmsAsset(str(machine.id), {}) for machine in plant.assets.values()]
        cmms, nobodys = plant.connector(), CmmsAsset("987654", {})
        since = plant.clock.now() - HISTORY
        assert await cmms.completed_work([*assets, nobodys], since) == (*[()] * 8, None)
        late = CmmsAsset(str(plant.server.add_asset("M009").id), {})
        assert await cmms.completed_work([late, *assets], since) == ((),) * 9
    finally:
        await plant.stop()


async def test_odoo_tells_work_of_people_and_none_that_was_scrapped(tmp_path: Path) -> None:
    plant = OdooMaintenancePlant(tmp_path)
    await plant.start()
    try:
        planned, scrapped = [WorkOrderRef(system="odoo", id=await plant.people_open(ASSETS[0]), key="") for _ in "ab"]
        plant.write(planned, {"maintenance_type": "preventive", "stage_id": REPAIRED})
        plant.write(scrapped, {"stage_id": SCRAP})
        done_at = plant.clock.now()
        connector = plant.connector(stages={**STOCK_STAGES, "maintenance.stage_4": "cancelled"})
        found = await connector.completed_work([CmmsAsset(ASSETS[0], {})], done_at - HISTORY)
        assert found == ((ToldWork(record=planned.id, done_at=done_at, kind=WorkKind.PREVENTIVE),),)
        plant.wait(timedelta(days=2))
        plant.write(planned, {"name": "It drips no more."})
        ((later,),) = await connector.completed_work([CmmsAsset(ASSETS[0], {})], done_at - HISTORY)  # type: ignore[misc]  # it is known
        assert timedelta() < later.done_at - done_at < timedelta(days=1)
    finally:
        await plant.stop()
