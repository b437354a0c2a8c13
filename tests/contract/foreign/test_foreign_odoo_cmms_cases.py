"""The order of a case in a real Odoo, with its storage: from the verdict to what the technician reported."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.cases import Lane
from domain.cmms import OrderApproval
from domain.work_orders import Touched, WorkOrderStatus
from tests.contract.foreign.odoo_cmms_plant import OdooCmmsPlant
from tests.contract.ordered_case import OrderedCase, ordered_case, plant_on

pytestmark = pytest.mark.foreign

OdooCase = OrderedCase[OdooCmmsPlant]


@pytest.fixture
async def approving(storage_engine: AsyncEngine, odoo_cmms_plant: OdooCmmsPlant) -> OdooCase:
    return await ordered_case(await plant_on(storage_engine), odoo_cmms_plant, "odoo", odoo_cmms_plant.connector)


async def test_a_draft_waits_in_odoo_is_released_after_a_person_accepted_it_and_ends_with_its_report(
    approving: OdooCase, odoo_cmms_plant: OdooCmmsPlant
) -> None:
    drafted = await approving.ensure()
    assert drafted.order is not None, drafted.waiting_for
    assert (drafted.order.status, drafted.order.touched) == (WorkOrderStatus.WAITING_APPROVAL, Touched.NO)
    assert odoo_cmms_plant.orders_of(approving.case) == 1
    await approving.decide(approved=True)
    released = await approving.moved()
    assert released.order is not None
    assert released.order.status is WorkOrderStatus.APPROVED
    # The step runs again after a crash, and finds what it did.
    assert (await approving.ensure()).order == released.order
    assert odoo_cmms_plant.orders_of(approving.case) == 1
    odoo_cmms_plant.complete(released.order.ref, "Regulator burnt.")
    completed = await approving.polled()
    assert completed.order is not None
    assert completed.order.status is WorkOrderStatus.COMPLETED
    assert completed.order.report is not None
    assert completed.order.report.notes == ("Regulator burnt.",)
    assert completed.order.report.disposition == "maintenance.stage_3"


async def test_an_untouched_draft_is_archived_after_a_person_said_no(
    approving: OdooCase, odoo_cmms_plant: OdooCmmsPlant
) -> None:
    await approving.ensure()
    await approving.decide(approved=False)
    view = await approving.moved()
    assert view.order is not None
    assert (view.order.status, view.order.vendor_status) == (WorkOrderStatus.CANCELLED, "New Request, archived")


async def test_a_draft_that_people_changed_is_left_to_them(approving: OdooCase, odoo_cmms_plant: OdooCmmsPlant) -> None:
    drafted = await approving.ensure()
    assert drafted.order is not None
    odoo_cmms_plant.write(drafted.order.ref, {"name": "Regulator of press 7"})
    await approving.decide(approved=False)
    view = await approving.moved()
    assert view.order is not None
    assert (view.order.status, view.order.touched) == (WorkOrderStatus.WAITING_APPROVAL, Touched.YES)


async def test_a_request_that_a_person_deleted_is_known_after_it_was_read_again(
    approving: OdooCase, odoo_cmms_plant: OdooCmmsPlant
) -> None:
    drafted = await approving.ensure()
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
    case = await ordered_case(await plant_on(storage_engine), stock_odoo_cmms_plant, "odoo", lambda: cmms)
    waiting = await case.ensure()
    assert (waiting.order, waiting.lane) == (None, Lane.REVIEW)
    await case.decide(approved=True)
    case.plant.clock.time += timedelta(hours=2)
    placed = await case.ensure()
    assert placed.order is not None, placed.waiting_for
    assert placed.order.status is WorkOrderStatus.APPROVED
    assert stock_odoo_cmms_plant.orders_of(case.case) == 1
