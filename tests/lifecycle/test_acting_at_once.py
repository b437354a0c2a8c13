"""Several people acting at the same moment, and judging while they do: one clean history, one active version."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest

from domain.approvals import APPROVE, ROLLBACK
from domain.assigning import EVERYWHERE, Scope
from domain.errors import ActRejected, MillwrightError
from millwright.audit.verifying import verify
from millwright.storage.database.engine import open_engine
from millwright.storage.policies.assignment_terms import Placing
from millwright.storage.policies.lifecycle import Lifecycle
from tests.support.judged_plant import Plant
from tests.support.plant import LINE, deviation
from tests.support.policy_people import PolicyPeople, candidate


@pytest.fixture
async def other(database_url: str, people: PolicyPeople) -> AsyncIterator[Lifecycle]:
    """The same acts from another process's pool of connections."""
    engine = open_engine(database_url)
    yield Lifecycle(engine, people.clock)
    await engine.dispose()


async def test_two_who_approve_at_once_are_two_approvals_and_one_who_does_twice_is_one(
    people: PolicyPeople, other: Lifecycle
) -> None:
    digest = await people.submit(candidate(), assets=100)
    await asyncio.gather(
        people.lifecycle.approve(digest, people.sign("bert", digest, APPROVE)),
        other.approve(digest, people.sign("carla", digest, APPROVE)),
    )
    twice = [
        people.lifecycle.approve(digest, people.sign("dora", digest, APPROVE, "read")),
        other.approve(digest, people.sign("dora", digest, APPROVE, "read twice")),
    ]
    done = await asyncio.gather(*twice, return_exceptions=True)
    assert sorted(isinstance(result, ActRejected) for result in done) == [False, True]
    assert len((await people.lifecycle.approved(digest)).approvals) == 3


async def test_two_who_activate_one_version_at_once_activate_it_once(
    plant: Plant, people: PolicyPeople, other: Lifecycle
) -> None:
    digest = await people.approved()
    now = people.clock.now()
    acts = []
    for lifecycle, person in ((people.lifecycle, "emil"), (other, "fred")):
        terms = Placing("activate", (EVERYWHERE,), now, f"{person} wants it")
        acts.append(lifecycle.place(digest, terms, people.sign(person, digest, "activate", terms.meaning)))
    done = await asyncio.gather(*acts, return_exceptions=True)
    assert sorted(isinstance(result, ActRejected) for result in done) == [False, True]
    assert (await verify(plant.engine)).findings == ()


async def test_two_who_roll_back_at_once_roll_back_once(plant: Plant, people: PolicyPeople, other: Lifecycle) -> None:
    digest = await people.approved()
    await people.place(digest)
    old = plant.digests["1.1.0"]
    terms = await other.rollback_terms(digest, old, "worse", people.clock.now())
    done = await asyncio.gather(
        people.lifecycle.rollback(digest, old, "worse", people.sign("emil", old, ROLLBACK, terms.meaning)),
        other.rollback(digest, old, "worse", people.sign("fred", old, ROLLBACK, terms.meaning)),
        return_exceptions=True,
    )
    assert sorted(isinstance(result, ActRejected) for result in done) == [False, True]
    assert (await verify(plant.engine)).findings == ()


async def test_different_versions_activated_at_once_leave_the_later_record_in_force(
    plant: Plant, people: PolicyPeople, other: Lifecycle
) -> None:
    first, second = await people.approved("1.2.0"), await people.approved("1.3.0")
    acts = []
    for lifecycle, person, digest in ((people.lifecycle, "emil", first), (other, "fred", second)):
        terms = Placing("activate", (EVERYWHERE,), people.clock.now(), "now")
        acts.append(lifecycle.place(digest, terms, people.sign(person, digest, "activate", terms.meaning)))
    numbers = [result[0] for result in await asyncio.gather(*acts)]
    await plant.take(deviation(1))
    [(judged,)] = await plant.rows("SELECT version FROM verdicts WHERE role = 'active'")
    assert judged == (first if numbers[0] > numbers[1] else second)
    assert (await verify(plant.engine)).findings == ()


async def test_no_event_is_judged_under_two_active_versions_however_often_workers_are_killed(
    plant: Plant, people: PolicyPeople, database_url: str
) -> None:
    """Two processes judge side by side and are killed again and again while a canary comes and goes."""
    digest = await people.approved()
    old = plant.digests["1.1.0"]
    events = [deviation(hours / 20) for hours in range(240)]
    workers = [await worker(database_url), await worker(database_url)]
    for number in range(0, len(events), 10):
        await plant.inbox.store(events[number : number + 10], plant.clock.now())
        if number % 20 == 0:
            await people.place(digest, "canary", Scope(line=LINE), band="{}", reason=f"try {number}")
        else:
            said = f"end as canary: end {number}"
            given = people.sign("emil", digest, "withdraw", said)
            await people.lifecycle.withdraw(digest, "canary", f"end {number}", given)
        if number % 80 == 70:
            killed = workers.pop(0)
            killed.kill()
            await killed.wait()
            workers.append(await worker(database_url))
        await decided(plant, number)
    await decided(plant, len(events))
    for process in workers:
        process.kill()
        await process.wait()
    active = await plant.rows(
        "SELECT event_id, count(DISTINCT version) FROM verdicts WHERE role = 'active' AND revision = 0 GROUP BY 1"
    )
    assert {count for _, count in active} == {1}
    assert len(active) == len(events)
    judged = {version for (version,) in await plant.rows("SELECT DISTINCT version FROM verdicts WHERE role = 'active'")}
    assert judged == {digest, old}
    assert (await verify(plant.engine)).findings == ()


async def worker(database_url: str) -> asyncio.subprocess.Process:
    """A process that judges."""
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.support.judging_process", database_url)


async def decided(plant: Plant, number: int) -> None:
    """Waits until so many events are judged."""
    async with asyncio.timeout(120):
        while (await plant.inbox.counts()).get("decided", 0) < number:  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.01)


async def test_while_a_batch_is_judged_nobody_changes_what_judges_it(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.approved()
    await plant.inbox.store([deviation(1)], plant.clock.now())
    async with plant.judging._lines.open(LINE, 10) as work:
        before = work.assignments_of(work.events[0].asset)
        placing = asyncio.create_task(people.place(digest))
        done, _ = await asyncio.wait({placing}, timeout=0.2)
        assert not done
        assert work.assignments_of(work.events[0].asset) == before
    await placing
    await plant.take(deviation(2))
    [(judged,)] = await plant.rows("SELECT DISTINCT version FROM verdicts WHERE role = 'active' AND revision = 0")
    assert judged == digest


async def test_an_act_that_is_refused_leaves_nothing_behind(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.submit(candidate(), assets=100)
    count = "SELECT (SELECT count(*) FROM policy_signatures), (SELECT count(*) FROM acts)"
    before = await plant.rows(count)
    with pytest.raises(MillwrightError):
        await people.place(digest)
    assert await plant.rows(count) == before
