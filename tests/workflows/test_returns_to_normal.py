"""A fault that returns to normal, seen through by workers that end in between, on the real engine."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from domain.errors import Unavailable
from domain.operating import MachineState
from domain.work_orders import WorkOrderRef
from millwright.audit.verifying import verify
from tests.support.normal_plant import CLAUSE, TEN, row
from tests.support.plant import START, TestClock, code, deviation
from tests.support.steady_policy import MACHINE, MES, said
from tests.workflows.fake_plant import FakeCmms, FakePlant

_GAP = timedelta(minutes=25)
_LOST = Unavailable("the answer was lost", system="fake", operation="add-note")


class LosingCmms(FakeCmms):
    """A CMMS that takes notes, and then loses some of its answers."""

    def __init__(self, clock: TestClock) -> None:
        super().__init__(clock)
        self.losing = 0
        self.told: list[str] = []

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        await super().add_note(ref, note_key, text)
        self.told.append(note_key)
        if self.losing:
            self.losing -= 1
            raise _LOST


class NormalPlant(FakePlant):
    """A plant of one machine whose policy says when a fault has returned to normal."""

    more = CLAUSE
    cmms_kind = LosingCmms

    async def passes(self, time: timedelta, *, manned: bool = True) -> None:
        """Time passes while the machine runs, and its detector sends readings at the baseline.

        Args:
            manned: whether a worker is there. The clock stands while it judges, because a verdict must not be much
                older than its row of the ledger.
        """
        for _ in range(int(time / TEN)):
            self.clock.time += TEN / 2
            await self.storage.inbox.store([row(self.hours(), 0.5)], self.clock.now())
            if manned:
                await self.at_rest()
            self.clock.time += TEN / 2
            now = self.clock.now()
            running = {MACHINE: said(MachineState.RUNNING, now)}
            await self.storage.operating.record_reading(MES, now, running, _GAP)
            if manned:
                await self.at_rest()

    def hours(self) -> float:
        return (self.clock.now() - START) / timedelta(hours=1)

    async def fault(self) -> str:
        """The detector and a code show a fault; gives its case."""
        await self.take(code(self.hours() - 0.01), deviation(self.hours()))
        return (await self.case()).id

    async def replaced(self) -> None:
        """The worker ends, and another one takes over."""
        await self.stop_worker()
        self.start_worker()
        await self.at_rest()

    async def acts(self, *kinds: str) -> Sequence[str]:
        async with self.engine.connect() as connection:
            found = await connection.execute(
                text("SELECT kind FROM acts WHERE kind = ANY(:kinds) ORDER BY id"), {"kinds": list(kinds)}
            )
            return [str(kind) for kind in found.scalars()]


@pytest.fixture
async def plant(
    engine: Client, storage_engine: AsyncEngine, request: pytest.FixtureRequest
) -> AsyncIterator[NormalPlant]:
    async with NormalPlant(engine, storage_engine, f"test-{request.node.name}") as made:
        yield made


async def test_planned_work_gets_one_note_though_its_answer_is_lost_and_the_worker_is_replaced(
    plant: NormalPlant,
) -> None:
    case = await plant.fault()
    cmms = plant.cmms
    assert isinstance(cmms, LosingCmms)
    cmms.losing = 2
    await plant.passes(timedelta(hours=3))
    assert cmms.losing == 0
    await plant.replaced()
    await plant.pass_time(timedelta(minutes=10))
    await plant.replaced()
    normal = [key for key in cmms.notes if "normal" in key or "doubt" in key]
    assert len(normal) == 1
    assert cmms.told.count(normal[0]) > 1
    assert (await plant.case()).normal is not None
    assert list(cmms.orders) == [case]
    assert await plant.acts("fault-normal", "case-not-needed") == ["fault-normal"]
    assert (await verify(plant.engine)).verified


async def test_work_that_was_completed_before_a_worker_ended_is_verified_by_the_next(plant: NormalPlant) -> None:
    case = await plant.fault()
    plant.cmms.people_close(case, "REPAIRED")
    await plant.hint()
    await plant.stop_worker()
    await plant.passes(timedelta(hours=3), manned=False)
    plant.start_worker()
    await plant.at_rest()
    verification = (await plant.case()).verification
    assert verification is not None
    assert verification.state == "verified"
    await plant.replaced()
    await plant.pass_time(timedelta(days=4))
    assert await plant.acts("work-verified", "work-not-verified", "work-did-not-help") == ["work-verified"]
    assert (await verify(plant.engine)).verified


async def test_work_that_did_not_help_opens_one_rework_though_the_worker_ends_as_it_finds_out(
    plant: NormalPlant,
) -> None:
    first = await plant.fault()
    plant.cmms.people_close(first, "REPAIRED")
    await plant.hint()
    await plant.passes(timedelta(hours=3))
    await plant.at_rest()
    await plant.stop_worker()
    await plant.storage.inbox.store([code(plant.hours() - 0.01), deviation(plant.hours())], plant.clock.now())
    plant.start_worker()
    await plant.at_rest()
    await plant.pass_time(timedelta(days=4))
    await plant.replaced()
    cases = await plant.cases()
    assert len(cases) == 2
    assert [each.rework.case for each in cases if each.rework] == [first]
    assert await plant.acts("work-did-not-help", "case-reworks") == ["case-reworks", "work-did-not-help"]
    assert len(plant.cmms.orders) == len(cases)
    assert (await verify(plant.engine)).verified
