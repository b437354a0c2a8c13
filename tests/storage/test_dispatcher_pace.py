"""When the dispatcher signals, and when it leaves a subject alone."""

from collections.abc import Collection, Sequence
from itertools import pairwise

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.line_judging import LinesJudgedHere
from domain.errors import Unavailable
from millwright.storage.scheduling.due import DueSubject
from millwright.worker.dispatcher import Dispatcher
from tests.support.judged_plant import WakeCounter
from tests.support.plant import START, TestClock


class Engine(WakeCounter):
    """An engine that can be away."""

    away = False
    fails = False

    async def wake(self, subjects: Sequence[str], unanswered: Collection[str] = ()) -> None:
        if self.fails:
            raise ValueError(f"{subjects[0]} names no workflow")
        if self.away:
            raise Unavailable("nobody answers", system="temporal", operation="wake")
        await super().wake(subjects, unanswered)


class PacedDispatcher:
    """Wall time as the test tells it."""

    def __init__(self, storage: AsyncEngine) -> None:
        self.now = 100.0
        self.woken = Engine()
        self.here = LinesJudgedHere()
        self._dispatcher = Dispatcher(storage, self.woken, TestClock(START), self.here)

    async def see(self, after: float, due: Sequence[DueSubject]) -> list[str]:
        self.now += after
        before = len(self.woken.woken)
        self._dispatcher.dispatch(due, self.now)
        await self._dispatcher.signalled()
        return self.woken.woken[before:]


@pytest.fixture
def dispatcher(storage_engine: AsyncEngine) -> PacedDispatcher:
    return PacedDispatcher(storage_engine)


async def test_a_line_at_rest_is_signalled_at_once(dispatcher: PacedDispatcher) -> None:
    assert await dispatcher.see(0, [DueSubject("line/A", 1)]) == ["line/A"]


async def test_a_line_that_is_being_judged_is_left_alone_until_patience_ends(dispatcher: PacedDispatcher) -> None:
    await dispatcher.see(0, [DueSubject("line/A", 1)])
    assert await dispatcher.see(0.5, [DueSubject("line/A", 1)]) == []
    assert await dispatcher.see(0.6, [DueSubject("line/A", 1)]) == ["line/A"]


async def test_a_line_that_had_time_to_rest_is_signalled_at_once_again(dispatcher: PacedDispatcher) -> None:
    await dispatcher.see(0, [DueSubject("line/A", 1)])
    assert await dispatcher.see(0.2, []) == []
    assert await dispatcher.see(0.01, [DueSubject("line/A", 2)]) == ["line/A"]


async def test_a_case_that_is_woken_again_is_signalled_again_soon(dispatcher: PacedDispatcher) -> None:
    await dispatcher.see(0, [DueSubject("case/A", 1)])
    assert await dispatcher.see(0.01, [DueSubject("case/A", 2)]) == []
    assert await dispatcher.see(0.06, [DueSubject("case/A", 2)]) == ["case/A"]


async def test_a_case_that_stays_due_is_signalled_again_ever_more_patiently(dispatcher: PacedDispatcher) -> None:
    signals = [bool(await dispatcher.see(1.1, [DueSubject("case/A", 1)])) for _ in range(40)]
    apart = [later - sooner for sooner, later in pairwise(at for at, signalled in enumerate(signals) if signalled)]
    assert apart[:6] == [1, 2, 4, 8, 8, 8]


async def test_the_workflow_of_a_case_that_stays_due_is_looked_at_after_seven_seconds(
    dispatcher: PacedDispatcher,
) -> None:
    looked_at = []
    for _ in range(9):
        await dispatcher.see(1.1, [DueSubject("case/A", 1)])
        looked_at.append(list(dispatcher.woken.looked_at))
    assert looked_at == [[]] * 7 + [["case/A"]] * 2


async def test_an_engine_that_was_away_is_told_again_at_once_of_all_that_is_due(dispatcher: PacedDispatcher) -> None:
    for _ in range(8):
        await dispatcher.see(1.1, [DueSubject("case/A", 1)])
    dispatcher.woken.away = True
    await dispatcher.see(1.1, [DueSubject("case/A", 1), DueSubject("case/B", 1)])
    dispatcher.woken.away = False
    dispatcher._dispatcher._engine_away_until = 0.0
    due = [DueSubject("case/A", 1), DueSubject("case/B", 1)]
    assert await dispatcher.see(0.01, due) == ["case/A", "case/B"]


async def test_a_line_that_another_worker_judges_is_signalled_only_when_that_is_over(
    dispatcher: PacedDispatcher,
) -> None:
    assert await dispatcher.see(0, [DueSubject("line/A", 1, leased=True)]) == []
    assert await dispatcher.see(5, [DueSubject("line/A", 2, leased=True)]) == []
    assert await dispatcher.see(0.01, [DueSubject("line/A", 2, leased=False)]) == ["line/A"]


async def test_a_line_that_is_judged_here_is_called_though_the_engine_is_away(dispatcher: PacedDispatcher) -> None:
    dispatcher.woken.away = True
    with dispatcher.here.stay("A") as stay:
        await dispatcher.see(0, [DueSubject("case/A", 1)])
        assert await dispatcher.see(0.01, [DueSubject("case/A", 1), DueSubject("line/A", 4)]) == []
    assert (stay.asked, stay.called.is_set()) == (4, True)


async def test_lines_are_signalled_before_cases_and_not_all_at_once(dispatcher: PacedDispatcher) -> None:
    cases = [DueSubject(f"case/{number}", 1) for number in range(50)]
    first = await dispatcher.see(0, [*cases, DueSubject("line/A", 1)])
    assert first[0] == "line/A"
    assert len(first) < len(cases)
    told = set(first)
    for _ in range(3):
        told |= set(await dispatcher.see(0.01, cases))
    assert told == {"line/A", *(case.subject for case in cases)}


async def test_who_was_signalled_before_waits_for_those_who_were_not(dispatcher: PacedDispatcher) -> None:
    before = [DueSubject(f"case/{number}", 1) for number in range(20)]
    assert len(await dispatcher.see(0, before)) == len(before)
    assert (await dispatcher.see(2, [*before, DueSubject("case/new", 1)]))[0] == "case/new"


async def test_a_subject_that_names_no_workflow_does_not_end_the_dispatcher(dispatcher: PacedDispatcher) -> None:
    dispatcher.woken.fails = True
    assert await dispatcher.see(0, [DueSubject("robot/A", 1)]) == []
    dispatcher.woken.fails = False
    assert await dispatcher.see(0.1, [DueSubject("robot/A", 1), DueSubject("line/A", 1)]) == ["line/A"]
