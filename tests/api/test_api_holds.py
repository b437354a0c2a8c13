"""Holds shown through the API, and released by production."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from domain.holds import HoldStatus, PlacementState
from domain.machine_test_runs import HOLD_AGAIN, READY_FOR_TEST_RUN, RUNS_AS_IT_SHOULD
from domain.production import ISOLATION_NOTICE, READY_TO_RUN
from millwright.bootstrap import Storage
from millwright.storage.reporting.case_lists import whole_case
from tests.api.conftest import Caller
from tests.support.held_machine import EQUIPMENT, REASON, TEST_RUN, add_people, held_machine, place, work_done
from tests.support.ingress import NOW, rows
from tests.support.people import key_of, signed_again, signed_release
from tests.support.prepared_rows import prepared

SAID = {"meaning": READY_TO_RUN, "reason": REASON}


def signed(held: str, by: str = "petra") -> dict[str, object]:
    """A release as the person sends it."""
    release = signed_release(held, EQUIPMENT, NOW, by, REASON)
    return SAID | {"at": "2015-01-15T06:00:00Z", "signature": release.signature}


@pytest.fixture
async def held(storage: Storage) -> str:
    async def hold() -> str:
        await add_people(storage)
        return await held_machine(storage)

    return await prepared(storage.engine, "held machine", hold)


@pytest.fixture
async def petra(app: FastAPI, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """A person of production, from elsewhere."""
    async with caller(app, "203.0.113.7", headers={"Authorization": "Bearer production"}) as client:
        yield client


async def releasers(storage: Storage, case: str) -> list[str]:
    """Who released the machine, as the ledger has it."""
    story = (await whole_case(storage.engine, case)).story
    return [told.actor for told in story if told.kind == "hold-releasing"]


async def nothing_due(storage: Storage) -> None:
    """Empties what is due, so that what a call wakes is seen."""
    async with storage.engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM due")


async def test_a_live_hold_is_listed_with_its_placements_its_cases_and_what_it_is_not(
    petra: httpx.AsyncClient, held: str
) -> None:
    [hold] = (await petra.get("/holds")).json()
    assert (hold["key"], hold["equipment"], hold["system"], hold["state"]) == (held, EQUIPMENT, "fake-mes", "asked")
    assert hold["words"] == "in effect: job J-1 was read as held at 2015-01-15 06:00 UTC"
    assert hold["notice"] == ISOLATION_NOTICE
    assert hold["placements"] == [
        {
            "number": 1,
            "job": "J-1",
            "receiver": "Press1",
            "method": "pause",
            "state": "in_effect",
            "accepted_at": "2015-01-15T06:00:00Z",
            "in_effect_at": "2015-01-15T06:00:00Z",
            "read_at": "2015-01-15T06:00:00Z",
        }
    ]
    assert hold["cases"] == [{"case": held, "working": True, "ready_at": None}]
    assert (hold["releasable"], hold["ready_at"], hold["overruled_at"], hold["release"]) == (False, None, None, None)
    assert (await petra.get(f"/holds/{held}")).json() == hold


async def test_what_was_accepted_only_is_not_shown_as_held(
    petra: httpx.AsyncClient, storage: Storage, held: str
) -> None:
    await place(storage, held, "J-2", PlacementState.ACCEPTED)
    hold = (await petra.get(f"/holds/{held}")).json()
    assert hold["words"] == "accepted by the MES, not in effect: job J-2 was not read as held"
    assert [placed["in_effect_at"] for placed in hold["placements"]] == ["2015-01-15T06:00:00Z", None]


async def test_a_hold_that_has_ended_is_listed_where_it_is_asked_for(
    petra: httpx.AsyncClient, storage: Storage, held: str
) -> None:
    await work_done(storage, held)
    await storage.holds.end(held, HoldStatus.RELEASED, "seen in the MES")

    async def keys(**query: str | int) -> list[str]:
        return [hold["key"] for hold in (await petra.get("/holds", params=query)).json()]

    for query in ({"state": "all"}, {"state": "released"}, {"state": "all", "equipment": EQUIPMENT}):
        assert await keys(**query) == [held]
    for query in ({}, {"state": "asked"}, {"state": "all", "equipment": "EQ-9"}, {"state": "all", "after": held}):
        assert await keys(**query) == []
    hold = (await petra.get(f"/holds/{held}")).json()
    assert (hold["notice"], hold["words"], hold["reason"]) == (None, "released", "seen in the MES")
    assert [claim["case"] for claim in hold["cases"]] == [held]
    refused = await petra.get("/holds", params={"state": "held"})
    assert (refused.status_code, refused.json()["field"]) == (422, "state")


async def test_a_case_shows_how_its_hold_stands(petra: httpx.AsyncClient, held: str) -> None:
    whole = (await petra.get(f"/cases/{held}")).json()
    assert whole["hold"] == (await petra.get(f"/holds/{held}")).json()
    assert whole["case"]["hold"]["placements"][0]["plan"]["job"] == "J-1"


async def test_a_hold_is_not_released_while_work_goes_on(petra: httpx.AsyncClient, storage: Storage, held: str) -> None:
    refused = await petra.post(f"/holds/{held}/release", json=signed(held))
    assert (refused.status_code, refused.json()["field"]) == (409, "hold")
    assert f"the work of case {held} is not done" in refused.json()["detail"]
    assert (await petra.get(f"/holds/{held}")).json()["state"] == "asked"
    assert await releasers(storage, held) == []


@pytest.mark.parametrize("meaning", [None, "", "ready", READY_TO_RUN.upper(), f"{READY_TO_RUN}."])
async def test_a_hold_is_released_with_the_exact_meaning_only(
    petra: httpx.AsyncClient, storage: Storage, held: str, meaning: str | None
) -> None:
    await work_done(storage, held)
    body = {name: value for name, value in (signed(held) | {"meaning": meaning}).items() if value is not None}
    refused = await petra.post(f"/holds/{held}/release", json=body)
    assert (refused.status_code, refused.json()["field"]) == (422, "meaning")
    assert refused.json()["fix"].endswith(f"send exactly: {READY_TO_RUN}")
    assert await releasers(storage, held) == []


async def test_a_release_needs_a_reason(petra: httpx.AsyncClient, storage: Storage, held: str) -> None:
    await work_done(storage, held)
    refused = await petra.post(f"/holds/{held}/release", json=signed(held) | {"reason": " "})
    assert (refused.status_code, refused.json()["field"]) == (422, "reason")


async def test_whoever_sits_at_the_machine_and_gives_no_key_releases_nothing(
    api: httpx.AsyncClient, storage: Storage, held: str
) -> None:
    await work_done(storage, held)
    refused = await api.post(f"/holds/{held}/release", json=signed(held))
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:millwright:problem:not-named")
    assert refused.json()["fix"] == "sign in with the API key of a person who has the role production"
    assert await releasers(storage, held) == []


async def test_a_planner_releases_nothing(app: FastAPI, caller: Caller, storage: Storage, held: str) -> None:
    await work_done(storage, held)
    async with caller(app, headers={"Authorization": "Bearer planner"}) as paul:
        assert (await paul.get("/holds")).status_code == 200
        refused = await paul.post(f"/holds/{held}/release", json=signed(held))
    assert refused.status_code == 403
    assert "paul may not do this; it needs the role production" in refused.json()["detail"]
    assert await releasers(storage, held) == []


async def test_production_releases_a_hold_in_its_name_and_its_case_is_woken(
    petra: httpx.AsyncClient, storage: Storage, held: str
) -> None:
    await work_done(storage, held)
    waiting = (await petra.get(f"/holds/{held}")).json()
    assert (waiting["releasable"], waiting["ready_at"]) == (True, "2015-01-15T06:00:00Z")
    await nothing_due(storage)
    released = await petra.post(f"/holds/{held}/release", json=signed(held))
    assert (released.status_code, released.json()["state"]) == (202, "releasing")
    assert released.json()["release"] == signed(held) | {"by": "petra", "version": None}
    shown = released.json()["signed"]
    assert (shown["name"], shown["meaning"]) == ("Petra (petra)", READY_TO_RUN)
    assert shown["local"] == "2015-01-15 06:00:00 UTC"
    assert released.json()["notice"] == ISOLATION_NOTICE
    assert await releasers(storage, held) == ["petra"]
    assert await rows(storage.engine, "SELECT subject FROM due") == [(f"case/{held}",)]


async def test_the_same_release_again_changes_nothing_before_and_after_it_is_carried_out(
    petra: httpx.AsyncClient, storage: Storage, held: str
) -> None:
    await work_done(storage, held)
    first = (await petra.post(f"/holds/{held}/release", json=signed(held))).json()
    again = await petra.post(f"/holds/{held}/release", json=signed(held))
    await storage.holds.end(held, HoldStatus.RELEASED)
    late = await petra.post(f"/holds/{held}/release", json=signed(held))
    for answer, state in ((again, "releasing"), (late, "released")):
        assert (answer.status_code, answer.json()["state"]) == (202, state)
        assert answer.json()["release"] == first["release"]
    assert await releasers(storage, held) == ["petra"]


async def test_a_hold_that_has_ended_otherwise_is_not_released(
    petra: httpx.AsyncClient, storage: Storage, held: str
) -> None:
    await work_done(storage, held)
    await storage.holds.end(held, HoldStatus.RELEASED, "seen in the MES")
    refused = await petra.post(f"/holds/{held}/release", json=signed(held))
    assert (refused.status_code, refused.json()["detail"]) == (409, f"hold {held} is released already")


async def test_a_hold_that_nobody_knows_is_not_found(petra: httpx.AsyncClient, held: str) -> None:
    assert (await petra.get("/holds/MWNOTHERE")).status_code == 404
    missing = await petra.post("/holds/MWNOTHERE/release", json=signed(held))
    assert (missing.status_code, missing.json()["fix"]) == (404, "see `GET /holds?state=all`")


async def test_the_openapi_document_says_which_sentence_a_release_takes(api: httpx.AsyncClient) -> None:
    body = (await api.get("/openapi.json")).json()["components"]["schemas"]["ReleaseHold"]
    assert (body["properties"]["meaning"]["enum"], body["required"]) == (
        [READY_TO_RUN, READY_FOR_TEST_RUN, RUNS_AS_IT_SHOULD],
        ["meaning", "reason", "at", "signature"],
    )


FORGED: dict[str, dict[str, object]] = {
    "another's key": {"signature": key_of("paul").sign(b"").hex()},
    "another hold": {"signature": signed_release("MWOTHER", EQUIPMENT, NOW, "petra", REASON).signature},
    "another reason": {"reason": "because"},
    "another time": {"at": "2015-01-15T05:59:59Z"},
}


@pytest.mark.parametrize("changed", FORGED.values(), ids=FORGED)
async def test_a_release_that_is_not_signed_as_it_is_sent_is_refused(
    petra: httpx.AsyncClient, storage: Storage, held: str, changed: dict[str, object]
) -> None:
    await work_done(storage, held)
    refused = await petra.post(f"/holds/{held}/release", json=signed(held) | changed)
    assert (refused.status_code, refused.json()["field"]) == (409, "signature")
    assert await releasers(storage, held) == []


async def test_a_signature_for_another_machine_is_refused(
    petra: httpx.AsyncClient, storage: Storage, held: str
) -> None:
    await work_done(storage, held)
    other = signed_release(held, "EQ-9", NOW, "petra", REASON).signature
    refused = await petra.post(f"/holds/{held}/release", json=signed(held) | {"signature": other})
    assert (refused.status_code, refused.json()["field"]) == (409, "signature")


async def test_an_old_signature_releases_nothing(petra: httpx.AsyncClient, storage: Storage, held: str) -> None:
    await work_done(storage, held)
    refused = await petra.post(f"/holds/{held}/release", json=signed(held) | {"at": "2015-01-15T05:50:00Z"})
    assert (refused.status_code, refused.json()["field"]) == (409, "at")


async def test_a_release_without_a_signature_is_refused(petra: httpx.AsyncClient, storage: Storage, held: str) -> None:
    await work_done(storage, held)
    refused = await petra.post(f"/holds/{held}/release", json=SAID | {"at": "2015-01-15T06:00:00Z"})
    assert (refused.status_code, refused.json()["field"]) == (422, "signature")


# A version that asks for a test run.
def stated(held: str, meaning: str) -> dict[str, object]:
    """A step of a release as the person sends it."""
    release = signed_release(held, EQUIPMENT, NOW, "petra", REASON, meaning)
    return {"meaning": meaning, "reason": REASON, "at": "2015-01-15T06:00:00Z", "signature": release.signature}


def said_again(held: str) -> dict[str, object]:
    """The word of the person who has the machine held again."""
    again = signed_again(held, EQUIPMENT, NOW, "petra", REASON)
    return {"meaning": HOLD_AGAIN, "reason": REASON, "at": "2015-01-15T06:00:00Z", "signature": again.signature}


@pytest.fixture
async def testing(petra: httpx.AsyncClient, storage: Storage, held: str) -> str:
    """A machine that runs on test."""
    await work_done(storage, held, TEST_RUN)
    released = await petra.post(f"/holds/{held}/release", json=stated(held, READY_FOR_TEST_RUN))
    assert (released.status_code, released.json()["state"]) == (202, "releasing")
    await storage.holds.move_placement(held, 1, PlacementState.RELEASED)
    await storage.holds.begin_test_run(held)
    return held


async def test_a_hold_shows_which_step_of_its_release_is_next_and_refuses_the_other_statements(
    petra: httpx.AsyncClient, storage: Storage, held: str
) -> None:
    await work_done(storage, held, TEST_RUN)
    hold = (await petra.get(f"/holds/{held}")).json()
    assert (hold["statement"], hold["test_run"]["begun_at"]) == (READY_FOR_TEST_RUN, None)
    for meaning in (READY_TO_RUN, RUNS_AS_IT_SHOULD, HOLD_AGAIN):
        refused = await petra.post(f"/holds/{held}/release", json=stated(held, meaning))
        assert (refused.status_code, refused.json()["field"]) == (422, "meaning")
        assert refused.json()["fix"].endswith(f"send exactly: {READY_FOR_TEST_RUN}")


async def test_a_signature_for_one_step_is_none_for_another(
    petra: httpx.AsyncClient, storage: Storage, held: str
) -> None:
    await work_done(storage, held, TEST_RUN)
    mixed = stated(held, READY_TO_RUN) | {"meaning": READY_FOR_TEST_RUN}
    refused = await petra.post(f"/holds/{held}/release", json=mixed)
    assert (refused.status_code, refused.json()["field"]) == (409, "signature")


async def test_a_machine_on_test_is_listed_with_its_deadline_and_released_for_good_by_a_signature(
    petra: httpx.AsyncClient, testing: str
) -> None:
    [hold] = (await petra.get("/holds")).json()
    assert (hold["state"], hold["statement"], hold["notice"]) == ("testing", RUNS_AS_IT_SHOULD, ISOLATION_NOTICE)
    assert hold["words"] == (
        "runs on test since 2015-01-15 06:00 UTC, until 2015-01-15 08:00 UTC; not released for good"
    )
    released = await petra.post(f"/holds/{testing}/release", json=stated(testing, RUNS_AS_IT_SHOULD))
    assert (released.status_code, released.json()["state"]) == (202, "released")
    assert released.json()["signed"]["meaning"] == RUNS_AS_IT_SHOULD


async def test_a_machine_on_test_is_held_again_by_a_signature_and_the_rework_answers_for_it(
    petra: httpx.AsyncClient, testing: str
) -> None:
    asked = await petra.post(f"/holds/{testing}/again", json=said_again(testing))
    assert asked.status_code == 202
    hold = asked.json()
    [claim] = hold["cases"]
    assert (hold["state"], hold["release"], claim["working"]) == ("asked", None, True)
    whole = (await petra.get(f"/cases/{claim['case']}")).json()
    assert (whole["case"]["rework"]["case"], whole["case"]["rework"]["by"]) == (testing, "petra")


@pytest.mark.parametrize(
    ("changed", "status", "field"),
    [
        ({"meaning": "hold it"}, 422, "meaning"),
        ({"reason": " "}, 422, "reason"),
        ({"reason": "because"}, 409, "signature"),
        ({"signature": key_of("paul").sign(b"").hex()}, 409, "signature"),
    ],
    ids=["meaning", "no reason", "another reason", "another's key"],
)
async def test_holding_again_takes_the_statement_the_reason_and_the_signature(
    petra: httpx.AsyncClient, testing: str, changed: dict[str, object], status: int, field: str
) -> None:
    refused = await petra.post(f"/holds/{testing}/again", json=said_again(testing) | changed)
    assert (refused.status_code, refused.json()["field"]) == (status, field)
    assert (await petra.get(f"/holds/{testing}")).json()["state"] == "testing"


async def test_what_does_not_run_on_test_is_not_held_again(petra: httpx.AsyncClient, held: str) -> None:
    refused = await petra.post(f"/holds/{held}/again", json=said_again(held))
    assert (refused.status_code, refused.json()["field"]) == (409, "hold")
    assert "does not run on test" in refused.json()["detail"]
