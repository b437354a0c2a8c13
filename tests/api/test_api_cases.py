"""Cases seen through the API, and a person's decision."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from activities.judging import Judging
from domain.cases import ClosedAs, Decision, Lane
from domain.casework import Waits
from domain.keys import case_workflow_id
from millwright.bootstrap import Storage
from millwright.storage.scheduling import due
from tests.api.conftest import Caller
from tests.support.attached_order import draft_for
from tests.support.ingress import NOW
from tests.support.judged_plant import Plant, judge_to_rest
from tests.support.people import add
from tests.support.plant import LINE, code, deviation


@pytest.fixture
async def case(storage: Storage) -> str:
    """A case that two signs of the same fault opened."""
    await Plant(storage.engine).prepare()
    await storage.inbox.store([code(1), deviation(2), deviation(3)], NOW)
    judging = Judging(storage.lines, storage.catalogue)
    [case] = await judge_to_rest(judging)
    return case


@pytest.fixture
def client(api: httpx.AsyncClient) -> httpx.AsyncClient:
    """A caller in local mode, of an API without an engine."""
    return api


async def test_a_case_is_listed_where_it_belongs_and_nowhere_else(client: httpx.AsyncClient, case: str) -> None:
    async def ids(**query: str | int) -> list[str]:
        reply = await client.get("/cases", params=query)
        assert reply.status_code == 200, reply.text
        return [row["id"] for row in reply.json()]

    for query in ({}, {"state": "open"}, {"state": "propose"}, {"asset": "machine-001"}, {"line": LINE}):
        assert await ids(**query) == [case]
    for query in ({"state": "closed"}, {"lane": "review"}, {"asset": "machine-009"}, {"after": case}):
        assert await ids(**query) == []
    refused = await client.get("/cases", params={"state": "lost"})
    assert (refused.status_code, refused.json()["field"]) == (422, "state")


async def test_a_case_is_shown_with_its_evidence_and_its_story(client: httpx.AsyncClient, case: str) -> None:
    whole = (await client.get(f"/cases/{case}")).json()
    assert (whole["case"]["asset"]["id"], whole["case"]["failure_mode"]) == ("machine-001-comp1", "PDE")
    assert whole["evidence"][0]["how"] == "opened"
    assert [act["kind"] for act in whole["story"]] == ["case-opened"]
    assert (await client.get("/cases/MWNOTHERE")).status_code == 404


async def test_a_verdict_that_orders_is_listed_for_the_score(client: httpx.AsyncClient, case: str) -> None:
    for version in ("1.1.0", "1.0.0"):
        orderings = (await client.get("/verdicts/ordering", params={"version": version})).json()
        assert {(ordering["version"], ordering["asset"], ordering["machine"]) for ordering in orderings} == {
            (version, "machine-001-comp1", 1)
        }
    page = await client.get("/verdicts/ordering", params={"limit": 1, "after": 1})
    assert len(page.json()) == 1


async def test_a_decision_is_stored_and_wakes_its_case_while_no_engine_is_connected(
    client: httpx.AsyncClient, storage: Storage, case: str
) -> None:
    before = await due_generation(storage, case)
    reply = await client.post(f"/cases/{case}/decision", json={"approved": True, "reason": "heard it too"})
    assert reply.json() == {"case": case, "approved": True, "by": "local"}
    view, _ = await storage.cases.view(case)
    assert view.decision is not None
    assert (view.decision.by, view.decision.reason) == ("local", "heard it too")
    assert await due_generation(storage, case) == before + 1
    story = (await client.get(f"/cases/{case}")).json()["story"]
    assert (story[-1]["kind"], story[-1]["actor"]) == ("case-decided", "local")


async def test_a_decision_needs_a_reason_and_a_case(client: httpx.AsyncClient, case: str) -> None:
    blank = await client.post(f"/cases/{case}/decision", json={"approved": True, "reason": " "})
    assert (blank.status_code, blank.json()["field"]) == (422, "reason")
    yes = {"approved": True, "reason": "yes"}
    assert (await client.post("/cases/MWNOTHERE/decision", json=yes)).status_code == 404


async def test_what_was_decided_or_closed_is_not_decided_otherwise(
    client: httpx.AsyncClient, storage: Storage, case: str
) -> None:
    yes = {"approved": True, "reason": "yes"}
    await storage.cases.record_decision(case, Decision(approved=True, by="pat", reason="yes", at=NOW))
    again = await client.post(f"/cases/{case}/decision", json=yes)
    assert (again.status_code, again.json()["by"]) == (200, "pat")
    other = await client.post(f"/cases/{case}/decision", json={"approved": False, "reason": "no"})
    assert (other.status_code, "pat approved" in other.json()["detail"]) == (409, True)


async def test_a_case_that_was_closed_without_a_decision_takes_none(
    client: httpx.AsyncClient, storage: Storage, case: str
) -> None:
    async with storage.engine.begin() as connection:
        await connection.execute(
            text("UPDATE cases SET withdraw = 'judged again as watch' WHERE id = :case"), {"case": case}
        )
    await storage.cases.close(case, ClosedAs.WITHDRAWN)
    refused = await client.post(f"/cases/{case}/decision", json={"approved": True, "reason": "yes"})
    assert (refused.status_code, "closed as withdrawn" in refused.json()["detail"]) == (409, True)


async def due_generation(storage: Storage, case: str) -> int:
    async with storage.engine.connect() as connection:
        return await due.generation(connection, case_workflow_id(case))


async def test_a_case_of_a_machine_that_has_left_is_shown_with_its_names(
    api: httpx.AsyncClient, storage: Storage, case: str
) -> None:
    await storage.register.retire(["machine-001"], "pat", "scrapped")
    whole = (await api.get(f"/cases/{case}")).json()["case"]
    assert (whole["asset"]["name"], whole["machine"]["name"]) == ("Machine 1 component 1", "Machine 1")
    assert (whole["cmms_asset"], whole["mes_equipment"]) == ("M001-COMP1", "EQ-001")
    assert whole["retired_at"] is not None
    assert [seen["id"] for seen in (await api.get("/cases", params={"asset": "machine-001"})).json()] == [case]


@pytest.mark.parametrize(("role", "status"), [("planner", 202), ("operator", 202), ("quality", 403)])
async def test_a_case_that_waits_for_a_correction_tries_again_when_a_person_says_so(
    app: FastAPI, caller: Caller, storage: Storage, case: str, role: str, status: int
) -> None:
    await add(storage.people, "olga", [role], NOW, api_key="olga's key")
    asks = "a person to correct maximo (assetnum): there is no asset M001-COMP1"
    await storage.cases.wait(case, Waits("place-order", asks, NOW + timedelta(hours=1), Lane.PLANNER))
    async with storage.engine.begin() as connection:
        before = await due.generation(connection, case_workflow_id(case))
    async with caller(app, "203.0.113.7", headers={"Authorization": "Bearer olga's key"}) as person:
        reply = await person.post(f"/cases/{case}/retry")
    assert reply.status_code == status
    async with storage.engine.connect() as connection:
        again = await due.generation(connection, case_workflow_id(case))
    assert again - before == (status == 202)
    assert status != 202 or reply.json() == {"case": case, "waits_for": asks}


@pytest.fixture
async def refused(storage: Storage, case: str) -> str:
    """A case whose draft the CMMS has refused."""
    view, _ = await storage.cases.view(case)
    await storage.cases.intend_order(case, "maximo", draft_for(view, view.cmms_asset or ""), None, None)
    await storage.cases.wait(
        case, Waits("ensure-order", "a person to correct maximo", lane=Lane.PLANNER, failed=True, draft_refused=True)
    )
    return case


async def test_a_planner_corrects_a_refused_draft(client: httpx.AsyncClient, storage: Storage, refused: str) -> None:
    before = await due_generation(storage, refused)
    asked = {"changes": {"priority": 4, "due_at": "2026-12-07T06:00:00+01:00"}, "reason": "as it is there"}
    changes = ["priority 2, now 4", "due at none, now 2026-12-07T05:00:00Z"]
    for _ in range(2):
        reply = await client.post(f"/cases/{refused}/corrections", json=asked)
        assert (reply.status_code, reply.json()) == (200, {"case": refused, "by": "local", "changes": changes})
    assert await due_generation(storage, refused) == before + 1
    whole = (await client.get(f"/cases/{refused}")).json()
    assert [(made["by"], made["reason"]) for made in whole["case"]["corrections"]] == [("local", "as it is there")]
    assert whole["case"]["draft"]["priority"] == 2
    assert [(act["kind"], act["actor"]) for act in whole["story"]][-1] == ("order-corrected", "local")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"failure_mode": "LOO"},
        {"asset": "machine-002"},
        {"severity": "S1"},
        {"released": True},
        {"priority": 0},
        {"priority": 5},
        {"priority": None},
        {"summary": None},
        {"summary": ""},
        {"summary": "two\nlines"},
        {"summary": "x" * 501},
        {"due_at": "soon"},
        {"due_at": "2026-12-07T06:00:00"},
        {"job_plan": "JP-2"},
        {"asset_name": None},
        {"asset_name": "11430"},
    ],
)
async def test_what_no_person_corrects_is_refused(
    client: httpx.AsyncClient, storage: Storage, refused: str, changes: dict[str, object]
) -> None:
    reply = await client.post(f"/cases/{refused}/corrections", json={"changes": changes, "reason": "so"})
    assert (reply.status_code, reply.json()["field"].startswith("changes")) == (422, True), reply.json()
    assert (await storage.cases.view(refused))[0].corrections == ()


async def test_only_a_planner_corrects_and_only_a_refused_draft(
    app: FastAPI, caller: Caller, client: httpx.AsyncClient, storage: Storage, case: str
) -> None:
    asked = {"changes": {"priority": 4}, "reason": "so"}
    early = await client.post(f"/cases/{case}/corrections", json=asked)
    assert (early.status_code, "was not drafted yet" in early.json()["detail"]) == (409, True)
    assert (await client.post("/cases/MWNOTHERE0/corrections", json=asked)).status_code == 404
    await add(storage.people, "olga", ["operator"], NOW, api_key="olga's key")
    async with caller(app, "203.0.113.7", headers={"Authorization": "Bearer olga's key"}) as person:
        assert (await person.post(f"/cases/{case}/corrections", json=asked)).status_code == 403


async def test_a_case_that_waits_for_nothing_or_that_is_not_there_is_not_tried_again(
    client: httpx.AsyncClient, case: str
) -> None:
    refused = await client.post(f"/cases/{case}/retry")
    assert (refused.status_code, refused.json()["detail"]) == (409, f"{case} waits for nothing")
    assert (await client.post("/cases/MWNOTHERE0/retry")).status_code == 404
