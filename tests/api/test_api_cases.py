"""Cases seen through the API, and a person's say on its way to the workflow."""

from collections.abc import AsyncIterator
from typing import cast

import httpx
import pytest
from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.judging import Judging
from activities.proposals import DecideCase
from domain.cases import ClosedAs, Decision
from millwright.api.app import create_app
from millwright.bootstrap import Storage
from millwright.settings import Settings
from tests.api.conftest import Caller
from tests.support.ingress import NOW
from tests.support.judged_plant import judge_to_rest
from tests.support.local_mode import AS_LOCAL, LOCAL_TOKEN_HASH
from tests.support.plant import LINE, code, deviation, publish_policies


class Workflow:
    """A case's workflow as the engine shows it. The next update raises `failure`, if it is set."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, DecideCase]] = []
        self.failure: Exception | None = None

    async def wake(self, subjects: object) -> None:
        """Does nothing: no workflow runs here."""

    def get_workflow_handle(self, workflow_id: str) -> "Handle":
        return Handle(self, workflow_id)


class Handle:
    def __init__(self, workflow: Workflow, workflow_id: str) -> None:
        self.workflow, self.id = workflow, workflow_id

    async def execute_update(self, name: str, decision: DecideCase, **_options: object) -> None:
        if self.workflow.failure is not None:
            raise self.workflow.failure
        self.workflow.heard.append((self.id, name, decision))


@pytest.fixture
def workflow() -> Workflow:
    return Workflow()


@pytest.fixture
async def case(storage: Storage, workflow: Workflow) -> str:
    """A case that two signs of the same fault opened."""
    await publish_policies(storage.versions, storage.people)
    await storage.inbox.store([code(1), deviation(2), deviation(3)], NOW)
    judging = Judging(storage.lines, storage.catalogue)
    [case] = await judge_to_rest(judging)
    return case


@pytest.fixture
async def client(
    storage: Storage, settings: Settings, workflow: Workflow, caller: Caller
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(storage, settings, cast("Client", workflow), LOCAL_TOKEN_HASH)
    async with caller(app, headers=AS_LOCAL) as client:
        yield client


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


async def test_a_decision_reaches_the_workflow_of_its_case(
    client: httpx.AsyncClient, workflow: Workflow, case: str
) -> None:
    reply = await client.post(f"/cases/{case}/decision", json={"approved": True, "reason": "heard it too"})
    assert reply.json() == {"case": case, "approved": True, "by": "local"}
    decided = DecideCase(case=case, approved=True, by="local", reason="heard it too")
    assert workflow.heard == [(f"case/{case}", "decide", decided)]


@pytest.mark.parametrize(
    ("failure", "status", "words"),
    [
        (WorkflowUpdateFailedError(ApplicationError("grace decided the other way")), 409, "the other way"),
        (WorkflowUpdateRPCTimeoutOrCancelledError(), 503, "no worker answered"),
        (RPCError("gone", RPCStatusCode.NOT_FOUND, b""), 503, "not at work"),
        (RPCError("away", RPCStatusCode.UNAVAILABLE, b""), 503, "engine does not answer"),
    ],
)
async def test_a_decision_that_does_not_get_through_says_why(
    client: httpx.AsyncClient, workflow: Workflow, case: str, failure: Exception, status: int, words: str
) -> None:
    workflow.failure = failure
    reply = await client.post(f"/cases/{case}/decision", json={"approved": True, "reason": "yes"})
    assert reply.status_code == status
    assert words in reply.json()["detail"]


async def test_a_decision_needs_a_reason_a_case_and_an_engine(
    api: httpx.AsyncClient, client: httpx.AsyncClient, case: str
) -> None:
    blank = await client.post(f"/cases/{case}/decision", json={"approved": True, "reason": " "})
    assert (blank.status_code, blank.json()["field"]) == (422, "reason")
    yes = {"approved": True, "reason": "yes"}
    assert (await client.post("/cases/MWNOTHERE/decision", json=yes)).status_code == 404
    assert (await api.post(f"/cases/{case}/decision", json=yes)).status_code == 503


async def test_what_was_decided_or_closed_is_not_decided_otherwise(
    client: httpx.AsyncClient, storage: Storage, workflow: Workflow, case: str
) -> None:
    yes = {"approved": True, "reason": "yes"}
    await storage.cases.record_decision(case, Decision(approved=True, by="grace", reason="yes", at=NOW))
    again = await client.post(f"/cases/{case}/decision", json=yes)
    assert (again.status_code, again.json()["by"]) == (200, "grace")
    other = await client.post(f"/cases/{case}/decision", json={"approved": False, "reason": "no"})
    assert (other.status_code, "grace approved" in other.json()["detail"]) == (409, True)
    await storage.cases.close(case, ClosedAs.DONE)
    closed = await client.post(f"/cases/{case}/decision", json=yes)
    assert (closed.status_code, "closed as done" in closed.json()["detail"]) == (409, True)
    assert workflow.heard == []


async def test_a_case_of_a_machine_that_has_left_is_shown_with_its_names(
    api: httpx.AsyncClient, storage: Storage, case: str
) -> None:
    await storage.register.retire(["machine-001"], "pat", "scrapped")
    whole = (await api.get(f"/cases/{case}")).json()["case"]
    assert (whole["asset"]["name"], whole["machine"]["name"]) == ("Machine 1 component 1", "Machine 1")
    assert (whole["cmms_asset"], whole["mes_equipment"]) == ("M001-COMP1", "EQ-001")
    assert whole["retired_at"] is not None
    assert [seen["id"] for seen in (await api.get("/cases", params={"asset": "machine-001"})).json()] == [case]
