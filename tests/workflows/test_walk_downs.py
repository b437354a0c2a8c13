"""Walk-downs on the real engine: two persons prove a machine, and the case that waits for that holds it."""

import asyncio
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from domain.assets import Criticality
from domain.cases import Lane
from domain.keys import walk_down_workflow_id
from domain.production import JobState
from domain.walk_downs import WALK_DOWN_LASTS, WalkDownState
from tests.support.plant import code, deviation
from tests.support.walk_downs import begin_word, release_word
from tests.workflows.fake_plant import FakePlant


async def test_a_case_waits_for_the_proof_and_then_holds_its_machine(
    engine: Client, storage_engine: AsyncEngine
) -> None:
    unproved = FakePlant(engine, storage_engine, "test-proof-of-a-machine")
    unproved.proved = False
    async with unproved as plant:
        await plant.use(Criticality.A)
        await plant.take(code(1), deviation(2))
        case = await plant.case()
        assert (case.lane, plant.mes.acts) == (Lane.PRODUCTION, [])
        assert "`millwright hold prove EQ-001`" in (case.waiting_for or "")
        assert len(plant.cmms.orders) == 1
        key = await plant.prove()
        assert plant.mes.acts == [f"hold {key}", f"release {key}", f"hold {case.id}"]
        case = await plant.case()
        assert case.hold is not None
        assert case.hold.in_effect_since is not None


async def test_a_walk_down_whose_worker_and_history_are_lost_goes_on(plant: FakePlant) -> None:
    plant.clock.time += timedelta(minutes=1)
    store, now = plant.storage.walk_downs, plant.clock.now()
    begun = await store.begin("machine-001", "fake", "EQ-001", begin_word(now, "fake"))
    await plant.at_rest()
    await plant.client.get_workflow_handle(walk_down_workflow_id(begun.key)).terminate()
    held, _ = await store.read(begun.key)
    assert (held.state, plant.mes.state) == (WalkDownState.HELD, JobState.INTERRUPTED)
    await store.let_run(begun.key, release_word(held, now))
    await plant.at_rest()
    assert plant.mes.acts == [f"hold {begun.key}", f"release {begun.key}"]
    async with asyncio.timeout(30):
        await plant.client.get_workflow_handle(walk_down_workflow_id(begun.key)).result()


async def test_after_half_an_hour_production_is_called_and_nothing_runs_by_itself(plant: FakePlant) -> None:
    plant.clock.time += timedelta(minutes=1)
    store, now = plant.storage.walk_downs, plant.clock.now()
    begun = await store.begin("machine-001", "fake", "EQ-001", begin_word(now, "fake"))
    await plant.at_rest()
    await plant.pass_time(WALK_DOWN_LASTS + timedelta(seconds=2))
    late, _ = await store.read(begun.key)
    assert (late.state, late.reason) == (WalkDownState.HELD, "it was not done within 30 minutes")
    assert plant.mes.state is JobState.INTERRUPTED
