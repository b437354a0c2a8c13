"""No request is made that the vendor's limit would refuse."""

import asyncio
from datetime import timedelta

import httpx
from hypothesis import given
from hypothesis import strategies as st

from connectors.call import Call
from connectors.http import JsonSystem, VendorFault
from connectors.pace import Pace


class Time:
    """A clock that goes on by waiting only."""

    def __init__(self) -> None:
        self.now = 1000.0

    def seconds(self) -> float:
        return self.now

    async def wait(self, seconds: float) -> None:
        self.now += seconds


@given(st.integers(1, 5), st.lists(st.integers(0, 90), min_size=1, max_size=40))
def test_no_minute_has_more_turns_than_the_limit_and_none_waits_without_need(most: int, pauses: list[int]) -> None:
    time = Time()
    pace = Pace(most, time.seconds, time.wait)
    turns: list[float] = []

    async def ask() -> None:
        for pause in pauses:
            await time.wait(pause)
            asked = time.now
            await pace.turn()
            free = turns[-most] + 61 if len(turns) >= most else asked
            assert time.now == max(asked, free)
            turns.append(time.now)

    asyncio.run(ask())
    assert all(later - earlier >= 61 for earlier, later in zip(turns, turns[most:], strict=False))


async def test_those_who_wait_get_their_turns_in_the_order_in_which_they_asked() -> None:
    time = Time()
    pace = Pace(1, time.seconds, time.wait)
    served: list[int] = []

    async def ask(number: int) -> None:
        await pace.turn()
        served.append(number)

    await asyncio.gather(*(ask(number) for number in range(5)))
    assert served == [0, 1, 2, 3, 4]
    assert time.now == 1244.0


async def test_without_a_limit_nobody_waits() -> None:
    time = Time()
    pace = Pace(None, time.seconds, time.wait)
    for _ in range(1000):
        await pace.turn()
    assert time.now == 1000.0


async def test_a_connector_sends_no_more_in_a_minute_than_its_setting_says() -> None:
    asked = 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(200, json={})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        system = JsonSystem(
            http, timeout=timedelta(seconds=5), concurrency=4, a_minute=3, read_fault=lambda _: VendorFault()
        )
        call = Call("vendor", "do-something")
        sending = [asyncio.create_task(system.send(call, "GET", "http://vendor.test/")) for _ in range(5)]
        done, waiting = await asyncio.wait(sending, timeout=0.2)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
    assert (len(done), len(waiting), asked) == (3, 2, 3)
