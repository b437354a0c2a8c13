"""Cases with the sandbox's Atlas CMMS, on their storage: one case gives one request, whatever happens."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.autonomy import Autonomy
from activities.progress import CaseRef
from activities.proposals import Proposals
from activities.work_orders import PollSystem, WorkOrders
from domain.assets import Criticality
from domain.cases import CaseView
from domain.casework import LEASE_LASTS
from domain.errors import Unavailable
from domain.work_orders import RecordKind, WorkOrderStatus
from millwright.bootstrap import Storage, StoredVersions, stores
from millwright.settings import CmmsSettings, MesSettings, Settings
from tests.contract.atlas_plant import Atlas13Plant, AtlasPlant
from tests.support.judged_plant import Plant, WakeCounter
from tests.support.plant import code, deviation
from tests.workflows.fake_mes import FakeMes

_MINUTES = timedelta(minutes=5)


@dataclass
class AtlasBench:
    """A case whose order waits for a planner, with the steps of its work, between storage and Atlas."""

    plant: Plant
    storage: Storage
    atlas: AtlasPlant
    case: str

    def steps(self) -> WorkOrders:
        """The steps of another worker."""
        clock, catalogue = self.plant.clock, self.plant.catalogue
        return WorkOrders(
            self.storage.cases,
            self.storage.changes,
            self.storage.order_leases,
            {"atlas": self.atlas.connector(clock=clock)},
            catalogue,
            Autonomy(catalogue, self.storage.autonomy),
            clock,
            WakeCounter(),
            _MINUTES,
            timedelta(days=1),
            _MINUTES,
        )

    async def ensure(self) -> None:
        await self.steps().ensure_order(CaseRef(case=self.case))

    async def later(self, time: timedelta) -> CaseView:
        """The case after its steps ran once more, so much later."""
        self.plant.clock.time += time
        self.atlas.wait(time)
        await self.ensure()
        await self.steps().move_order(CaseRef(case=self.case))
        return await self.view()

    async def view(self) -> CaseView:
        return (await self.storage.cases.view(self.case))[0]


async def bench(engine: AsyncEngine, atlas: AtlasPlant) -> AtlasBench:
    plant = Plant(engine)
    await plant.prepare(Criticality.C)
    await plant.take(code(1), deviation(2))
    atlas.clock.set(plant.clock.now())
    settings = Settings(_env_file=None, cmms=CmmsSettings(connector="atlas"), mes=MesSettings(connector="fake"))
    storage = stores(engine, plant.clock, StoredVersions(plant.catalogue), settings)
    [[case]] = await plant.rows("SELECT id FROM cases")
    mes = {"fake": FakeMes(plant.clock)}
    await Proposals(storage.cases, mes, plant.catalogue, plant.clock).propose_work(CaseRef(case=str(case)))
    return AtlasBench(plant, storage, atlas, str(case))


@pytest.fixture(params=[AtlasPlant, Atlas13Plant], ids=["1.8+", "1.3"])
async def atlas(request: pytest.FixtureRequest) -> AsyncIterator[AtlasPlant]:
    plant: AtlasPlant = request.param()
    await plant.start()
    yield plant
    await plant.stop()


async def test_a_case_opens_one_request_that_a_planner_approves_and_both_are_kept(
    atlas: AtlasPlant, storage_engine: AsyncEngine
) -> None:
    ready = await bench(storage_engine, atlas)
    await ready.ensure()
    await ready.ensure()
    placed = (await ready.view()).order
    assert placed is not None
    assert (placed.status, placed.ref.kind) == (WorkOrderStatus.WAITING_APPROVAL, RecordKind.REQUEST)
    assert atlas.orders_of(ready.case) == 1
    atlas.wait(timedelta(hours=1))
    ready.plant.clock.time += timedelta(hours=1)
    atlas.approve(placed.ref)
    await ready.steps().poll_changes(PollSystem(system="atlas", interval=_MINUTES))
    approved = (await ready.view()).order
    assert approved is not None
    assert approved.order is not None
    assert (approved.status, approved.order.kind) == (WorkOrderStatus.APPROVED, RecordKind.ORDER)
    assert approved.ref.id == placed.ref.id
    assert atlas.orders_of(ready.case) == 1


async def test_eight_workers_at_once_under_leases_open_one_request(
    atlas: AtlasPlant, storage_engine: AsyncEngine
) -> None:
    ready = await bench(storage_engine, atlas)
    await asyncio.gather(*(ready.ensure() for _ in range(8)))
    assert atlas.orders_of(ready.case) == 1
    view = await ready.later(LEASE_LASTS + _MINUTES)
    assert view.order is not None
    assert atlas.orders_of(ready.case) == 1


async def test_an_order_that_a_person_deleted_ends_the_wait_and_is_not_made_again(
    atlas: AtlasPlant, storage_engine: AsyncEngine
) -> None:
    ready = await bench(storage_engine, atlas)
    await ready.ensure()
    placed = (await ready.view()).order
    assert placed is not None
    atlas.approve(placed.ref)
    assert (await ready.later(timedelta(days=2))).order is not None
    atlas.delete(placed.ref)
    order = (await ready.later(timedelta(days=2))).order
    assert order is not None
    assert order.status is WorkOrderStatus.DELETED
    assert [record.other for record in atlas.records()] == [None]
    assert atlas.server.records("work_order") == []


async def test_a_case_whose_answer_was_lost_finds_its_request_once_its_lease_has_ended(
    atlas: AtlasPlant, storage_engine: AsyncEngine
) -> None:
    ready = await bench(storage_engine, atlas)
    atlas.misbehave("create", "commit_then_drop")
    await ready.ensure()
    assert (await ready.view()).order is None
    assert (await ready.later(timedelta(hours=1))).order is not None
    assert atlas.orders_of(ready.case) == 1


@pytest.mark.parametrize("released", [False, True], ids=["request", "order"])
async def test_twenty_answers_lost_after_the_commit_give_one_record_each(atlas: AtlasPlant, released: bool) -> None:
    drafts = [atlas.draft(released=released) for _ in range(20)]
    for draft in drafts:
        cmms = atlas.connector()
        atlas.misbehave("create", "commit_then_drop")
        with pytest.raises(Unavailable):
            await cmms.create_work_order(draft)
        assert (await cmms.create_work_order(draft)).ref.key == draft.key
    assert [atlas.orders_of(draft.key) for draft in drafts] == [1] * 20
