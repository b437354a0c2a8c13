"""Crews and the cases that wait for their turn, over HTTP."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from domain.admission import WEEK
from domain.assets import Criticality
from domain.canonical import timestamp
from millwright.bootstrap import Storage
from tests.api.conftest import Caller
from tests.support.crew_plant import CREW, SITE, CrewPlant

MACHINES = {"b1": Criticality.B, "c1": Criticality.C, "d1": Criticality.D, "d2": Criticality.D}


@pytest.fixture
async def plant(storage: Storage) -> CrewPlant:
    made = CrewPlant(storage.engine, MACHINES)
    made.clock.time = storage.clock.now()
    await made.prepare(1)
    return made


@pytest.fixture
async def pat(app: FastAPI, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """A planner of the plant, from elsewhere."""
    async with caller(app, "203.0.113.7", headers={"Authorization": "Bearer key of pat"}) as client:
        yield client


async def test_a_crew_shows_its_orders_and_those_that_wait_by_risk(api: httpx.AsyncClient, plant: CrewPlant) -> None:
    assert (await api.get("/capacity")).json() == []
    d1, c1, d2 = await plant.break_down("d1", "c1", "d2")
    await plant.step(d1, d2, c1)
    [crew] = (await api.get("/capacity")).json()
    assert {name: crew[name] for name in ("crew", "site", "bound", "used", "waiting")} == {
        "crew": CREW,
        "site": SITE,
        "bound": 1,
        "used": 1,
        "waiting": 2,
    }
    assert crew["next_free_at"].startswith(timestamp(plant.clock.now() + WEEK)[:19])
    told = [(each["rank"], each["case"], each["asset"], each["severity"], each["rung"]) for each in crew["next"]]
    assert told == [(1, c1, "c1", "S3", "draft"), (2, d2, "d2", "S4", "draft")]
    assert crew["next"][0]["waiting_for"] == "its turn: new orders of crew mechanical in 7 days: at most 1"
    [shown] = (await api.get("/capacity", params={"limit": 1})).json()
    assert (shown["waiting"], len(shown["next"])) == (2, 1)


async def test_a_planner_sends_a_waiting_case_out(
    api: httpx.AsyncClient, pat: httpx.AsyncClient, plant: CrewPlant
) -> None:
    d1, c1 = await plant.break_down("d1", "c1")
    await plant.step(d1, c1)
    reply = await pat.post(f"/cases/{c1}/decision", json={"approved": True, "reason": "do it this week"})
    assert reply.status_code == 200
    await plant.step(c1)
    assert plant.ordered == ["c1", "d1"]
    [crew] = (await api.get("/capacity")).json()
    assert (crew["used"], crew["bound"], crew["waiting"]) == (2, 1, 0)
