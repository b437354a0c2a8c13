"""Statements that are sent together: all of them on one way to the database and back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg.abc import PQGen
from psycopg.pq.abc import PGconn
from psycopg.waiting import Wait

from millwright.storage.database.engine import Driver


@asynccontextmanager
async def pipeline(driver: Driver) -> AsyncIterator[None]:
    """Sends the statements of the block together; their answers are there when it ends."""
    async with driver.pipeline():
        yield


@asynccontextmanager
async def committing_pipeline(driver: Driver) -> AsyncIterator[None]:
    """As `pipeline`; the commit of the transaction is sent with the statements."""
    async with driver.pipeline():
        yield
        # The driver, when it ends a pipeline, waits for answers though a part of a long statement may still be unsent.
        await driver.wait(_sending(driver.pgconn))
        await driver.commit()


def _sending(connection: PGconn) -> PQGen[None]:
    while connection.flush():
        yield Wait.W
