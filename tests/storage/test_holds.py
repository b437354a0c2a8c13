"""The contract of hold stores, kept by the one in PostgreSQL and by the one that tests play cases with."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest

from domain.cases import ClosedAs, Phase
from domain.errors import ActRejected, Unavailable
from domain.holds import PLACEMENT_MOVES, HoldStatus, HoldView, PlacementState, Release
from domain.production import READY_TO_RUN, HoldMethod, HoldPlan, JobState
from domain.work_orders import WorkOrderStatus
from tests.support.hold_stores import EQUIPMENT, OTHER, SYSTEM, Bench, in_memory, stored

FIRST, SECOND, NEXT = "MWAAAAAAAA", "MWBBBBBBBB", "MWCCCCCCCC"
IN_EFFECT, OVERRULED, ENDED = PlacementState.IN_EFFECT, PlacementState.OVERRULED, PlacementState.ENDED
COMPLETED, IN_PROGRESS = WorkOrderStatus.COMPLETED, WorkOrderStatus.IN_PROGRESS
STEPS = {
    PlacementState.INTENDED: [],
    PlacementState.ACCEPTED: [PlacementState.ACCEPTED],
    IN_EFFECT: [IN_EFFECT],
    PlacementState.UNPROVEN: [PlacementState.UNPROVEN],
    OVERRULED: [IN_EFFECT, OVERRULED],
    ENDED: [IN_EFFECT, ENDED],
    PlacementState.RELEASED: [IN_EFFECT, PlacementState.RELEASED],
    PlacementState.VOID: [PlacementState.VOID],
}
"""By which moves a placement comes to each state."""


@pytest.fixture(params=[stored, in_memory])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    made: Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Bench]] = request.param
    async with made(request) as ready:
        await ready.open(FIRST, 1)
        await ready.open(SECOND, 2)
        yield ready


def plan(job: str = "J1", receiver: str | None = "R1", key: str = FIRST) -> HoldPlan:
    return HoldPlan(
        key=key,
        equipment=EQUIPMENT,
        receiver=receiver,
        job=job,
        prior_state=JobState.RUNNING,
        method=HoldMethod.PAUSE,
    )


def release(bench: Bench, by: str = "petra") -> Release:
    return Release(by=by, meaning=READY_TO_RUN, reason="the guards are on", at=bench.clock.now())


async def held(bench: Bench, job: str = "J1") -> int:
    """A job in effect for the first case; the placement's number."""
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT)
    placement = await bench.holds.intend_placement(FIRST, plan(job))
    await bench.holds.move_placement(FIRST, placement.number, IN_EFFECT, read_at=bench.clock.now())
    return placement.number


async def done(bench: Bench, case: str = FIRST) -> None:
    """The case's work is done, as its last steps do."""
    await bench.cases.close(case, ClosedAs.DONE)
    await bench.holds.mark_ready(case)


async def hold(bench: Bench, case: str = FIRST) -> HoldView:
    found = await bench.holds.read(case)
    assert found is not None
    return found


# Claims.
async def test_a_case_that_never_claimed_a_hold_has_none(bench: Bench) -> None:
    assert await bench.holds.read(FIRST) is None
    assert await bench.holds.mark_ready(FIRST) is None


async def test_a_claim_asks_for_a_hold_and_claiming_again_changes_nothing(bench: Bench) -> None:
    claimed = [await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT) for _ in range(2)]
    assert [(each.key, each.state, each.claims, each.working) for each in claimed] == [(FIRST, "asked", 1, 1)] * 2


async def test_a_second_case_shares_the_hold_on_its_machine(bench: Bench) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT)
    shared = await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT)
    assert (shared.key, shared.claims, shared.working) == (FIRST, 2, 2)
    assert await bench.holds.read(FIRST) == shared


async def test_another_machine_has_a_hold_of_its_own(bench: Bench) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT)
    assert (await bench.holds.claim(SECOND, SYSTEM, OTHER)).key == SECOND


async def test_no_case_joins_a_hold_that_is_being_released(bench: Bench) -> None:
    await held(bench)
    await done(bench)
    await bench.holds.approve_release(FIRST, release(bench))
    with pytest.raises(Unavailable, match="just being released"):
        await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT)
    await bench.holds.end(FIRST, HoldStatus.RELEASED)
    assert (await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT)).key == SECOND


async def test_a_case_that_is_done_before_another_leaves_the_hold_to_it(bench: Bench) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT)
    await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT)
    assert await bench.holds.mark_ready(FIRST) is None
    left = await hold(bench, SECOND)
    assert (left.claims, left.working, left.releasable, left.ready_at) == (1, 1, False, None)
    last = await bench.holds.mark_ready(SECOND)
    assert last is not None
    assert (last.key, last.releasable, last.ready_at) == (FIRST, True, bench.clock.now())
    # The case that has left knows still which hold it had.
    assert (await hold(bench, FIRST)).key == FIRST


async def test_when_the_work_was_done_is_kept_from_the_first_time(bench: Bench) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT)
    await bench.holds.mark_ready(FIRST)
    first = bench.clock.now()
    bench.clock.time += timedelta(hours=1)
    again = await bench.holds.mark_ready(FIRST)
    assert again is not None
    assert again.ready_at == first


async def test_a_case_that_joins_a_releasable_hold_keeps_it_from_being_released(bench: Bench) -> None:
    await held(bench)
    await done(bench)
    joined = await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT)
    assert (joined.key, joined.claims, joined.working, joined.ready_at) == (FIRST, 2, 1, None)
    with pytest.raises(ActRejected):
        await bench.holds.approve_release(FIRST, release(bench))


# Placements.
async def test_a_job_has_one_live_placement_and_a_further_job_another(bench: Bench) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT)
    numbers = [
        (await bench.holds.intend_placement(FIRST, each)).number
        for each in (plan(), plan(), plan("J2"), plan(receiver="R2"), plan())
    ]
    assert numbers == [1, 1, 2, 3, 1]


async def test_a_job_whose_placement_has_ended_is_placed_anew(bench: Bench) -> None:
    number = await held(bench)
    await bench.holds.move_placement(FIRST, number, ENDED, read_at=bench.clock.now())
    assert (await bench.holds.intend_placement(FIRST, plan())).number == number + 1


async def test_the_first_plan_of_a_placement_stays(bench: Bench) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT)
    await bench.holds.intend_placement(FIRST, plan())
    other = plan().model_copy(update={"prior_state": JobState.ALLOWED_TO_START, "method": HoldMethod.REVOKE_START})
    assert (await bench.holds.intend_placement(FIRST, other)).plan == plan()


@pytest.mark.parametrize("before", STEPS)
async def test_a_placement_moves_as_it_may_and_else_not_at_all(bench: Bench, before: PlacementState) -> None:
    # The hold stands on with this one.
    await held(bench, "J0")
    for number, _ in enumerate(PLACEMENT_MOVES, start=2):
        await bench.holds.intend_placement(FIRST, plan(f"J{number}"))
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
    await bench.holds.approve_release(FIRST, release(bench))
    assert await bench.holds.revalidate_release(FIRST)
    bench.clock.time += timedelta(minutes=16)
    assert not await bench.holds.revalidate_release(FIRST)
    assert ((await hold(bench)).state, (await hold(bench)).release) == (HoldStatus.ASKED, None)
    await bench.holds.approve_release(FIRST, release(bench))
    assert await bench.holds.revalidate_release(FIRST)


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
        await bench.holds.intend_placement(FIRST, plan("J2"))


async def test_a_placement_tells_when_it_was_accepted_first_read_as_held_and_last_read(bench: Bench) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT)
    await bench.holds.intend_placement(FIRST, plan())
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


# Overruling.
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


# Release.
async def test_a_release_wakes_the_cases_that_claim_the_hold_and_keeps_who_released_it(bench: Bench) -> None:
    await held(bench)
    await done(bench)
    before = await bench.wakes(FIRST)
    given = release(bench)
    await bench.holds.approve_release(FIRST, given)
    approved = await hold(bench)
    assert (approved.state, approved.release, approved.claims) == (HoldStatus.RELEASING, given, 1)
    assert await bench.wakes(FIRST) > before
    await bench.holds.approve_release(FIRST, release(bench, "quentin"))
    assert (await hold(bench)).release == given


async def test_a_hold_is_not_released_while_work_is_not_done(bench: Bench) -> None:
    await held(bench)
    with pytest.raises(ActRejected, match=f"the work of case {FIRST} is not done"):
        await bench.holds.approve_release(FIRST, release(bench))
    assert ((await hold(bench)).state, (await hold(bench)).release) == (HoldStatus.ASKED, None)


async def test_a_hold_is_not_released_while_an_order_is_open_again(bench: Bench) -> None:
    await held(bench)
    await bench.ordered(FIRST, COMPLETED)
    await done(bench)
    await bench.ordered(FIRST, IN_PROGRESS)
    with pytest.raises(ActRejected, match=f"order WO-{FIRST} was opened again"):
        await bench.holds.approve_release(FIRST, release(bench))
    await bench.ordered(FIRST, COMPLETED)
    await bench.holds.approve_release(FIRST, release(bench))
    assert (await hold(bench)).state is HoldStatus.RELEASING


@pytest.mark.parametrize("state", [PlacementState.INTENDED, PlacementState.UNPROVEN])
async def test_a_hold_is_not_released_while_it_is_not_proved_whose_a_job_s_hold_is(
    bench: Bench, state: PlacementState
) -> None:
    await held(bench)
    await bench.holds.intend_placement(FIRST, plan("J2"))
    for move in STEPS[state]:
        await bench.holds.move_placement(FIRST, 2, move, read_at=bench.clock.now())
    await done(bench)
    with pytest.raises(ActRejected, match="cannot be proved that the hold of job J2 is ours"):
        await bench.holds.approve_release(FIRST, release(bench))


async def test_what_is_no_hold_or_none_any_more_is_not_released(bench: Bench) -> None:
    with pytest.raises(ActRejected, match=f"there is no hold {FIRST}"):
        await bench.holds.approve_release(FIRST, release(bench))
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT)
    await bench.holds.end(FIRST, HoldStatus.VOID, "no job was held")
    with pytest.raises(ActRejected, match=f"hold {FIRST} is void already"):
        await bench.holds.approve_release(FIRST, release(bench))


async def test_a_hold_ends_once_with_all_its_claims_and_wakes_their_cases(bench: Bench) -> None:
    await held(bench)
    await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT)
    before = [await bench.wakes(case) for case in (FIRST, SECOND)]
    await bench.holds.end(FIRST, HoldStatus.RELEASED, "seen in the MES")
    await bench.holds.end(FIRST, HoldStatus.VOID)
    ended = await hold(bench, SECOND)
    assert (ended.state, ended.claims, ended.release) == (HoldStatus.RELEASED, 0, None)
    after = [await bench.wakes(case) for case in (FIRST, SECOND)]
    assert [now > was for now, was in zip(after, before, strict=True)] == [True, True]


async def test_the_release_that_was_approved_stays_when_the_hold_ends(bench: Bench) -> None:
    await held(bench)
    await done(bench)
    given = release(bench)
    await bench.holds.approve_release(FIRST, given)
    await bench.holds.end(FIRST, HoldStatus.RELEASED, "ready")
    assert (await hold(bench)).release == given


async def test_what_twin_and_planner_were_told_is_kept(bench: Bench) -> None:
    await held(bench)
    await bench.holds.record_twin_update(FIRST, "held")
    await bench.holds.record_planner_note(FIRST)
    assert ((await hold(bench)).twin_told, (await hold(bench)).planner_told) == ("held", True)


# The case beside it.
async def test_a_case_with_a_claim_closes_only_once_its_hold_has_ended(bench: Bench) -> None:
    await held(bench)
    phases = []
    for _ in range(2):
        await bench.cases.close(FIRST, ClosedAs.DONE)
        phases.append(await bench.phase(FIRST))
    await bench.holds.end(FIRST, HoldStatus.OVERRULED)
    await bench.cases.close(FIRST, ClosedAs.DONE)
    phases.append(await bench.phase(FIRST))
    assert phases == [Phase.AWAITING_RELEASE, Phase.AWAITING_RELEASE, Phase.CLOSED]


async def test_a_new_case_of_the_fault_takes_the_claim_over_and_the_earlier_one_is_woken_to_close(bench: Bench) -> None:
    await held(bench)
    await done(bench)
    await bench.open(NEXT, 1)
    before = await bench.wakes(FIRST)
    await bench.proposed(NEXT)
    passed = await hold(bench, NEXT)
    assert (passed.key, passed.claims, passed.working, passed.releasable) == (FIRST, 1, 1, False)
    assert await bench.wakes(FIRST) > before
    with pytest.raises(ActRejected):
        await bench.holds.approve_release(FIRST, release(bench))
    assert await bench.holds.mark_ready(FIRST) is None
    await bench.cases.close(FIRST, ClosedAs.DONE)
    assert await bench.phase(FIRST) == Phase.CLOSED
    await done(bench, NEXT)
    await bench.holds.approve_release(FIRST, release(bench))
    assert (await hold(bench, NEXT)).state is HoldStatus.RELEASING


async def test_a_case_of_another_fault_takes_nothing_over(bench: Bench) -> None:
    await held(bench)
    await done(bench)
    await bench.proposed(SECOND)
    assert (await bench.holds.read(SECOND), (await hold(bench)).releasable) == (None, True)


async def test_a_hold_that_is_being_released_is_not_taken_over(bench: Bench) -> None:
    await held(bench)
    await done(bench)
    await bench.holds.approve_release(FIRST, release(bench))
    await bench.open(NEXT, 1)
    await bench.proposed(NEXT)
    assert (await bench.holds.read(NEXT), (await hold(bench)).state) == (None, HoldStatus.RELEASING)


async def test_a_case_with_a_hold_of_its_own_leaves_the_earlier_one_its_claim(bench: Bench) -> None:
    await held(bench)
    await done(bench)
    await bench.open(NEXT, 1)
    await bench.holds.claim(NEXT, SYSTEM, OTHER)
    await bench.proposed(NEXT)
    assert (await hold(bench, NEXT)).key == NEXT
    assert ((await hold(bench)).claims, (await hold(bench)).releasable) == (1, True)
