"""A snapshot of the database: all that is read in it is of one moment, whatever is written meanwhile."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.storage.database.engine import Driver, raw, transaction

_PAGE = 1_000
"""Rows that are in memory at once, of each reader in pages."""

_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

T = TypeVar("T")


class Snapshot:
    """Reads rows from one snapshot; `make` gives a row its type.

    Args:
        driver: the connection of `read_snapshot`.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._cursors = 0

    async def rows(self, statement: str, make: Callable[[tuple[object, ...]], T], *values: object) -> list[T]:
        """The rows of a statement whose answer is small."""
        async with self._driver.cursor() as cursor:
            await cursor.execute(sql.SQL(statement), values or None)
            return [make(row) for row in await cursor.fetchall()]

    async def pages(
        self, statement: str, make: Callable[[tuple[object, ...]], T], *values: object
    ) -> AsyncIterator[list[T]]:
        """The rows of a statement, a page at a time, however many there are."""
        self._cursors += 1
        async with self._driver.cursor(name=f"snapshot_{self._cursors}") as cursor:
            await cursor.execute(sql.SQL(statement), values or None)
            while rows := await cursor.fetchmany(_PAGE):
                yield [make(row) for row in rows]

    @asynccontextmanager
    async def copied(self, statement: str, *values: object) -> AsyncIterator[AsyncIterator[tuple[str, ...]]]:
        """The rows of a `COPY … TO STDOUT` as texts, streamed: for more than is held in memory, and none of it NULL."""
        async with self._driver.cursor() as cursor, cursor.copy(sql.SQL(statement), values) as copy:
            yield copy.rows()


@asynccontextmanager
async def read_snapshot(engine: AsyncEngine) -> AsyncIterator[Driver]:
    """A connection whose every statement reads the same snapshot, for as long as the block lasts.

    Raises:
        StorageUnavailable: the database is away.
    """
    async with transaction(engine) as connection:
        await connection.exec_driver_sql(_SNAPSHOT)
        yield await raw(connection)
