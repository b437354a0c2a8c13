"""The contract of hold stores, continued: placements, each on one job, and a person who starts a held machine."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest

from domain.errors import Unavailable
from domain.holds import PLACEMENT_MOVES, PLACING_LASTS, HoldStatus, PlacementState
from domain.production import HoldMethod, JobState
from tests.support.hold_stores import (
    EQUIPMENT,
    FIRST,
    SECOND,
    STEPS,
    SYSTEM,
    Bench,
    done,
    held,
    hold,
    in_memory,
    intend,
    plan,
    release,
    stored,
)

IN_EFFECT, OVERRULED, ENDED = PlacementState.IN_EFFECT, PlacementState.OVERRULED, PlacementState.ENDED


@pytest.fixture(params=[stored, in_memory])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    made: Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Bench]] = request.param
    async with made(request) as ready:
        await ready.open(FIRST, 1)
        await ready.open(SECOND, 2)
        yield ready


async def test_a_job_has_one_live_placement_and_a_further_job_another(bench: Bench) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True)
    wanted = (plan(), plan(), plan("J2"), plan(receiver="R2"), plan())
    assert [await intend(bench, each) for each in wanted] == [1, 1, 2, 3, 1]


@pytest.mark.parametrize("state", [state for state in STEPS if state.live and state is not PlacementState.INTENDED])
async def test_a_job_that_is_placed_already_is_not_to_be_placed(bench: Bench, state: PlacementState) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True)
    await intend(bench, plan())
    for move in STEPS[state]:
        await bench.holds.move_placement(FIRST, 1, move, read_at=bench.clock.now())
    assert await intend(bench, plan()) is None


async def test_of_two_cases_one_places_a_job_and_the_other_follows_once_the_first_takes_too_long(bench: Bench) -> None:
    for case in (FIRST, SECOND):
        await bench.holds.claim(case, SYSTEM, EQUIPMENT, unasked=True)
    assert await intend(bench, plan()) == 1
    bench.clock.time += PLACING_LASTS
    assert await intend(bench, plan(), SECOND) is None
    bench.clock.time += timedelta(seconds=1)
    assert await intend(bench, plan(), SECOND) == 1
    # From now on it is the second one's.
    assert await intend(bench, plan(), FIRST) is None
    [placement] = (await hold(bench)).placements
    assert (placement.intended_by, placement.intended_at) == (SECOND, bench.clock.now())


async def test_a_job_whose_placement_has_ended_is_placed_anew(bench: Bench) -> None:
    number = await held(bench)
    await bench.holds.move_placement(FIRST, number, ENDED, read_at=bench.clock.now())
    assert await intend(bench, plan()) == number + 1


async def test_the_first_plan_of_a_placement_stays(bench: Bench) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True)
    await bench.holds.intend_placement(FIRST, plan(), FIRST)
    other = plan().model_copy(update={"prior_state": JobState.ALLOWED_TO_START, "method": HoldMethod.REVOKE_START})
    again = await bench.holds.intend_placement(FIRST, other, FIRST)
    assert again is not None
    assert again.plan == plan()


@pytest.mark.parametrize("before", STEPS)
async def test_a_placement_moves_as_it_may_and_else_not_at_all(bench: Bench, before: PlacementState) -> None:
    # The hold stands on with this one.
    await held(bench, "J0")
    for number, _ in enumerate(PLACEMENT_MOVES, start=2):
        await bench.holds.intend_placement(FIRST, plan(f"J{number}"), FIRST)
    for number, after in enumerate(PLACEMENT_MOVES, start=2):
        for state in STEPS[before]:
            await bench.holds.move_placement(FIRST, number, state, read_at=bench.clock.now())
        was = (await hold(bench)).placements
        bench.clock.time += timedelta(minutes=5)
        await bench.holds.move_placement(FIRST, number, after, read_at=bench.clock.now())
        moves = before in PLACEMENT_MOVES[after]
        assert (await hold(bench)).placements[number - 1].state is (after if moves else before)
        assert ((await hold(bench)).placements == was) is not moves


async def test_an_approved_release_lapses_after_a_quarter_of_an_hour_and_may_be_approved_again(bench: Bench) -> None:
    await held(bench)
    await done(bench)
    given = release(bench)
    await bench.holds.approve_release(FIRST, given)
    assert await bench.holds.revalidate_release(FIRST, given)
    bench.clock.time += timedelta(minutes=16)
    assert not await bench.holds.revalidate_release(FIRST, given)
    assert ((await hold(bench)).state, (await hold(bench)).release) == (HoldStatus.ASKED, None)
    again = release(bench)
    await bench.holds.approve_release(FIRST, again)
    assert not await bench.holds.revalidate_release(FIRST, given)
    assert await bench.holds.revalidate_release(FIRST, again)


async def test_a_job_that_is_held_though_it_was_to_run_is_unproven_and_its_release_lapses(bench: Bench) -> None:
    number = await held(bench)
    await done(bench)
    await bench.holds.approve_release(FIRST, release(bench))
    await bench.holds.record_release_call(FIRST, number, unanswered=True)
    assert (await hold(bench)).placements[0].release_called_at == bench.clock.now()
    await bench.holds.doubt_release(FIRST, number)
    found = await hold(bench)
    assert (found.state, found.placements[0].state) == (HoldStatus.ASKED, PlacementState.UNPROVEN)


async def test_nothing_is_placed_under_a_hold_that_a_person_overruled(bench: Bench) -> None:
    await held(bench, "J0")
    number = await held(bench, "J1")
    await bench.holds.move_placement(FIRST, number, PlacementState.OVERRULED, read_at=bench.clock.now())
    with pytest.raises(Unavailable):
        await bench.holds.intend_placement(FIRST, plan("J2"), FIRST)


async def test_a_placement_tells_when_it_was_accepted_first_read_as_held_and_last_read(bench: Bench) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True)
    await bench.holds.intend_placement(FIRST, plan(), FIRST)
    times = [bench.clock.now() + timedelta(minutes=minutes) for minutes in range(1, 4)]
    bench.clock.time = times[0]
    await bench.holds.move_placement(FIRST, 1, PlacementState.ACCEPTED)
    await bench.holds.record_reading(FIRST, 1, times[0])
    (accepted,) = (await hold(bench)).placements
    assert (accepted.accepted_at, accepted.in_effect_at, accepted.read_at) == (times[0], None, None)
    bench.clock.time = times[1]
    await bench.holds.move_placement(FIRST, 1, IN_EFFECT, read_at=times[1])
    await bench.holds.record_reading(FIRST, 1, times[2])
    (in_effect,) = (await hold(bench)).placements
    assert (in_effect.accepted_at, in_effect.in_effect_at, in_effect.read_at) == (times[0], times[1], times[2])
    assert (await hold(bench)).in_effect_since == times[1]


async def test_a_person_s_start_ends_the_hold_with_its_last_placement_only(bench: Bench) -> None:
    first = await held(bench)
    second = await held(bench, "J2")
    await bench.holds.move_placement(FIRST, first, OVERRULED, read_at=bench.clock.now())
    overruled = await hold(bench)
    assert (overruled.state, overruled.overruled_at, overruled.claims) == ("asked", bench.clock.now(), 1)
    await bench.holds.move_placement(FIRST, second, OVERRULED, read_at=bench.clock.now())
    ended = await hold(bench)
    assert (ended.state, ended.claims, ended.release) == ("overruled", 0, None)


async def test_an_overruled_hold_ends_too_when_the_job_that_was_held_still_has_ended(bench: Bench) -> None:
    first = await held(bench)
    second = await held(bench, "J2")
    await bench.holds.move_placement(FIRST, first, OVERRULED, read_at=bench.clock.now())
    await bench.holds.move_placement(FIRST, second, ENDED, read_at=bench.clock.now())
    assert (await hold(bench)).state is HoldStatus.OVERRULED


async def test_a_hold_that_nobody_overruled_stands_though_its_jobs_have_ended(bench: Bench) -> None:
    number = await held(bench)
    await bench.holds.move_placement(FIRST, number, ENDED, read_at=bench.clock.now())
    assert ((await hold(bench)).state, (await hold(bench)).overruled_at) == (HoldStatus.ASKED, None)
