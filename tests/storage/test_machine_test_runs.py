"""The contract of test runs, kept by the store in PostgreSQL and by the one that tests play cases with."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest

from domain.cases import Phase
from domain.errors import ActRejected, Unavailable
from domain.holds import HoldStatus, PlacementState
from domain.machine_test_runs import READY_FOR_TEST_RUN, RUNS_AS_IT_SHOULD, MachineTestRun, RunStanding, RunTerms
from domain.production import READY_TO_RUN
from domain.work_orders import WorkOrderStatus
from tests.support.completed_work import ended
from tests.support.hold_stores import EQUIPMENT, FIRST, SECOND, SYSTEM, Bench, held, hold, in_memory, plan, stored
from tests.support.people import signed_again, signed_release

COMPLETED = WorkOrderStatus.COMPLETED
TERMS = RunTerms(within=timedelta(hours=2), steady=timedelta(minutes=30), score=2.0)
ASKED = MachineTestRun(terms=TERMS, version="0" * 64)


@pytest.fixture(params=[stored, in_memory])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    made: Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Bench]] = request.param
    async with made(request) as ready:
        await ready.open(FIRST, 1)
        yield ready


async def approve(bench: Bench, meaning: str) -> None:
    await bench.holds.approve_release(FIRST, signed_release(FIRST, EQUIPMENT, bench.clock.now(), meaning=meaning))


async def ready(bench: Bench) -> None:
    """The work is done, and the version asks for a test run."""
    await held(bench)
    await bench.ordered(FIRST, COMPLETED)
    await ended(bench.cases, FIRST)
    await bench.holds.mark_ready(FIRST, ASKED)


async def testing(bench: Bench) -> None:
    """The machine was let run on test."""
    await ready(bench)
    await approve(bench, READY_FOR_TEST_RUN)
    assert await bench.holds.revalidate_release(FIRST, (await hold(bench)).release)
    await bench.holds.move_placement(FIRST, 1, PlacementState.RELEASED)
    await bench.holds.begin_test_run(FIRST)


async def runs(bench: Bench, times: int, score: float | None = 0.5) -> RunStanding:
    """So many times ten minutes pass, the machine runs, and the detector sends a row with this score."""
    standing = await bench.holds.follow_test_run(FIRST, running=True, read_at=bench.clock.now())
    for _ in range(times):
        bench.clock.time += timedelta(minutes=5)
        if score is not None:
            await bench.receive(score)
        bench.clock.time += timedelta(minutes=5)
        standing = await bench.holds.follow_test_run(FIRST, running=True, read_at=bench.clock.now())
    return standing


async def again(bench: Bench) -> str:
    return await bench.holds.hold_again(FIRST, signed_again(FIRST, EQUIPMENT, bench.clock.now()))


async def test_the_first_release_is_for_a_test_run_where_the_version_asks_for_one(bench: Bench) -> None:
    await ready(bench)
    for meaning in (READY_TO_RUN, RUNS_AS_IT_SHOULD):
        with pytest.raises(ActRejected) as refused:
            await approve(bench, meaning)
        assert (refused.value.field, refused.value.fix) == (
            "meaning",
            f"when it is true at the machine, state: {READY_FOR_TEST_RUN}",
        )
    await approve(bench, READY_FOR_TEST_RUN)
    assert (await hold(bench)).state is HoldStatus.RELEASING


async def test_where_no_version_asks_for_one_there_is_no_test_run(bench: Bench) -> None:
    await held(bench)
    await ended(bench.cases, FIRST)
    await bench.holds.mark_ready(FIRST)
    with pytest.raises(ActRejected, match="in one step"):
        await approve(bench, READY_FOR_TEST_RUN)
    await approve(bench, READY_TO_RUN)


async def test_the_terms_of_the_first_case_that_has_any_stay(bench: Bench) -> None:
    await held(bench)
    await bench.open(SECOND, 2)
    await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT)
    await ended(bench.cases, FIRST)
    await bench.holds.mark_ready(FIRST, ASKED)
    await ended(bench.cases, SECOND)
    await bench.holds.mark_ready(SECOND)
    assert (await hold(bench, SECOND)).statement == READY_FOR_TEST_RUN


async def test_a_hold_stays_live_while_its_machine_runs_on_test(bench: Bench) -> None:
    await testing(bench)
    found = await hold(bench)
    begun = bench.clock.now()
    assert (found.state, found.state.live, found.claims) == (HoldStatus.TESTING, True, 1)
    assert found.test_run is not None
    assert (found.test_run.begun_at, found.test_run.until) == (begun, begun + timedelta(hours=2))
    assert found.words.startswith("runs on test since ")
    assert await bench.holds.stands_on(SYSTEM, EQUIPMENT)


async def test_no_case_joins_a_hold_whose_machine_runs_on_test(bench: Bench) -> None:
    await testing(bench)
    await bench.open(SECOND, 2)
    with pytest.raises(Unavailable):
        await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT, unasked=True)
    with pytest.raises(Unavailable):
        await bench.holds.intend_placement(FIRST, plan("J2"), FIRST)


async def test_a_signal_at_its_baseline_releases_the_machine_for_good_and_the_proof_is_kept(bench: Bench) -> None:
    await testing(bench)
    assert (await runs(bench, 3)).proof is None
    before = await bench.wakes(FIRST)
    standing = await runs(bench, 1)
    found = await hold(bench)
    assert (found.state, found.claims) == (HoldStatus.RELEASED, 0)
    assert found.test_run is not None
    assert found.test_run.proof == standing.proof
    assert await bench.wakes(FIRST) > before


async def test_silence_releases_nothing_and_production_is_asked_when_the_time_is_over(bench: Bench) -> None:
    await testing(bench)
    assert (await runs(bench, 11, None)).asks is None
    standing = await runs(bench, 1, None)
    assert standing.asks is not None
    assert "no reading shows PDE of machine-001-comp1 at its baseline" in standing.asks
    assert (await hold(bench)).state is HoldStatus.TESTING


async def test_a_machine_of_which_the_mes_says_nothing_is_not_released_for_good(bench: Bench) -> None:
    await testing(bench)
    for _ in range(6):
        bench.clock.time += timedelta(minutes=10)
        await bench.receive(0.5)
        standing = await bench.holds.follow_test_run(FIRST, running=None, read_at=None)
        assert standing.missing.startswith("the MES does not say that the machine runs")
    assert (await hold(bench)).state is HoldStatus.TESTING


async def test_production_releases_for_good_what_is_not_proved_and_the_mes_is_told_nothing(bench: Bench) -> None:
    await testing(bench)
    await approve(bench, RUNS_AS_IT_SHOULD)
    found = await hold(bench)
    assert found.state is HoldStatus.RELEASED
    assert found.release is not None
    assert found.release.meaning == RUNS_AS_IT_SHOULD


async def test_the_same_release_for_the_test_run_again_changes_nothing(bench: Bench) -> None:
    await testing(bench)
    found = await hold(bench)
    await approve(bench, READY_FOR_TEST_RUN)
    assert await hold(bench) == found


async def test_an_anomaly_in_the_test_run_asks_production_and_holding_again_opens_the_rework(bench: Bench) -> None:
    await testing(bench)
    standing = await runs(bench, 1, 9.0)
    assert standing.asks is not None
    assert "the fault was seen again: volt at 9.0 standard errors on machine-001-comp1" in standing.asks
    rework = await again(bench)
    view, _ = await bench.cases.view(rework)
    assert rework != FIRST
    assert view.rework is not None
    assert (view.rework.case, view.rework.order, view.rework.by) == (FIRST, f"WO-{FIRST}", "petra")
    assert (view.rung, view.closed_as, view.urgency) == ((await bench.cases.view(FIRST))[0].rung, None, None)
    found = await hold(bench, rework)
    assert (found.key, found.state, found.release, found.claims, found.working) == (
        FIRST,
        HoldStatus.ASKED,
        None,
        1,
        1,
    )
    assert found.test_run == ASKED


async def test_the_machine_is_placed_anew_for_the_rework_and_waits_for_its_work(bench: Bench) -> None:
    await testing(bench)
    rework = await again(bench)
    placement = await bench.holds.intend_placement(FIRST, plan(), rework)
    assert placement is not None
    assert placement.number == 2
    await bench.holds.move_placement(FIRST, 2, PlacementState.IN_EFFECT, read_at=bench.clock.now())
    with pytest.raises(ActRejected, match="is not done"):
        await approve(bench, READY_FOR_TEST_RUN)
    assert await bench.holds.mark_ready(FIRST) is None


async def test_the_rework_opens_once_and_holding_again_twice_is_refused(bench: Bench) -> None:
    await testing(bench)
    first = await again(bench)
    with pytest.raises(ActRejected):
        await again(bench)
    assert (await hold(bench, first)).claims == 1


async def test_a_second_rework_follows_a_second_test_run(bench: Bench) -> None:
    await testing(bench)
    first = await again(bench)
    await ended(bench.cases, first)
    await bench.holds.mark_ready(first, ASKED)
    bench.clock.time += timedelta(minutes=1)
    await approve(bench, READY_FOR_TEST_RUN)
    await bench.holds.begin_test_run(FIRST)
    second = await again(bench)
    view, _ = await bench.cases.view(second)
    assert view.rework is not None
    assert (len({FIRST, first, second}), view.rework.case) == (3, first)


async def test_the_rework_is_the_case_of_the_fault_that_is_open_already(bench: Bench) -> None:
    await testing(bench)
    bench.clock.time += timedelta(days=30)
    first = await again(bench)
    await bench.receive(9.0)
    view, _ = await bench.cases.view(first)
    assert (view.phase, view.rework is not None) == (Phase.PROPOSE, True)


@pytest.mark.parametrize("state", [ready, held])
async def test_what_does_not_run_on_test_is_not_held_again(bench: Bench, state: Callable[[Bench], object]) -> None:
    await state(bench)  # type: ignore[misc]  # each is a coroutine function
    with pytest.raises(ActRejected, match="does not run on test"):
        await again(bench)
