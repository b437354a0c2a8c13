"""Connections that the database has closed behind our back, and what may be between us and it."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Rejected, StorageUnavailable
from millwright.storage.database import engine as storage
from millwright.storage.database.engine import open_engine, raw, transaction, unbound
from millwright.storage.database.revision import read_revision
from millwright.storage.reporting.suppression_lists import suppression_page
from tests.support.transaction_pooler import transaction_pooler

_CUT = text("SELECT pg_terminate_backend(:pid)")
_SETTINGS = text("SELECT current_setting('timezone'), current_setting('lock_timeout')")


async def own_pid(engine: AsyncEngine) -> int:
    async with transaction(engine) as connection:
        return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())


@pytest.fixture
async def engine(storage_engine: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    made = open_engine(storage_engine.url.render_as_string(hide_password=False))
    yield made
    await made.dispose()


async def cut(engine: AsyncEngine, by: AsyncEngine) -> int:
    """Has the one connection of an engine cut by the database; gives whose it was."""
    first = await own_pid(engine)
    async with unbound(by) as other:
        await other.execute(_CUT, {"pid": first})
    return first


async def test_a_connection_that_lay_idle_and_is_gone_is_replaced_unnoticed(
    engine: AsyncEngine, storage_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "_IDLE", 0.0)
    first = await cut(engine, storage_engine)
    assert await own_pid(engine) != first


async def test_one_that_was_used_a_moment_ago_is_told_to_be_away_and_then_replaced(
    engine: AsyncEngine, storage_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "_IDLE", 1e9)
    first = await cut(engine, storage_engine)
    with pytest.raises(StorageUnavailable):
        await own_pid(engine)
    assert await own_pid(engine) != first


_ADD_COLUMN = text("ALTER TABLE suppressions ADD COLUMN added_by_a_migration text")
_PREPARED_AFTER = 5
"""How often psycopg sends a statement before it prepares it."""


async def test_a_migration_that_adds_a_column_stops_no_prepared_statement(
    storage_engine: AsyncEngine, engine: AsyncEngine
) -> None:
    found = [await suppression_page(engine, kind=None, ended=True, limit=9) for _ in range(2 * _PREPARED_AFTER)]
    async with transaction(storage_engine) as migration:
        await migration.execute(_ADD_COLUMN)
    assert await suppression_page(engine, kind=None, ended=True, limit=9) == found[0]


@pytest.mark.parametrize("by_hand", [False, True])
async def test_a_connection_whose_plan_a_migration_changed_is_dropped(
    storage_engine: AsyncEngine, engine: AsyncEngine, by_hand: bool
) -> None:
    async def look() -> None:
        async with transaction(engine) as connection:
            driver = await raw(connection)
            statement = "SELECT * FROM suppressions"
            await (driver.execute(statement, prepare=True) if by_hand else connection.execute(text(statement)))

    first = await own_pid(engine)
    for _ in range(2 * _PREPARED_AFTER):
        await look()
    assert await own_pid(engine) == first
    async with transaction(storage_engine) as migration:
        await migration.execute(_ADD_COLUMN)
    with pytest.raises(StorageUnavailable, match="cached plan must not change result type"):
        await look()
    assert await own_pid(engine) != first
    await look()


@pytest.fixture
async def pooled(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine whose connections share one session, a transaction each."""
    async with transaction_pooler(database_url) as url:
        made = open_engine(url)
        yield made
        await made.dispose()


async def test_a_pooler_that_changes_the_session_with_each_transaction_is_refused(pooled: AsyncEngine) -> None:
    with pytest.raises(Rejected, match="pool_mode to session") as refused:
        await read_revision(pooled)
    assert refused.value.field == "database_url"


async def test_connections_send_no_startup_options_that_a_pooler_refuses(storage_engine: AsyncEngine) -> None:
    async with transaction(storage_engine) as connection:
        driver = await raw(connection)
        (row,) = await connection.execute(_SETTINGS)
    assert "options" not in driver.info.get_parameters()
    assert tuple(row) == ("UTC", "10s")


async def test_the_options_of_the_url_count_beside_our_own_settings(database_url: str) -> None:
    url = f"{database_url}&options=-csearch_path%3Dtwin&connect_timeout=3&application_name=plant"
    engine = open_engine(url)
    async with transaction(engine) as connection:
        given = (await raw(connection)).info.get_parameters()
        (row,) = await connection.execute(_SETTINGS)
        path = await connection.scalar(text("SHOW search_path"))
    await engine.dispose()
    assert (path, *row) == ("twin", "UTC", "10s")
    assert (given["connect_timeout"], given["application_name"]) == ("3", "plant")
