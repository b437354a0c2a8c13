"""Every state of the database means something, and none of them ends a process or spoils an event."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import StorageFault, StorageUnavailable
from millwright.storage.database.engine import raw, transaction
from tests.support.demotion import read_only
from tests.support.judged_plant import Plant, judge_to_rest
from tests.support.plant import deviation

# One or more of every class of PostgreSQL's appendix A that says something of the database, and not of what was sent.
PASSING = [
    "08000", "08006", "08P01", "0A000", "25000", "25006", "25P02", "25P03", "26000", "28000", "28P01", "2D000", "39000",
    "3D000", "40000", "40001", "40003", "40P01", "42501", "42P05", "53000", "53100", "53200", "53300", "53400", "55000",
    "55006", "55P03", "57000", "57014", "57P01", "57P02", "57P03", "57P04", "57P05", "58000", "58030", "58P01", "72000",
    "38000", "F0000", "HV000", "XX000", "XX001", "XX002", "ZZ999",
]  # fmt: skip
FAULTS = [
    "03000",
    "20000",
    "24000",
    "2F000",
    "34000",
    "3B000",
    "3F000",
    "42601",
    "42703",
    "42883",
    "42P01",
    "P0001",
]
OF_THE_VALUES = ["21000", "22003", "22021", "22P02", "23502", "23505", "23514", "54000", "54001"]

RAISED = "DO $$ BEGIN RAISE EXCEPTION 'as drawn' USING ERRCODE = '{}'; END $$"


async def by_the_toolkit(engine: AsyncEngine, state: str) -> None:
    async with transaction(engine) as connection:
        await connection.execute(text(RAISED.format(state)))


async def by_the_driver(engine: AsyncEngine, state: str) -> None:
    async with transaction(engine) as connection, (await raw(connection)).cursor() as cursor:
        await cursor.execute(RAISED.format(state).encode())


WAYS = pytest.mark.parametrize("raised", [by_the_toolkit, by_the_driver])


@WAYS
async def test_states_of_the_database_are_waited_for(storage_engine: AsyncEngine, raised: object) -> None:
    assert callable(raised)
    for state in PASSING:
        with pytest.raises(StorageUnavailable, match="as drawn"):
            await raised(storage_engine, state)


@WAYS
async def test_statements_that_are_not_understood_are_faults_of_ours(
    storage_engine: AsyncEngine, raised: object
) -> None:
    assert callable(raised)
    for state in FAULTS:
        with pytest.raises(StorageFault, match="as drawn"):
            await raised(storage_engine, state)


@WAYS
async def test_values_that_are_not_held_are_neither(storage_engine: AsyncEngine, raised: object) -> None:
    assert callable(raised)
    for state in OF_THE_VALUES:
        with pytest.raises(Exception, match="as drawn") as refused:
            await raised(storage_engine, state)
        assert not isinstance(refused.value, StorageUnavailable | StorageFault)


async def own_pid(engine: AsyncEngine) -> int:
    async with transaction(engine) as connection:
        return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())


@pytest.mark.parametrize(
    ("state", "kept"),
    [("25006", False), ("0A000", False), ("XX000", False), ("57P01", False), ("57014", True), ("40001", True)],
)
async def test_a_connection_that_cannot_be_trusted_is_not_given_out_again(
    storage_engine: AsyncEngine, state: str, kept: bool
) -> None:
    first = await own_pid(storage_engine)
    with pytest.raises(StorageUnavailable):
        await by_the_driver(storage_engine, state)
    assert (await own_pid(storage_engine) == first) is kept


async def test_connections_that_were_opened_before_one_that_cannot_be_trusted_are_replaced(
    storage_engine: AsyncEngine,
) -> None:
    """Also of an engine with options, as storage opens it."""
    engine = storage_engine.execution_options(of="this test")
    async with transaction(engine) as first, transaction(engine) as second:
        before = {int((await each.execute(text("SELECT pg_backend_pid()"))).scalar_one()) for each in (first, second)}
    with pytest.raises(StorageUnavailable):
        await by_the_driver(engine, "57P01")
    async with transaction(engine) as first, transaction(engine) as second:
        after = {int((await each.execute(text("SELECT pg_backend_pid()"))).scalar_one()) for each in (first, second)}
    assert len(before) == 2
    assert before & after == set()


async def test_no_event_is_spoilt_by_a_database_that_turned_read_only(
    storage_engine: AsyncEngine, database_url: str, postgres_url: str
) -> None:
    plant = Plant(storage_engine)
    await plant.prepare()
    await plant.inbox.store([deviation(1), deviation(2)], plant.clock.now())
    with read_only(database_url, postgres_url):
        for _ in range(3):
            with pytest.raises(StorageUnavailable):
                await judge_to_rest(plant.judging)
    await judge_to_rest(plant.judging)
    counts = await plant.inbox.counts()
    assert (counts["decided"], counts["received"]) == (2, 2)


ALL_STATES = sorted(
    {
        str(kind.sqlstate)
        for kind in vars(psycopg.errors).values()
        if isinstance(kind, type) and issubclass(kind, psycopg.Error) and kind.sqlstate is not None
    }
)
"""Every state that the driver has a class for."""


async def test_every_error_that_the_driver_knows_is_ours_or_for_a_value(storage_engine: AsyncEngine) -> None:
    states = [state for state in ALL_STATES if state[:2] not in ("21", "22", "23", "54")]
    assert len(states) > 150
    for state in states:
        with pytest.raises((StorageUnavailable, StorageFault)):
            await by_the_driver(storage_engine, state)
