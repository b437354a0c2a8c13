"""What machines do: kept by reading, found for the time of an event, and told to the versions that use it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import psycopg
import pytest
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.instances import SiteInstances
from domain.operating import MachineState, OperatingState
from domain.verdict import Context
from millwright.backtesting.backtest import Question, run_backtest, trace
from millwright.storage.database.engine import raw, transaction
from millwright.storage.database.schema import downgrade
from millwright.storage.operating.readings import OperatingStateStore
from millwright.storage.operating.states_then import states_then
from policies.engine.catalogue import Catalogue
from tests.support.judged_plant import Plant
from tests.support.plant import START, deviation
from tests.support.steady_policy import MACHINE, MES, put_in_force, said, steady_candidate

RUNNING, IDLE, STARTUP, UNKNOWN = (
    MachineState.RUNNING,
    MachineState.IDLE,
    MachineState.STARTUP,
    MachineState.UNKNOWN,
)
GAP = timedelta(minutes=10)
MORNING = START + timedelta(days=1)


def minute(number: float) -> datetime:
    return MORNING + timedelta(minutes=number)


def hours(number: float) -> float:
    """A minute of the morning as hours after the start, as `deviation` takes them."""
    return 24 + number / 60


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    made = Plant(storage_engine)
    await made.prepare()
    return made


@pytest.fixture
def store(plant: Plant) -> OperatingStateStore:
    return OperatingStateStore(plant.engine, plant.clock, SiteInstances(otherwise=MES))


async def read(
    store: OperatingStateStore,
    at: float,
    state: MachineState | None,
    since: float | None = None,
    *,
    system: str = MES,
    **more: object,
) -> int:
    """A reading of the MES in a minute of the morning; None does not tell of the machine."""
    told: Mapping[str, OperatingState] = {}
    if state is not None:
        told = {MACHINE: said(state, minute(at), None if since is None else minute(since), **more)}
    return await store.record_reading(system, minute(at), told, GAP)


async def then(plant: Plant, at: float) -> OperatingState | None:
    async with transaction(plant.engine) as connection:
        return (await states_then(await raw(connection), [(MACHINE, minute(at))])).get((MACHINE, minute(at)))


async def test_a_row_is_added_only_when_the_state_has_changed(plant: Plant, store: OperatingStateStore) -> None:
    changed = [await read(store, at, state) for at, state in ((0, IDLE), (5, IDLE), (10, RUNNING), (15, RUNNING))]
    assert changed == [1, 0, 1, 0]
    assert await plant.rows("SELECT count(*) FROM operating_states") == [(2,)]
    assert await plant.rows("SELECT count(*) FROM operating_readings") == [(4,)]
    assert await plant.rows("SELECT count(*) FROM acts WHERE kind = 'operating-read'") == [(4,)]


async def test_a_reading_that_comes_again_changes_nothing(plant: Plant, store: OperatingStateStore) -> None:
    await read(store, 5, RUNNING)
    assert await read(store, 5, IDLE) == 0
    assert await read(store, 4, IDLE) == 0
    assert await plant.rows("SELECT count(*) FROM operating_readings") == [(1,)]


async def test_the_last_reading_before_the_event_counts_and_says_how_old_it_is(
    plant: Plant, store: OperatingStateStore
) -> None:
    for at, state in ((0, IDLE), (5, RUNNING), (10, RUNNING), (15, IDLE)):
        await read(store, at, state)
    found = [await then(plant, at) for at in (0, 1, 5, 6, 14, 15, 16, 60)]
    told = [None if each is None else (each.state, each.read_at) for each in found]
    assert told == [
        None,
        (IDLE, minute(0)),
        (IDLE, minute(0)),
        (RUNNING, minute(5)),
        (RUNNING, minute(10)),
        (RUNNING, minute(10)),
        (IDLE, minute(15)),
        (IDLE, minute(15)),
    ]


async def test_a_machine_runs_without_a_break_as_long_as_each_reading_says_so(
    plant: Plant, store: OperatingStateStore
) -> None:
    for at in (0, 5, 10):
        await read(store, at, RUNNING)
    await read(store, 15, RUNNING, recipe="R2")
    unbroken = await then(plant, 16)
    await read(store, 40, RUNNING, recipe="R2")
    after_a_gap = await then(plant, 41)
    assert unbroken is not None
    assert after_a_gap is not None
    assert (unbroken.since, after_a_gap.since) == (minute(0), minute(40))


async def test_the_time_that_the_mes_gives_counts_before_our_readings(plant: Plant, store: OperatingStateStore) -> None:
    await read(store, 0, RUNNING)
    await read(store, 5, RUNNING, since=3)
    found = await then(plant, 6)
    assert found is not None
    assert found.since == minute(3)


async def test_a_time_that_lies_ahead_counts_as_the_reading(plant: Plant, store: OperatingStateStore) -> None:
    await read(store, 0, RUNNING, since=30)
    found = await then(plant, 1)
    assert found is not None
    assert found.since == minute(0)


async def test_a_machine_of_which_a_reading_does_not_tell_is_unknown(plant: Plant, store: OperatingStateStore) -> None:
    await read(store, 0, RUNNING)
    await read(store, 5, None)
    await read(store, 10, None)
    found = await then(plant, 11)
    assert found is not None
    assert found.state is UNKNOWN
    assert await plant.rows("SELECT count(*) FROM operating_states") == [(2,)]


async def test_a_machine_that_another_mes_serves_from_now_on_is_that_ones(
    plant: Plant, store: OperatingStateStore
) -> None:
    await read(store, 0, RUNNING)
    await read(store, 5, IDLE, system="other")
    await read(store, 6, None)
    await read(store, 10, IDLE, system="other")
    found = await then(plant, 11)
    assert found is not None
    assert (found.state, found.read_at) == (IDLE, minute(10))


async def test_an_mes_is_asked_for_the_machines_of_its_sites(plant: Plant, store: OperatingStateStore) -> None:
    assert await store.machines(MES) == {"EQ-001": MACHINE}
    assert await store.machines("other") == {}


async def test_what_was_read_can_be_neither_changed_nor_deleted(plant: Plant, store: OperatingStateStore) -> None:
    await read(store, 0, RUNNING)
    for statement in (
        "UPDATE operating_states SET body = '{}'",
        "DELETE FROM operating_states",
        "UPDATE operating_readings SET system = 'x'",
        "TRUNCATE operating_readings CASCADE",
    ):
        with pytest.raises((DBAPIError, psycopg.Error), match="append-only"):
            await plant.rows(statement)


async def judged(plant: Plant, digest: str) -> list[tuple[object, ...]]:
    """The rule and the state by which each event was decided by a version, the newest revision of each, in order."""
    rows = await plant.rows(
        "SELECT DISTINCT ON (v.\"position\") v.body::json->>'rule', c.body FROM verdicts v "
        "JOIN contexts c ON c.digest = v.body::json->>'context' WHERE v.version = :digest "
        'ORDER BY v."position", v.revision DESC',
        digest=digest,
    )
    contexts = [(rule, Context.model_validate_json(str(body)).operating) for rule, body in rows]
    return [(rule, None if operating is None else operating.state) for rule, operating in contexts]


async def test_the_same_shift_is_normal_in_startup_and_alarming_in_steady_state(
    plant: Plant, store: OperatingStateStore
) -> None:
    digest = await put_in_force(plant)
    await read(store, 0, STARTUP)
    await read(store, 5, RUNNING)
    await read(store, 30, RUNNING, since=5)
    await plant.take(deviation(hours(3)), deviation(hours(6)), deviation(hours(31)))
    assert await judged(plant, digest) == [
        ("normal-while-it-starts", STARTUP),
        ("normal-while-it-starts", RUNNING),
        ("alarming-in-steady-state", RUNNING),
    ]


async def test_the_tables_are_not_taken_back_while_a_verdict_was_told_of_them(
    plant: Plant, store: OperatingStateStore, database_url: str
) -> None:
    await put_in_force(plant)
    await read(store, 0, RUNNING)
    await plant.take(deviation(hours(1)))
    await plant.engine.dispose()
    with pytest.raises(CommandError, match="1 contexts of verdicts have what the machines did, which earlier"):
        downgrade(database_url, "0032_machine_test_runs")


async def test_the_time_of_the_event_decides_and_not_that_of_its_arrival(
    plant: Plant, store: OperatingStateStore
) -> None:
    digest = await put_in_force(plant)
    await read(store, 0, STARTUP)
    await read(store, 30, RUNNING, since=1)
    await plant.take(deviation(hours(31)))
    await plant.take(deviation(hours(3)))
    assert await judged(plant, digest) == [
        ("normal-while-it-starts", STARTUP),
        ("alarming-in-steady-state", RUNNING),
    ]


async def test_a_machine_that_nobody_reads_any_more_is_unknown(plant: Plant, store: OperatingStateStore) -> None:
    digest = await put_in_force(plant)
    await read(store, 0, RUNNING, since=-60)
    await plant.take(deviation(hours(30)), deviation(hours(31)))
    (fresh, _), (stale, _) = await judged(plant, digest)
    assert fresh == "alarming-in-steady-state"
    assert stale not in ("alarming-in-steady-state", "normal-while-it-starts")


async def test_only_a_version_that_uses_it_is_told_and_all_else_stays_as_it_was(
    plant: Plant, store: OperatingStateStore
) -> None:
    await read(store, 0, RUNNING, since=-60)
    await plant.take(deviation(hours(3)))
    before = await plant.rows("SELECT digest, body FROM contexts")
    digest = await put_in_force(plant, "shadow")
    await plant.take(deviation(hours(4)))
    assert [each[1] for each in await judged(plant, plant.digests["1.1.0"])] == [None, None]
    assert [each[1] for each in await judged(plant, digest)] == [RUNNING, RUNNING]
    assert set(before) < set(await plant.rows("SELECT digest, body FROM contexts"))
    assert all("operating" not in str(body) for _, body in before)


async def test_a_backtest_judges_the_past_with_the_states_that_were_stored(
    plant: Plant, store: OperatingStateStore
) -> None:
    await read(store, 0, STARTUP)
    await read(store, 5, RUNNING)
    await read(store, 30, RUNNING, since=5)
    shifts = [deviation(hours(at)) for at in (-1, 3, 31)]
    await plant.take(*shifts)
    candidate, shipped = steady_candidate(), Catalogue.published().find("rotating-equipment", "1.1.0")
    past = await run_backtest(plant.engine, Question(candidate, shipped), lambda _, __: None)
    changed = [(decision.before.rung, decision.after.rule) for decision in past.decisions]
    assert changed == [("watch", "normal-while-it-starts"), ("watch", "alarming-in-steady-state")]
    traced = await trace(plant.engine, Question(candidate, shipped), past.until, past.decisions)
    assert [each.after.values["operating.steady_minutes"] for each in traced] == ["0", "26"]
    digest = await put_in_force(plant)
    await plant.take(deviation(hours(32)))
    assert [rule for rule, _ in await judged(plant, digest)][1:] == [
        "normal-while-it-starts",
        "alarming-in-steady-state",
        "alarming-in-steady-state",
    ]
    again = await run_backtest(plant.engine, Question(candidate, shipped), lambda _, __: None)
    assert again.candidate.rungs == {"watch": 2, "draft": 2}
