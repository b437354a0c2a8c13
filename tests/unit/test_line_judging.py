"""A line that one activity judges: when it judges, when it heartbeats, and when it ends."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from temporalio.testing import ActivityEnvironment

from activities import line_judging
from activities.judging import Batch, JudgeLine, LineJudged
from activities.line_judging import LineJudging, LinesJudgedHere
from domain.errors import StorageUnavailable, Unavailable

RESTED = Batch(1, (), 1, rested=True)
MORE = Batch(500, (), 1, rested=False)


class Line:
    """A line whose transactions are as the test says; after the last of them nothing more comes."""

    def __init__(self, *batches: Batch) -> None:
        self.batches = list(batches)
        self.judged = asyncio.Condition()
        self.transactions = 0
        self.left = 0
        self.hangs = False

    async def judge_batch(self, line: str, *, leased: bool) -> Batch:
        assert (line, leased) == ("A", True)
        if self.hangs:
            await asyncio.Event().wait()
        async with self.judged:
            self.transactions += 1
            self.judged.notify_all()
        return self.batches.pop(0) if self.batches else Batch(0, (), 9, rested=True)

    async def leave(self, line: str) -> None:
        assert line == "A"
        self.left += 1

    async def until(self, transactions: int) -> None:
        async with self.judged:
            await self.judged.wait_for(lambda: self.transactions >= transactions)


async def there() -> bool:
    return True


class Judged:
    """The activity over a line, run as the SDK runs it."""

    def __init__(self, line: Line, here: LinesJudgedHere, answers: Callable[[], Awaitable[bool]] = there) -> None:
        self.environment = ActivityEnvironment()
        self.beats = 0
        self.environment.on_heartbeat = self._beat
        activity = LineJudging(line, line, here, answers)  # type: ignore[arg-type]  # as far as it is needed
        self.task: asyncio.Task[LineJudged] = asyncio.create_task(
            self.environment.run(activity.judge_line, JudgeLine(line="A"))
        )

    def _beat(self, *_: object) -> None:
        self.beats += 1


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_judging, "_QUIET", 0.05)


@pytest.mark.usefixtures("quick")
async def test_a_line_is_judged_until_nothing_is_left_and_it_stays_quiet() -> None:
    line, here = Line(MORE, MORE, RESTED), LinesJudgedHere()
    judged = Judged(line, here)
    assert await judged.task == LineJudged(events=1001, cases=(), rested=True)
    assert (judged.beats, line.left, here.call("A", 5)) == (3, 1, False)


async def test_a_line_that_is_called_is_judged_at_once_by_the_same_activity() -> None:
    line, here = Line(RESTED), LinesJudgedHere()
    judged = Judged(line, here)
    await line.until(1)
    assert here.call("A", 2)
    await line.until(2)
    assert judged.beats >= 1
    judged.environment.worker_shutdown()
    assert (await judged.task).events == 1


async def test_a_call_for_what_was_judged_already_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_judging, "_QUIET", 0.2)
    line, here = Line(RESTED), LinesJudgedHere()
    judged = Judged(line, here)
    await line.until(1)
    assert here.call("A", 1)
    await judged.task
    assert line.transactions == 1


async def test_with_its_worker_the_activity_ends_after_its_transaction_and_leaves_the_line_to_others() -> None:
    line, here = Line(RESTED), LinesJudgedHere()
    judged = Judged(line, here)
    await line.until(1)
    judged.environment.worker_shutdown()
    await asyncio.wait_for(judged.task, 2)
    assert (line.left, here.call("A", 2)) == (1, False)


async def test_of_two_attempts_the_older_ends_and_the_lease_stays() -> None:
    line, here = Line(RESTED, RESTED), LinesJudgedHere()
    older = Judged(line, here)
    await line.until(1)
    newer = Judged(line, here)
    await asyncio.wait_for(older.task, 2)
    assert line.left == 0
    assert here.call("A", 7)
    newer.environment.worker_shutdown()
    await newer.task
    assert line.left == 1


async def test_a_line_that_never_rests_is_shown_to_its_workflow_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_judging, "_LONGEST_STAY", 0.0)
    line = Line(MORE, MORE)
    judged = await Judged(line, LinesJudgedHere()).task
    assert (judged.events, judged.rested, line.left) == (500, False, 1)


async def test_a_transaction_that_does_not_come_to_its_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_judging, "_NO_PROGRESS", 0.05)
    line = Line()
    line.hangs = True
    judged = Judged(line, LinesJudgedHere())
    with pytest.raises(StorageUnavailable, match="took longer"):
        await judged.task
    assert judged.beats == 0


async def test_nothing_is_judged_while_the_engine_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_judging, "_ENGINE_ASKED_EVERY", 0.0)
    monkeypatch.setattr(line_judging, "_ENGINE_AWAY", 0.0)

    async def away() -> bool:
        return False

    judged = Judged(Line(*[MORE] * 50), LinesJudgedHere(), away)
    with pytest.raises(Unavailable, match="does not answer"):
        await judged.task
