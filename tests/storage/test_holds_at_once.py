"""Two who write the same hold at the same time, from connections of their own: one after the other, never mixed."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import ActRejected, Unavailable
from domain.holds import HoldStatus, PlacementState
from domain.production import HoldMethod, HoldPlan, JobState
from millwright.audit.verifying import verify
from millwright.storage.database.engine import open_engine
from tests.support.completed_work import ended
from tests.support.hold_stores import EQUIPMENT, FIRST, NEXT, SECOND, SYSTEM, Bench, on, release
from tests.support.walk_downs import target

Work = Coroutine[Any, Any, object]


@pytest.fixture
async def bench(storage_engine: AsyncEngine) -> Bench:
    ready = await on(storage_engine)
    await ready.open(FIRST, 1)
    await ready.open(SECOND, 2)
    return ready


@pytest.fixture
async def bystander(database_url: str) -> AsyncIterator[AsyncEngine]:
    """A connection pool of who only locks and looks."""
    engine = open_engine(database_url)
    yield engine
    await engine.dispose()


async def one_behind_the_other(bystander: AsyncEngine, lock: str, *works: Work) -> list[object]:
    """Has each work wait for a lock, in this order, and then gives them their way; what each gave or raised."""
    async with bystander.connect() as blocking:
        await blocking.execute(text(lock))
        tasks = []
        for waiting, work in enumerate(works, start=1):
            tasks.append(asyncio.ensure_future(work))
            await _wait(bystander, waiting)
        await blocking.rollback()
    async with asyncio.timeout(30):
        return await asyncio.gather(*tasks, return_exceptions=True)


async def _wait(bystander: AsyncEngine, waiting: int) -> None:
    asked = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with asyncio.timeout(30), bystander.connect() as connection:
        while (await connection.scalar(asked) or 0) < waiting:
            await connection.rollback()
            await asyncio.sleep(0.01)


LOCK_HOLD = f"SELECT FROM holds WHERE key = '{FIRST}' FOR UPDATE"
LOCK_HOLDS = "LOCK TABLE holds IN SHARE ROW EXCLUSIVE MODE"


def plan(job: str = "J1", receiver: str = "R1") -> HoldPlan:
    return HoldPlan(
        key=FIRST,
        equipment=EQUIPMENT,
        receiver=receiver,
        target=target(),
        job=job,
        prior_state=JobState.RUNNING,
        method=HoldMethod.PAUSE,
    )


async def releasable(bench: Bench) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True)
    await bench.holds.intend_placement(FIRST, plan(), FIRST)
    await bench.holds.move_placement(FIRST, 1, PlacementState.IN_EFFECT, read_at=bench.clock.now())
    await ended(bench.cases, FIRST)
    await bench.holds.mark_ready(FIRST)


def approving(bench: Bench) -> Work:
    return bench.holds.approve_release(FIRST, release(bench))


async def in_the_record(bystander: AsyncEngine) -> list[str]:
    """What the audit finds of holds. The cases here were opened by no act."""
    report = await verify(bystander)
    return [str(finding) for finding in report.findings if finding.kind == "hold"]


async def test_two_cases_that_claim_a_machine_at_once_share_one_hold(bench: Bench, bystander: AsyncEngine) -> None:
    claimed = await one_behind_the_other(
        bystander,
        LOCK_HOLDS,
        bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True),
        bench.holds.claim(SECOND, SYSTEM, EQUIPMENT, unasked=True),
    )
    assert [each for each in claimed if isinstance(each, Exception)] == []
    first, second = await bench.holds.read(FIRST), await bench.holds.read(SECOND)
    assert first is not None
    assert first == second
    assert (first.claims, first.working) == (2, 2)
    async with bystander.connect() as connection:
        acts = await connection.scalars(text("SELECT kind FROM acts WHERE kind LIKE 'hold-%' ORDER BY kind"))
        assert list(acts) == ["hold-intended", "hold-shared"]
    assert await in_the_record(bystander) == []


async def test_a_release_before_a_take_over_leaves_the_new_case_without_the_hold(
    bench: Bench, bystander: AsyncEngine
) -> None:
    await releasable(bench)
    await bench.open(NEXT, 1)
    assert await one_behind_the_other(bystander, LOCK_HOLD, approving(bench), bench.proposed(NEXT)) == [None, None]
    hold = await bench.holds.read(FIRST)
    assert hold is not None
    assert (hold.state, hold.claims, hold.working) == (HoldStatus.RELEASING, 1, 0)
    assert await bench.holds.read(NEXT) is None
    assert await in_the_record(bystander) == []


async def test_a_take_over_before_a_release_leaves_the_machine_held(bench: Bench, bystander: AsyncEngine) -> None:
    await releasable(bench)
    await bench.open(NEXT, 1)
    passed, refused = await one_behind_the_other(bystander, LOCK_HOLD, bench.proposed(NEXT), approving(bench))
    assert passed is None
    assert isinstance(refused, ActRejected)
    assert f"the work of case {NEXT} is not done" in refused.problem
    hold = await bench.holds.read(NEXT)
    assert hold is not None
    assert (hold.key, hold.state, hold.release, hold.working) == (FIRST, HoldStatus.ASKED, None, 1)
    assert await in_the_record(bystander) == []


async def test_of_a_release_and_a_new_case_at_once_exactly_one_wins(bench: Bench, bystander: AsyncEngine) -> None:
    await releasable(bench)
    await bench.open(NEXT, 1)
    await asyncio.gather(approving(bench), bench.proposed(NEXT), return_exceptions=True)
    hold = await bench.holds.read(FIRST)
    assert hold is not None
    taken_over = await bench.holds.read(NEXT) is not None
    assert (hold.state is HoldStatus.RELEASING, taken_over) in ((True, False), (False, True))
    assert await in_the_record(bystander) == []


async def test_a_release_before_a_claim_has_the_claim_wait_until_it_is_carried_out(
    bench: Bench, bystander: AsyncEngine
) -> None:
    await releasable(bench)
    claiming = bench.holds.claim(SECOND, SYSTEM, EQUIPMENT, unasked=True)
    approved, refused = await one_behind_the_other(bystander, LOCK_HOLD, approving(bench), claiming)
    assert approved is None
    assert isinstance(refused, Unavailable)
    assert await bench.holds.read(SECOND) is None


async def test_a_claim_before_a_release_keeps_the_machine_held(bench: Bench, bystander: AsyncEngine) -> None:
    await releasable(bench)
    claiming = bench.holds.claim(SECOND, SYSTEM, EQUIPMENT, unasked=True)
    claimed, refused = await one_behind_the_other(bystander, LOCK_HOLD, claiming, approving(bench))
    assert not isinstance(claimed, Exception)
    assert isinstance(refused, ActRejected)
    hold = await bench.holds.read(SECOND)
    assert hold is not None
    assert (hold.key, hold.state, hold.working) == (FIRST, HoldStatus.ASKED, 1)


async def test_two_cases_that_are_done_at_once_leave_one_that_answers_for_the_hold(
    bench: Bench, bystander: AsyncEngine
) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True)
    await bench.holds.claim(SECOND, SYSTEM, EQUIPMENT, unasked=True)
    await one_behind_the_other(bystander, LOCK_HOLD, bench.holds.mark_ready(FIRST), bench.holds.mark_ready(SECOND))
    hold = await bench.holds.read(SECOND)
    assert hold is not None
    assert (hold.claims, hold.releasable) == (1, True)
    assert await in_the_record(bystander) == []


async def test_two_steps_that_place_one_job_at_once_make_one_placement(bench: Bench, bystander: AsyncEngine) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True)
    both = await one_behind_the_other(
        bystander,
        LOCK_HOLD,
        bench.holds.intend_placement(FIRST, plan(), FIRST),
        bench.holds.intend_placement(FIRST, plan(), FIRST),
    )
    assert both[0] == both[1]
    hold = await bench.holds.read(FIRST)
    assert hold is not None
    assert len(hold.placements) == 1


async def test_the_database_itself_refuses_a_second_live_placement_on_a_job(
    bench: Bench, bystander: AsyncEngine
) -> None:
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True)
    await bench.holds.intend_placement(FIRST, plan(), FIRST)
    again = (
        "INSERT INTO hold_placements (hold_key, number, receiver, job, plan, state, intended_at) "
        "SELECT hold_key, 2, receiver, job, plan, state, intended_at FROM hold_placements"
    )
    with pytest.raises(IntegrityError, match="uq_hold_placements_job"):
        async with bystander.begin() as connection:
            await connection.execute(text(again))


async def test_a_hold_that_ends_wakes_a_case_that_took_it_over_meanwhile(bench: Bench, bystander: AsyncEngine) -> None:
    await releasable(bench)
    await bench.open(NEXT, 1)
    before = await bench.wakes(NEXT)
    bench.clock.time += timedelta(minutes=1)
    ending = bench.holds.end(FIRST, HoldStatus.OVERRULED, "the job runs again in the MES")
    await one_behind_the_other(bystander, LOCK_HOLD, bench.proposed(NEXT), ending)
    hold = await bench.holds.read(NEXT)
    assert hold is not None
    assert (hold.state, hold.claims) == (HoldStatus.OVERRULED, 0)
    assert await bench.wakes(NEXT) > before
    assert await in_the_record(bystander) == []
