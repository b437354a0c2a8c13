"""Both hold stores claim a new hold only with production's word; the one in memory is what the saga is proved on."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, cast

import pytest

from domain.errors import ActRejected, Unavailable
from domain.hold_proposals import HoldAnswer, HoldTerms, proposed
from tests.support.hold_stores import EQUIPMENT, FIRST, SECOND, SYSTEM, Bench, in_memory, stored
from tests.support.proposed_hold import hold_answer


@pytest.fixture(params=[stored, in_memory])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    made: Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Bench]] = request.param
    async with made(request) as ready:
        await ready.open(FIRST, 1)
        await ready.open(SECOND, 2)
        await ready.proposed(FIRST)
        yield ready


async def ask(bench: Bench) -> None:
    now = bench.clock.now()
    await bench.cases.propose_hold(FIRST, proposed(HoldTerms(unasked=False), now, now))


async def answer(bench: Bench, after: timedelta | None) -> HoldAnswer:
    kept: HoldAnswer = await cast(Any, bench.cases).answer_hold(FIRST, hold_answer(bench.clock.now(), after))
    return kept


async def refused(bench: Bench, case: str = FIRST) -> None:
    with pytest.raises(Unavailable, match="production has not accepted"):
        await bench.holds.claim(case, SYSTEM, EQUIPMENT)
    assert await bench.holds.read(case) is None
    assert not await bench.holds.stands_on(SYSTEM, EQUIPMENT)


async def test_nothing_is_claimed_that_was_not_proposed_or_not_answered(bench: Bench) -> None:
    await refused(bench)
    await ask(bench)
    await refused(bench)
    await refused(bench, SECOND)


async def test_nothing_is_claimed_that_was_refused(bench: Bench) -> None:
    await ask(bench)
    await answer(bench, None)
    await refused(bench)


async def test_an_accepted_hold_is_claimed_once_its_time_has_come_and_another_case_shares_it(bench: Bench) -> None:
    await ask(bench)
    await answer(bench, timedelta(hours=2))
    await refused(bench)
    bench.clock.time += timedelta(hours=2)
    assert (await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT)).key == FIRST
    assert await bench.holds.stands_on(SYSTEM, EQUIPMENT)
    assert (await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT)).key == FIRST
    with pytest.raises(ActRejected):
        await answer(bench, None)


async def test_the_first_question_stands_with_its_newest_answer(bench: Bench) -> None:
    await ask(bench)
    said = await answer(bench, timedelta(hours=2))
    bench.clock.time += timedelta(minutes=5)
    now = bench.clock.now()
    kept = await bench.cases.propose_hold(FIRST, proposed(HoldTerms(unasked=False), now, now))
    assert (kept.answer, kept.asked_at) == (said, now - timedelta(minutes=5))
