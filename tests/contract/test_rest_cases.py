"""Cases whose CMMS is described in YAML, on their storage: one case gives one issue, whatever happens."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.casework import LEASE_LASTS
from domain.errors import Unavailable
from domain.work_orders import WorkOrderStatus
from tests.contract.ordered_case import MINUTES, OrderedCase, ordered_case, plant_on
from tests.contract.rest_plant import TicketsPlant


async def bench(engine: AsyncEngine, tickets: TicketsPlant) -> OrderedCase[TicketsPlant]:
    plant = await plant_on(engine)
    tickets.clock.set(plant.clock.now())
    return await ordered_case(plant, tickets, "rest", tickets.connector)


@pytest.fixture
async def tickets() -> AsyncIterator[TicketsPlant]:
    plant = TicketsPlant()
    await plant.start()
    yield plant
    await plant.stop()


async def test_a_case_opens_one_issue_and_follows_it_to_its_end(
    tickets: TicketsPlant, storage_engine: AsyncEngine
) -> None:
    ready = await bench(storage_engine, tickets)
    await ready.ensure()
    await ready.ensure()
    placed = (await ready.view()).order
    assert placed is not None
    assert placed.status is WorkOrderStatus.WAITING_APPROVAL
    assert tickets.orders_of(ready.case) == 1
    ready.plant.clock.time += timedelta(hours=3)
    tickets.wait(timedelta(hours=1))
    tickets.approve(placed.ref)
    await ready.polled()
    assert (await ready.order()).status is WorkOrderStatus.APPROVED
    ready.plant.clock.time += timedelta(hours=3)
    tickets.complete(placed.ref, "Regulator burnt.")
    await ready.polled()
    done = await ready.order()
    assert (done.ref, done.status) == (placed.ref, WorkOrderStatus.COMPLETED)
    assert done.report is not None
    assert done.report.notes == ("Regulator burnt.",)


async def test_eight_workers_at_once_under_leases_open_one_issue(
    tickets: TicketsPlant, storage_engine: AsyncEngine
) -> None:
    ready = await bench(storage_engine, tickets)
    await asyncio.gather(*(ready.ensure() for _ in range(8)))
    assert tickets.orders_of(ready.case) == 1
    view = await ready.later(LEASE_LASTS + MINUTES)
    assert view.order is not None
    assert tickets.orders_of(ready.case) == 1


async def test_a_case_whose_answer_was_lost_finds_its_issue_once_its_lease_has_ended(
    tickets: TicketsPlant, storage_engine: AsyncEngine
) -> None:
    ready = await bench(storage_engine, tickets)
    tickets.misbehave("create", "commit_then_drop")
    await ready.ensure()
    assert (await ready.view()).order is None
    assert (await ready.later(timedelta(hours=1))).order is not None
    assert tickets.orders_of(ready.case) == 1


async def test_twenty_answers_lost_after_the_commit_give_one_issue_each(tickets: TicketsPlant) -> None:
    drafts = [tickets.draft() for _ in range(20)]
    for draft in drafts:
        cmms = tickets.connector()
        tickets.misbehave("create", "commit_then_drop")
        with pytest.raises(Unavailable):
            await cmms.create_work_order(draft)
        assert (await cmms.create_work_order(draft)).ref.key == draft.key
    assert [tickets.orders_of(draft.key) for draft in drafts] == [1] * 20
