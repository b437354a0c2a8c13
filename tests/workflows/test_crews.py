"""On the real engine: of a flood on many machines no more orders go out than the crew gets, and the riskiest first."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from domain.admission import WEEK
from domain.assets import Criticality
from millwright.audit.verifying import verify
from millwright.storage.reporting.crew_lists import crew_page
from tests.support.crew_plant import bounded, crew_register
from tests.support.plant import code, deviation
from tests.workflows.fake_plant import FakePlant

MACHINES = {"b1": Criticality.B, "c1": Criticality.C, "c2": Criticality.C, "d1": Criticality.D, "d2": Criticality.D}


class BoundedPlant(FakePlant):
    """A plant of several machines whose crew gets two new orders in seven days."""

    more = bounded(2)

    async def use(self, criticality: Criticality) -> None:
        del criticality
        await self.storage.register.keep(crew_register(MACHINES), "tests")

    async def flood(self) -> None:
        """All machines fail within a minute."""
        codes = [code(1, "error1", asset=name) for name in MACHINES]
        shifts = [deviation(1 + n / 3600, asset=name) for n in range(20) for name in MACHINES]
        await self.take(*codes, *shifts)

    async def ordered(self) -> set[str]:
        """The machines with an order in the CMMS."""
        return {case.asset.id for case in await self.cases() if case.id in self.cmms.orders}


@pytest.fixture
async def bounded_plant(engine: Client, storage_engine: AsyncEngine) -> AsyncIterator[BoundedPlant]:
    made = BoundedPlant(engine, storage_engine, "test-crews")
    made.proved = False
    async with made as plant:
        yield plant


async def test_of_a_flood_two_orders_go_out_a_week_and_the_riskiest_that_wait_go_next(
    bounded_plant: BoundedPlant,
) -> None:
    plant = bounded_plant
    await plant.flood()
    first = await plant.ordered()
    assert (len(await plant.cases()), len(first)) == (5, 2)
    waiting = sorted(MACHINES.keys() - first)
    [crew] = await crew_page(plant.engine, plant.clock.now())
    assert [each.asset[0] for each in crew.next] == [name[0] for name in waiting]
    await plant.stop_worker()
    plant.clock.time += WEEK
    plant.start_worker()
    await plant.at_rest()
    await plant.pass_time(timedelta(minutes=6))
    second = await plant.ordered() - first
    assert second == {each.asset for each in crew.next[:2]}
    await plant.pass_time(WEEK)
    assert await plant.ordered() == MACHINES.keys()
    assert (await verify(plant.engine)).findings == ()


async def test_a_planner_sends_a_waiting_case_out(bounded_plant: BoundedPlant) -> None:
    plant = bounded_plant
    await plant.flood()
    first = await plant.ordered()
    [last] = [case for case in await plant.cases() if case.asset.id == max(MACHINES.keys() - first)]
    await plant.decide(last.id, approved=True)
    assert await plant.ordered() == {*first, last.asset.id}
    assert (await verify(plant.engine)).findings == ()
