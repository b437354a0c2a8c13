"""Test runs are held by the record: each step has its statement, and a release for good its proof or a signature."""

from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.holds import PlacementState
from domain.machine_test_runs import READY_FOR_TEST_RUN, RUNS_AS_IT_SHOULD, MachineTestRun, RunTerms
from domain.work_orders import WorkOrderStatus
from millwright.audit import offline_verify
from millwright.audit.evidence import write_evidence
from millwright.audit.exporting import export
from millwright.audit.offline_pack import verify_pack
from millwright.audit.verifying import verify
from millwright.storage.database.engine import open_engine, raw, transaction
from millwright.storage.ledger import ledger
from policies.engine.catalogue import Catalogue
from tests.support.completed_work import ended
from tests.support.hold_stores import EQUIPMENT, FIRST, Bench, held, on
from tests.support.people import signed_again, signed_release

CLAUSES = """holds:
  place_unasked: [pump, robot]
  test_run: { classes: [pump, robot], within: PT2H, steady: PT30M, score: 2.0 }
"""
TERMS = RunTerms(within=timedelta(hours=2), steady=timedelta(minutes=30), score=2.0)
Story = Callable[[Bench], Coroutine[None, None, None]]


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    opened = open_engine(database_url)
    yield opened
    await opened.dispose()


async def begun(engine: AsyncEngine) -> Bench:
    """The machine runs on test, as the version of its case asks."""
    bench = await on(engine, CLAUSES)
    await bench.open(FIRST, 1)
    await held(bench)
    await bench.ordered(FIRST, WorkOrderStatus.COMPLETED)
    await ended(bench.cases, FIRST)
    view, _ = await bench.cases.view(FIRST)
    await bench.holds.mark_ready(FIRST, MachineTestRun(terms=TERMS, version=view.version))
    await approved(bench, READY_FOR_TEST_RUN)
    await bench.holds.move_placement(FIRST, 1, PlacementState.RELEASED)
    await bench.holds.begin_test_run(FIRST)
    return bench


async def approved(bench: Bench, meaning: str) -> None:
    await bench.holds.approve_release(FIRST, signed_release(FIRST, EQUIPMENT, bench.clock.now(), meaning=meaning))


async def proves(bench: Bench, score: float = 0.5) -> None:
    await bench.holds.follow_test_run(FIRST, running=True, read_at=bench.clock.now())
    for _ in range(4):
        bench.clock.time += timedelta(minutes=5)
        await bench.receive(score)
        bench.clock.time += timedelta(minutes=5)
        await bench.holds.follow_test_run(FIRST, running=True, read_at=bench.clock.now())


async def signs(bench: Bench) -> None:
    await bench.holds.follow_test_run(FIRST, running=False, read_at=bench.clock.now())
    await approved(bench, RUNS_AS_IT_SHOULD)


async def holds_again(bench: Bench) -> None:
    bench.clock.time += timedelta(minutes=5)
    await bench.holds.hold_again(FIRST, signed_again(FIRST, EQUIPMENT, bench.clock.now()))


async def holds_again_after_an_anomaly(bench: Bench) -> None:
    await bench.receive(9.0)
    await holds_again(bench)


async def runs_on(bench: Bench) -> None:
    await bench.holds.follow_test_run(FIRST, running=True, read_at=bench.clock.now())


async def found(engine: AsyncEngine, folder: Path) -> tuple[list[str], list[str]]:
    """What is found here and in an export, but for what only the tests' shortcuts leave out."""
    await export(engine, folder)
    here = [each.what for each in (await verify(engine)).findings if each.kind in ("hold", "case", "actor", "evidence")]
    there = [each.what for each in offline_verify.verify(folder) if each.kind in ("hold", "case", "actor", "evidence")]
    return here, there


@pytest.mark.parametrize("story", [proves, signs, holds_again, holds_again_after_an_anomaly, runs_on])
async def test_each_way_through_a_test_run_is_as_recorded(engine: AsyncEngine, tmp_path: Path, story: Story) -> None:
    bench = await begun(engine)
    await story(bench)
    assert await found(engine, tmp_path) == ([], [])
    pack = tmp_path / "pack.json"
    await write_evidence(engine, Catalogue(), FIRST, pack, bench.clock.now(), ZoneInfo("UTC"))
    assert [each.what for each in verify_pack(pack) if each.kind in ("hold", "case", "actor")] == []


async def alter(engine: AsyncEngine, statement: str) -> None:
    """As somebody does who may turn triggers off."""
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text(statement), {"key": FIRST})


async def chain(engine: AsyncEngine, bench: Bench, *acts: ledger.Act) -> None:
    """Adds acts as somebody does who writes to the database, with a row in the ledger."""
    entry = ledger.Entry(bench.clock.now())
    entry.add(*acts)
    async with transaction(engine) as connection, (await raw(connection)).cursor() as cursor:
        await ledger.append_by(cursor, entry)


async def test_a_release_for_good_without_proof_or_signature_is_named(engine: AsyncEngine, tmp_path: Path) -> None:
    bench = await begun(engine)
    detail: dict[str, object] = {"hold": FIRST, "reason": "it is quiet", "release": None}
    await chain(engine, bench, ledger.act("hold-released", f"case/{FIRST}", "millwright", bench.clock.now(), detail))
    here, there = await found(engine, tmp_path)
    words = "was released for good after its test run without proof, and no person signed that"
    assert words in here
    assert words in there


async def test_a_test_run_without_a_signed_statement_is_named(engine: AsyncEngine, tmp_path: Path) -> None:
    bench = await on(engine, CLAUSES)
    await bench.open(FIRST, 1)
    await held(bench)
    await ended(bench.cases, FIRST)
    view, _ = await bench.cases.view(FIRST)
    await bench.holds.mark_ready(FIRST, MachineTestRun(terms=TERMS, version=view.version))
    run = MachineTestRun(terms=TERMS, version=view.version, begun_at=bench.clock.now())
    detail: dict[str, object] = {"hold": FIRST, "test_run": run}
    await chain(engine, bench, ledger.act("hold-testing", f"case/{FIRST}", "millwright", bench.clock.now(), detail))
    here, there = await found(engine, tmp_path)
    assert "runs on test, and no person released it for a test run" in here
    assert "runs on test, and no person released it for a test run" in there


async def test_a_hold_whose_version_asks_for_a_test_run_and_none_was_asked_for_is_named(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    bench = await on(engine, CLAUSES)
    await bench.open(FIRST, 1)
    await held(bench)
    await ended(bench.cases, FIRST)
    await bench.holds.mark_ready(FIRST)
    words = "its version asks for a test run, and none was asked for"
    assert await found(engine, tmp_path) == ([words], [words])


async def test_a_proof_that_the_verdicts_do_not_give_is_named(engine: AsyncEngine, tmp_path: Path) -> None:
    bench = await begun(engine)
    await proves(bench)
    await alter(engine, "UPDATE verdicts SET rung = 1 WHERE id = (SELECT max(id) - 1 FROM verdicts) AND :key <> ''")
    here, there = await found(engine, tmp_path)
    words = "was released for good on a proof for PDE of machine-001-comp1 that the verdicts do not give"
    assert words in here
    assert words in there


EARLIER = """UPDATE holds SET test_run = jsonb_set(test_run, '{begun_at}', '"2015-01-10T06:00:00Z"') WHERE key = :key"""


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE holds SET test_run = NULL WHERE key = :key", "its test run is not as recorded"),
        (EARLIER, "its test run is not as recorded"),
        ("UPDATE holds SET state = 'asked' WHERE key = :key", "is asked, recorded is testing"),
    ],
)
async def test_an_altered_test_run_is_named(engine: AsyncEngine, tmp_path: Path, statement: str, words: str) -> None:
    await begun(engine)
    await alter(engine, statement)
    here, there = await found(engine, tmp_path)
    assert words in here
    assert words in there


async def test_an_altered_rework_is_named(engine: AsyncEngine, tmp_path: Path) -> None:
    await holds_again(await begun(engine))
    await alter(
        engine,
        "UPDATE cases SET rework = jsonb_set(rework, '{by}', '\"olaf\"') WHERE rework IS NOT NULL AND :key <> ''",
    )
    here, there = await found(engine, tmp_path)
    assert (here, there) == (["rework is not as recorded"], ["rework is not as recorded"])
