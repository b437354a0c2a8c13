"""Production answers proposed holds through the API."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from millwright.bootstrap import Storage
from tests.api.conftest import Caller
from tests.support.prepared_rows import prepared
from tests.support.proposed_hold import propose_hold

ACCEPT = {"answer": "accept"}
REFUSE = {"answer": "refuse", "reason": "a rush order until Friday"}


@pytest.fixture
async def case(storage: Storage) -> str:
    """A case whose hold is proposed to production."""
    return await prepared(storage.engine, "proposed hold", lambda: propose_hold(storage))


@pytest.fixture
async def petra(app: FastAPI, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """A person of production, from elsewhere."""
    async with caller(app, "203.0.113.7", headers={"Authorization": "Bearer production"}) as client:
        yield client


async def test_the_shift_lead_reads_what_is_proposed_and_accepts_it(
    petra: httpx.AsyncClient, storage: Storage, case: str
) -> None:
    [seen] = (await petra.get("/hold-proposals")).json()
    assert (seen["case"], seen["machine"], seen["severity"]) == (case, "machine-001", "S1")
    assert seen["proposal"]["answer"] is None
    reply = await petra.post(f"/cases/{case}/hold-answer", json=ACCEPT)
    assert (reply.status_code, reply.json()["by"], reply.json()["accepted"]) == (200, "petra", True)
    assert (await petra.get("/hold-proposals")).json() == []
    [answered] = (await petra.get("/hold-proposals", params={"state": "all"})).json()
    assert answered["proposal"]["answer"] == reply.json()
    story = (await petra.get(f"/cases/{case}")).json()["story"]
    assert [(act["kind"], act["actor"]) for act in story][-1] == ("hold-answered", "petra")
    assert (await storage.cases.view(case))[0].hold_proposal is not None


async def test_production_sets_another_time(petra: httpx.AsyncClient, storage: Storage, case: str) -> None:
    at = (storage.clock.now() + timedelta(hours=5)).isoformat()
    reply = await petra.post(f"/cases/{case}/hold-answer", json={**ACCEPT, "hold_at": at})
    assert reply.status_code == 200
    view = (await storage.cases.view(case))[0]
    assert view.hold_proposal is not None
    assert view.hold_proposal.place_at == storage.clock.now() + timedelta(hours=5)


async def test_production_refuses_with_a_reason(petra: httpx.AsyncClient, storage: Storage, case: str) -> None:
    reply = await petra.post(f"/cases/{case}/hold-answer", json=REFUSE)
    assert (reply.status_code, reply.json()["hold_at"]) == (200, None)
    view = (await storage.cases.view(case))[0]
    assert view.hold_proposal is not None
    assert view.hold_proposal.refused


async def test_repeating_an_answer_changes_nothing(petra: httpx.AsyncClient, case: str) -> None:
    first = (await petra.post(f"/cases/{case}/hold-answer", json=ACCEPT)).json()
    assert (await petra.post(f"/cases/{case}/hold-answer", json=ACCEPT)).json() == first


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"answer": "refuse"}, 409, "reason"),
        ({"answer": "refuse", "reason": " "}, 422, "reason"),
        ({**REFUSE, "hold_at": "2015-01-16T06:00:00Z"}, 422, "hold_at"),
        ({**ACCEPT, "hold_at": "2015-01-14T06:00:00Z"}, 409, "hold_at"),
        ({**ACCEPT, "hold_at": "2016-01-14T06:00:00Z"}, 409, "hold_at"),
        ({**ACCEPT, "hold_at": "2015-01-16T06:00:00"}, 422, "hold_at"),
        ({"answer": "perhaps"}, 422, "answer"),
        ({}, 422, "answer"),
    ],
)
async def test_an_answer_that_says_nothing_certain_is_refused_and_names_its_field(
    petra: httpx.AsyncClient, storage: Storage, case: str, body: dict[str, str], status: int, field: str
) -> None:
    reply = await petra.post(f"/cases/{case}/hold-answer", json=body)
    assert (reply.status_code, reply.json()["field"]) == (status, field)
    view = (await storage.cases.view(case))[0]
    assert view.hold_proposal is not None
    assert view.hold_proposal.answer is None


async def test_only_production_answers(app: FastAPI, caller: Caller, petra: httpx.AsyncClient, case: str) -> None:
    async with caller(app, "203.0.113.7", headers={"Authorization": "Bearer planner"}) as paul:
        refused = await paul.post(f"/cases/{case}/hold-answer", json=ACCEPT)
        assert (await paul.get("/hold-proposals")).status_code == 200
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:millwright:problem:role-missing")
    async with caller(app, "203.0.113.7") as nobody:
        assert (await nobody.post(f"/cases/{case}/hold-answer", json=ACCEPT)).status_code == 401
        assert (await nobody.get("/hold-proposals")).status_code == 401
    assert len((await petra.get("/hold-proposals")).json()) == 1


async def test_a_caller_in_local_mode_answers_as_local(api: httpx.AsyncClient, case: str) -> None:
    assert (await api.post(f"/cases/{case}/hold-answer", json=ACCEPT)).json()["by"] == "local"


async def test_what_was_not_proposed_is_not_answered(petra: httpx.AsyncClient, case: str) -> None:
    del case
    reply = await petra.post("/cases/MWNOSUCH/hold-answer", json=ACCEPT)
    assert reply.status_code == 404
    assert reply.json()["detail"].startswith("there is no case MWNOSUCH")
