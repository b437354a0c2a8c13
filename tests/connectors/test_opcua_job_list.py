"""One reading of the MES's job list for all who ask at once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from connectors.call import Call
from connectors.mes.opcua_job_control.job_list import SharedJobList
from connectors.mes.opcua_job_control.models import JobOrderRow, JobOrders
from domain.errors import Unavailable
from tests.support.plant import TestClock

NOW = datetime(2015, 1, 5, 8, 0, tzinfo=UTC)
CALL = Call("fake", "read-production")


class Server:
    """Answers when it is let, with one job named after how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = asyncio.Event()
        self.away = False

    async def read(self, call: Call) -> JobOrders:
        self.asked += 1
        number = self.asked
        await self.answers.wait()
        if self.away:
            raise Unavailable("no answer", system="mes", operation=call.operation)
        return JobOrders(rows=(JobOrderRow(receiver="r", id=f"J{number}", state=3),))


def shared(server: Server, clock: TestClock, seconds: float = 60) -> SharedJobList:
    return SharedJobList(server.read, clock, timedelta(seconds=seconds))


async def test_a_hundred_who_ask_at_once_are_served_by_one_reading() -> None:
    server, clock = Server(), TestClock(NOW)
    jobs = shared(server, clock)
    asking = [asyncio.create_task(jobs.recent(CALL)) for _ in range(100)]
    await asyncio.sleep(0)
    server.answers.set()
    found = await asyncio.gather(*asking)
    assert server.asked == 1
    assert {(reading.orders.rows[0].id, reading.read_at) for reading in found} == {("J1", NOW)}


async def test_whoever_began_a_reading_may_go_without_taking_it_from_the_others() -> None:
    server, clock = Server(), TestClock(NOW)
    jobs = shared(server, clock)
    first, second = asyncio.create_task(jobs.recent(CALL)), asyncio.create_task(jobs.recent(CALL))
    await asyncio.sleep(0)
    first.cancel()
    server.answers.set()
    assert (await second).orders.rows[0].id == "J1"


async def test_a_reading_that_fails_fails_for_all_who_waited_and_the_next_asks_again() -> None:
    server, clock = Server(), TestClock(NOW)
    server.away = True
    server.answers.set()
    jobs = shared(server, clock)
    told = await asyncio.gather(jobs.recent(CALL), jobs.recent(CALL), return_exceptions=True)
    assert [type(error) for error in told] == [Unavailable, Unavailable]
    server.away = False
    assert (await jobs.recent(CALL)).orders.rows[0].id == "J2"
    assert server.asked == 2


@pytest.mark.parametrize(("older", "asked"), [(timedelta(seconds=60), 1), (timedelta(seconds=61), 2)])
async def test_a_reading_serves_no_longer_than_it_may_by_the_plants_clock(older: timedelta, asked: int) -> None:
    server, clock = Server(), TestClock(NOW)
    server.answers.set()
    jobs = shared(server, clock)
    await jobs.recent(CALL)
    clock.time += older
    await jobs.recent(CALL)
    assert server.asked == asked


async def test_after_a_command_of_ours_nobody_is_served_what_was_read_before_it() -> None:
    server, clock = Server(), TestClock(NOW)
    jobs = shared(server, clock)
    before = asyncio.create_task(jobs.recent(CALL))
    await asyncio.sleep(0)
    jobs.forget()
    after = asyncio.create_task(jobs.recent(CALL))
    await asyncio.sleep(0)
    server.answers.set()
    assert [reading.orders.rows[0].id for reading in await asyncio.gather(before, after)] == ["J1", "J2"]
    assert (await jobs.recent(CALL)).orders.rows[0].id == "J2"
