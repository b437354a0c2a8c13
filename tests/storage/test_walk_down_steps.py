"""A walk-down is carried out between storage and an MES: whatever fails, and wherever the worker is killed."""

from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.walk_downs import WalkDownRef, WalkDownSteps
from domain.errors import ActionRequired, ActRejected, ConnectorError, Refused, Unavailable
from domain.ports import Mes
from domain.production import JobState
from domain.walk_downs import WALK_DOWN_LASTS, WalkDown, WalkDownState
from millwright.bootstrap import Storage, StoredVersions, stores
from millwright.settings import Settings
from policies.engine.catalogue import Catalogue
from tests.support.crashes import Killed
from tests.support.fault_injection import Crash
from tests.support.ingress import NOW
from tests.support.plant import TestClock, publish_policies
from tests.support.walk_downs import begin_word, look_word, release_word
from tests.workflows.fake_mes import FakeMes

WATCH = timedelta(minutes=5)


class Bench:
    """A machine of an MES, two persons, and the step that the engine repeats."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.clock = TestClock(NOW)
        self.storage: Storage = stores(engine, self.clock, StoredVersions(Catalogue()), Settings(_env_file=None))
        self.mes = FakeMes(self.clock)
        self.key = ""
        self.steps = self.steps_of(Killed(None, after=False))

    def steps_of(self, killed: Killed) -> WalkDownSteps:
        """The step of a worker that is killed."""
        mes = {"fake": cast(Mes, killed.watch(self.mes))}
        return WalkDownSteps(killed.watch(self.storage.walk_downs), mes, self.clock, WATCH)

    async def begin(self) -> None:
        begun = await self.storage.walk_downs.begin("machine-001", "fake", "EQ-001", begin_word(NOW, "fake"))
        self.key = begun.key

    async def advance(self) -> WalkDown:
        await self.steps.advance_walk_down(WalkDownRef(walk_down=self.key))
        return await self.now()

    async def now(self) -> WalkDown:
        return (await self.storage.walk_downs.read(self.key))[0]

    async def look(self) -> None:
        await self.storage.walk_downs.look(self.key, look_word(await self.now(), self.clock.now()))

    async def let_run(self) -> None:
        await self.storage.walk_downs.let_run(self.key, release_word(await self.now(), self.clock.now()))

    async def held(self) -> WalkDown:
        await self.begin()
        return await self.advance()


@pytest.fixture
async def bench(storage_engine: AsyncEngine) -> Bench:
    made = Bench(storage_engine)
    await publish_policies(made.storage.versions, made.storage.people)
    return made


async def test_a_machine_is_held_looked_at_released_and_proved(bench: Bench) -> None:
    held = await bench.held()
    assert (held.state, held.waiting_for) == (
        WalkDownState.HELD,
        "maintenance to look at machine-001: job J1 is held",
    )
    await bench.look()
    assert (await bench.advance()).waiting_for == "production to release EQ-001"
    await bench.let_run()
    proof = await bench.advance()
    assert (proof.state, proof.target) == (WalkDownState.PROVED, bench.mes.target)
    assert bench.mes.acts == [f"hold {bench.key}", f"release {bench.key}"]


@pytest.mark.parametrize("error", [ActionRequired, Refused])
async def test_an_mes_that_refuses_ends_it_and_nothing_is_held(
    bench: Bench, error: type[ActionRequired | Refused]
) -> None:
    await bench.begin()
    bench.mes.failing.before.append(error("it has no such method", system="fake", operation="plan-hold"))
    failed = await bench.advance()
    assert (failed.state, bench.mes.acts) == (WalkDownState.FAILED, [])
    assert "it has no such method" in (failed.reason or "")


async def test_an_mes_that_is_away_is_waited_for_until_the_time_is_over(bench: Bench) -> None:
    await bench.begin()
    away: ConnectorError = Unavailable("no answer", system="fake", operation="plan-hold")
    bench.mes.failing.before.append(away)
    assert (await bench.advance()).waiting_for == "fake to answer: no answer"
    bench.clock.time += WALK_DOWN_LASTS + timedelta(seconds=1)
    failed = await bench.advance()
    assert (failed.reason, bench.mes.acts) == ("it was not done within 30 minutes", [])


@pytest.mark.parametrize("state", [JobState.INTERRUPTED, JobState.NOT_ALLOWED_TO_START])
async def test_a_machine_without_a_job_to_hold_is_refused_with_what_helps(bench: Bench, state: JobState) -> None:
    bench.mes.state = state
    failed = await bench.held()
    assert failed.state is WalkDownState.FAILED
    assert "begin while one runs or may start" in (failed.reason or "")


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (JobState.ENDED, "the job ended during the walk-down"),
        (JobState.RUNNING, "a person let the job run in the MES"),
    ],
)
async def test_a_job_that_ends_or_that_a_person_lets_run_proves_nothing(
    bench: Bench, state: JobState, reason: str
) -> None:
    await bench.held()
    bench.mes.state = state
    failed = await bench.advance()
    assert (failed.state, failed.reason) == (WalkDownState.FAILED, reason)


async def test_a_job_that_ends_before_it_was_read_as_running_proves_nothing(bench: Bench) -> None:
    await bench.held()
    await bench.look()
    await bench.let_run()
    bench.mes.state = JobState.ENDED
    assert (await bench.advance()).reason == "the job ended during the walk-down before it was read as running"


@pytest.mark.parametrize("part", ["application_uri", "namespace", "certificate", "receiver"])
async def test_a_server_that_changes_meanwhile_proves_nothing(bench: Bench, part: str) -> None:
    await bench.held()
    bench.mes.target = bench.mes.target.model_copy(update={part: "another"})
    doubted = await bench.advance()
    assert doubted.state is WalkDownState.HELD
    assert "the server changed during the walk-down" in (doubted.waiting_for or "")
    with pytest.raises(ActRejected, match="it proves nothing"):
        await bench.look()
    await bench.let_run()
    assert (await bench.advance()).state is WalkDownState.FAILED
    assert bench.mes.state is JobState.RUNNING


async def test_a_server_that_changes_before_the_release_proves_nothing_and_lets_the_machine_run(bench: Bench) -> None:
    await bench.held()
    await bench.look()
    await bench.let_run()
    bench.mes.target = bench.mes.target.model_copy(update={"certificate": "cd" * 32})
    failed = await bench.advance()
    assert (failed.state, bench.mes.state) == (WalkDownState.FAILED, JobState.RUNNING)
    assert f"its certificate was none and is {'cd' * 32}" in (failed.reason or "")


async def test_after_half_an_hour_production_is_asked_and_nothing_runs_by_itself(bench: Bench) -> None:
    await bench.held()
    bench.clock.time += WALK_DOWN_LASTS + timedelta(seconds=1)
    late = await bench.advance()
    assert (late.state, bench.mes.state) == (WalkDownState.HELD, JobState.INTERRUPTED)
    assert (late.waiting_for or "").startswith("production to release EQ-001: the walk-down proves nothing")
    await bench.let_run()
    assert (await bench.advance()).state is WalkDownState.FAILED
    assert bench.mes.state is JobState.RUNNING


async def test_a_release_that_was_not_carried_out_for_a_quarter_of_an_hour_is_asked_for_again(bench: Bench) -> None:
    await bench.held()
    await bench.look()
    await bench.let_run()
    bench.clock.time += timedelta(minutes=16)
    assert (await bench.advance()).state is WalkDownState.LOOKED
    assert bench.mes.state is JobState.INTERRUPTED


async def test_a_release_that_the_mes_refuses_is_made_again(bench: Bench) -> None:
    await bench.held()
    await bench.look()
    await bench.let_run()
    bench.mes.refuses_release = Refused("not this one", system="fake", operation="release-hold")
    assert (await bench.advance()).waiting_for == "a person to correct fake: not this one"
    bench.mes.refuses_release = None
    assert (await bench.advance()).state is WalkDownState.PROVED


async def killed_at(bench: Bench, call: int, *, after: bool) -> None:
    """Lets the worker die at a call of the next step, and another one repeat the step."""
    steps = bench.steps_of(Killed(call, after=after))
    try:
        await steps.advance_walk_down(WalkDownRef(walk_down=bench.key))
    except Crash:
        await bench.advance()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(6))
async def test_a_worker_that_dies_while_it_holds_the_machine_holds_it_once_or_a_person_is_asked(
    bench: Bench, call: int, after: bool
) -> None:
    await bench.begin()
    await killed_at(bench, call, after=after)
    found = await bench.now()
    assert bench.mes.acts == [f"hold {bench.key}"]
    assert found.state in (WalkDownState.HELD, WalkDownState.UNPROVEN)
    if found.state is WalkDownState.UNPROVEN:
        with pytest.raises(ActRejected, match="cannot be proved that the hold of job J1 is ours"):
            await bench.let_run()
        bench.mes.people_release()
        assert (await bench.advance()).state is WalkDownState.FAILED


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(10))
async def test_a_worker_that_dies_while_it_releases_the_machine_calls_once_or_a_person_is_asked(
    bench: Bench, call: int, after: bool
) -> None:
    await bench.held()
    await bench.look()
    await bench.let_run()
    await killed_at(bench, call, after=after)
    found = await bench.now()
    assert bench.mes.acts.count(f"release {bench.key}") <= 1
    assert found.state in (WalkDownState.PROVED, WalkDownState.UNPROVEN)
    assert (found.state is WalkDownState.PROVED) == (bench.mes.state is JobState.RUNNING)


@pytest.mark.parametrize("call", range(5))
async def test_a_worker_that_dies_while_people_act_starts_no_machine(bench: Bench, call: int) -> None:
    await bench.held()
    await killed_at(bench, call, after=True)
    assert (bench.mes.state, bench.mes.acts) == (JobState.INTERRUPTED, [f"hold {bench.key}"])
    assert (await bench.now()).state is WalkDownState.HELD
