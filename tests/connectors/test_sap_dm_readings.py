"""What the connector to SAP Digital Manufacturing reads, plans and leaves alone; what cannot be read hides nothing."""

from typing import Any

import httpx
import pytest

from domain.errors import ActionRequired, NotProved, Refused, Unavailable
from domain.operating import MachineState
from domain.ports import Mes
from domain.production import HoldMethod, HoldState, JobState, PlaceResult
from tests.connectors.sap_dm_answers import (
    BLOCK,
    DETAIL,
    HOLD,
    IN_WORK,
    LISTED,
    NOW,
    PAUSE,
    RESOURCE,
    STATUS,
    TARGET,
    Sap,
    resource,
    sfc,
    status,
)

QUEUED = {"content": [{"sfc": "NEXT", "order": "7", "status": status("IN_QUEUE")}], "totalPages": 1}


def by_sfc(**answers: Any) -> Any:
    """Answers of `sfcdetail` by the SFC that is asked for."""
    return lambda request: answers[request.url.params["sfc"]]


@pytest.mark.parametrize(
    "found",
    [
        httpx.Response(404, json={"error": {"message": "no"}}),
        httpx.Response(204),
        httpx.Response(200, content=b""),
        {},
        resource(resource=None),
    ],
)
async def test_a_machine_without_a_resource_needs_a_person(found: Any) -> None:
    with pytest.raises(ActionRequired, match="plant P1 has no resource PRESS") as caught:
        await Sap({RESOURCE: found}).mes().hold_target("PRESS")
    assert caught.value.field == "equipment"


@pytest.mark.parametrize("equipment", ["press", "A,B", "", " P", "A" * 37])
async def test_a_name_that_sap_does_not_allow_is_not_asked_for(equipment: str) -> None:
    sap = Sap()
    with pytest.raises(ActionRequired):
        await sap.mes().plan_hold(equipment, "K")
    assert sap.asked == []


async def test_the_settings_say_which_resource_an_equipment_is_and_no_other_equipment_is_it() -> None:
    sap = Sap()
    mes = sap.mes(resources={"EQ-7": "PRESS"})
    assert await mes.hold_target("EQ-7") == TARGET
    assert (await mes.plan_hold("EQ-7", "K")).receiver == "resource PRESS"
    with pytest.raises(ActionRequired):
        await mes.hold_target("PRESS")


@pytest.mark.parametrize("changes", [{"resource": "OTHER"}, {"plant": "P2"}])
async def test_an_answer_about_another_resource_is_not_used(changes: dict[str, str]) -> None:
    with pytest.raises(Refused, match="it answered about"):
        await Sap({RESOURCE: resource(**changes)}).mes().hold_target("PRESS")


async def test_a_resource_without_a_status_is_unreadable() -> None:
    with pytest.raises(Refused, match="has no status"):
        await Sap({RESOURCE: resource(status=None)}).mes().plan_hold("PRESS", "K")


async def test_the_batch_what_is_left_and_the_machine_are_told_with_the_job() -> None:
    context = await Sap().mes().read_production("PRESS")
    assert context.job is not None
    assert (context.job.id, context.job.state, context.batch) == ("1000042/SFC1", JobState.RUNNING, "SFC1")
    assert context.remaining is not None
    assert context.remaining.quantity == 50
    assert context.operating is not None
    assert context.operating.word == "PRODUCTIVE"
    assert (context.effectiveness, context.doubt) == (None, None)


async def test_lots_are_not_told() -> None:
    mes: Mes = Sap().mes()
    assert await mes.lots_made("PRESS", NOW, NOW) is None


async def test_one_row_that_cannot_be_read_hides_no_other_and_is_told() -> None:
    sap = Sap({IN_WORK: [{"operation": "OP"}, 7, {"sfc": "SFC1"}]})
    context = await sap.mes().read_production("PRESS")
    assert context.job is not None
    assert context.job.id == "1000042/SFC1"
    assert context.doubt is not None
    assert "row 1 cannot be read" in context.doubt
    assert "row 2 cannot be read" in context.doubt
    plan = await sap.mes().plan_hold("PRESS", "K")
    assert (plan.method, plan.job) == (HoldMethod.PAUSE, "SFC1")


async def test_an_sfc_that_cannot_be_read_hides_no_other_and_may_run() -> None:
    rows = [{"sfc": "ODD"}, {"sfc": "SFC1"}]
    sap = Sap({IN_WORK: rows, DETAIL: by_sfc(ODD={"sfc": "ODD"}, SFC1=sfc("HOLD"))})
    context = await sap.mes().read_production("PRESS")
    assert context.job is not None
    assert context.job.id == "1000042/SFC1"
    assert "SFC ODD" in (context.doubt or "")
    with pytest.raises(ActionRequired, match="it is not known what runs on PRESS: SFC ODD"):
        await sap.mes().plan_hold("PRESS", "K")


async def test_an_sfc_of_an_unknown_status_counts_as_running_and_is_never_read_as_held() -> None:
    sap = Sap({DETAIL: sfc("QUARANTINE")})
    context = await sap.mes().read_production("PRESS")
    assert context.doubt == "SFC SFC1 has the status 'QUARANTINE', which is not known"
    assert (await sap.mes().plan_hold("PRESS", "K")).method is HoldMethod.PAUSE
    assert (await sap.mes().read_hold(PAUSE)).state is HoldState.ABSENT
    assert await sap.mes().place_hold(PAUSE, "reason") is PlaceResult.ACCEPTED


@pytest.mark.parametrize("word", ["HOLD", "DOWN", "disabled", "ENABLED"])
async def test_only_the_status_of_a_block_is_read_as_one(word: str) -> None:
    sap = Sap({RESOURCE: resource(status=word)})
    assert (await sap.mes().read_hold(BLOCK)).state is HoldState.ABSENT
    assert await sap.mes().place_hold(BLOCK, "reason") is PlaceResult.MOVED_ON
    assert sap.written() == []


@pytest.mark.parametrize(
    ("answers", "method", "job", "prior_status"),
    [
        ({}, HoldMethod.PAUSE, "SFC1", None),
        ({RESOURCE: resource(status="DISABLED")}, HoldMethod.PAUSE, "SFC1", None),
        ({DETAIL: sfc("HOLD")}, HoldMethod.BLOCK, "all SFCs", "PRODUCTIVE"),
        ({IN_WORK: [], LISTED: QUEUED}, HoldMethod.BLOCK, "all SFCs", "PRODUCTIVE"),
        ({IN_WORK: [], LISTED: {"content": [7]}}, HoldMethod.BLOCK, "all SFCs", "PRODUCTIVE"),
        (
            {IN_WORK: [], LISTED: QUEUED, RESOURCE: resource(status="UNSCHEDULED_DOWN")},
            HoldMethod.BLOCK,
            "all SFCs",
            "UNSCHEDULED_DOWN",
        ),
        ({DETAIL: sfc("HOLD"), RESOURCE: resource(status="DISABLED")}, HoldMethod.ALREADY_HELD, "all SFCs", None),
        ({IN_WORK: []}, HoldMethod.NOTHING_TO_HOLD, None, None),
        ({IN_WORK: httpx.Response(204)}, HoldMethod.NOTHING_TO_HOLD, None, None),
        ({DETAIL: httpx.Response(404)}, HoldMethod.NOTHING_TO_HOLD, None, None),
    ],
)
async def test_a_plan_is_made_without_a_write(
    answers: dict[str, Any], method: HoldMethod, job: str | None, prior_status: str | None
) -> None:
    sap = Sap(answers)
    plan = await sap.mes().plan_hold("PRESS", "K")
    assert (plan.method, plan.job, plan.prior_status) == (method, job, prior_status)
    assert sap.written() == []


async def test_a_status_that_no_release_could_set_again_is_not_overwritten() -> None:
    sap = Sap({IN_WORK: [], LISTED: QUEUED, RESOURCE: resource(status="SETUP")})
    with pytest.raises(ActionRequired, match="which no release could set again") as caught:
        await sap.mes().plan_hold("PRESS", "K")
    assert caught.value.field == "status"


@pytest.mark.parametrize(
    ("answers", "plan", "result"),
    [
        ({DETAIL: sfc("HOLD")}, PAUSE, PlaceResult.HELD_ALREADY),
        ({IN_WORK: []}, PAUSE, PlaceResult.MOVED_ON),
        ({DETAIL: httpx.Response(404)}, PAUSE, PlaceResult.MOVED_ON),
        ({RESOURCE: resource(status="DISABLED")}, BLOCK, PlaceResult.HELD_ALREADY),
        ({RESOURCE: resource(status="ENABLED")}, BLOCK, PlaceResult.MOVED_ON),
    ],
)
async def test_what_changed_since_the_plan_is_left_alone(
    answers: dict[str, Any], plan: Any, result: PlaceResult
) -> None:
    sap = Sap(answers)
    assert await sap.mes().place_hold(plan, "reason") is result
    assert sap.written() == []


@pytest.mark.parametrize(
    ("answers", "plan", "state"),
    [
        ({DETAIL: sfc("HOLD")}, PAUSE, HoldState.HELD),
        ({DETAIL: sfc("HOLD"), IN_WORK: []}, PAUSE, HoldState.HELD),
        ({}, PAUSE, HoldState.ABSENT),
        ({IN_WORK: []}, PAUSE, HoldState.GONE),
        ({DETAIL: sfc("SCRAPPED"), IN_WORK: []}, PAUSE, HoldState.GONE),
        ({DETAIL: httpx.Response(404)}, PAUSE, HoldState.GONE),
        ({RESOURCE: resource(status="DISABLED")}, BLOCK, HoldState.HELD),
        ({RESOURCE: httpx.Response(404)}, BLOCK, HoldState.GONE),
    ],
)
async def test_the_state_of_a_hold_and_a_release_that_has_nothing_to_do(
    answers: dict[str, Any], plan: Any, state: HoldState
) -> None:
    assert (await Sap(answers).mes().read_hold(plan)).state is state
    sap = Sap(answers)
    if state is not HoldState.HELD:
        assert await sap.mes().release_hold(plan, "done") is state
        assert sap.written() == []


async def test_a_list_with_an_odd_row_does_not_say_that_an_sfc_is_gone() -> None:
    with pytest.raises(ActionRequired, match="it is not known whether SFC SFC1 runs"):
        await Sap({IN_WORK: [{"sfc": ""}]}).mes().read_hold(PAUSE)


async def test_a_plan_of_another_plant_or_resource_is_not_carried_out() -> None:
    other = PAUSE.model_copy(update={"target": TARGET.model_copy(update={"namespace": "P2"})})
    sap = Sap({DETAIL: sfc("HOLD")})
    with pytest.raises(NotProved, match="its namespace was P2 and is P1"):
        await sap.mes().place_hold(other, "reason")
    with pytest.raises(Unavailable, match="the hold is in plant P2, and the settings name P1"):
        await sap.mes().release_hold(other, "done")
    assert sap.written() == []


async def test_a_plan_without_a_call_is_not_called() -> None:
    for method in (HoldMethod.ALREADY_HELD, HoldMethod.NOTHING_TO_HOLD, HoldMethod.REVOKE_START):
        plan = PAUSE.model_copy(update={"method": method})
        sap = Sap()
        assert await sap.mes().place_hold(plan, "reason") is PlaceResult.MOVED_ON
        assert (await sap.mes().read_hold(plan)).state is HoldState.ABSENT
        assert await sap.mes().release_hold(plan, "done") is HoldState.ABSENT
        assert sap.asked == []


async def test_a_block_whose_plan_has_no_status_of_before_is_for_a_person() -> None:
    plan = BLOCK.model_copy(update={"prior_status": None})
    with pytest.raises(ActionRequired, match="does not say which status PRESS had"):
        await Sap({RESOURCE: resource(status="DISABLED")}).mes().release_hold(plan, "done")


async def test_a_hold_that_is_refused_is_told_unless_somebody_was_first() -> None:
    refused = httpx.Response(400, json={"displayMessage": "SFC is on hold"})
    with pytest.raises(Refused, match="SFC is on hold"):
        await Sap({HOLD: refused}).mes().place_hold(PAUSE, "reason")
    forbidden = httpx.Response(403, json={"message": "no scope"})
    with pytest.raises(ActionRequired, match="no scope"):
        await Sap({STATUS: forbidden}).mes().place_hold(BLOCK, "reason")


async def test_the_work_list_is_read_page_by_page_and_not_for_ever() -> None:
    row = {"sfc": "N", "status": status("NEW")}
    sap = Sap({IN_WORK: [], LISTED: lambda _: httpx.Response(200, json={"content": [row], "totalPages": 99})})
    context = await sap.mes().read_production("PRESS")
    assert context.job is not None
    assert (context.job.id, context.job.state) == ("N", JobState.NOT_ALLOWED_TO_START)
    assert [body["page"] for path, body in sap.asked if path == LISTED] == ["0", "1", "2", "3", "4"]


async def test_the_states_of_many_machines_are_read_and_one_that_is_not_known_hides_no_other() -> None:
    sap = Sap({RESOURCE: lambda asked: resource() if asked.url.params["resource"] == "PRESS" else {}})
    states = await sap.mes().read_states({"PRESS", "NOSUCH"})
    assert states["PRESS"].word == "PRODUCTIVE"
    assert states["NOSUCH"].state is MachineState.UNKNOWN
    assert "the MES does not know equipment NOSUCH" in states["NOSUCH"].word
