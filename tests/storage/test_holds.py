"""The contract of hold stores, kept by the one in PostgreSQL and by the one that tests play cases with."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest

from domain.cases import Phase
from domain.errors import ActRejected, Unavailable
from domain.holds import HoldStatus, PlacementState
from domain.work_orders import WorkOrderStatus
from tests.support.completed_work import ended
from tests.support.hold_stores import (
    EQUIPMENT,
    FIRST,
    NEXT,
    OTHER,
    SECOND,
    STEPS,
    SYSTEM,
    Bench,
    done,
    held,
    hold,
    in_memory,
    plan,
    release,
    stored,
)

IN_EFFECT, OVERRULED, ENDED = PlacementState.IN_EFFECT, PlacementState.OVERRULED, PlacementState.ENDED
COMPLETED, IN_PROGRESS = WorkOrderStatus.COMPLETED, WorkOrderStatus.IN_PROGRESS


@pytest.fixture(params=[stored, in_memory])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    made: Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Bench]] = request.param
    async with made(request) as ready:
        await ready.open(FIRST, 1)
        await ready.open(SECOND, 2)
        yield ready


# Claims.
async def test_a_case_that_never_claimed_a_hold_has_none(bench: Bench) -> None:
    assert await bench.holds.read(FIRST) is None
    assert await bench.holds.mark_ready(FIRST) is None


async def test_a_claim_asks_for_a_hold_and_claiming_again_changes_nothing(bench: Bench) -> None:
    claimed = [await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True) for _ in range(2)]
    assert [(each.key, each.state, each.claims, each.working) for each in claimed] == [(FIRST, "asked", 1, 1)] * 2


async def test_a_second_case_shares_the_hold_on_its_machine(bench: Bench) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True)
    shared = await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT, unasked=True)
    assert (shared.key, shared.claims, shared.working) == (FIRST, 2, 2)
    assert await bench.holds.read(FIRST) == shared


async def test_another_machine_has_a_hold_of_its_own(bench: Bench) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True)
    assert (await bench.holds.claim(SECOND, SYSTEM, OTHER, unasked=True)).key == SECOND


async def test_no_case_joins_a_hold_that_is_being_released(bench: Bench) -> None:
    await held(bench)
    await done(bench)
    await bench.holds.approve_release(FIRST, release(bench))
    with pytest.raises(Unavailable, match="just being released"):
        await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT, unasked=True)
    await bench.holds.end(FIRST, HoldStatus.RELEASED)
    assert (await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT, unasked=True)).key == SECOND


async def test_a_case_that_is_done_before_another_leaves_the_hold_to_it(bench: Bench) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True)
    await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT, unasked=True)
    assert await bench.holds.mark_ready(FIRST) is None
    left = await hold(bench, SECOND)
    assert (left.claims, left.working, left.releasable, left.ready_at) == (1, 1, False, None)
    last = await bench.holds.mark_ready(SECOND)
    assert last is not None
    assert (last.key, last.releasable, last.ready_at) == (FIRST, True, bench.clock.now())
    # The case that has left knows still which hold it had.
    assert (await hold(bench, FIRST)).key == FIRST


async def test_of_two_cases_whose_work_is_done_the_later_one_answers_for_the_machine(bench: Bench) -> None:
    await held(bench)
    await done(bench)
    await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT, unasked=True)
    bench.clock.time += timedelta(hours=1)
    woken = await bench.wakes(FIRST)
    await done(bench, SECOND)
    left = await hold(bench, SECOND)
    assert (left.claims, left.releasable, left.ready_at) == (1, True, bench.clock.now())
    assert await bench.wakes(FIRST) == woken + 1
    assert await bench.holds.mark_ready(FIRST) is None


async def test_when_the_work_was_done_is_kept_from_the_first_time(bench: Bench) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True)
    await bench.holds.mark_ready(FIRST)
    first = bench.clock.now()
    bench.clock.time += timedelta(hours=1)
    again = await bench.holds.mark_ready(FIRST)
    assert again is not None
    assert again.ready_at == first


async def test_a_case_that_joins_a_releasable_hold_keeps_it_from_being_released(bench: Bench) -> None:
    await held(bench)
    await done(bench)
    joined = await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT, unasked=True)
    assert (joined.key, joined.claims, joined.working, joined.ready_at) == (FIRST, 2, 1, None)
    with pytest.raises(ActRejected):
        await bench.holds.approve_release(FIRST, release(bench))


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
    await bench.holds.intend_placement(FIRST, plan("J2"), FIRST)
    for move in STEPS[state]:
        await bench.holds.move_placement(FIRST, 2, move, read_at=bench.clock.now())
    await done(bench)
    with pytest.raises(ActRejected, match="cannot be proved that the hold of job J2 is ours"):
        await bench.holds.approve_release(FIRST, release(bench))


async def test_what_is_no_hold_or_none_any_more_is_not_released(bench: Bench) -> None:
    with pytest.raises(ActRejected, match=f"there is no hold {FIRST}"):
        await bench.holds.approve_release(FIRST, release(bench))
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True)
    await bench.holds.end(FIRST, HoldStatus.VOID, "no job was held")
    with pytest.raises(ActRejected, match=f"hold {FIRST} is void already"):
        await bench.holds.approve_release(FIRST, release(bench))


async def test_a_hold_ends_once_with_all_its_claims_and_wakes_their_cases(bench: Bench) -> None:
    await held(bench)
    await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT, unasked=True)
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
    assert (await hold(bench)).twin_told == "held"


# The case beside it.
async def test_a_case_with_a_claim_closes_only_once_its_hold_has_ended(bench: Bench) -> None:
    await held(bench)
    phases = []
    for _ in range(2):
        await ended(bench.cases, FIRST)
        phases.append(await bench.phase(FIRST))
    await bench.holds.end(FIRST, HoldStatus.OVERRULED)
    await ended(bench.cases, FIRST)
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
    await ended(bench.cases, FIRST)
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
    await bench.holds.claim(NEXT, SYSTEM, OTHER, unasked=True)
    await bench.proposed(NEXT)
    assert (await hold(bench, NEXT)).key == NEXT
    assert ((await hold(bench)).claims, (await hold(bench)).releasable) == (1, True)
