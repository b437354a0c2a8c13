"""What the MES can be told to do wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from asyncua import Client, ua

from sandbox.faults import Fault

if TYPE_CHECKING:
    from tests.sandbox.jobcontrol.conftest import Mes

LOST = (ConnectionError, asyncio.TimeoutError, asyncio.CancelledError, ua.UaError)


@pytest.fixture
async def connected(mes: Mes) -> AsyncIterator[Mes]:
    await mes.client.disconnect()
    mes.faults.clear()
    await mes.connect()
    yield mes
    mes.faults.clear()


async def lose(mes: Mes, method: str, job: str) -> None:
    """Call, and have the connection cut before an answer."""
    with pytest.raises(LOST):
        await asyncio.wait_for(mes.call(method, job, "MW-FAULT"), 5)
    await mes.client.disconnect()
    await mes.connect()


def fault(operation: str, kind: str, **params: str | float) -> Fault:
    return Fault("jobcontrol", operation, kind, params=params)


async def test_commit_then_drop_places_the_hold_and_loses_the_answer(connected: Mes) -> None:
    job = await connected.job_in(3)
    connected.faults.add(fault("Pause", "commit_then_drop"))
    await lose(connected, "Pause", job)
    assert await connected.state(job) == 4
    assert connected.server.holds()[-1].job == job


@pytest.mark.parametrize(("kind", "params"), [("drop_then_nothing", {}), ("timeout", {"delay": 0.05})])
async def test_a_call_dropped_before_the_work_changes_nothing(
    connected: Mes, kind: str, params: dict[str, float]
) -> None:
    job = await connected.job_in(3)
    connected.faults.add(fault("Pause", kind, **params))
    await lose(connected, "Pause", job)
    assert await connected.state(job) == 3
    assert job not in [hold.job for hold in connected.server.holds()]


@pytest.mark.parametrize("code", [16, 8])
async def test_a_refusal_answers_with_the_return_status_asked_for(connected: Mes, code: int) -> None:
    job = await connected.job_in(3)
    connected.faults.add(fault("Pause", "refuse_field", field="JobOrderID", code=str(code)))
    assert await connected.call("Pause", job, "MW-F") == code
    assert await connected.state(job) == 3
    assert await connected.call("Pause", job, "MW-F") == 1


async def test_status_500_is_uncertain_and_does_nothing(connected: Mes) -> None:
    job = await connected.job_in(3)
    connected.faults.add(fault("*", "status_500"))
    with pytest.raises(ua.UaStatusCodeError) as answer:
        await connected.call("Pause", job, "MW-F")
    assert answer.value.code == ua.StatusCodes.Uncertain
    assert await connected.state(job) == 3


async def test_a_slow_answer_comes_all_the_same(connected: Mes) -> None:
    job = await connected.job_in(3)
    connected.faults.add(fault("Pause", "slow", seconds=0.05))
    assert await connected.call("Pause", job, "MW-F") == 1


async def test_a_read_of_the_list_can_be_dropped_while_others_stay_connected(connected: Mes) -> None:
    async with Client(connected.server.url, timeout=5) as bystander:
        connected.faults.add(fault("read", "drop_then_nothing"))
        with pytest.raises(LOST):
            await asyncio.wait_for(connected.rows(), 5)
        assert await bystander.get_namespace_array()
    await connected.client.disconnect()
    await connected.connect()


BUSY_OR_EXPIRED = pytest.mark.parametrize(
    ("kind", "refusal"),
    [("session_expired", ua.uaerrors.BadSessionIdInvalid), ("status_429", ua.uaerrors.BadTooManyOperations)],
)


@BUSY_OR_EXPIRED
async def test_a_call_under_an_ended_session_or_on_a_busy_server_does_nothing(
    connected: Mes, kind: str, refusal: type[ua.UaError]
) -> None:
    job = await connected.job_in(3)
    connected.faults.add(fault("Pause", kind))
    with pytest.raises(refusal):
        await connected.call("Pause", job, "MW-FAULT")
    assert await connected.state(job) == 3


@BUSY_OR_EXPIRED
async def test_a_reading_under_an_ended_session_or_on_a_busy_server_fails_once(
    connected: Mes, kind: str, refusal: type[ua.UaError]
) -> None:
    connected.faults.add(fault("read", kind))
    with pytest.raises(refusal):
        await connected.rows()
    assert await connected.rows()


async def test_a_list_is_answered_backwards_or_with_a_job_twice_and_then_as_it_is(connected: Mes) -> None:
    jobs = [row.JobOrder.JobOrderID for row in await connected.rows()]
    connected.faults.add(fault("read", "reorder_answers"))
    assert [row.JobOrder.JobOrderID for row in await connected.rows()] == jobs[::-1]
    connected.faults.add(fault("read", "duplicate_answer"))
    assert [row.JobOrder.JobOrderID for row in await connected.rows()] == [*jobs, jobs[0]]
    assert [row.JobOrder.JobOrderID for row in await connected.rows()] == jobs


async def test_a_server_that_is_down_cuts_and_refuses_until_it_is_up_again(connected: Mes) -> None:
    connected.faults.add(fault("*", "down"))
    with pytest.raises(LOST):
        await asyncio.wait_for(connected.rows(), 5)
    with pytest.raises(LOST):
        await asyncio.wait_for(Client(connected.server.url, timeout=1).connect(), 5)
    connected.faults.clear()
    async with asyncio.timeout(10):
        while True:
            try:
                async with Client(connected.server.url, timeout=1) as client:
                    assert await client.get_namespace_array()
                    break
            except LOST:
                continue
    await connected.client.disconnect()
    await connected.connect()


def test_a_kind_this_server_cannot_show_is_refused(mes: Mes) -> None:
    with pytest.raises(ValueError, match="jobcontrol cannot show 'html'"):
        mes.faults.add(fault("*", "html"))
