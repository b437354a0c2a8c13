"""Cases with the sandbox's Atlas CMMS, on their storage: one case gives one request, whatever happens."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.casework import LEASE_LASTS
from domain.errors import Unavailable
from domain.work_orders import RecordKind, WorkOrderStatus
from tests.contract.atlas_plant import Atlas13Plant, AtlasPlant
from tests.contract.ordered_case import MINUTES, OrderedCase, ordered_case, plant_on


async def bench(engine: AsyncEngine, atlas: AtlasPlant) -> OrderedCase[AtlasPlant]:
    plant = await plant_on(engine)
    atlas.clock.set(plant.clock.now())
    return await ordered_case(plant, atlas, "atlas", lambda: atlas.connector(clock=plant.clock))


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
    await ready.polled()
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
    view = await ready.later(LEASE_LASTS + MINUTES)
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
