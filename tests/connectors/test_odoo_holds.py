"""What the Odoo connector decides from Odoo's answers: which work centre, whose hold, and what is done about it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.mes.odoo_mrp import OdooMes, OdooSettings, connect
from domain.errors import ActionRequired, NotProved, Unavailable
from domain.production import HoldMethod, HoldPlan, HoldState, HoldTarget, JobState, MarkedHold, PlaceResult
from tests.support.plant import TestClock

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BASE = "https://odoo.test"
TARGET = HoldTarget(receiver="work centre 7", application_uri=BASE, namespace="odoo", certificate=None)
PLAN = HoldPlan(
    key="MWKEY",
    equipment="EQ-7",
    receiver="work centre 7",
    job="all work orders",
    prior_state=JobState.RUNNING,
    method=HoldMethod.BLOCK,
    target=TARGET,
)
LOGS = "mrp.workcenter.productivity"
FORBIDDEN = httpx.Response(403, json={"name": "odoo.exceptions.AccessError", "message": "top secret"})


def centre(number: int = 7, **changes: Any) -> dict[str, Any]:
    return {
        "id": number, "name": f"Press {number}", "active": True, "working_state": "normal", "company_id": [1, "Ours"],
        "resource_id": [number, "Press"], "resource_calendar_id": False, **changes,
    }  # fmt: skip


def log(number: int, loss: str = "availability", **changes: Any) -> dict[str, Any]:
    return {
        "id": number, "workcenter_id": [7, "Press 7"], "workorder_id": False, "loss_type": loss,
        "date_start": "2026-11-29 06:00:00", "date_end": False, "description": "Millwright hold MWKEY: x", **changes,
    }  # fmt: skip


TIMER = log(1, "productive", workorder_id=[5, "WH/MO/00001 - Stamp"], description="Time Tracking")
OURS, THEIRS = log(2), log(3, description="the die is changed")
ENDED = log(2, date_end="2026-11-29 07:00:00")
HELD = {"mrp.workcenter/read": [centre(working_state="blocked")], f"{LOGS}/search_read": [OURS]}


class Odoo:
    """Answers by model and method. A list of answers is given one after another, the last one for ever."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.asked: list[tuple[str, Any]] = []
        self._answers = {
            "mrp.workcenter/search_read": [centre()],
            "mrp.workcenter/read": [centre()],
            f"{LOGS}/search_read": [],
            f"{LOGS}/get_external_id": {"1": "", "2": "millwright.hold_MWKEY_7", "3": ""},
            f"{LOGS}/button_block": None,
            f"{LOGS}/write": True,
            f"{LOGS}/load": {"ids": [2], "messages": []},
            f"{LOGS}.loss/search_read": [{"id": 4}],
            f"{LOGS}.loss/get_external_id": {"4": "mrp.block_reason1"},
            "mrp.workorder/search_count": 1,
            "ir.config_parameter/get_param": FORBIDDEN,
            **answers,
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/web/version":
            return httpx.Response(200, json={"version": "19.0", "version_info": [19, 0]})
        method = request.url.path.removeprefix("/json/2/")
        self.asked.append((method.removeprefix(f"{LOGS}/"), json.loads(request.content)))
        answer = self._answers[method]
        if isinstance(answer, Turns):
            answer = answer.next()
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def mes(self, **settings: Any) -> OdooMes:
        own = {"url": BASE, "database": "odoo", "api_key": "swordfish", **settings}
        client = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return connect(OdooSettings.model_validate(own), client, system="odoo", clock=TestClock(NOW))

    def written(self) -> list[Any]:
        return [body for method, body in self.asked if method in ("load", "write", "button_block")]


class Turns:
    """Answers one after another; the last one stays."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def next(self) -> Any:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.mark.parametrize(
    ("rows", "settings", "words"),
    [
        ([], {}, "the MES does not know equipment EQ-7: no work centre that our user may see has it as its code"),
        ([centre(active=False)], {}, "the work centre with the code EQ-7 is archived"),
        ([centre(), centre(8)], {}, "2 work centres have the code EQ-7: 7 (Press 7), 8 (Press 8)"),
        ([centre()], {"company": 2}, "is of another company than 2: Ours"),
    ],
)
async def test_a_machine_without_its_one_work_centre_needs_a_person(
    rows: list[dict[str, Any]], settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ActionRequired) as caught:
        await Odoo({"mrp.workcenter/search_read": rows}).mes(**settings).hold_target("EQ-7")
    assert words in caught.value.problem
    assert caught.value.field == "equipment"


@pytest.mark.parametrize(
    ("rows", "settings"),
    [
        ([centre(8), centre(company_id=[2, "B"])], {"company": 2}),
        ([centre(8, active=False), centre()], {}),
        ([centre(company_id=False)], {"company": 2}),
    ],
)
async def test_a_machine_is_the_one_work_centre_in_use_with_its_code(
    rows: list[dict[str, Any]], settings: dict[str, Any]
) -> None:
    assert await Odoo({"mrp.workcenter/search_read": rows}).mes(**settings).hold_target("EQ-7") == TARGET


async def test_the_uuid_of_the_database_follows_its_name_if_it_may_be_read() -> None:
    odoo = Odoo({"ir.config_parameter/get_param": "5b544f06"})
    assert (await odoo.mes().hold_target("EQ-7")).namespace == "odoo 5b544f06"
    assert (await Odoo({"ir.config_parameter/get_param": False}).mes().hold_target("EQ-7")).namespace == "odoo"


@pytest.mark.parametrize(
    ("answers", "method", "prior"),
    [
        ({}, HoldMethod.BLOCK, JobState.ALLOWED_TO_START),
        ({f"{LOGS}/search_read": [TIMER]}, HoldMethod.BLOCK, JobState.RUNNING),
        ({f"{LOGS}/search_read": [THEIRS]}, HoldMethod.ALREADY_HELD, JobState.INTERRUPTED_ON_PURPOSE),
        ({"mrp.workorder/search_count": 0}, HoldMethod.NOTHING_TO_HOLD, None),
    ],
)
async def test_a_plan_is_made_without_a_write(
    answers: dict[str, Any], method: HoldMethod, prior: JobState | None
) -> None:
    odoo = Odoo(answers)
    plan = await odoo.mes().plan_hold("EQ-7", "MWKEY")
    assert (plan.method, plan.prior_state) == (method, prior)
    assert odoo.written() == []
    assert (plan.target is None) is (method is HoldMethod.NOTHING_TO_HOLD)


async def test_a_hold_that_was_ended_in_odoo_is_not_planned_again() -> None:
    with pytest.raises(ActionRequired, match="was ended in Odoo at 2026-11-29 07:00 UTC"):
        await Odoo({f"{LOGS}/search_read": [ENDED]}).mes().plan_hold("EQ-7", "MWKEY")


async def test_a_loss_reason_that_does_not_block_is_found_out_before_a_hold() -> None:
    odoo = Odoo({f"{LOGS}.loss/get_external_id": {"4": "mrp.block_reason0"}})
    for act in (odoo.mes().plan_hold("EQ-7", "MWKEY"), odoo.mes().place_hold(PLAN, "x")):
        with pytest.raises(ActionRequired) as caught:
            await act
        assert caught.value.field == "loss_reason"
    assert odoo.written() == []


@pytest.mark.parametrize("logs", [[THEIRS], [ENDED], [ENDED, THEIRS]])
async def test_nothing_is_placed_beside_a_block_of_others_or_again(logs: list[dict[str, Any]]) -> None:
    odoo = Odoo({f"{LOGS}/search_read": logs})
    assert await odoo.mes().place_hold(PLAN, "x") is PlaceResult.MOVED_ON
    assert odoo.written() == []


@pytest.mark.parametrize("method", [HoldMethod.ALREADY_HELD, HoldMethod.NOTHING_TO_HOLD])
async def test_a_plan_that_does_nothing_asks_odoo_nothing(method: HoldMethod) -> None:
    odoo, plan = Odoo({}), PLAN.model_copy(update={"method": method})
    assert await odoo.mes().place_hold(plan, "x") is PlaceResult.MOVED_ON
    assert (await odoo.mes().read_hold(plan)).state is HoldState.ABSENT
    assert await odoo.mes().release_hold(plan, "x") is HoldState.ABSENT
    assert odoo.asked == []


@pytest.mark.parametrize(
    ("company", "named"), [([1, "Ours"], {"company_id/.id": "1"}), (False, {})], ids=["company", "none"]
)
async def test_a_hold_names_the_company_of_its_work_centre_if_it_has_one(
    company: object, named: dict[str, str]
) -> None:
    odoo = Odoo(
        {
            "mrp.workcenter/search_read": [centre(company_id=company)],
            f"{LOGS}/search_read": Turns([], [OURS]),
            "mrp.workcenter/read": [centre(working_state="blocked")],
        }
    )
    assert await odoo.mes().place_hold(PLAN, "Bearing") is PlaceResult.IN_EFFECT
    load, block = odoo.written()
    assert dict(zip(load["fields"], load["data"][0], strict=True)) == {
        "id": "millwright.hold_MWKEY_7",
        "workcenter_id/.id": "7",
        "loss_id/.id": "4",
        "description": "Millwright hold MWKEY: Bearing",
        **named,
    }
    assert block == {"ids": [2]}


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"receiver": "work centre 9"}, "its receiver was work centre 9 and is work centre 7"),
        ({"application_uri": "https://other.test"}, "its application URI was https://other.test"),
        ({"namespace": "odoo 5b544f06"}, "its namespace was odoo 5b544f06 and is odoo"),
    ],
)
async def test_another_target_holds_nothing(target: dict[str, Any], words: str) -> None:
    odoo = Odoo({})
    with pytest.raises(NotProved, match=words):
        await odoo.mes().place_hold(PLAN.model_copy(update={"target": TARGET.model_copy(update=target)}), "x")
    assert odoo.written() == []


async def test_a_plan_of_another_receiver_holds_nothing() -> None:
    odoo = Odoo({})
    with pytest.raises(Unavailable, match="no job order receiver work centre 9"):
        await odoo.mes().place_hold(PLAN.model_copy(update={"receiver": "work centre 9", "target": None}), "x")
    for act in (odoo.mes().read_hold, lambda plan: odoo.mes().release_hold(plan, "x")):
        with pytest.raises(Unavailable, match="it has no job order receiver another"):
            await act(PLAN.model_copy(update={"receiver": "another"}))
    assert odoo.written() == []


async def test_a_hold_that_load_does_not_take_needs_a_person_who_is_told_the_field() -> None:
    said = {"ids": False, "messages": [{"message": "No matching record", "field": "workcenter_id"}]}
    with pytest.raises(ActionRequired, match="it does not take the record: No matching record") as caught:
        await Odoo({f"{LOGS}/load": said}).mes().place_hold(PLAN, "x")
    assert caught.value.field == "workcenter_id"


async def test_a_hold_that_odoo_took_and_does_not_show_is_looked_up_later() -> None:
    with pytest.raises(Unavailable, match="not to be seen yet"):
        await Odoo({}).mes().place_hold(PLAN, "x")


async def test_a_block_under_which_no_timer_may_be_stopped_is_ended_again() -> None:
    odoo = Odoo({f"{LOGS}/search_read": Turns([TIMER], [TIMER, OURS]), f"{LOGS}/button_block": FORBIDDEN})
    with pytest.raises(ActionRequired, match="top secret"):
        await odoo.mes().place_hold(PLAN, "x")
    assert odoo.written()[-1] == {
        "ids": [2],
        "vals": {
            "date_end": "2026-11-29 12:00:00",
            "description": "Millwright hold MWKEY: x\nReleased: not in effect",
        },
    }


async def test_a_hold_that_was_ended_for_that_is_opened_again_and_one_that_people_ended_is_not() -> None:
    ours = log(2, date_end="2026-11-29 12:00:00", description="Millwright hold MWKEY: x\nReleased: not in effect")
    odoo = Odoo({**HELD, f"{LOGS}/search_read": Turns([ours], [OURS])})
    assert await odoo.mes().place_hold(PLAN, "x") is PlaceResult.IN_EFFECT
    assert odoo.written()[0] == {"ids": [2], "vals": {"date_end": False}}
    assert (await Odoo({f"{LOGS}/search_read": [ours]}).mes().plan_hold("EQ-7", "MWKEY")).method is HoldMethod.BLOCK
    theirs = Odoo({f"{LOGS}/search_read": [ENDED]})
    assert await theirs.mes().place_hold(PLAN, "x") is PlaceResult.MOVED_ON


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        (HELD, HoldState.HELD),
        ({**HELD, f"{LOGS}/search_read": [OURS, THEIRS]}, HoldState.HELD),
        ({**HELD, f"{LOGS}/search_read": [TIMER, OURS]}, HoldState.ABSENT),
        ({**HELD, f"{LOGS}/search_read": [ENDED, THEIRS]}, HoldState.ABSENT),
        ({**HELD, f"{LOGS}/search_read": []}, HoldState.ABSENT),
        ({**HELD, "mrp.workcenter/read": [centre()]}, HoldState.ABSENT),
        ({**HELD, "mrp.workcenter/read": []}, HoldState.GONE),
    ],
)
async def test_the_state_of_a_hold(answers: dict[str, Any], state: HoldState) -> None:
    assert (await Odoo(answers).mes().read_hold(PLAN)).state is state


async def test_a_work_centre_that_our_user_may_not_see_any_more_is_not_gone() -> None:
    with pytest.raises(ActionRequired, match="top secret"):
        await Odoo({"mrp.workcenter/read": FORBIDDEN}).mes().read_hold(PLAN)


async def test_a_hold_that_was_moved_needs_a_person() -> None:
    moved = log(2, workcenter_id=[9, "Saw"])
    odoo = Odoo({f"{LOGS}/search_read": [moved]})
    with pytest.raises(ActionRequired, match="time log 2 of this hold was moved from work centre 7"):
        await odoo.mes().release_hold(PLAN, "x")
    assert odoo.written() == []


async def test_a_hold_in_another_database_is_neither_read_nor_released() -> None:
    odoo = Odoo(HELD)
    for act in (odoo.mes(database="new").read_hold(PLAN), odoo.mes(database="new").release_hold(PLAN, "x")):
        with pytest.raises(Unavailable, match="the hold is in database odoo, and the settings name new"):
            await act
    assert odoo.written() == []


async def test_a_release_ends_one_log_and_reads_it_back() -> None:
    odoo = Odoo({**HELD, f"{LOGS}/search_read": Turns([OURS, THEIRS], [ENDED, THEIRS])})
    assert await odoo.mes().release_hold(PLAN, "Repaired") is HoldState.ABSENT
    (write,) = odoo.written()
    assert write["ids"] == [2]
    assert [method for method, _ in odoo.asked if "unblock" in method] == []


async def test_a_release_that_odoo_took_and_does_not_show_is_made_again() -> None:
    with pytest.raises(Unavailable, match="still open"):
        await Odoo(HELD).mes().release_hold(PLAN, "x")


async def test_a_release_without_a_hold_of_ours_writes_nothing() -> None:
    for logs in ([], [THEIRS], [ENDED]):
        odoo = Odoo({f"{LOGS}/search_read": logs})
        assert await odoo.mes().release_hold(PLAN, "x") is HoldState.ABSENT
        assert odoo.written() == []


async def test_the_next_work_order_is_looked_for_where_none_is_in_progress() -> None:
    ready = {"id": 8, "state": "ready", "date_start": False, "date_finished": False, "production_id": False}
    leaves = [{"id": 1, "date_from": "2026-11-29 13:00:00", "date_to": "2026-11-29 14:00:00"}]
    odoo = Odoo({"mrp.workorder/search_read": Turns([], [ready]), "resource.calendar.leaves/search_read": leaves})
    context = await odoo.mes().read_production("EQ-7")
    assert context.job is not None
    assert (context.job.id, context.job.state) == ("8", JobState.ALLOWED_TO_START)
    assert context.next_stop_at == NOW + timedelta(hours=1)
    asked = [body for method, body in odoo.asked if method == "mrp.workorder/search_read"]
    assert [(body.get("limit"), body.get("order")) for body in asked] == [(None, None), (5, "date_start, id")]


async def test_a_work_centre_whose_work_orders_wait_for_others_shows_the_earliest() -> None:
    waiting = {"id": 9, "state": "blocked", "date_start": False, "date_finished": False, "production_id": False}
    odoo = Odoo({"mrp.workorder/search_read": Turns([], [], [waiting]), "resource.calendar.leaves/search_read": []})
    context = await odoo.mes().read_production("EQ-7")
    assert context.job is not None
    assert (context.job.id, context.job.state) == ("9", JobState.NOT_ALLOWED_TO_START)


async def test_a_key_with_signs_of_a_pattern_is_looked_for_as_it_is() -> None:
    odoo = Odoo({})
    await odoo.mes().plan_hold("EQ-7", "A_B%")
    domain = next(body["domain"] for method, body in odoo.asked if method == "search_read")
    assert domain[1] == ["description", "=like", "Millwright hold A\\_B\\%:%"]


async def test_our_open_holds_are_those_with_our_external_id_whatever_their_text_says() -> None:
    odoo = Odoo({f"{LOGS}/search_read": [OURS, log(3, description="Millwright hold MWFAKE: written by somebody")]})
    assert await odoo.mes().marked_holds() == [MarkedHold(key="MWKEY", place="Press 7")]


async def test_where_none_of_ours_is_open_none_is_told_and_a_timer_is_no_hold() -> None:
    odoo = Odoo({f"{LOGS}/search_read": []})
    assert await odoo.mes().marked_holds() == []
    [(method, body)] = [each for each in odoo.asked if each[0] == "search_read"]
    assert (method, body["domain"]) == (
        "search_read",
        [["description", "=like", "Millwright hold %"], ["date_end", "=", False]],
    )
