"""When the steps of cases begin: judging goes first, and no step waits for ever."""

import asyncio

import pytest

from millwright.worker import precedence
from millwright.worker.precedence import Precedence


class Loop:
    """Steps that run until they are let go, beside judging as the test says."""

    def __init__(self) -> None:
        self.judging = False
        self.began = 0
        self.let_go = asyncio.Event()
        self._precedence = Precedence(lambda: self.judging)
        self._tasks: list[asyncio.Task[None]] = []

    def ask(self, count: int) -> None:
        self._tasks += [asyncio.create_task(self._step()) for _ in range(count)]

    async def have_begun(self, count: int) -> None:
        while True:
            if self.began >= count:
                return
            await asyncio.sleep(0)

    async def end(self) -> None:
        self.let_go.set()
        await asyncio.gather(*self._tasks)

    async def _step(self) -> None:
        async with self._precedence.step():
            self.began += 1
            await self.let_go.wait()


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time is so long that a step begins beside judging."""
    monkeypatch.setattr(precedence, "_APART", 1e9)
    monkeypatch.setattr(precedence, "_LONGEST", 1e9)


@pytest.mark.usefixtures("never")
async def test_a_step_begins_at_once_where_nothing_is_judged() -> None:
    loop = Loop()
    loop.ask(3)
    await asyncio.wait_for(loop.have_begun(3), 5)
    await loop.end()


@pytest.mark.usefixtures("never")
async def test_a_step_begins_when_judging_has_ended() -> None:
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
async def test_steps_begin_one_by_one_though_judging_does_not_end(passed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "_APART", 1e9)
    monkeypatch.setattr(precedence, "_LONGEST", 1e9)
    monkeypatch.setattr(precedence, passed, 0.0)
    loop = Loop()
    loop.judging = True
    loop.ask(20)
    await asyncio.wait_for(loop.have_begun(20), 5)
    await loop.end()


@pytest.mark.usefixtures("never")
async def test_a_step_that_waits_for_its_vendor_keeps_nobody_from_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "_LONGEST", 0.0)
    loop = Loop()
    loop.ask(50)
    await asyncio.wait_for(loop.have_begun(50), 5)
    assert not loop.let_go.is_set()
    await loop.end()


@pytest.mark.usefixtures("never")
async def test_steps_that_wait_for_a_silent_vendor_slow_nobody_where_nothing_is_judged() -> None:
    loop = Loop()
    loop.ask(precedence._AT_ONCE)
    await asyncio.wait_for(loop.have_begun(precedence._AT_ONCE), 5)
    loop.ask(5)
    await asyncio.wait_for(loop.have_begun(precedence._AT_ONCE + 5), 5)
    assert not loop.let_go.is_set()
    await loop.end()


@pytest.mark.usefixtures("never")
async def test_a_step_that_was_cancelled_while_it_waited_is_passed_over() -> None:
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
