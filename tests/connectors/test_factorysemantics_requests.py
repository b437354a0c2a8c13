"""What the FactorySemantics connector asks and what it makes of the answers, by recordings of a real 0.4.2 server.

`tests/contract/foreign/factorysemantics_recordings.py` made them, and a test there compares them with that server.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.mes.factorysemantics import FactorySemanticsMes, FactorySemanticsSettings, connect
from domain.errors import ActionRequired
from domain.operating import MachineState
from domain.production import HoldMethod, HoldPlan, HoldState, HoldTarget, JobState, PlaceResult
from tests.support.plant import TestClock

SCENES = json.loads((Path(__file__).parent / "factorysemantics_recordings.json").read_text(encoding="utf-8"))
RECORDED_AT = datetime(2026, 11, 30, tzinfo=UTC)
BASE = "https://mes.test"
MACHINE, ORDER = "PRESS-7", "WO-PRESS-7-A"
TARGET = HoldTarget(
    receiver="machine PRESS-7", application_uri=BASE, namespace=f"bottling {'0' * 32}", certificate=None
)
PLAN = HoldPlan(
    key="MWABCDEFGH",
    equipment=MACHINE,
    receiver="machine PRESS-7",
    job=ORDER,
    prior_state=JobState.RUNNING,
    method=HoldMethod.PAUSE,
    target=TARGET,
)


class Recorded:
    """Answers as recorded, and only what was asked then, in that order."""

    def __init__(self, scene: str) -> None:
        self.tokens: list[str | None] = []
        self._left: Iterator[dict[str, Any]] = iter(SCENES[scene])

    def __call__(self, request: httpx.Request) -> httpx.Response:
        exchange = next(self._left)
        asked = {
            "ask": f"{request.method} {request.url.raw_path.decode()}",
            "body": json.loads(request.content) if request.content else None,
        }
        assert asked == {"ask": exchange["ask"], "body": exchange["body"]}
        self.tokens.append(request.headers.get("authorization"))
        return httpx.Response(exchange["status"], json=exchange["answer"])

    @property
    def is_over(self) -> bool:
        return next(self._left, None) is None


async def played(scene: str, act: Callable[[FactorySemanticsMes], Awaitable[Any]]) -> Any:
    """The result of an act in a scene, all of which was played."""
    recorded = Recorded(scene)
    settings = FactorySemanticsSettings.model_validate({"url": BASE, "user": "MILLWRIGHT", "password": "password"})
    async with httpx.AsyncClient(transport=httpx.MockTransport(recorded)) as client:
        mes = connect(settings, client, system="factorysemantics", clock=TestClock(RECORDED_AT))
        try:
            return await act(mes)
        finally:
            assert recorded.is_over
            assert set(recorded.tokens) <= {None, "Bearer token-of-the-recording"}


def asked_in(scene: str) -> list[str]:
    return [exchange["ask"] for exchange in SCENES[scene]]


async def test_the_check_names_server_plant_account_and_what_a_hold_is_worth() -> None:
    said = await played("check", lambda mes: mes.check())
    assert said == (
        "FactorySemantics MES at https://mes.test answers for plant bottling; signed in as MILLWRIGHT; a hold there is "
        "advisory"
    )


async def test_a_running_work_order_is_read_with_its_planned_end_what_is_left_and_the_next_stop() -> None:
    context = await played("production-running", lambda mes: mes.read_production(MACHINE))
    assert (context.job.id, context.job.state) == (ORDER, JobState.RUNNING)
    assert context.job.ends_at.tzinfo is UTC
    assert context.next_stop_at > context.job.ends_at
    assert context.remaining.quantity == 100_000
    assert (context.operating.state, context.operating.read_at) == (MachineState.UNKNOWN, RECORDED_AT)
    assert (context.read_at, context.doubt, context.effectiveness) == (RECORDED_AT, None, None)


async def test_a_machine_whose_work_orders_are_all_on_hold_is_read_with_the_first_of_them() -> None:
    context = await played("production-held", lambda mes: mes.read_production(MACHINE))
    assert (context.job.id, context.job.state) == (ORDER, JobState.INTERRUPTED_ON_PURPOSE)
    assert context.remaining.quantity == 100_000


async def test_a_plan_changes_nothing_and_names_the_machine_and_the_plant() -> None:
    assert await played("plan", lambda mes: mes.plan_hold(MACHINE, "MWABCDEFGH")) == PLAN
    assert [ask for ask in asked_in("plan") if ask.startswith("POST") and "login" not in ask] == []


async def test_a_hold_is_looked_up_placed_with_its_key_in_the_reason_and_read_back() -> None:
    assert await played("place", lambda mes: mes.place_hold(PLAN, "Bearing wear")) is PlaceResult.IN_EFFECT
    (body,) = (exchange["body"] for exchange in SCENES["place"] if exchange["ask"].endswith("/hold"))
    assert body == {"reason": "Millwright hold MWABCDEFGH: Bearing wear"}
    place = asked_in("place").index(f"POST /workorders/{ORDER}/hold")
    assert f"GET /workorders/{ORDER}" in asked_in("place")[:place]
    assert f"GET /workorders/{ORDER}" in asked_in("place")[place:]


async def test_a_hold_that_stands_is_found_and_not_placed_again() -> None:
    assert not [ask for ask in asked_in("place-again") if ask.endswith("/hold")]
    assert await played("place-again", lambda mes: mes.place_hold(PLAN, "Bearing wear")) is PlaceResult.IN_EFFECT


async def test_a_hold_is_read_from_the_work_order_and_the_audit_trail() -> None:
    reading = await played("read-held", lambda mes: mes.read_hold(PLAN))
    assert (reading.state, reading.read_at) == (HoldState.HELD, RECORDED_AT)


async def test_a_machine_that_is_held_already_is_not_held_by_another_key() -> None:
    plan = await played("plan-of-another", lambda mes: mes.plan_hold(MACHINE, "MWOTHER"))
    assert (plan.method, plan.prior_state) == (HoldMethod.ALREADY_HELD, JobState.INTERRUPTED_ON_PURPOSE)


async def test_a_release_lets_the_work_order_go_on_once() -> None:
    assert await played("release", lambda mes: mes.release_hold(PLAN, "Repaired")) is HoldState.ABSENT
    assert f"POST /workorders/{ORDER}/resume" in asked_in("release")
    assert await played("release-again", lambda mes: mes.release_hold(PLAN, "Repaired")) is HoldState.ABSENT
    assert f"POST /workorders/{ORDER}/resume" not in asked_in("release-again")


@pytest.mark.parametrize(
    ("scene", "act", "field", "words"),
    [
        ("unknown-equipment", lambda mes: mes.hold_target("NOSUCH"), "equipment", "does not know equipment NOSUCH"),
        (
            "plan-after-release",
            lambda mes: mes.plan_hold(MACHINE, "MWABCDEFGH"),
            "equipment",
            "let it go on in the MES",
        ),
    ],
)
async def test_what_is_wrong_needs_a_person(
    scene: str, act: Callable[[FactorySemanticsMes], Awaitable[object]], field: str | None, words: str
) -> None:
    with pytest.raises(ActionRequired, match=words) as caught:
        await played(scene, act)
    assert caught.value.field == field


async def test_a_refused_sign_in_needs_a_person() -> None:
    with pytest.raises(ActionRequired, match="invalid credentials"):
        await played("wrong-password", lambda mes: mes.check())
