"""Lines that stay with who judged them: when they are judged, and when they are left."""

import asyncio
import time

import pytest

from activities import attendance
from activities.attendance import Attendance, Pace, Pass
from domain.errors import StorageUnavailable

RESTED = Pass(1, (), 1, many=False, rested=True)


class Line:
    """A line whose passes are as the test says; each waits until it is let go."""

    def __init__(self, *passes: Pass | Exception) -> None:
        self.passes = list(passes)
        self.began: asyncio.Queue[int] = asyncio.Queue()
        self.let_go = asyncio.Semaphore(0)
        self.ended = 0
        self.leavings = 0

    async def judge(self, line: str) -> Pass:
        assert line == "A"
        self.began.put_nowait(len(self.passes))
        await self.let_go.acquire()
        result = self.passes.pop(0)
        if isinstance(result, Exception):
            raise result
        self.ended += 1
        return result

    async def leave(self, line: str) -> None:
        assert line == "A"
        self.leavings += 1


def attended(line: Line, last: Pass = RESTED) -> Attendance:
    made = Attendance()
    assert made.attend("A", last, Pace(time.monotonic()), line.judge, line.leave)
    return made


async def left(made: Attendance) -> None:
    """Waits until nobody attends the line."""
    while True:
        if not made.attends("A"):
            return
        await asyncio.sleep(0)


async def test_an_attended_line_is_judged_when_it_is_called() -> None:
    line = Line(Pass(3, (), 2, many=False, rested=True))
    made = attended(line)
    assert made.call("A", 2)
    await line.began.get()
    line.let_go.release()
    await made.end()
    assert line.ended == 1


async def test_what_was_judged_already_is_not_judged_for_a_call_that_came_late() -> None:
    made = attended(line := Line())
    made.call("A", RESTED.generation)
    await made.end()
    assert line.began.empty()


async def test_what_came_during_a_pass_is_judged_by_the_next_without_a_call() -> None:
    line = Line(Pass(3, (), 2, many=True, rested=False), Pass(1, (), 3, many=False, rested=True))
    made = attended(line)
    made.call("A", 2)
    for _ in range(2):
        await line.began.get()
        line.let_go.release()
    await made.end()
    assert line.ended == 2


async def test_a_line_is_attended_once_however_often_its_watch_asks() -> None:
    made = attended(Line())
    other = Line()
    assert made.attend("A", RESTED, Pace(0), other.judge, other.leave)
    made.call("A", 2)
    await made.end()
    assert other.began.empty()


async def test_a_pass_that_fails_leaves_the_line_to_its_watch() -> None:
    line = Line(StorageUnavailable("away"))
    made = attended(line)
    made.call("A", 2)
    line.let_go.release()
    await asyncio.wait_for(left(made), 5)
    assert not made.call("A", 3)


async def test_who_finds_that_another_has_judged_leaves_the_line() -> None:
    line = Line(Pass(0, (), 2, many=False, rested=True))
    made = attended(line)
    made.call("A", 2)
    line.let_go.release()
    await asyncio.wait_for(left(made), 5)
    assert line.leavings == 0


async def test_a_line_to_which_nothing_comes_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attendance, "_QUIET", 0.0)
    await asyncio.wait_for(left(attended(Line())), 5)


async def test_a_line_is_left_to_its_watch_now_and_then_however_much_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attendance, "_AT_MOST", 0.0)
    line = Line(Pass(1, (), 2, many=True, rested=False), Pass(1, (), 3, many=True, rested=True))
    made = attended(line, Pass(1, (), 1, many=True, rested=False))
    made.call("A", 4)
    for _ in range(2):
        line.let_go.release()
    await asyncio.wait_for(left(made), 5)
    # What it was called for last is its watch's, which nobody wakes while the line is said to be attended.
    assert (line.ended, line.leavings) == (2, 1)


async def test_the_end_waits_for_the_transaction_that_is_open_and_begins_no_other() -> None:
    line = Line(Pass(1, (), 2, many=False, rested=False))
    made = attended(line)
    made.call("A", 2)
    await line.began.get()
    ending = asyncio.create_task(made.end())
    await asyncio.sleep(0)
    assert not ending.done()
    line.let_go.release()
    await ending
    assert (line.ended, line.leavings, made.attends("A")) == (1, 1, False)
    assert not made.attend("A", RESTED, Pace(0), line.judge, line.leave)


async def test_few_lines_are_judged_at_once_and_the_others_wait_for_their_turn() -> None:
    made = Attendance()
    begun = 0
    let_go = asyncio.Event()

    async def one() -> None:
        nonlocal begun
        async with made.judging():
            begun += 1
            await let_go.wait()

    tasks = [asyncio.create_task(one()) for _ in range(10)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert (begun, made.busy) == (attendance._AT_ONCE, True)
    let_go.set()
    await asyncio.gather(*tasks)
    assert (begun, made.busy) == (10, False)
