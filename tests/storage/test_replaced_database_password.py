"""A database whose URL stands in a file: new connections sign in as the file says now."""

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.runtime.setting_files import SecretInFile
from millwright.storage.database.engine import open_engine, present_url, transaction

ROLES = ("millwright_spring", "millwright_summer")


@pytest.fixture
def urls(database_url: str) -> list[str]:
    """The URL of the database for each of two users."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        for role in ROLES:
            if role not in known:
                connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'word-of-{role}'".encode())
    url = make_url(database_url)
    return [url.set(username=role, password=f"word-of-{role}").render_as_string(hide_password=False) for role in ROLES]


async def user_of(engine: AsyncEngine) -> str:
    async with transaction(engine) as connection:
        return str((await connection.execute(text("SELECT current_user"))).scalar_one())


async def test_a_new_connection_signs_in_as_the_file_says_now(tmp_path: Path, urls: list[str]) -> None:
    file = tmp_path / "url"
    file.write_text(urls[0])
    engine = open_engine(SecretInFile(file, "MILLWRIGHT_DATABASE_URL_FILE"))
    try:
        assert await user_of(engine) == ROLES[0]
        file.write_text(urls[1])
        assert await user_of(engine) == ROLES[0]
        assert make_url(present_url(engine)).password == f"word-of-{ROLES[1]}"
        await engine.dispose()
        assert await user_of(engine) == ROLES[1]
    finally:
        await engine.dispose()


async def test_an_engine_on_a_plain_url_keeps_it(urls: list[str]) -> None:
    engine = open_engine(urls[0])
    assert make_url(present_url(engine)).password == f"word-of-{ROLES[0]}"
    await engine.dispose()
