"""Cases with the sandbox's MaintainX, on their storage: one order for a case, after a person accepted it here."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import Alias
from domain.cases import Lane
from domain.casework import LEASE_LASTS
from domain.corrections import CorrectedField, time_text
from domain.work_orders import WorkOrderStatus
from millwright.api.app import create_app
from millwright.api.signed_webhooks import SignedWebhooks
from millwright.settings import CmmsSettings, Settings
from millwright.storage.cases.corrections import Correcting
from millwright.storage.events.register import RegisterStore
from tests.contract.maintainx_plant import MaintainXPlant
from tests.contract.ordered_case import MINUTES, OrderedCase, ordered_case, plant_on
from tests.support.plant import PUMP, START
from tests.support.served_api import served

MaintainXCase = OrderedCase[MaintainXPlant]


async def poll_due_at(bench: MaintainXCase) -> object:
    [[due]] = await bench.plant.rows("SELECT due_at FROM due WHERE subject = 'poll/maintainx'")
    return due


@pytest.fixture
async def bench(storage_engine: AsyncEngine) -> AsyncIterator[MaintainXCase]:
    plant = await plant_on(storage_engine)
    maintainx = MaintainXPlant()
    await maintainx.start()
    number = str(maintainx.assets["M001-COMP1"].id)
    alias = Alias(system="cmms:maintainx", external_id=number, asset=PUMP, valid_from=START)
    await RegisterStore(storage_engine, plant.clock).map_alias(alias, "tests")
    maintainx.clock.set(plant.clock.now())
    yield await ordered_case(plant, maintainx, "maintainx", lambda: maintainx.connector(clock=plant.clock))
    await maintainx.stop()


async def test_a_person_corrects_what_maintainx_refused_and_one_order_is_made_as_corrected(
    bench: MaintainXCase,
) -> None:
    await bench.decide(approved=True)
    bench.site.misbehave("create", "refuse_field", field="dueDate", code="x")
    refused = await bench.ensure()
    assert (refused.order, refused.lane) == (None, Lane.PLANNER)
    assert refused.draft is not None
    due = time_text(bench.plant.clock.now() + timedelta(days=9))
    priority = refused.draft.priority % 4 + 1
    values: dict[CorrectedField, str | int | None] = {CorrectedField.DUE_AT: due, CorrectedField.PRIORITY: priority}
    asked = Correcting(values=values, by="pat", reason="that day is closed", at=bench.plant.clock.now())
    await bench.storage.cases.correct_draft(bench.case, asked)
    placed = (await bench.later(timedelta(hours=2))).order
    assert placed is not None
    assert (placed.priority, bench.site.orders_of(bench.case)) == (priority, 1)
    assert datetime.fromisoformat(str(bench.site.shown(placed.ref).content["dueDate"])) == datetime.fromisoformat(due)


async def test_nothing_is_created_before_a_person_accepts_it_and_then_the_work_comes_back(
    bench: MaintainXCase,
) -> None:
    waiting = await bench.ensure()
    assert (waiting.order, waiting.lane) == (None, Lane.REVIEW)
    assert bench.site.server.orders() == []
    await bench.decide(approved=True)
    placed = (await bench.later(timedelta(hours=2))).order
    assert placed is not None
    assert placed.status is WorkOrderStatus.APPROVED
    bench.site.complete(placed.ref, "Regulator burnt.")
    done = (await bench.polled()).order
    assert done is not None
    assert done.report is not None
    assert (done.status, done.report.notes) == (WorkOrderStatus.COMPLETED, ("Regulator burnt.",))
    assert bench.site.orders_of(bench.case) == 1


async def test_a_completion_reaches_the_case_by_a_signed_webhook_before_the_next_poll(
    bench: MaintainXCase, tmp_path: Path
) -> None:
    await bench.ensure()
    await bench.decide(approved=True)
    placed = (await bench.later(timedelta(hours=2))).order
    assert placed is not None
    await bench.storage.changes.poll_now("maintainx")
    await bench.polled()
    assert await poll_due_at(bench) == bench.plant.clock.now() + MINUTES
    settings = Settings(_env_file=None, home=tmp_path, api_port=0)
    app = create_app(bench.storage, settings, None)
    async with served(app, settings) as address:
        _, secret = await bench.site.subscribe(str(address.join("/webhooks/maintainx")))
        known = CmmsSettings.model_validate({"connector": "maintainx", "webhook_secrets": [secret]})
        app.state.deps.webhooks = SignedWebhooks(Settings(_env_file=None, cmms=known))
        bench.site.complete(placed.ref, "Regulator burnt.")
        await bench.site.server.subscriptions.delivered()
    await app.state.deps.close()
    assert await poll_due_at(bench) == bench.plant.clock.now()
    done = (await bench.polled()).order
    assert done is not None
    assert done.status is WorkOrderStatus.COMPLETED


async def test_eight_workers_at_once_under_leases_open_one_order(bench: MaintainXCase) -> None:
    await bench.ensure()
    await bench.decide(approved=True)
    bench.plant.clock.time += timedelta(hours=2)
    await asyncio.gather(*(bench.ensure() for _ in range(8)))
    assert (await bench.later(LEASE_LASTS + MINUTES)).order is not None
    assert bench.site.orders_of(bench.case) == 1


async def test_a_case_whose_answer_was_lost_finds_its_order_once_its_lease_has_ended(bench: MaintainXCase) -> None:
    await bench.ensure()
    await bench.decide(approved=True)
    bench.site.misbehave("create", "commit_then_drop")
    assert (await bench.later(timedelta(hours=2))).order is None
    assert (await bench.later(timedelta(hours=2))).order is not None
    assert bench.site.orders_of(bench.case) == 1


async def test_an_order_that_a_person_deleted_is_known_after_it_was_read_again(bench: MaintainXCase) -> None:
    await bench.ensure()
    await bench.decide(approved=True)
    placed = (await bench.later(timedelta(hours=2))).order
    assert placed is not None
    bench.site.delete(placed.ref)
    order = (await bench.later(timedelta(days=2))).order
    assert order is not None
    assert order.status is WorkOrderStatus.DELETED
    assert bench.site.server.orders() == []
