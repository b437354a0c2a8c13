"""What the Odoo connector asks and what it makes of the answers, by recordings of a real Odoo 19.0 server.

`tests/contract/foreign/odoo_recordings.py` made them, and a test there compares them with that server.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.mes.odoo_mrp import OdooMes, OdooSettings, connect
from domain.errors import ActionRequired
from domain.production import HoldEnforcement, HoldMethod, HoldPlan, HoldState, HoldTarget, JobState, PlaceResult
from tests.support.plant import TestClock
from tests.support.recorded_answers import RecordedAnswers

SCENES = json.loads((Path(__file__).parent / "odoo_recordings.json").read_text(encoding="utf-8"))
RECORDED_AT = datetime(2026, 11, 29, tzinfo=UTC)
EQUIPMENT = "EQ-PRESS-7"


BASE = "https://odoo.test"
TARGET = HoldTarget(receiver="work centre 1", application_uri=BASE, namespace="odoo", certificate=None)
PLAN = HoldPlan(
    key="MWABCDEFGH",
    equipment=EQUIPMENT,
    receiver="work centre 1",
    job="all work orders",
    prior_state=JobState.RUNNING,
    method=HoldMethod.BLOCK,
    target=TARGET,
)


async def played(scene: str, act: Callable[[OdooMes], Awaitable[Any]]) -> Any:
    """The result of an act in a scene, all of which was played."""
    recorded = RecordedAnswers(SCENES[scene])
    settings = OdooSettings.model_validate({"url": BASE, "database": "odoo", "api_key": "swordfish"})
    async with httpx.AsyncClient(transport=httpx.MockTransport(recorded)) as client:
        done = await act(connect(settings, client, system="odoo", clock=TestClock(RECORDED_AT)))
    assert recorded.is_over
    for headers in recorded.headers:
        signed_in = (headers.get("authorization"), headers.get("x-odoo-database"))
        assert signed_in in (("bearer swordfish", "odoo"), (None, None))
    return done


async def test_the_check_names_server_database_user_and_what_a_hold_is_worth() -> None:
    said = await played("check", lambda mes: mes.check())
    assert said == (
        "Odoo 19.0 at https://odoo.test answers with database odoo; signed in as millwright; 0 holds of ours are open; "
        "a hold there is enforced"
    )


async def test_a_running_work_order_is_read_with_its_planned_end_and_the_next_stop() -> None:
    context = await played("production-running", lambda mes: mes.read_production(EQUIPMENT))
    assert (context.job.id, context.job.state) == ("WH/MO/00001/1", JobState.RUNNING)
    assert context.job.ends_at.tzinfo is UTC
    assert context.read_at == RECORDED_AT
    assert context.next_stop_at > context.job.ends_at
    assert context.doubt is None


async def test_a_held_work_order_is_read_as_interrupted_on_purpose() -> None:
    context = await played("production-held", lambda mes: mes.read_production(EQUIPMENT))
    assert context.job.state is JobState.INTERRUPTED_ON_PURPOSE


async def test_a_plan_changes_nothing_and_names_the_work_centre_and_the_database() -> None:
    assert await played("plan", lambda mes: mes.plan_hold(EQUIPMENT, "MWABCDEFGH")) == PLAN


async def test_a_hold_is_looked_up_loaded_under_its_external_id_made_to_stop_timers_and_read_back() -> None:
    assert await played("place", lambda mes: mes.place_hold(PLAN, "Bearing wear")) is PlaceResult.IN_EFFECT


async def test_a_hold_that_stands_is_found_and_not_loaded_again() -> None:
    asked = [exchange["ask"] for exchange in SCENES["place-again"]]
    assert not [ask for ask in asked if ask.endswith("/load")]
    assert await played("place-again", lambda mes: mes.place_hold(PLAN, "Bearing wear")) is PlaceResult.IN_EFFECT


async def test_a_hold_is_read_by_its_external_id() -> None:
    reading = await played("read-held", lambda mes: mes.read_hold(PLAN))
    assert (reading.state, reading.read_at) == (HoldState.HELD, RECORDED_AT)


async def test_a_work_centre_that_another_key_holds_is_held_already() -> None:
    plan = await played("plan-of-another", lambda mes: mes.plan_hold(EQUIPMENT, "MWOTHER"))
    assert (plan.method, plan.prior_state) == (HoldMethod.ALREADY_HELD, JobState.INTERRUPTED_ON_PURPOSE)


async def test_a_release_ends_our_own_time_log_only() -> None:
    assert await played("release", lambda mes: mes.release_hold(PLAN, "Repaired")) is HoldState.ABSENT
    written = [exchange["body"] for exchange in SCENES["release"] if exchange["ask"].endswith("/write")]
    assert [body["ids"] for body in written] == [[2]]
    assert await played("release-again", lambda mes: mes.release_hold(PLAN, "Repaired")) is HoldState.ABSENT


@pytest.mark.parametrize(
    ("scene", "act", "field", "words"),
    [
        ("unknown-equipment", lambda mes: mes.hold_target("NOSUCH"), "equipment", "does not know equipment NOSUCH"),
        ("wrong-key", lambda mes: mes.check(), None, "does not accept our credentials"),
        ("wrong-database", lambda mes: mes.check(), None, "it has no such database"),
    ],
)
async def test_what_is_wrong_needs_a_person(
    scene: str, act: Callable[[OdooMes], Awaitable[object]], field: str | None, words: str
) -> None:
    with pytest.raises(ActionRequired, match=words) as caught:
        await played(scene, act)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("info", "worth"),
    [
        ([19, 0, 0, "final", 0, ""], HoldEnforcement.ENFORCED),
        ([19, 1, 0, "final", 0, ""], HoldEnforcement.UNKNOWN),
        (["saas~19", 2, 0, "final", 0, ""], HoldEnforcement.UNKNOWN),
        ([20, 0, 0, "final", 0, ""], HoldEnforcement.UNKNOWN),
        ([], HoldEnforcement.UNKNOWN),
    ],
)
async def test_a_hold_is_worth_what_was_seen_of_that_version_and_unknown_in_every_other(
    info: list[object], worth: HoldEnforcement
) -> None:
    answers = iter([*SCENES["check"]])

    def answer(request: httpx.Request) -> httpx.Response:
        exchange = next(answers)
        version = {"version_info": info, "version": "x"}
        return httpx.Response(200, json=version if request.url.path == "/web/version" else exchange["answer"])

    settings = OdooSettings.model_validate({"url": BASE, "database": "odoo", "api_key": "swordfish"})
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        mes = connect(settings, client, system="odoo")
        before = mes.enforcement
        said = await mes.check()
    assert (before, mes.enforcement) == (HoldEnforcement.UNKNOWN, worth)
    unknown = "it is not known whether it enforces a hold"
    assert said.endswith("a hold there is enforced" if worth is HoldEnforcement.ENFORCED else unknown)


async def test_what_the_plant_says_a_hold_is_worth_counts_before_the_version() -> None:
    settings = {"url": BASE, "database": "odoo", "api_key": "swordfish", "enforcement": "advisory"}
    async with httpx.AsyncClient(transport=httpx.MockTransport(RecordedAnswers(SCENES["check"]))) as client:
        mes = connect(OdooSettings.model_validate(settings), client, system="odoo")
        assert (await mes.check()).endswith("a hold there is advisory")
    assert mes.enforcement is HoldEnforcement.ADVISORY
