"""A case on its storage, and the sandbox's Maximo in which people have work open on the same asset."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.autonomy import Autonomy
from activities.progress import CaseRef
from activities.proposals import Proposals
from activities.work_orders import WorkOrders
from domain.assets import Criticality
from domain.cases import CaseView
from millwright.audit.verifying import verify
from millwright.bootstrap import Storage, StoredVersions, stores
from millwright.explaining.consequences import consequences
from millwright.settings import CmmsSettings, MesSettings, Settings
from millwright.storage.reporting.case_lists import whole_case
from tests.contract.conftest import MaximoPlant
from tests.support.judged_plant import Plant, WakeCounter
from tests.support.plant import code, deviation
from tests.workflows.fake_mes import FakeMes

_MINUTES = timedelta(minutes=5)


@dataclass
class MaximoBench:
    """A case that is proposed, with the steps of its order, between storage and Maximo."""

    plant: Plant
    storage: Storage
    maximo: MaximoPlant
    case: str

    async def ensure(self) -> CaseView:
        """The case after another worker ran the step that makes its order."""
        clock, catalogue = self.plant.clock, self.plant.catalogue
        steps = WorkOrders(
            self.storage.cases,
            self.storage.changes,
            self.storage.order_leases,
            {"maximo": self.maximo.connector()},
            catalogue,
            Autonomy(catalogue, self.storage.autonomy),
            clock,
            WakeCounter(),
            _MINUTES,
            timedelta(days=1),
            _MINUTES,
        )
        await steps.ensure_order(CaseRef(case=self.case))
        return (await self.storage.cases.view(self.case))[0]

    async def texts(self) -> list[str]:
        """The long descriptions of our orders, as Maximo itself shows them."""
        params = {
            "lean": "1",
            "oslc.where": f'externalrefid="{self.case}"',
            "oslc.select": "wonum,description_longdescription",
        }
        async with httpx.AsyncClient() as client:
            reply = await client.get(f"{self.maximo.url}/os/mxapiwodetail", headers=self.maximo.headers, params=params)
        return [order["description_longdescription"] for order in reply.json()["member"]]


@pytest.fixture
async def ready(storage_engine: AsyncEngine, tmp_path: Path) -> AsyncIterator[MaximoBench]:
    plant = Plant(storage_engine)
    await plant.prepare(Criticality.C)
    await plant.take(code(1), deviation(2))
    maximo = MaximoPlant(tmp_path)
    maximo.clock.set(plant.clock.now())
    await maximo.start()
    settings = Settings(_env_file=None, cmms=CmmsSettings(connector="maximo"), mes=MesSettings(connector="fake"))
    storage = stores(storage_engine, plant.clock, StoredVersions(plant.catalogue), settings)
    [[case]] = await plant.rows("SELECT id FROM cases")
    mes = {"fake": FakeMes(plant.clock)}
    await Proposals(storage.cases, mes, plant.catalogue, plant.clock).propose_work(CaseRef(case=str(case)))
    yield MaximoBench(plant, storage, maximo, str(case))
    await maximo.stop()


async def test_the_planner_reads_on_our_order_which_order_of_people_may_be_the_same(ready: MaximoBench) -> None:
    theirs = await ready.maximo.people_open("M001-COMP1")
    await ready.maximo.people_open("M002-COMP1")
    view = await ready.ensure()
    assert view.order is not None
    assert view.open_work is not None
    assert [order.ref.id for order in view.open_work.orders] == [theirs]
    (text,) = await ready.texts()
    assert f"Possibly the same as {theirs} (waiting approval, reported " in text
    assert " by PLANNER: It drips.)" in text
    assert (await ready.ensure()).open_work == view.open_work
    assert len(await ready.texts()) == 1
    told = consequences(await whole_case(ready.plant.engine, ready.case), event=0)
    assert view.open_work.words in told.sentences
    assert (await verify(ready.plant.engine, catalogue=ready.plant.catalogue)).findings == ()


async def test_an_answer_that_was_lost_gives_one_order_with_the_text_that_was_kept(ready: MaximoBench) -> None:
    theirs = await ready.maximo.people_open("M001-COMP1")
    ready.maximo.misbehave("create", "commit_then_drop")
    waits = await ready.ensure()
    assert (waits.order, waits.attempts) == (None, 1)
    later = await ready.maximo.people_open("M001-COMP1")
    ready.plant.clock.time += timedelta(hours=1)
    view = await ready.ensure()
    assert view.order is not None
    (text,) = await ready.texts()
    assert f"same as {theirs} (" in text
    assert later not in text
    assert view.open_work == waits.open_work


async def test_a_search_that_is_refused_costs_no_order(ready: MaximoBench) -> None:
    await ready.maximo.people_open("M001-COMP1")
    ready.maximo.misbehave("query", "refuse_field", field="reportdate", code="BMXAA9999E")
    view = await ready.ensure()
    assert view.order is not None
    assert view.open_work is not None
    assert "reportdate is not valid" in (view.open_work.problem or "")
    assert view.lane is None
    assert "Possibly the same" not in (await ready.texts())[0]
    assert (await verify(ready.plant.engine, catalogue=ready.plant.catalogue)).findings == ()


async def test_a_maximo_that_does_not_answer_is_asked_again_before_an_order_is_drafted(ready: MaximoBench) -> None:
    theirs = await ready.maximo.people_open("M001-COMP1")
    ready.maximo.misbehave("query", "drop_then_nothing")
    waits = await ready.ensure()
    assert (waits.draft, waits.attempts) == (None, 1)
    ready.plant.clock.time += timedelta(hours=1)
    view = await ready.ensure()
    assert view.open_work is not None
    assert [order.ref.id for order in view.open_work.orders] == [theirs]
