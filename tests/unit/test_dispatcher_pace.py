"""When the dispatcher signals, and when it leaves a subject alone."""

from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.storage.due import DueSubject
from millwright.worker.dispatcher import Dispatcher
from tests.judged_plant import WakeCounter
from tests.plant import START, TestClock


class Turns:
    """Wall time as the test tells it."""

    def __init__(self, storage: AsyncEngine) -> None:
        self.now = 100.0
        self.woken = WakeCounter()
        self._dispatcher = Dispatcher(storage, self.woken, TestClock(START))

    async def see(self, after: float, due: Sequence[DueSubject]) -> list[str]:
        self.now += after
        before = len(self.woken.woken)
        await self._dispatcher.dispatch(due, self.now)
        return self.woken.woken[before:]


@pytest.fixture
def turns(storage_engine: AsyncEngine) -> Turns:
    return Turns(storage_engine)


async def test_a_line_at_rest_is_signalled_at_once(turns: Turns) -> None:
    assert await turns.see(0, [DueSubject("line/A", 1, 0)]) == ["line/A"]


async def test_a_line_that_is_being_judged_is_left_alone_until_patience_ends(turns: Turns) -> None:
    await turns.see(0, [DueSubject("line/A", 1, 0)])
    assert await turns.see(0.5, [DueSubject("line/A", 90, 0)]) == []
    assert await turns.see(0.6, [DueSubject("line/A", 91, 0)]) == ["line/A"]


async def test_a_line_that_is_woken_as_soon_as_it_rests_gathers_longer_each_time(turns: Turns) -> None:
    signals, rests = 0, 0
    for _ in range(200):
        found = await turns.see(0.01, [DueSubject("line/A", rests, rests)])
        signals += len(found)
        rests += len(found)
    assert signals <= 12


async def test_a_line_that_had_time_to_rest_is_signalled_at_once_again(turns: Turns) -> None:
    await turns.see(0, [DueSubject("line/A", 1, 0)])
    assert await turns.see(0.2, []) == []
    assert await turns.see(0.01, [DueSubject("line/A", 2, 1)]) == ["line/A"]


async def test_a_case_that_is_woken_again_is_signalled_again_soon(turns: Turns) -> None:
    await turns.see(0, [DueSubject("case/A", 1, 0)])
    assert await turns.see(0.01, [DueSubject("case/A", 2, 0)]) == []
    assert await turns.see(0.06, [DueSubject("case/A", 2, 0)]) == ["case/A"]
