"""A case with the real steps of its work and its storage, on the simulated SAP Plant Maintenance."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import Criticality
from domain.cases import CaseView
from domain.work_orders import RecordKind, WorkOrderRef, WorkOrderStatus
from tests.contract.ordered_case import OrderedCase, ordered_case, plant_on
from tests.contract.sap_pm_plant import SapPmPlant

SapCase = OrderedCase[SapPmPlant]


async def ensured(opened: SapCase) -> CaseView:
    """The case after the step that makes the order, after the time for which it leaves a system alone."""
    opened.plant.clock.time += timedelta(hours=1)
    return await opened.ensure()


def made(opened: SapCase) -> int:
    """How many notifications there are."""
    return len(opened.site.server.store.notifications)


@pytest.fixture
async def opened(storage_engine: AsyncEngine) -> AsyncIterator[SapCase]:
    """A case that asks for an order."""
    site = SapPmPlant()
    await site.start()
    case = await ordered_case(await plant_on(storage_engine, Criticality.A), site, "fake", site.connector)
    case.plant.clock.time += timedelta(days=3)
    yield case
    await site.stop()


async def test_one_case_opens_one_notification_and_follows_it_with_its_order_to_the_findings(opened: SapCase) -> None:
    for _ in range(2):
        await ensured(opened)
    order = await opened.order()
    assert (made(opened), order.ref.kind, order.ref.key) == (1, RecordKind.REQUEST, opened.case)
    assert (order.status, order.order is not None) == (WorkOrderStatus.APPROVED, True)
    ref = WorkOrderRef(system="fake", id=order.ref.id, key=opened.case)
    opened.site.wait(timedelta(hours=3))
    opened.site.complete(ref, "Regulator burnt.")
    done = (await opened.polled()).order
    assert done is not None
    assert (done.status, done.ref.id) == (WorkOrderStatus.COMPLETED, order.ref.id)
    assert done.order is not None
    assert (done.order.id, done.order.kind) == (opened.site.order(ref), RecordKind.ORDER)
    assert done.report is not None
    assert {chosen.role: (chosen.group, chosen.code) for chosen in done.report.codes} == opened.site.told.codes
    assert done.report.notes == ("Regulator burnt.",)


async def test_eight_processes_at_once_open_one_notification(opened: SapCase) -> None:
    await asyncio.gather(*(opened.ensure() for _ in range(8)))
    await ensured(opened)
    assert made(opened) == 1
    assert opened.site.orders_of(opened.case) == 1


@pytest.mark.parametrize("operation", ["create", "create_order", "ReleaseMaintenanceOrder", "change", "query"])
async def test_an_answer_that_is_lost_after_the_commit_opens_one_notification(opened: SapCase, operation: str) -> None:
    opened.site.misbehave(operation, "commit_then_drop")
    for _ in range(3):
        await ensured(opened)
    order = await opened.order()
    assert (made(opened), opened.site.orders_of(opened.case)) == (1, 1)
    assert order.ref.key == opened.case


async def test_a_site_that_asks_for_a_field_shows_the_case_to_a_person_in_the_words_of_sap(opened: SapCase) -> None:
    words = "Enter a main work center"
    opened.site.misbehave("create", "refuse_field", field="MainWorkCenter", code="IM/123", message=words)
    view = await ensured(opened)
    assert made(opened) == 0
    assert words in (view.waiting_for or "")
    assert "MainWorkCenter" in (view.waiting_for or "")
    await ensured(opened)
    assert (await opened.order()).ref.key == opened.case
