"""A person states through the API what completed work found."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from domain.outcomes import OutcomeClass
from domain.work_orders import WorkOrderStatus
from millwright.bootstrap import Storage
from tests.api.conftest import Caller
from tests.support.completed_work import ORDER, REASON, completed, opened_case, ordered
from tests.support.held_machine import add_people
from tests.support.prepared_rows import prepared

SAID = {"outcome": "confirmed", "reason": REASON}


@pytest.fixture
async def case(storage: Storage) -> str:
    async def open_one() -> str:
        await add_people(storage)
        return await opened_case(storage)

    return await prepared(storage.engine, "opened case", open_one)


@pytest.fixture
async def paul(app: FastAPI, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """A planner, from elsewhere."""
    async with caller(app, "203.0.113.7", headers={"Authorization": "Bearer planner"}) as client:
        yield client


async def test_a_planner_states_what_completed_work_found(paul: httpx.AsyncClient, storage: Storage, case: str) -> None:
    await completed(storage.cases, case)
    reply = await paul.post(f"/cases/{case}/outcome", json=SAID)
    assert (reply.status_code, reply.json()) == (200, {"case": case, "outcome": "confirmed", "by": "paul"})
    whole = (await paul.get(f"/cases/{case}")).json()
    said = {"by": "paul", "reason": REASON, "at": whole["case"]["stated"]["at"]}
    assert (whole["case"]["outcome"], whole["case"]["stated"]) == ("confirmed", said)
    assert [(act["kind"], act["actor"]) for act in whole["story"]][-1] == ("outcome-stated", "paul")


async def test_the_same_statement_again_answers_with_who_made_it_first(
    paul: httpx.AsyncClient, api: httpx.AsyncClient, storage: Storage, case: str
) -> None:
    await completed(storage.cases, case)
    await paul.post(f"/cases/{case}/outcome", json=SAID)
    again = await api.post(f"/cases/{case}/outcome", json=SAID)
    assert (again.status_code, again.json()["by"]) == (200, "paul")
    other = await api.post(f"/cases/{case}/outcome", json={**SAID, "outcome": "nothing_found"})
    assert (other.status_code, other.json()["field"]) == (409, "outcome")
    assert other.json()["detail"].startswith(f"paul stated confirmed for {case} on ")
    assert other.json()["fix"] == "a stated outcome is not changed"


async def test_a_caller_in_local_mode_states_an_outcome_as_local(
    api: httpx.AsyncClient, storage: Storage, case: str
) -> None:
    await completed(storage.cases, case)
    assert (await api.post(f"/cases/{case}/outcome", json=SAID)).json()["by"] == "local"


async def test_only_a_planner_states_an_outcome(app: FastAPI, caller: Caller, storage: Storage, case: str) -> None:
    await completed(storage.cases, case)
    async with caller(app, "203.0.113.7", headers={"Authorization": "Bearer production"}) as petra:
        refused = await petra.post(f"/cases/{case}/outcome", json=SAID)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:millwright:problem:role-missing")
    assert "needs the role planner" in refused.json()["detail"]
    async with caller(app, "203.0.113.7") as nobody:
        assert (await nobody.post(f"/cases/{case}/outcome", json=SAID)).status_code == 401
    assert (await storage.cases.view(case))[0].stated is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**SAID, "reason": " "}, "reason"),
        ({**SAID, "outcome": "unknown"}, "outcome"),
        ({**SAID, "outcome": "deferred"}, "outcome"),
        ({**SAID, "outcome": "broken"}, "outcome"),
        ({"outcome": "confirmed"}, "reason"),
        ({**SAID, "by": "grace"}, "by"),
    ],
)
async def test_a_statement_needs_a_finding_and_a_reason_and_nothing_else(
    paul: httpx.AsyncClient, storage: Storage, case: str, body: dict[str, str], field: str
) -> None:
    await completed(storage.cases, case)
    refused = await paul.post(f"/cases/{case}/outcome", json=body)
    assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert (await storage.cases.view(case))[0].stated is None


async def test_a_class_that_is_no_finding_is_refused_with_those_that_are(
    paul: httpx.AsyncClient, storage: Storage, case: str
) -> None:
    await completed(storage.cases, case)
    refused = (await paul.post(f"/cases/{case}/outcome", json={**SAID, "outcome": "unknown"})).json()
    assert refused["fix"] == (
        "one of: confirmed, other_defect, nothing_found, sensor_fault, process_change, duplicate, prevented, "
        "not_inspected"
    )


async def test_a_case_that_is_not_there_is_not_found(paul: httpx.AsyncClient, case: str) -> None:
    assert (await paul.post("/cases/MWNOTHERE0/outcome", json=SAID)).status_code == 404


async def test_work_that_is_not_finished_is_refused(paul: httpx.AsyncClient, storage: Storage, case: str) -> None:
    await ordered(storage.cases, case, WorkOrderStatus.IN_PROGRESS)
    refused = await paul.post(f"/cases/{case}/outcome", json=SAID)
    assert (refused.status_code, refused.json()["field"]) == (409, "case")
    assert refused.json()["detail"] == f"the work of case {case} is not finished"


async def test_a_cancelled_order_is_refused(paul: httpx.AsyncClient, storage: Storage, case: str) -> None:
    await completed(storage.cases, case, OutcomeClass.DEFERRED, WorkOrderStatus.CANCELLED)
    refused = await paul.post(f"/cases/{case}/outcome", json=SAID)
    assert (refused.status_code, refused.json()["field"]) == (409, "case")
    assert refused.json()["detail"] == f"order {ORDER} of case {case} was not carried out"


async def test_what_the_codes_say_already_is_refused(paul: httpx.AsyncClient, storage: Storage, case: str) -> None:
    await completed(storage.cases, case, OutcomeClass.NOTHING_FOUND)
    refused = await paul.post(f"/cases/{case}/outcome", json=SAID)
    assert (refused.status_code, refused.json()["field"]) == (409, "outcome")
    assert refused.json()["detail"] == f"the codes of order {ORDER} already say nothing_found"


async def test_a_code_that_no_table_has_is_listed_with_the_cases_that_wait_for_it(
    paul: httpx.AsyncClient, storage: Storage, case: str
) -> None:
    await completed(storage.cases, case)
    [listed] = (await paul.get("/unknown-codes")).json()
    assert {name: listed[name] for name in ("system", "role", "code", "orders", "waiting", "newest")} == {
        "system": "fake",
        "role": "problem",
        "code": "LEAK",
        "orders": 1,
        "waiting": 1,
        "newest": [ORDER],
    }


async def test_a_suggestion_that_the_notes_do_not_make_is_refused(
    paul: httpx.AsyncClient, storage: Storage, case: str
) -> None:
    await completed(storage.cases, case)
    refused = await paul.post(f"/cases/{case}/outcome", json={**SAID, "suggestion": "problem:SEAL"})
    assert (refused.status_code, refused.json()["field"]) == (422, "suggestion")
    assert refused.json()["fix"] == "leave it out: the notes suggest no code"
