"""A case with the real steps of its work and its storage, on the simulated SAP Plant Maintenance."""

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
from domain.work_orders import RecordKind, WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from millwright.bootstrap import Storage, StoredVersions, stores
from millwright.settings import CmmsSettings, MesSettings, Settings
from tests.contract.sap_pm_plant import SapPmPlant
from tests.support.judged_plant import Plant, WakeCounter
from tests.support.plant import code, deviation
from tests.workflows.fake_mes import FakeMes

_MINUTES = timedelta(minutes=5)


@dataclass
class SapCase:
    """A case, and the steps of its work."""

    site: SapPmPlant
    plant: Plant
    storage: Storage
    case: str

    def steps(self) -> WorkOrders:
        """The steps in one process, with its own connector."""
        return WorkOrders(
            self.storage.cases,
            self.storage.changes,
            self.storage.order_leases,
            {"fake": self.site.connector()},
            self.plant.catalogue,
            Autonomy(self.plant.catalogue, self.storage.autonomy),
            self.plant.clock,
            WakeCounter(),
            _MINUTES,
            timedelta(days=1),
            _MINUTES,
        )

    async def ensure(self) -> CaseView:
        """The step that makes the order, after the time for which it leaves a system alone."""
        self.plant.clock.time += timedelta(hours=1)
        await self.steps().ensure_order(CaseRef(case=self.case))
        return await self.view()

    async def poll(self) -> CaseView:
        await self.steps().poll_changes(PollSystem(system="fake", interval=_MINUTES))
        return await self.view()

    async def view(self) -> CaseView:
        return (await self.storage.cases.view(self.case))[0]

    async def order(self) -> WorkOrderRecord:
        found = (await self.view()).order
        assert found is not None
        return found

    @property
    def made(self) -> int:
        return len(self.site.server.store.notifications)


@pytest.fixture
async def opened(storage_engine: AsyncEngine, database_url: str) -> AsyncIterator[SapCase]:
    """A case that asks for an order."""
    del database_url
    site = SapPmPlant()
    await site.start()
    plant = Plant(storage_engine)
    await plant.prepare(Criticality.A)
    await plant.take(code(1), deviation(2))
    settings = Settings(_env_file=None, cmms=CmmsSettings(connector="fake"), mes=MesSettings(connector="fake"))
    storage = stores(storage_engine, plant.clock, StoredVersions(plant.catalogue), settings)
    [[case]] = await plant.rows("SELECT id FROM cases")
    mes = {"fake": FakeMes(plant.clock)}
    await Proposals(storage.cases, mes, plant.catalogue, plant.clock).propose_work(CaseRef(case=str(case)))
    plant.clock.time += timedelta(days=3)
    yield SapCase(site, plant, storage, str(case))
    await site.stop()


async def test_one_case_opens_one_notification_and_follows_it_with_its_order_to_the_findings(opened: SapCase) -> None:
    for _ in range(2):
        await opened.ensure()
    order = await opened.order()
    assert (opened.made, order.ref.kind, order.ref.key) == (1, RecordKind.REQUEST, opened.case)
    assert (order.status, order.order is not None) == (WorkOrderStatus.APPROVED, True)
    ref = WorkOrderRef(system="fake", id=order.ref.id, key=opened.case)
    opened.site.wait(timedelta(hours=3))
    opened.site.complete(ref, "Regulator burnt.")
    done = (await opened.poll()).order
    assert done is not None
    assert (done.status, done.ref.id) == (WorkOrderStatus.COMPLETED, order.ref.id)
    assert done.order is not None
    assert (done.order.id, done.order.kind) == (opened.site.order(ref), RecordKind.ORDER)
    assert done.report is not None
    assert {chosen.role: (chosen.group, chosen.code) for chosen in done.report.codes} == opened.site.told.codes
    assert done.report.notes == ("Regulator burnt.",)


async def test_eight_processes_at_once_open_one_notification(opened: SapCase) -> None:
    await asyncio.gather(*(opened.steps().ensure_order(CaseRef(case=opened.case)) for _ in range(8)))
    await opened.ensure()
    assert opened.made == 1
    assert opened.site.orders_of(opened.case) == 1


@pytest.mark.parametrize("operation", ["create", "create_order", "ReleaseMaintenanceOrder", "change", "query"])
async def test_an_answer_that_is_lost_after_the_commit_opens_one_notification(opened: SapCase, operation: str) -> None:
    opened.site.misbehave(operation, "commit_then_drop")
    for _ in range(3):
        await opened.ensure()
    order = await opened.order()
    assert (opened.made, opened.site.orders_of(opened.case)) == (1, 1)
    assert order.ref.key == opened.case


async def test_a_site_that_asks_for_a_field_shows_the_case_to_a_person_in_the_words_of_sap(opened: SapCase) -> None:
    words = "Enter a main work center"
    opened.site.misbehave("create", "refuse_field", field="MainWorkCenter", code="IM/123", message=words)
    view = await opened.ensure()
    assert opened.made == 0
    assert words in (view.waiting_for or "")
    assert "MainWorkCenter" in (view.waiting_for or "")
    await opened.ensure()
    assert (await opened.order()).ref.key == opened.case
