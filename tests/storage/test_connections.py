"""Connections that the database has closed behind our back."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import StorageUnavailable
from millwright.storage import engine as storage
from millwright.storage.engine import open_engine, transaction, unbound

_CUT = text("SELECT pg_terminate_backend(:pid)")


async def own_pid(engine: AsyncEngine) -> int:
    async with transaction(engine) as connection:
        return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())


@pytest.fixture
def url(storage_engine: AsyncEngine) -> str:
    return storage_engine.url.render_as_string(hide_password=False).replace("postgresql+psycopg://", "postgresql://")


async def test_a_connection_that_lay_idle_and_is_gone_is_replaced_unnoticed(
    url: str, storage_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "_IDLE", 0.0)
    engine = open_engine(url)
    first = await own_pid(engine)
    async with unbound(storage_engine) as other:
        await other.execute(_CUT, {"pid": first})
    assert await own_pid(engine) != first
    await engine.dispose()


async def test_one_that_was_used_a_moment_ago_is_told_to_be_away_and_then_replaced(
    url: str, storage_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "_IDLE", 1e9)
    engine = open_engine(url)
    first = await own_pid(engine)
    async with unbound(storage_engine) as other:
        await other.execute(_CUT, {"pid": first})
    with pytest.raises(StorageUnavailable):
        await own_pid(engine)
    assert await own_pid(engine) != first
    await engine.dispose()
