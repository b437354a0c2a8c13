"""The order of a case in a real Odoo, with its storage: from the verdict to what the technician reported."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.autonomy import Autonomy
from activities.progress import CaseRef
from activities.work_orders import PollSystem, WorkOrders
from connectors.cmms.odoo import OdooCmms
from domain.assets import Criticality
from domain.cases import CaseView, Decision, Lane
from domain.cmms import OrderApproval
from domain.verdict import Urgency, UrgencyDecision
from domain.work_orders import Touched, WorkOrderStatus
from millwright.bootstrap import Storage, StoredVersions, stores
from millwright.settings import CmmsSettings, MesSettings, Settings
from tests.contract.foreign.odoo_cmms_plant import OdooCmmsPlant
from tests.support.judged_plant import Plant, WakeCounter
from tests.support.plant import code, deviation

pytestmark = pytest.mark.foreign

_MINUTES = timedelta(minutes=5)


@dataclass
class OrderedCase:
    """A case that asks for work, on a real database, between its steps and a real Odoo."""

    plant: Plant
    storage: Storage
    steps: WorkOrders
    case: str

    async def view(self) -> CaseView:
        return (await self.storage.cases.view(self.case))[0]

    async def ordered(self) -> CaseView:
        await self.steps.ensure_order(CaseRef(case=self.case))
        return await self.view()

    async def moved(self) -> CaseView:
        await self.steps.move_order(CaseRef(case=self.case))
        return await self.view()

    async def polled(self) -> CaseView:
        polled = await self.steps.poll_changes(PollSystem(system="odoo", interval=_MINUTES))
        assert polled.problem is None
        return await self.view()

    async def decide(self, *, approved: bool) -> None:
        word = Decision(approved=approved, by="pat", reason="seen", at=self.plant.clock.now())
        await self.storage.cases.record_decision(self.case, word)


async def ordered_case(engine: AsyncEngine, cmms: OdooCmms) -> OrderedCase:
    plant = Plant(engine)
    await plant.prepare(Criticality.C)
    await plant.take(code(1), deviation(2))
    settings = Settings(_env_file=None, cmms=CmmsSettings(connector="odoo"), mes=MesSettings(connector="fake"))
    storage = stores(engine, plant.clock, StoredVersions(plant.catalogue), settings)
    [[case]] = await plant.rows("SELECT id FROM cases")
    now = plant.clock.now()
    urgency = UrgencyDecision(urgency=Urgency.NOW, rule="set", because="It is.", hold_at=None, work_at=now)
    await storage.cases.record_proposal(str(case), urgency, None)
    steps = WorkOrders(
        storage.cases,
        storage.changes,
        storage.order_leases,
        {"odoo": cmms},
        plant.catalogue,
        Autonomy(plant.catalogue, storage.autonomy),
        plant.clock,
        WakeCounter(),
        _MINUTES,
        timedelta(days=1),
        _MINUTES,
    )
    return OrderedCase(plant, storage, steps, str(case))


@pytest.fixture
async def approving(storage_engine: AsyncEngine, odoo_cmms_plant: OdooCmmsPlant) -> OrderedCase:
    return await ordered_case(storage_engine, odoo_cmms_plant.connector())


async def test_a_draft_waits_in_odoo_is_released_after_a_person_accepted_it_and_ends_with_its_report(
    approving: OrderedCase, odoo_cmms_plant: OdooCmmsPlant
) -> None:
    drafted = await approving.ordered()
    assert drafted.order is not None, drafted.waiting_for
    assert (drafted.order.status, drafted.order.touched) == (WorkOrderStatus.WAITING_APPROVAL, Touched.NO)
    assert odoo_cmms_plant.orders_of(approving.case) == 1
    await approving.decide(approved=True)
    released = await approving.moved()
    assert released.order is not None
    assert released.order.status is WorkOrderStatus.APPROVED
    # The step runs again after a crash, and finds what it did.
    assert (await approving.ordered()).order == released.order
    assert odoo_cmms_plant.orders_of(approving.case) == 1
    odoo_cmms_plant.complete(released.order.ref, "Regulator burnt.")
    completed = await approving.polled()
    assert completed.order is not None
    assert completed.order.status is WorkOrderStatus.COMPLETED
    assert completed.order.report is not None
    assert completed.order.report.notes == ("Regulator burnt.",)
    assert completed.order.report.disposition == "maintenance.stage_3"


async def test_an_untouched_draft_is_archived_after_a_person_said_no(
    approving: OrderedCase, odoo_cmms_plant: OdooCmmsPlant
) -> None:
    await approving.ordered()
    await approving.decide(approved=False)
    view = await approving.moved()
    assert view.order is not None
    assert (view.order.status, view.order.vendor_status) == (WorkOrderStatus.CANCELLED, "New Request, archived")


async def test_a_draft_that_people_changed_is_left_to_them(
    approving: OrderedCase, odoo_cmms_plant: OdooCmmsPlant
) -> None:
    drafted = await approving.ordered()
    assert drafted.order is not None
    odoo_cmms_plant.write(drafted.order.ref, {"name": "Regulator of press 7"})
    await approving.decide(approved=False)
    view = await approving.moved()
    assert view.order is not None
    assert (view.order.status, view.order.touched) == (WorkOrderStatus.WAITING_APPROVAL, Touched.YES)


async def test_a_request_that_a_person_deleted_is_known_after_it_was_read_again(
    approving: OrderedCase, odoo_cmms_plant: OdooCmmsPlant
) -> None:
    drafted = await approving.ordered()
    assert drafted.order is not None
    odoo_cmms_plant.delete(drafted.order.ref)
    approving.plant.clock.time += timedelta(days=1, minutes=1)
    view = await approving.moved()
    assert view.order is not None
    assert view.order.status is WorkOrderStatus.DELETED


async def test_with_the_stages_of_odoo_nothing_is_created_before_a_person_accepts_it(
    storage_engine: AsyncEngine, stock_odoo_cmms_plant: OdooCmmsPlant
) -> None:
    cmms = stock_odoo_cmms_plant.connector()
    assert cmms.capabilities.approval is OrderApproval.NONE
    case = await ordered_case(storage_engine, cmms)
    waiting = await case.ordered()
    assert (waiting.order, waiting.lane) == (None, Lane.REVIEW)
    await case.decide(approved=True)
    case.plant.clock.time += timedelta(hours=2)
    placed = await case.ordered()
    assert placed.order is not None, placed.waiting_for
    assert placed.order.status is WorkOrderStatus.APPROVED
    assert stock_odoo_cmms_plant.orders_of(case.case) == 1
