"""Holds that nobody answers for are found both ways, told to operations once, and never released."""

from collections.abc import AsyncIterator, Sequence
from typing import cast

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.orphan_holds import OrphanHolds
from domain.errors import Unavailable
from domain.holds import HoldStatus, PlacementState
from domain.orphan_holds import OrphanHold
from domain.ports import Mes
from domain.production import HoldPlan, HoldReading, HoldState, MarkedHold
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.cases.orphan_holds import OrphanHoldStore
from millwright.storage.database.engine import open_engine
from millwright.worker.hold_watch import HoldWatch
from tests.support.completed_work import ended
from tests.support.hold_stores import FIRST, SYSTEM, Bench, held, on


class AskedMes:
    """What an MES says of its holds."""

    def __init__(self) -> None:
        self.marks: Sequence[MarkedHold] | None = None
        self.state = HoldState.ABSENT
        self.away = False
        self.bench: Bench | None = None

    async def marked_holds(self) -> Sequence[MarkedHold] | None:
        if self.away:
            raise Unavailable("503", system=SYSTEM, operation="list-holds")
        return self.marks

    async def read_hold(self, plan: HoldPlan) -> HoldReading:
        assert self.bench is not None
        return HoldReading(state=self.state, read_at=self.bench.clock.now())


class Looked:
    """A held machine, its MES, and the detector."""

    def __init__(self, engine: AsyncEngine, bench: Bench) -> None:
        self.engine, self.bench, self.mes = engine, bench, AskedMes()
        self.mes.bench = bench
        self.record = OrphanHoldStore(engine, cast(CaseStore, bench.cases))
        self.orphans = OrphanHolds(self.record, {SYSTEM: cast(Mes, self.mes)}, bench.clock)
        self.watch = HoldWatch(self.orphans, self.record)

    async def found(self) -> list[str]:
        return [orphan.problem for orphan in (await self.orphans.find()).orphans]

    async def alter(self, statement: str) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(text(statement))

    async def waits(self) -> tuple[str | None, str | None, int]:
        """What the case waits for, its lane, and how often that was recorded."""
        view, _ = await self.bench.cases.view(FIRST)
        async with self.engine.connect() as connection:
            told = "SELECT count(*) FROM acts WHERE kind = 'case-waits' AND body LIKE '%sweep-holds%'"
            count = (await connection.execute(text(told))).scalar_one()
        return view.waiting_for, view.lane.value if view.lane else None, int(count)


@pytest.fixture
async def looked(database_url: str) -> AsyncIterator[Looked]:
    engine = open_engine(database_url)
    bench = await on(engine)
    await bench.open(FIRST, 1)
    await held(bench)
    yield Looked(engine, bench)
    await engine.dispose()


async def released(looked: Looked) -> None:
    """The hold has ended as released, and its case is closed."""
    await ended(looked.bench.cases, FIRST)
    await looked.bench.holds.move_placement(FIRST, 1, PlacementState.RELEASED)
    await looked.bench.holds.end(FIRST, HoldStatus.RELEASED)
    await ended(looked.bench.cases, FIRST)


async def test_a_hold_with_a_case_that_the_mes_has_too_is_no_orphan(looked: Looked) -> None:
    looked.mes.marks = [MarkedHold(key=FIRST, place="work centre 1")]
    assert await looked.found() == []


async def test_a_live_hold_whose_cases_have_all_ended_is_found(looked: Looked) -> None:
    await looked.alter("UPDATE cases SET closed_at = now(), closed_as = 'done', phase = 'closed'")
    assert await looked.found() == ["it is live here, and no open case asks for it"]


async def test_a_claim_on_a_hold_that_has_ended_is_found(looked: Looked) -> None:
    await looked.alter("UPDATE holds SET state = 'released'")
    assert await looked.found() == [f"case {FIRST} asks for it, and it has ended here as released"]


async def test_a_hold_with_our_mark_and_none_in_storage_is_found(looked: Looked) -> None:
    looked.mes.marks = [MarkedHold(key="MWGONE", place="work centre 7")]
    [orphan] = (await looked.orphans.find()).orphans
    assert (orphan.key, orphan.equipment) == ("MWGONE", "work centre 7")
    assert orphan.words.endswith("the MES has it, and no hold of this key is live here")


async def test_a_hold_that_is_being_released_while_we_look_is_no_orphan(looked: Looked) -> None:
    looks = iter([[MarkedHold(key="MWGONE", place="work centre 7")], []])

    async def marked_holds() -> Sequence[MarkedHold]:
        return next(looks)

    looked.mes.marked_holds = marked_holds  # type: ignore[method-assign]  # it answers twice
    assert await looked.found() == []


async def test_where_the_mes_cannot_say_whose_a_hold_is_a_released_job_that_is_held_is_found(looked: Looked) -> None:
    await released(looked)
    assert await looked.found() == []
    looked.mes.state = HoldState.HELD
    [problem] = await looked.found()
    assert problem.startswith("job J1 is held in the MES, and its hold ended here as released")


async def test_a_job_that_a_live_hold_of_ours_keeps_is_no_orphan(looked: Looked) -> None:
    looked.mes.state = HoldState.HELD
    await looked.bench.holds.move_placement(FIRST, 1, PlacementState.RELEASED)
    assert await looked.found() == []


async def test_an_mes_that_does_not_answer_hides_nothing_of_storage(looked: Looked) -> None:
    looked.mes.away = True
    await looked.alter("UPDATE holds SET state = 'released'")
    assert len(await looked.found()) == 1


async def test_operations_are_told_once_and_the_lane_is_left_once_it_is_mended(looked: Looked) -> None:
    await released(looked)
    looked.mes.state = HoldState.HELD
    for _ in range(3):
        await looked.watch.look()
    waits, lane, recorded = await looked.waits()
    assert (lane, recorded) == ("operations", 1)
    assert waits is not None
    assert "operations to look at hold" in waits
    looked.mes.state = HoldState.ABSENT
    await looked.watch.look()
    assert (await looked.waits())[:2] == (None, None)


async def test_an_mes_that_does_not_answer_for_a_while_leaves_the_lane_as_it_is(looked: Looked) -> None:
    await released(looked)
    looked.mes.state = HoldState.HELD
    await looked.watch.look()
    looked.mes.away = True
    await looked.watch.look()
    looked.mes.away = False
    await looked.watch.look()
    assert (await looked.waits())[1:] == ("operations", 1)


async def test_a_closed_case_that_waits_for_a_person_is_left_alone(looked: Looked) -> None:
    await released(looked)
    await looked.alter("UPDATE cases SET waiting_step = 'record-outcome', waiting_for = 'a planner', lane = 'planner'")
    looked.mes.state = HoldState.HELD
    await looked.watch.look()
    assert await looked.waits() == ("a planner", "planner", 0)


async def test_a_hold_without_a_case_here_is_found_and_no_case_is_touched(looked: Looked) -> None:
    looked.mes.marks = [MarkedHold(key="MWGONE", place="work centre 7")]
    told = await looked.record.tell(await looked.orphans.find())
    assert told == []
    assert (await looked.waits())[2] == 0


def test_the_words_name_the_hold_the_machine_and_the_system() -> None:
    orphan = OrphanHold(key="MW1", system="mes", equipment="EQ-1", problem="it is odd")
    assert orphan.words == "MW1 on EQ-1 in mes: it is odd"
