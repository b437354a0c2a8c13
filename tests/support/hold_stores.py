"""The two hold stores, in PostgreSQL and in memory, each with its cases, for one contract suite."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Received
from domain.assets import Criticality
from domain.casework import CaseStore
from domain.hold_store import HoldStore
from domain.holds import HoldView, PlacementState, Release
from domain.keys import case_id, case_workflow_id
from domain.machine_test_runs import JudgedReading
from domain.production import HoldMethod, HoldPlan, JobState
from domain.verdict import Rung, Urgency, UrgencyDecision
from domain.work_orders import Touched, WorkOrderDraft, WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore as StoredCases
from millwright.storage.cases.holds import HoldStore as StoredHolds
from millwright.storage.cases.walk_downs import WalkDownStore
from millwright.storage.database.engine import open_engine
from tests.support.completed_work import ended
from tests.support.fault_injection import Played
from tests.support.judged_plant import Plant
from tests.support.memory_store import MemoryStore
from tests.support.people import signed_release
from tests.support.plant import MOTOR, PUMP, START, UNASKED, TestClock, code, deviation
from tests.support.saga_plant import case_view
from tests.support.walk_downs import prove, target

FIRST = case_id(PUMP, "PDE", "tests", "first")
SECOND = case_id(MOTOR, "LOO", "tests", "second")
NEXT = case_id(PUMP, "PDE", "tests", "next")
"""The case that the fault of `FIRST` opens after its end."""
EQUIPMENT, OTHER = "EQ-001", "EQ-002"
SYSTEM = "mes"
STEPS: dict[PlacementState, list[PlacementState]] = {
    PlacementState.INTENDED: [],
    PlacementState.ACCEPTED: [PlacementState.ACCEPTED],
    PlacementState.IN_EFFECT: [PlacementState.IN_EFFECT],
    PlacementState.UNPROVEN: [PlacementState.UNPROVEN],
    PlacementState.OVERRULED: [PlacementState.IN_EFFECT, PlacementState.OVERRULED],
    PlacementState.ENDED: [PlacementState.IN_EFFECT, PlacementState.ENDED],
    PlacementState.RELEASED: [PlacementState.IN_EFFECT, PlacementState.RELEASED],
    PlacementState.VOID: [PlacementState.VOID],
}
"""The moves by which a placement reaches each state."""


@dataclass
class Bench:
    """A store of holds with the cases that claim them."""

    clock: TestClock
    holds: HoldStore
    cases: CaseStore
    open: Callable[[str, int], Awaitable[None]]
    """Opens a case of a fault of one of the machine's components, by its number."""
    wakes: Callable[[str], Awaitable[int]]
    """How often a case was woken."""
    phase: Callable[[str], Awaitable[str]]
    receive: Callable[[float], Awaitable[None]]
    """A detector's row of the first case's fault, of now, with this score."""

    async def proposed(self, case: str) -> None:
        """The case's work is proposed, as its first step does."""
        now = self.clock.now()
        urgency = UrgencyDecision(urgency=Urgency.NOW, rule="set", because="It is.", hold_at=now, work_at=now)
        await self.cases.record_proposal(case, urgency, None)

    async def intended(self, case: str) -> None:
        """The case's order is written down, and not made yet."""
        await self.cases.intend_order(case, "cmms", _draft(case), None, None)

    async def ordered(self, case: str, status: WorkOrderStatus) -> None:
        """The case's order is seen, or seen to have changed."""
        self.clock.time += timedelta(minutes=1)
        await self.intended(case)
        ref = WorkOrderRef(system="cmms", id=f"WO-{case}", key=case)
        record = WorkOrderRecord(
            ref=ref, status=status, vendor_status=status.value, changed_at=self.clock.now(), touched=Touched.NO
        )
        await self.cases.record_order(case, record, self.clock.now())


class AtOnce:
    """A store in memory with asyncio methods: every call succeeds."""

    def __init__(self, store: object) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        method: Callable[..., Any] = getattr(self._store, name)

        async def call(*arguments: object, **named: object) -> object:
            played: Played[object] = Played(method(*arguments, **named))
            while not played.ended:
                played.play()
            return played.result

        return call


@asynccontextmanager
async def stored(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """The holds in PostgreSQL, on a database of the test."""
    engine = open_engine(request.getfixturevalue("database_url"))
    yield await on(engine)
    await engine.dispose()


async def on(engine: AsyncEngine, more: str = UNASKED) -> Bench:
    """The holds in a database. `more` is a clause of the versions beyond the shipped ones."""
    plant = Plant(engine)
    await plant.prepare(Criticality.A, more)

    async def opened(case: str, part: int) -> None:
        del part
        await plant.take(*_evidence(case))

    async def wakes(case: str) -> int:
        return int(str(await _only(plant, "SELECT generation FROM due WHERE subject = :it", case_workflow_id(case))))

    async def phase(case: str) -> str:
        return str(await _only(plant, "SELECT phase FROM cases WHERE id = :it", case))

    async def receive(score: float) -> None:
        hours = (plant.clock.now() - START) / timedelta(hours=1)
        # A shift alone is only watched; the matching code makes it one that is acted on.
        await plant.take(*([code(hours)] if score > 4 else []), deviation(hours, score=score))

    await prove(WalkDownStore(engine, plant.clock), plant.clock.now(), SYSTEM, target())
    holds = StoredHolds(engine, plant.clock)
    cases = StoredCases(engine, plant.clock, StoredVersions(plant.catalogue))
    return Bench(plant.clock, holds, cases, opened, wakes, phase, receive)


@asynccontextmanager
async def in_memory(_: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """The holds of the tests that run cases call by call."""
    clock = TestClock(START)
    store = MemoryStore(clock)
    store.holds.proofs[EQUIPMENT] = target()

    async def opened(case: str, part: int) -> None:
        store.open(case_view(case, part, Rung.WORK_ORDER_AND_HOLD))

    async def wakes(case: str) -> int:
        return store.due[case].generation

    async def phase(case: str) -> str:
        return store.cases[case].phase.value

    async def receive(score: float) -> None:
        anomaly = deviation((clock.now() - START) / timedelta(hours=1), score=score).anomaly
        assert anomaly is not None
        rung = Rung.IGNORE if score <= 4 else Rung.INSPECT
        store.holds.readings.setdefault((anomaly.asset, anomaly.failure_mode), []).append(JudgedReading(anomaly, rung))

    holds = cast(HoldStore, AtOnce(store.holds))
    yield Bench(clock, holds, cast(CaseStore, AtOnce(store)), opened, wakes, phase, receive)


def _evidence(case: str) -> tuple[Received, ...]:
    """The events that open a case which asks for an order and a hold."""
    return {
        FIRST: (code(1), deviation(2, external_id="first")),
        SECOND: (
            code(1, "error2", asset=MOTOR),
            code(1.5, "error3", asset=MOTOR),
            deviation(2, asset=MOTOR, external_id="second"),
        ),
        NEXT: (code(100), deviation(101, external_id="next")),
    }[case]


def plan(job: str = "J1", receiver: str | None = "R1", key: str = FIRST) -> HoldPlan:
    """A plan to pause a job of the machine."""
    return HoldPlan(
        key=key,
        equipment=EQUIPMENT,
        receiver=receiver,
        job=job,
        prior_state=JobState.RUNNING,
        method=HoldMethod.PAUSE,
        target=target(),
    )


def release(bench: Bench, by: str = "petra") -> Release:
    """The statement of a person of production, at the present time."""
    return signed_release(FIRST, EQUIPMENT, bench.clock.now(), by)


async def held(bench: Bench, job: str = "J1") -> int:
    """A job in effect for the first case; the placement's number."""
    await bench.holds.claim(FIRST, SYSTEM, EQUIPMENT, unasked=True)
    number = await intend(bench, plan(job))
    assert number is not None
    await bench.holds.move_placement(FIRST, number, PlacementState.IN_EFFECT, read_at=bench.clock.now())
    return number


async def intend(bench: Bench, wanted: HoldPlan, by: str = FIRST) -> int | None:
    """The number of the placement that the case must make now."""
    placement = await bench.holds.intend_placement(FIRST, wanted, by)
    return None if placement is None else placement.number


async def done(bench: Bench, case: str = FIRST) -> None:
    """Ends the case's work, as the last steps of a case do."""
    await ended(bench.cases, case)
    await bench.holds.mark_ready(case)


async def hold(bench: Bench, case: str = FIRST) -> HoldView:
    """The hold of a case, which has one."""
    found = await bench.holds.read(case)
    assert found is not None
    return found


async def _only(plant: Plant, statement: str, it: str) -> object:
    ((found,),) = await plant.rows(statement, it=it)
    return found


def _draft(case: str) -> WorkOrderDraft:
    return WorkOrderDraft(
        key=case,
        asset="machine-001-comp1",
        asset_attributes={"siteid": "BEDFORD"},
        asset_external_id="M001-COMP1",
        summary="It shifts.",
        paragraphs=("It shifts.",),
        failure_mode="PDE",
        priority=1,
        released=True,
        reported_at=START,
    )
