"""Cases with the sandbox's MaintainX, on their storage: one order for a case, after a person accepted it here."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.autonomy import Autonomy
from activities.progress import CaseRef
from activities.proposals import Proposals
from activities.work_orders import PollSystem, WorkOrders
from domain.assets import Alias, Criticality
from domain.cases import CaseView, Decision, Lane
from domain.casework import LEASE_LASTS
from domain.work_orders import WorkOrderStatus
from millwright.api.app import create_app
from millwright.api.signed_webhooks import SignedWebhooks
from millwright.bootstrap import Storage, StoredVersions, stores
from millwright.settings import CmmsSettings, MesSettings, Settings
from millwright.storage.events.register import RegisterStore
from tests.contract.maintainx_plant import MaintainXPlant
from tests.support.judged_plant import Plant, WakeCounter
from tests.support.plant import PUMP, START, code, deviation
from tests.support.served_api import served
from tests.workflows.fake_mes import FakeMes

_MINUTES = timedelta(minutes=5)


@dataclass
class MaintainXBench:
    """A case that asks for work, with its steps, between storage and MaintainX."""

    plant: Plant
    storage: Storage
    maintainx: MaintainXPlant
    case: str

    def steps(self) -> WorkOrders:
        """The steps of another worker."""
        clock, catalogue = self.plant.clock, self.plant.catalogue
        return WorkOrders(
            self.storage.cases,
            self.storage.changes,
            self.storage.order_leases,
            {"maintainx": self.maintainx.connector(clock=clock)},
            catalogue,
            Autonomy(catalogue, self.storage.autonomy),
            clock,
            WakeCounter(),
            _MINUTES,
            timedelta(days=1),
            _MINUTES,
        )

    async def ensure(self) -> CaseView:
        await self.steps().ensure_order(CaseRef(case=self.case))
        return await self.view()

    async def decide(self, *, approved: bool) -> None:
        word = Decision(approved=approved, by="pat", reason="seen", at=self.plant.clock.now())
        await self.storage.cases.record_decision(self.case, word)

    async def later(self, time: timedelta) -> CaseView:
        """The case after its steps ran once more, so much later."""
        self.plant.clock.time += time
        self.maintainx.wait(time)
        await self.ensure()
        await self.steps().move_order(CaseRef(case=self.case))
        return await self.view()

    async def polled(self) -> CaseView:
        polled = await self.steps().poll_changes(PollSystem(system="maintainx", interval=_MINUTES))
        assert polled.problem is None
        return await self.view()

    async def poll_due_at(self) -> object:
        [[due]] = await self.plant.rows("SELECT due_at FROM due WHERE subject = 'poll/maintainx'")
        return due

    async def view(self) -> CaseView:
        return (await self.storage.cases.view(self.case))[0]


@pytest.fixture
async def bench(storage_engine: AsyncEngine) -> AsyncIterator[MaintainXBench]:
    plant = Plant(storage_engine)
    await plant.prepare(Criticality.C)
    maintainx = MaintainXPlant()
    await maintainx.start()
    number = str(maintainx.assets["M001-COMP1"].id)
    alias = Alias(system="cmms:maintainx", external_id=number, asset=PUMP, valid_from=START)
    await RegisterStore(storage_engine, plant.clock).map_alias(alias, "tests")
    await plant.take(code(1), deviation(2))
    maintainx.clock.set(plant.clock.now())
    settings = Settings(_env_file=None, cmms=CmmsSettings(connector="maintainx"), mes=MesSettings(connector="fake"))
    storage = stores(storage_engine, plant.clock, StoredVersions(plant.catalogue), settings)
    [[case]] = await plant.rows("SELECT id FROM cases")
    mes = {"fake": FakeMes(plant.clock)}
    await Proposals(storage.cases, mes, plant.catalogue, plant.clock).propose_work(CaseRef(case=str(case)))
    yield MaintainXBench(plant, storage, maintainx, str(case))
    await maintainx.stop()


async def test_nothing_is_created_before_a_person_accepts_it_and_then_the_work_comes_back(
    bench: MaintainXBench,
) -> None:
    waiting = await bench.ensure()
    assert (waiting.order, waiting.lane) == (None, Lane.REVIEW)
    assert bench.maintainx.server.orders() == []
    await bench.decide(approved=True)
    placed = (await bench.later(timedelta(hours=2))).order
    assert placed is not None
    assert placed.status is WorkOrderStatus.APPROVED
    bench.maintainx.complete(placed.ref, "Regulator burnt.")
    done = (await bench.polled()).order
    assert done is not None
    assert done.report is not None
    assert (done.status, done.report.notes) == (WorkOrderStatus.COMPLETED, ("Regulator burnt.",))
    assert bench.maintainx.orders_of(bench.case) == 1


async def test_a_completion_reaches_the_case_by_a_signed_webhook_before_the_next_poll(
    bench: MaintainXBench, tmp_path: Path
) -> None:
    await bench.ensure()
    await bench.decide(approved=True)
    placed = (await bench.later(timedelta(hours=2))).order
    assert placed is not None
    await bench.storage.changes.poll_now("maintainx")
    await bench.polled()
    assert await bench.poll_due_at() == bench.plant.clock.now() + _MINUTES
    settings = Settings(_env_file=None, home=tmp_path, api_port=0)
    app = create_app(bench.storage, settings, None)
    async with served(app, settings) as address:
        _, secret = await bench.maintainx.subscribe(str(address.join("/webhooks/maintainx")))
        known = CmmsSettings.model_validate({"connector": "maintainx", "webhook_secrets": [secret]})
        app.state.deps.webhooks = SignedWebhooks(Settings(_env_file=None, cmms=known))
        bench.maintainx.complete(placed.ref, "Regulator burnt.")
        await bench.maintainx.server.subscriptions.delivered()
    await app.state.deps.close()
    assert await bench.poll_due_at() == bench.plant.clock.now()
    done = (await bench.polled()).order
    assert done is not None
    assert done.status is WorkOrderStatus.COMPLETED


async def test_eight_workers_at_once_under_leases_open_one_order(bench: MaintainXBench) -> None:
    await bench.ensure()
    await bench.decide(approved=True)
    bench.plant.clock.time += timedelta(hours=2)
    await asyncio.gather(*(bench.ensure() for _ in range(8)))
    assert (await bench.later(LEASE_LASTS + _MINUTES)).order is not None
    assert bench.maintainx.orders_of(bench.case) == 1


async def test_a_case_whose_answer_was_lost_finds_its_order_once_its_lease_has_ended(bench: MaintainXBench) -> None:
    await bench.ensure()
    await bench.decide(approved=True)
    bench.maintainx.misbehave("create", "commit_then_drop")
    assert (await bench.later(timedelta(hours=2))).order is None
    assert (await bench.later(timedelta(hours=2))).order is not None
    assert bench.maintainx.orders_of(bench.case) == 1


async def test_an_order_that_a_person_deleted_is_known_after_it_was_read_again(bench: MaintainXBench) -> None:
    await bench.ensure()
    await bench.decide(approved=True)
    placed = (await bench.later(timedelta(hours=2))).order
    assert placed is not None
    bench.maintainx.delete(placed.ref)
    order = (await bench.later(timedelta(days=2))).order
    assert order is not None
    assert order.status is WorkOrderStatus.DELETED
    assert bench.maintainx.server.orders() == []
