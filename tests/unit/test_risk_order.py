"""Of many cases that wait, the greatest risk goes first, and none is dropped."""

import asyncio
from datetime import timedelta

import pytest

from activities.risk_order import RiskOrder
from domain.assets import Criticality
from domain.cases import CaseView
from domain.verdict import Rung, Severity
from tests.saga_plant import case_view

LONG = timedelta(minutes=1)


def view(case: str, severity: Severity, criticality: Criticality = Criticality.B, later: float = 0) -> CaseView:
    one = case_view(case, 1, Rung.WORK_ORDER)
    return one.model_copy(
        update={
            "verdict": one.verdict.model_copy(update={"severity": severity}),
            "context": one.context.model_copy(update={"criticality": criticality}),
            "opened_at": one.opened_at + timedelta(seconds=later),
        }
    )


class Line:
    """Cases at an order, each going on when it is let."""

    def __init__(self, order: RiskOrder) -> None:
        self._order = order
        self.gone: list[str] = []

    async def come(self, one: CaseView, until: asyncio.Event | None = None) -> bool:
        async with self._order.turn(one) as waited:
            self.gone.append(one.id)
            if until is not None:
                await until.wait()
            return waited


async def test_the_worst_and_most_critical_go_first_and_of_equals_who_came_first() -> None:
    line, done = Line(RiskOrder(1, LONG)), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(line.come(view("busy", Severity.S4), done))
        await asyncio.sleep(0)
        for one in (
            view("S3", Severity.S3),
            view("S1-C", Severity.S1, Criticality.C),
            view("S2-later", Severity.S2, later=5),
            view("S2", Severity.S2),
            view("S1-A", Severity.S1, Criticality.A),
        ):
            group.create_task(line.come(one))
        await asyncio.sleep(0)
        done.set()
    assert line.gone == ["busy", "S1-A", "S1-C", "S2", "S2-later", "S3"]


async def test_no_more_go_at_once_than_may_and_whoever_waited_is_told() -> None:
    line, done = Line(RiskOrder(2, LONG)), asyncio.Event()
    tasks = [asyncio.create_task(line.come(view(str(number), Severity.S2), done)) for number in range(5)]
    await asyncio.sleep(0)
    assert line.gone == ["0", "1"]
    done.set()
    assert await asyncio.gather(*tasks) == [False, False, True, True, True]


async def test_whoever_has_waited_for_the_patience_goes_all_the_same() -> None:
    line, done = Line(RiskOrder(1, timedelta(milliseconds=1))), asyncio.Event()
    busy = asyncio.create_task(line.come(view("busy", Severity.S1), done))
    await asyncio.sleep(0)
    assert await line.come(view("patient", Severity.S4))
    done.set()
    await busy
    assert not await line.come(view("next", Severity.S4))


async def test_a_turn_whose_case_was_cancelled_while_it_waited_goes_to_another() -> None:
    line, done = Line(RiskOrder(1, LONG)), asyncio.Event()
    busy = asyncio.create_task(line.come(view("busy", Severity.S1), done))
    await asyncio.sleep(0)
    first = asyncio.create_task(line.come(view("first", Severity.S1)))
    second = asyncio.create_task(line.come(view("second", Severity.S2)))
    await asyncio.sleep(0)
    done.set()
    await busy
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second
    assert line.gone == ["busy", "second"]
