"""A case on its storage, and the sandbox's Maximo in which people have work open on the same asset."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.audit.verifying import verify
from millwright.explaining.consequences import consequences
from millwright.storage.reporting.case_lists import whole_case
from tests.contract.conftest import MaximoPlant
from tests.contract.ordered_case import OrderedCase, ordered_case, plant_on

MaximoCase = OrderedCase[MaximoPlant]


async def texts(ready: MaximoCase) -> list[str]:
    """The long descriptions of our orders, as Maximo itself shows them."""
    params = {
        "lean": "1",
        "oslc.where": f'externalrefid="{ready.case}"',
        "oslc.select": "wonum,description_longdescription",
    }
    async with httpx.AsyncClient() as client:
        reply = await client.get(f"{ready.site.url}/os/mxapiwodetail", headers=ready.site.headers, params=params)
    return [order["description_longdescription"] for order in reply.json()["member"]]


@pytest.fixture
async def ready(storage_engine: AsyncEngine, tmp_path: Path) -> AsyncIterator[MaximoCase]:
    plant = await plant_on(storage_engine)
    maximo = MaximoPlant(tmp_path)
    maximo.clock.set(plant.clock.now())
    await maximo.start()
    yield await ordered_case(plant, maximo, "maximo", maximo.connector)
    await maximo.stop()


async def test_the_planner_reads_on_our_order_which_order_of_people_may_be_the_same(ready: MaximoCase) -> None:
    theirs = await ready.site.people_open("M001-COMP1")
    await ready.site.people_open("M002-COMP1")
    view = await ready.ensure()
    assert view.order is not None
    assert view.open_work is not None
    assert [order.ref.id for order in view.open_work.orders] == [theirs]
    (text,) = await texts(ready)
    assert f"Possibly the same as {theirs} (waiting approval, reported " in text
    assert " by PLANNER: It drips.)" in text
    assert (await ready.ensure()).open_work == view.open_work
    assert len(await texts(ready)) == 1
    told = consequences(await whole_case(ready.plant.engine, ready.case), event=0)
    assert view.open_work.words in told.sentences
    assert (await verify(ready.plant.engine, catalogue=ready.plant.catalogue)).findings == ()


async def test_an_answer_that_was_lost_gives_one_order_with_the_text_that_was_kept(ready: MaximoCase) -> None:
    theirs = await ready.site.people_open("M001-COMP1")
    ready.site.misbehave("create", "commit_then_drop")
    waits = await ready.ensure()
    assert (waits.order, waits.attempts) == (None, 1)
    later = await ready.site.people_open("M001-COMP1")
    ready.plant.clock.time += timedelta(hours=1)
    view = await ready.ensure()
    assert view.order is not None
    (text,) = await texts(ready)
    assert f"same as {theirs} (" in text
    assert later not in text
    assert view.open_work == waits.open_work


async def test_a_search_that_is_refused_costs_no_order(ready: MaximoCase) -> None:
    await ready.site.people_open("M001-COMP1")
    ready.site.misbehave("query", "refuse_field", field="reportdate", code="BMXAA9999E")
    view = await ready.ensure()
    assert view.order is not None
    assert view.open_work is not None
    assert "reportdate is not valid" in (view.open_work.problem or "")
    assert view.lane is None
    assert "Possibly the same" not in (await texts(ready))[0]
    assert (await verify(ready.plant.engine, catalogue=ready.plant.catalogue)).findings == ()


async def test_a_maximo_that_does_not_answer_is_asked_again_before_an_order_is_drafted(ready: MaximoCase) -> None:
    theirs = await ready.site.people_open("M001-COMP1")
    ready.site.misbehave("query", "drop_then_nothing")
    waits = await ready.ensure()
    assert (waits.draft, waits.attempts) == (None, 1)
    ready.plant.clock.time += timedelta(hours=1)
    view = await ready.ensure()
    assert view.open_work is not None
    assert [order.ref.id for order in view.open_work.orders] == [theirs]
