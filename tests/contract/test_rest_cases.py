"""Cases whose CMMS is described in YAML, on their storage: one case gives one issue, whatever happens."""

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
from domain.work_orders import WorkOrderRecord, WorkOrderStatus
from millwright.bootstrap import Storage, StoredVersions, stores
from millwright.settings import CmmsSettings, MesSettings, Settings
from tests.contract.rest_plant import TicketsPlant
from tests.support.judged_plant import Plant, WakeCounter
from tests.support.plant import code, deviation
from tests.workflows.fake_mes import FakeMes

_MINUTES = timedelta(minutes=5)


@dataclass
class RestBench:
    """A case whose order waits for a planner, with the steps of its work, between storage and the tickets."""

    plant: Plant
    storage: Storage
    tickets: TicketsPlant
    case: str

    def steps(self) -> WorkOrders:
        """The steps of another worker."""
        clock, catalogue = self.plant.clock, self.plant.catalogue
        return WorkOrders(
            self.storage.cases,
            self.storage.changes,
            self.storage.order_leases,
            {"rest": self.tickets.connector()},
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
        self.tickets.wait(time)
        await self.ensure()
        await self.steps().move_order(CaseRef(case=self.case))
        return await self.view()

    async def polled(self) -> WorkOrderRecord:
        """The order of the case after a poll."""
        await self.steps().poll_changes(PollSystem(system="rest", interval=_MINUTES))
        order = (await self.view()).order
        if order is None:
            raise AssertionError("the case has no order")
        return order

    async def view(self) -> CaseView:
        return (await self.storage.cases.view(self.case))[0]


async def bench(engine: AsyncEngine, tickets: TicketsPlant) -> RestBench:
    plant = Plant(engine)
    await plant.prepare(Criticality.C)
    await plant.take(code(1), deviation(2))
    tickets.clock.set(plant.clock.now())
    settings = Settings(_env_file=None, cmms=CmmsSettings(connector="rest"), mes=MesSettings(connector="fake"))
    storage = stores(engine, plant.clock, StoredVersions(plant.catalogue), settings)
    [[case]] = await plant.rows("SELECT id FROM cases")
    mes = {"fake": FakeMes(plant.clock)}
    await Proposals(storage.cases, mes, plant.catalogue, plant.clock).propose_work(CaseRef(case=str(case)))
    return RestBench(plant, storage, tickets, str(case))


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
    assert (await ready.polled()).status is WorkOrderStatus.APPROVED
    ready.plant.clock.time += timedelta(hours=3)
    tickets.complete(placed.ref, "Regulator burnt.")
    done = await ready.polled()
    assert (done.ref, done.status) == (placed.ref, WorkOrderStatus.COMPLETED)
    assert done.report is not None
    assert done.report.notes == ("Regulator burnt.",)


async def test_eight_workers_at_once_under_leases_open_one_issue(
    tickets: TicketsPlant, storage_engine: AsyncEngine
) -> None:
    ready = await bench(storage_engine, tickets)
    await asyncio.gather(*(ready.ensure() for _ in range(8)))
    assert tickets.orders_of(ready.case) == 1
    view = await ready.later(LEASE_LASTS + _MINUTES)
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
