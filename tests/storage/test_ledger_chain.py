"""The ledger's rows as the database chains them."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.canonical import merkle_root
from domain.errors import StorageUnavailable
from millwright.storage.database.arrays import bigints, smallints, texts
from millwright.storage.database.engine import raw, transaction
from millwright.storage.ledger import ledger
from millwright.storage.ledger.ledger import GENESIS, row_hash

_ROWS = text("SELECT seq, at, leaves, root, previous, hash FROM ledger ORDER BY seq")
_PLACES = text("SELECT subject, ledger_seq, leaf FROM acts ORDER BY id")
_SOME_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


async def _append(engine: AsyncEngine, at: datetime, *subjects: str) -> None:
    async with transaction(engine) as connection:
        await connection.execute(text("SELECT 1"))
        entry = ledger.Entry(at)
        entry.add(*(ledger.act("done", subject, "somebody", at, {"said": 'a "word"'}) for subject in subjects))
        await ledger.append(connection, entry)


async def _judge_as(engine: AsyncEngine, digest: str) -> None:
    async with transaction(engine) as connection:
        driver = await raw(connection)
        async with driver.pipeline(), driver.cursor() as cursor:
            await ledger.append_by(cursor, ledger.Entry(datetime(2026, 1, 31, tzinfo=UTC), ["00" * 32]), digest)


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 1, 31, 12, tzinfo=UTC),
        datetime(2026, 1, 31, 12, 0, 0, 30, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 30, 0, 999999, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        datetime(815, 3, 1, tzinfo=UTC),
    ],
)
async def test_the_database_chains_a_row_by_the_hash_that_is_checked(storage_engine: AsyncEngine, at: datetime) -> None:
    await _append(storage_engine, at, "one", "two")
    await _append(storage_engine, at, "three")
    async with transaction(storage_engine) as connection:
        first, second = (await connection.execute(_ROWS)).all()
        places = [tuple(row) for row in await connection.execute(_PLACES)]
        head = await ledger.read_head(connection)
    assert first.previous == GENESIS
    assert first.hash == row_hash(1, at, 2, first.root, GENESIS)
    assert second.hash == row_hash(2, at, 1, second.root, first.hash)
    assert second.root == merkle_root([ledger.act("done", "three", "somebody", at, {"said": 'a "word"'}).digest])
    assert head == ledger.Head(2, second.hash)
    assert places == [("one", 1, 0), ("two", 1, 1), ("three", 2, 0)]


async def test_an_entry_larger_than_a_socket_holds_is_sent_whole(storage_engine: AsyncEngine) -> None:
    await _append(storage_engine, datetime(2026, 1, 31, tzinfo=UTC), *("asset " * 1000 + str(n) for n in range(500)))
    async with transaction(storage_engine) as connection:
        assert [row.leaves for row in await connection.execute(_ROWS)] == [500]


async def test_rows_of_many_who_write_at_once_stand_in_one_chain(storage_engine: AsyncEngine) -> None:
    at = datetime(2026, 1, 31, tzinfo=UTC)
    await asyncio.gather(*(_append(storage_engine, at, str(number)) for number in range(30)))
    async with transaction(storage_engine) as connection:
        rows = (await connection.execute(_ROWS)).all()
        seqs = [row.ledger_seq for row in await connection.execute(_PLACES)]
    assert [row.seq for row in rows] == list(range(1, 31))
    assert [row.previous for row in rows] == [GENESIS, *(row.hash for row in rows[:-1])]
    assert sorted(seqs) == list(range(1, 31))


async def test_an_entry_that_the_database_refuses_leaves_no_row(storage_engine: AsyncEngine) -> None:
    at = datetime(2026, 1, 31, tzinfo=UTC)
    with pytest.raises(psycopg.DataError):
        await _append(storage_engine, at, "no text holds a \x00")
    await _append(storage_engine, at, "one")
    async with transaction(storage_engine) as connection:
        assert [row.seq for row in await connection.execute(_ROWS)] == [1]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_SOME_TEXT, st.integers(-(2**63), 2**63 - 1), st.integers(-(2**15), 2**15 - 1)), min_size=1))
async def test_arrays_come_to_the_database_as_they_are(
    storage_engine: AsyncEngine, rows: list[tuple[str, int, int]]
) -> None:
    async with transaction(storage_engine) as connection, (await raw(connection)).cursor() as cursor:
        await cursor.execute(
            "SELECT * FROM unnest(%b::text[], %b::bigint[], %b::smallint[])",
            (texts([row[0].encode() for row in rows]), bigints([r[1] for r in rows]), smallints([r[2] for r in rows])),
        )
        assert await cursor.fetchall() == rows


async def test_an_engine_that_another_took_over_from_meanwhile_is_asked_to_try_again(
    storage_engine: AsyncEngine,
) -> None:
    async with transaction(storage_engine) as connection:
        await connection.execute(text("UPDATE ledger_head SET engine = 'newer'"))
    with pytest.raises(StorageUnavailable, match="newer has taken over"):
        await _judge_as(storage_engine, "older")
    await _judge_as(storage_engine, "newer")
    async with transaction(storage_engine) as connection:
        assert [row.seq for row in await connection.execute(_ROWS)] == [1]
