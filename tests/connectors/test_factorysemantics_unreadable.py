"""Records of FactorySemantics MES that cannot be read, and what the connector still says."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from connectors.mes.factorysemantics import FactorySemanticsMes, FactorySemanticsSettings, connect
from domain.errors import ActionRequired, Refused, Unavailable
from domain.production import HoldMethod, HoldPlan, HoldState, HoldTarget, JobState, PlaceResult
from tests.support.plant import TestClock

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
BASE = "https://mes.test"
TARGET = HoldTarget(receiver="machine EQ-7", application_uri=BASE, namespace="bottling", certificate=None)
PLAN = HoldPlan(
    key="KEY",
    equipment="EQ-7",
    receiver="machine EQ-7",
    job="WO-1",
    prior_state=JobState.RUNNING,
    method=HoldMethod.PAUSE,
    target=TARGET,
)
MACHINE = {
    "code": "EQ-7",
    "level": "work_unit",
    "path": [],
    "state": "running",
    "since": "2026-11-30T06:00:00",
    "connection": {"state": "connected", "since": None},
}
OPERATION = {"order": "WO-1", "seq": 10, "status": "running", "quantity": 500, "good_qty": 1, "priority": 50}
OURS = [
    {
        "ts": "2026-11-30T06:00:01",
        "actor": "MW",
        "action": "workorder.hold_reason",
        "after": {"reason": "Millwright hold KEY: x"},
    },
    {"ts": "2026-11-30T06:00:00", "actor": "MW", "action": "workorder.on_hold", "after": {"status": "on_hold"}},
]


def order(status: str = "running", code: str = "WO-1", equipment: str = "EQ-7", **changes: Any) -> dict[str, Any]:
    operations = [{"seq": 10, "equipment": equipment, "status": "running", "good_qty": 1}]
    return {"code": code, "status": status, "quantity": 500, "priority": 50, "operations": operations, **changes}


class Server:
    """Answers by path. A list of answers in `Turns` is given one after another, the last one for ever."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.posted: list[str] = []
        self._answers = {
            "/auth/login": {"token": "a-token", "code": "MW"},
            "/health": {"plant": "bottling", "instance_id": None},
            "/equipment/EQ-7": MACHINE,
            "/equipment/EQ-7/oee": {"oee": None, "ledger": {"window_seconds": 1}},
            "/workorders/dispatch": [],
            "/workorders": {"items": [], "has_more": False},
            "/workorders/WO-1": order(),
            "/workorders/WO-1/hold": order("on_hold"),
            "/workorders/WO-1/resume": order(),
            "/scheduling/board": {"machines": []},
            "/scheduling/calendar": {"timezone": "America/Chicago", "exceptions": []},
            "/audit": [],
            **answers,
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and request.url.path != "/auth/login":
            self.posted.append(request.url.path)
        answer = self._answers[request.url.path]
        if isinstance(answer, Turns):
            answer = answer.next()
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def mes(self) -> FactorySemanticsMes:
        own = {"url": BASE, "user": "mw", "password": "swordfish", "settle": "PT0S"}
        client = httpx.AsyncClient(transport=httpx.MockTransport(self))
        settings = FactorySemanticsSettings.model_validate(own)
        return connect(settings, client, system="factorysemantics", clock=TestClock(NOW))


class Turns:
    """Answers one after another; the last one stays."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def next(self) -> Any:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{**OPERATION, "quantity": "many"}], "work order WO-1 cannot be read: quantity"),
        ([OPERATION, {**OPERATION, "order": None}], "row 2 cannot be read: order"),
        ([OPERATION, {**OPERATION, "good_qty": 2}], "WO-1 operation 10 came with two contents"),
        ([7], "row 1 cannot be read"),
    ],
)
async def test_an_operation_of_the_machine_that_cannot_be_read_needs_a_person(rows: list[Any], words: str) -> None:
    mes = Server({"/workorders/dispatch": rows}).mes()
    with pytest.raises(ActionRequired, match=words) as caught:
        await mes.read_production("EQ-7")
    assert caught.value.field == "workorders"
    with pytest.raises(ActionRequired, match=words):
        await mes.plan_hold("EQ-7", "KEY")


@pytest.mark.parametrize(
    "row",
    [
        order("on_hold", quantity="many"),
        order("on_hold", operations="none"),
        order("on_hold", operations=[{"equipment": None}]),
        {"code": "WO-1"},
        7,
    ],
    ids=["quantity", "operations", "equipment", "all", "number"],
)
async def test_a_held_work_order_that_cannot_be_read_and_may_be_on_the_machine_needs_a_person(row: Any) -> None:
    server = Server({"/workorders": {"items": [row, order("on_hold", "WO-2")], "has_more": False}})
    with pytest.raises(ActionRequired, match="cannot be read"):
        await server.mes().plan_hold("EQ-7", "KEY")


async def test_a_held_work_order_of_another_machine_that_cannot_be_read_is_no_matter() -> None:
    odd = order("on_hold", quantity="many", equipment="EQ-8")
    server = Server({"/workorders": {"items": [odd, order("on_hold", "WO-2")], "has_more": False}})
    assert (await server.mes().plan_hold("EQ-7", "KEY")).job == "WO-2"


async def test_all_pages_of_held_work_orders_are_read() -> None:
    first = {"items": [order("on_hold", f"WO-{number}", "EQ-8") for number in range(2, 52)], "has_more": True}
    last = {"items": [order("on_hold", "WO-99")], "has_more": False}
    plan = await Server({"/workorders": Turns(first, last)}).mes().plan_hold("EQ-7", "KEY")
    assert (plan.job, plan.method) == ("WO-99", HoldMethod.ALREADY_HELD)
    with pytest.raises(ActionRequired, match="more than 1000 work orders on hold"):
        await Server({"/workorders": first}).mes().plan_hold("EQ-7", "KEY")


@pytest.mark.parametrize(
    ("answers", "doubt"),
    [
        ({"/scheduling/calendar": {"timezone": "Mars/Olympus", "exceptions": []}}, "no time zone Mars/Olympus"),
        (
            {"/scheduling/calendar": {"timezone": "UTC", "exceptions": [{"day": "soon", "kind": "non_working"}]}},
            "soon is no day",
        ),
        (
            {"/scheduling/board": {"machines": [{"equipment": "EQ-7", "slots": [{"kind": "maintenance"}]}]}},
            "planned_start",
        ),
        ({"/scheduling/board": {"machines": 7}}, "the planned stops cannot be read"),
    ],
)
async def test_a_plan_that_cannot_be_read_is_told_and_hides_no_work_order(answers: dict[str, Any], doubt: str) -> None:
    context = await Server({"/workorders/dispatch": [OPERATION], **answers}).mes().read_production("EQ-7")
    assert context.job is not None
    assert context.doubt is not None
    assert doubt in context.doubt


async def test_a_plant_without_scheduling_has_no_planned_stops() -> None:
    absent = httpx.Response(404, json={"detail": "Not Found"})
    server = Server({"/scheduling/board": absent, "/scheduling/calendar": absent, "/workorders/dispatch": [OPERATION]})
    context = await server.mes().read_production("EQ-7")
    assert (context.next_stop_at, context.doubt) == (None, None)


@pytest.mark.parametrize("since", ["yesterday", "2026-11-30", "0001-01-01T00:00:00", 7])
async def test_a_time_that_is_none_is_not_guessed(since: object) -> None:
    with pytest.raises(Refused, match="since"):
        await Server({"/equipment/EQ-7": {**MACHINE, "since": since}}).mes().read_production("EQ-7")


async def test_an_unreadable_audit_trail_proves_nothing_and_releases_nothing() -> None:
    server = Server({"/workorders/WO-1": order("on_hold"), "/audit": [*OURS, {"ts": "never"}]})
    mes = server.mes()
    for act in (mes.read_hold(PLAN), mes.release_hold(PLAN, "done"), mes.place_hold(PLAN, "reason")):
        with pytest.raises(Refused):
            await act
    assert server.posted == []


async def test_a_hold_whose_owner_the_trail_does_not_show_is_never_released() -> None:
    server = Server({"/workorders/WO-1": order("on_hold")})
    mes = server.mes()
    assert await mes.place_hold(PLAN, "reason") is PlaceResult.HELD_ALREADY
    assert (await mes.read_hold(PLAN)).state is HoldState.HELD
    with pytest.raises(ActionRequired, match="does not show who put work order WO-1 on hold"):
        await mes.release_hold(PLAN, "done")
    assert server.posted == []


async def test_a_hold_that_was_taken_and_cannot_be_read_is_accepted() -> None:
    unreadable = httpx.Response(200, json={"code": 7})
    orders = Turns(order(), unreadable)
    assert await Server({"/workorders/WO-1": orders}).mes().place_hold(PLAN, "reason") is PlaceResult.ACCEPTED


async def test_a_hold_that_is_not_seen_in_time_is_accepted() -> None:
    # The server answers before it commits.
    assert await Server({}).mes().place_hold(PLAN, "reason") is PlaceResult.ACCEPTED


async def test_a_release_that_is_not_seen_in_time_is_asked_for_again() -> None:
    server = Server({"/workorders/WO-1": order("on_hold"), "/audit": OURS})
    with pytest.raises(Unavailable, match="it took the release, and work order WO-1 is still on hold"):
        await server.mes().release_hold(PLAN, "done")
    assert server.posted == ["/workorders/WO-1/resume"]


async def test_a_conflict_that_our_own_earlier_call_made_is_our_hold() -> None:
    conflict = httpx.Response(409, json={"detail": "work order WO-1: cannot go from on_hold to on_hold"})
    answers = {
        "/workorders/WO-1/hold": conflict,
        "/workorders/WO-1": Turns(order(), order("on_hold")),
        "/audit": Turns([], OURS),
    }
    assert await Server(answers).mes().place_hold(PLAN, "reason") is PlaceResult.IN_EFFECT
    gone = {"/workorders/WO-1/hold": conflict, "/workorders/WO-1": Turns(order(), order("completed"))}
    assert await Server(gone).mes().place_hold(PLAN, "reason") is PlaceResult.MOVED_ON


async def test_a_hold_deep_in_the_trail_is_found() -> None:
    noise = [{"ts": "2026-11-30T07:00:00", "actor": "Q", "action": "quality.checked", "after": {"value": 1}}] * 60
    server = Server({"/workorders/WO-1": order("on_hold"), "/audit": Turns(noise[:50], [*noise, *OURS])})
    assert (await server.mes().read_hold(PLAN)).state is HoldState.HELD


async def test_a_work_order_that_is_done_at_the_machine_is_not_held() -> None:
    done = order(operations=[{"seq": 10, "equipment": "EQ-7", "status": "done", "good_qty": 500}])
    server = Server({"/workorders/WO-1": done})
    assert await server.mes().place_hold(PLAN, "reason") is PlaceResult.MOVED_ON
    assert server.posted == []


async def test_no_lots_are_told() -> None:
    assert await Server({}).mes().lots_made("EQ-7", NOW, NOW) is None  # type: ignore[func-returns-value]
