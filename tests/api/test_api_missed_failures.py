"""People read through the API which failures were missed, and say what doubtful work was."""

import httpx
import pytest
from fastapi import FastAPI

from domain.instances import SiteInstances
from domain.maintenance_history import MaintenanceHistory, WorkDone, WorkKind
from millwright.bootstrap import Storage
from millwright.storage.maintenance.readings import MaintenanceHistoryStore
from tests.api.conftest import Caller
from tests.support.held_machine import add_people
from tests.support.plant import PUMP

SAID = {
    "system": "maximo",
    "record": "77",
    "failed": True,
    "asset": PUMP,
    "failure_mode": "PDE",
    "reason": "the seal leaked",
}


@pytest.fixture
async def doubtful(storage: Storage) -> None:
    await add_people(storage)
    store = MaintenanceHistoryStore(storage.engine, storage.clock, SiteInstances(otherwise="maximo"))
    now = storage.clock.now()
    work = (WorkDone(record="77", done_at=now, kind=WorkKind.CORRECTIVE),)
    await store.record_reading("maximo", now, {PUMP: MaintenanceHistory(read_at=now, work=work)})


@pytest.mark.usefixtures("doubtful")
async def test_a_planner_says_that_doubtful_work_was_a_failure_and_it_is_counted(
    app: FastAPI, caller: Caller, api: httpx.AsyncClient
) -> None:
    before = (await api.get("/missed-failures")).json()
    assert [(work["record"], work["why"]) for work in before["doubtful_work"]] == [
        ("77", "its codes name no failure mode")
    ]
    assert (before["failures"], before["recall"]) == (0, None)
    async with caller(app, "203.0.113.7", headers={"Authorization": "Bearer planner"}) as paul:
        reply = await paul.post("/missed-failures", json=SAID)
    assert (reply.status_code, reply.json()["by"]) == (200, "paul")
    after = (await api.get("/missed-failures")).json()
    assert (after["failures"], after["doubtful"], after["doubtful_work"]) == (1, 0, [])
    assert [failure["record"] for failure in after["listed"]] == ["77"]


@pytest.mark.usefixtures("doubtful")
@pytest.mark.parametrize(
    ("body", "status"),
    [({**SAID, "asset": None}, 422), ({**SAID, "failure_mode": "vibration"}, 422), ({**SAID, "record": "99"}, 409)],
)
async def test_a_word_that_is_not_whole_or_on_other_work_is_refused(
    api: httpx.AsyncClient, body: dict[str, object], status: int
) -> None:
    assert (await api.post("/missed-failures", json=body)).status_code == status


@pytest.mark.usefixtures("doubtful")
async def test_only_a_planner_says_what_doubtful_work_was(app: FastAPI, caller: Caller) -> None:
    async with caller(app, "203.0.113.7") as nobody:
        assert (await nobody.post("/missed-failures", json=SAID)).status_code == 401
