"""The contract as a client meets it: browse path, types, return codes by state, holds."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from asyncua import Client, ua

from sandbox.jobcontrol import JobControlServer

if TYPE_CHECKING:
    from tests.sandbox.jobcontrol.conftest import Mes, TestClock

OK, UNKNOWN, INVALID_STATUS, UNABLE, INVALID_REQUEST = 1, 2, 8, 16, 1 << 32
METHODS = ("Start", "RevokeStart", "Pause", "Resume", "Stop", "Abort", "Cancel", "Clear", "Update")
# by StateNumber: what each method leads to, a missing one being refused with INVALID_STATUS; None: gone from the list
LEADS_TO: dict[int, dict[str, int | None]] = {
    1: {"Start": 2, "Abort": 6, "Cancel": None, "Update": 1},
    2: {"RevokeStart": 1, "Abort": 6, "Cancel": None, "Update": 2},
    3: {"Pause": 4, "Stop": 5, "Abort": 6},
    4: {"Resume": 3, "Stop": 5, "Abort": 6},
    5: {"Clear": None},
    6: {"Clear": None},
}


async def job_in_state(mes: Mes, state: int, name: str) -> str:
    if state in (1, 2):
        method = {1: "Store", 2: "StoreAndStart"}[state]
        assert await mes.call(method, mes.order(name, "EQ-001")) == OK
        return name
    job = await mes.job_in(3)
    for method in {3: (), 4: ("Pause",), 5: ("Stop",), 6: ("Abort",)}[state]:
        assert await mes.call(method, job) == OK
    return job


async def planned_stops(mes: Mes) -> list[Any]:
    return [row for row in await mes.rows() if "PLANNED-STOP" in [each.ID for each in row.JobOrder.WorkMasterID or ()]]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("state", LEADS_TO)
async def test_each_method_answers_and_acts_by_the_state_of_the_job(mes: Mes, state: int, method: str) -> None:
    job = await job_in_state(mes, state, f"T-{state}-{method}")
    subject = mes.order(job, "EQ-002") if method == "Update" else job
    allowed = method in LEADS_TO[state]
    assert await mes.call(method, subject) == (OK if allowed else INVALID_STATUS)
    listed = {row.JobOrder.JobOrderID: row.State[0].StateNumber for row in await mes.rows()}
    assert listed.get(job) == (LEADS_TO[state][method] if allowed else state)
    for clean_up in ("Abort", "Clear"):
        if state in (1, 2):
            await mes.call(clean_up, job)


@pytest.mark.parametrize("method", METHODS)
async def test_an_unknown_job_is_answered_with_2(mes: Mes, method: str) -> None:
    subject = mes.order("JO-EQ-001-000001", "EQ-001") if method == "Update" else "JO-EQ-001-000001"
    assert await mes.call(method, subject) == UNKNOWN


@pytest.mark.parametrize("method", [*METHODS, "Store", "StoreAndStart"])
async def test_an_order_or_id_that_says_nothing_is_an_invalid_request_and_never_bad(mes: Mes, method: str) -> None:
    subject = mes.order("", "EQ-001") if method in ("Store", "StoreAndStart", "Update") else ""
    assert await mes.call(method, subject) == INVALID_REQUEST


async def test_an_order_for_equipment_that_is_not_here_is_not_accepted(mes: Mes) -> None:
    assert await mes.call("Store", mes.order("X-1", "EQ-999")) == UNABLE
    assert await mes.call("Store", mes.order("X-1")) == UNABLE


async def test_an_order_id_is_stored_once(mes: Mes) -> None:
    assert await mes.call("Store", mes.order("X-2", "EQ-001")) == OK
    assert await mes.call("Store", mes.order("X-2", "EQ-001")) == UNABLE
    assert await mes.call("Cancel", "X-2") == OK


async def test_no_more_orders_are_stored_than_max_downloadable_job_orders(mes: Mes) -> None:
    receiver = await mes.node("JobOrderControl")
    limit = await (await receiver.get_child(f"{mes.isa}:MaxDownloadableJobOrders")).read_value()
    answers = [await mes.call("Store", mes.order(f"MANY-{n}", "EQ-001")) for n in range(limit + 1)]
    assert answers == [OK] * limit + [UNABLE]
    assert [await mes.call("Cancel", f"MANY-{n}") for n in range(limit)] == [OK] * limit


async def test_a_later_planned_job_cannot_be_started_out_of_turn(mes: Mes) -> None:
    later = next(
        row.JobOrder.JobOrderID
        for row in await mes.rows()
        if row.State[0].StateNumber == 1 and row.JobOrder.JobOrderID.startswith("JO-")
    )
    assert await mes.call("Start", later) == UNABLE


async def test_the_planners_own_jobs_are_not_updated_by_clients(mes: Mes) -> None:
    job = await mes.job_in(2)
    assert await mes.call("Update", mes.order(job, "EQ-001")) == UNABLE


async def test_a_planned_stop_is_listed_for_its_whole_line_and_cannot_be_touched(mes: Mes) -> None:
    stops = await planned_stops(mes)
    assert len(stops) == 3
    covered = {required.ID for row in stops for required in row.JobOrder.EquipmentRequirements}
    assert len(covered) == 60
    for row in stops:
        assert row.JobOrder.EndTime - row.JobOrder.StartTime == timedelta(hours=6)
        assert row.State[0].StateNumber == 1
    stop = stops[0].JobOrder.JobOrderID
    answers = [await mes.call(method, stop) for method in ("Start", "Abort", "Pause", "RevokeStart")]
    assert answers == [UNABLE, UNABLE, INVALID_STATUS, INVALID_STATUS]


async def test_every_job_carries_its_equipment_times_and_remaining_quantity(mes: Mes) -> None:
    row = await mes.row(await mes.job_in(3))
    order = row.JobOrder
    names = [parameter.ID for parameter in order.JobOrderParameters]
    assert names == ["PlannedQuantity", "RemainingQuantity", "QuantityPerHour", "RemainingQuantityAsOf"]
    assert order.StartTime <= mes.clock.now() < order.EndTime
    assert order.JobOrderID.startswith(f"JO-{order.EquipmentRequirements[0].ID}-")


async def test_the_first_state_has_no_browse_path_and_a_held_job_shows_its_substate(mes: Mes) -> None:
    job = await mes.job_in(3)
    await mes.call("Pause", job, "MW-SUB")
    top, substate = (await mes.row(job)).State
    assert (top.StateText.Text, top.BrowsePath.Elements) == ("Interrupted", [])
    assert (substate.StateText.Text, substate.StateNumber) == ("Suspended", 2)
    assert substate.BrowsePath.Elements[0].TargetName.Name == "InterruptedSubstates"


async def test_a_pause_with_a_comment_is_a_hold_until_the_job_resumes(mes: Mes) -> None:
    job = await mes.job_in(3)
    placed = mes.clock.now()
    assert await mes.call("Pause", job, "MW-7F3A9C21 Lager · 軸受") == OK
    await mes.pass_time(hours=2)
    assert await mes.state(job) == 4
    hold = mes.server.holds()[-1]
    assert (hold.job, hold.placed, hold.released, hold.method) == (job, placed, None, "Pause")
    assert hold.key == "MW-7F3A9C21 Lager · 軸受"
    assert hold.equipment == f"EQ-{hold.machine:03d}"
    assert await mes.call("Resume", job) == OK
    assert mes.server.holds()[-1].released == mes.clock.now() == placed + timedelta(hours=2)


async def test_a_revoked_start_with_a_comment_is_a_hold_until_the_job_may_start(mes: Mes) -> None:
    job = await mes.job_in(2)
    assert await mes.call("RevokeStart", job, "MW-R") == OK
    await mes.pass_time(hours=9)
    assert await mes.state(job) == 1
    assert await mes.call("Start", job) == OK
    assert await mes.state(job) == 2
    await mes.pass_time(seconds=1)
    assert await mes.state(job) == 3
    hold = next(row for row in mes.server.holds() if row.key == "MW-R")
    assert (hold.method, hold.released_by) == ("RevokeStart", "Start")
    assert hold.released == hold.placed + timedelta(hours=9)


@pytest.mark.parametrize("comment", [None, ""])
async def test_a_pause_that_was_refused_or_says_nothing_is_no_hold(mes: Mes, comment: str | None) -> None:
    job = await mes.job_in(3)
    before = len(mes.server.holds())
    assert await mes.call("Pause", job, comment) == OK
    assert await mes.call("Pause", job, "MW-LATE") == INVALID_STATUS
    assert len(mes.server.holds()) == before


async def test_a_released_job_ends_later_by_the_time_it_was_held(mes: Mes) -> None:
    job = await mes.job_in(3)
    end = (await mes.row(job)).JobOrder.EndTime
    stops = [row.JobOrder for row in await planned_stops(mes)]
    await mes.call("Pause", job, "MW-E")
    await mes.pass_time(minutes=40)
    await mes.call("Resume", job)
    moved = end + timedelta(minutes=40)
    equipment = (await mes.row(job)).JobOrder.EquipmentRequirements[0].ID
    stop = next(s for s in stops if equipment in [required.ID for required in s.EquipmentRequirements])
    crossing = timedelta(hours=6) if end <= stop.StartTime < moved else timedelta()
    assert (await mes.row(job)).JobOrder.EndTime == moved + crossing


async def test_a_subscriber_sees_the_list_change(mes: Mes) -> None:
    job = await mes.job_in(3)
    interrupted = asyncio.Event()

    class Handler:
        def datachange_notification(self, _node: object, value: list[Any], _data: object) -> None:
            states = [row.State[0].StateNumber for row in value if row.JobOrder.JobOrderID == job]
            if states == [4]:
                interrupted.set()

    receiver = await mes.node("JobOrderControl")
    subscription = await mes.client.create_subscription(10, Handler())
    await subscription.subscribe_data_change(await receiver.get_child(f"{mes.isa}:JobOrderList"))
    await mes.call("Pause", job, "MW-S")
    await asyncio.wait_for(interrupted.wait(), 5)
    await subscription.delete()


async def test_a_response_by_id_tells_the_actual_times(mes: Mes) -> None:
    job = await mes.job_in(3)
    await mes.call("Stop", job)
    provider = await mes.node("JobOrderResults")
    response, status = await provider.call_method(f"{mes.isa}:RequestJobResponseByJobOrderID", job)
    assert (status, response.JobOrderID, response.JobState[0].StateNumber) == (OK, job, 5)
    assert response.StartTime < response.EndTime == mes.clock.now()


async def test_a_response_by_an_unknown_id_is_empty_and_2(mes: Mes) -> None:
    provider = await mes.node("JobOrderResults")
    response, status = await provider.call_method(f"{mes.isa}:RequestJobResponseByJobOrderID", "nobody's")
    assert (status, response.JobOrderID or "") == (UNKNOWN, "")


async def test_a_job_that_has_not_started_has_no_response_yet(mes: Mes) -> None:
    job = await mes.job_in(2)
    provider = await mes.node("JobOrderResults")
    by_id = await provider.call_method(f"{mes.isa}:RequestJobResponseByJobOrderID", job)
    waiting = ua.Variant([ua.ISA95StateDataType(StateNumber=2)], ua.VariantType.ExtensionObject, is_array=True)
    by_state = await provider.call_method(f"{mes.isa}:RequestJobResponseByJobOrderState", waiting)
    assert (by_id[0].JobOrderID or "", by_id[1]) == ("", UNKNOWN)
    assert (list(by_state[0] or []), by_state[1]) == ([], OK)


async def test_responses_by_state_are_those_of_that_state(mes: Mes) -> None:
    provider = await mes.node("JobOrderResults")
    wanted = ua.Variant([ua.ISA95StateDataType(StateNumber=3)], ua.VariantType.ExtensionObject, is_array=True)
    responses, status = await provider.call_method(f"{mes.isa}:RequestJobResponseByJobOrderState", wanted)
    running = {r.JobOrder.JobOrderID for r in await mes.rows() if r.State[0].StateNumber == 3}
    assert status == OK
    assert {response.JobOrderID for response in responses} == running


async def test_only_known_users_come_in_where_there_are_users(clock: TestClock) -> None:
    server = JobControlServer(None, clock, [(1, "EQ-001", "LINE-1")], users={"millwright": "s3cret"})
    await server.start()
    try:
        known = Client(server.url, timeout=5)
        known.set_user("millwright")
        known.set_password("s3cret")
        async with known:
            assert len(await known.get_namespace_array()) == 4
        stranger = Client(server.url, timeout=5)
        with pytest.raises(ua.UaError):
            await stranger.connect()
    finally:
        await server.stop()
