"""When the transactions of cases begin: judging goes first, and none waits for ever."""

import asyncio

import pytest

from millwright.worker import precedence
from millwright.worker.precedence import Precedence


class Loop:
    """Transactions that run until they are let go, beside judging as the test says."""

    def __init__(self) -> None:
        self.judging = False
        self.began = 0
        self.let_go = asyncio.Event()
        self._precedence = Precedence(lambda: self.judging)
        self._tasks: list[asyncio.Task[None]] = []

    def ask(self, count: int) -> None:
        self._tasks += [asyncio.create_task(self._transact()) for _ in range(count)]

    async def have_begun(self, count: int) -> None:
        while True:
            if self.began >= count:
                return
            await asyncio.sleep(0)

    async def end(self) -> None:
        self.let_go.set()
        await asyncio.gather(*self._tasks)

    async def _transact(self) -> None:
        async with self._precedence.turn():
            self.began += 1
            await self.let_go.wait()


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time is so long that a transaction begins beside judging."""
    monkeypatch.setattr(precedence, "_APART", 1e9)
    monkeypatch.setattr(precedence, "_LONGEST", 1e9)


@pytest.mark.usefixtures("never")
async def test_a_transaction_begins_at_once_where_nothing_is_judged() -> None:
    loop = Loop()
    loop.ask(precedence._AT_ONCE)
    await asyncio.wait_for(loop.have_begun(precedence._AT_ONCE), 5)
    await loop.end()


@pytest.mark.usefixtures("never")
async def test_a_transaction_begins_when_judging_has_ended() -> None:
    loop = Loop()
    loop.judging = True
    loop.ask(2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert loop.began == 0
    loop.judging = False
    await asyncio.wait_for(loop.have_begun(2), 5)
    await loop.end()


@pytest.mark.parametrize("passed", ["_APART", "_LONGEST"])
async def test_they_begin_one_by_one_though_judging_does_not_end(passed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "_APART", 1e9)
    monkeypatch.setattr(precedence, "_LONGEST", 1e9)
    monkeypatch.setattr(precedence, passed, 0.0)
    loop = Loop()
    loop.judging = True
    loop.ask(20)
    await asyncio.wait_for(loop.have_begun(20), 5)
    await loop.end()


@pytest.mark.usefixtures("never")
async def test_few_go_on_at_once_where_nothing_is_judged_and_the_next_begins_when_one_has_ended() -> None:
    loop = Loop()
    loop.ask(precedence._AT_ONCE + 5)
    for _ in range(20):
        await asyncio.sleep(0)
    assert loop.began == precedence._AT_ONCE
    await asyncio.wait_for(loop.end(), 5)
    assert loop.began == precedence._AT_ONCE + 5


@pytest.mark.usefixtures("never")
async def test_those_that_wait_for_a_lock_keep_the_others_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop()
    loop.ask(precedence._AT_ONCE)
    await asyncio.wait_for(loop.have_begun(precedence._AT_ONCE), 5)
    monkeypatch.setattr(precedence, "_LONGEST", 0.0)
    loop.ask(5)
    await asyncio.wait_for(loop.have_begun(precedence._AT_ONCE + 5), 5)
    assert not loop.let_go.is_set()
    await loop.end()


@pytest.mark.usefixtures("never")
async def test_one_that_was_cancelled_while_it_waited_is_passed_over() -> None:
    loop = Loop()
    loop.judging = True
    loop.ask(1)
    await asyncio.sleep(0)
    (first,) = loop._tasks
    first.cancel()
    await asyncio.wait({first})
    loop._tasks.clear()
    loop.ask(1)
    loop.judging = False
    await asyncio.wait_for(loop.have_begun(1), 5)
    await loop.end()
