"""The one place that opens the database, and what a transaction is."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import psycopg
from psycopg.abc import PQGen
from psycopg.waiting import Wait
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from domain.errors import StorageFault, StorageUnavailable

Driver = psycopg.AsyncConnection[tuple[object, ...]]
Cursor = psycopg.AsyncCursor[tuple[object, ...]]
Statement = tuple[str, tuple[object, ...]]
"""A statement in the driver's own words, and its values."""

_AWAY_CLASSES = frozenset({"08", "53", "55", "57", "58"})
"""Connection, resources, locks, operator intervention, system: what passes (PostgreSQL appendix A)."""
_IDLE = 1.0
"""Seconds after which a connection may have been lost unnoticed: a database that restarts takes longer."""
_RETRIABLE_STATES = frozenset({"40001", "40P01", "57P01", "57P02", "57P03"})


def open_engine(url: str, *, pool_size: int = 8) -> AsyncEngine:
    """An engine on a PostgreSQL URL (`postgresql://…` or `postgresql+psycopg://…`).

    Statements that wait on a lock for more than ten seconds give up: a stuck transaction must show, not spread.
    The connection given back last is taken next: one keeps buffers as large as the largest statement it has sent.
    """
    plain = url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_async_engine(
        plain,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_use_lifo=True,
        connect_args={"options": "-c timezone=UTC -c lock_timeout=10s", "connect_timeout": 5},
    )
    _ask_who_was_idle(engine)
    return engine


def _ask_who_was_idle(engine: AsyncEngine) -> None:
    """Has a connection that lay idle answer before it is used, and replaced where it does not.

    The pool's own `pool_pre_ping` asks each time, and so has each transaction wait once more for the database.
    """

    @event.listens_for(engine.sync_engine, "checkin")
    def given_back(_: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["given_back"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def taken(connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        if time.monotonic() - record.info.get("given_back", time.monotonic()) < _IDLE:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction: committed at the end of the block, rolled back when anything is raised in it.

    Raises:
        StorageUnavailable: the database is away, or asked for the transaction to be tried again.
        StorageFault: it does not understand a statement of ours.
    """
    with _told_apart():
        async with engine.begin() as connection:
            yield connection


@asynccontextmanager
async def unbound(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection on which every statement is a transaction of its own, for those who only look.

    Raises:
        StorageUnavailable: the database is away.
        StorageFault: it does not understand a statement of ours.
    """
    with _told_apart():
        async with engine.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def _told_apart() -> Iterator[None]:
    """Tells a database that is away from one that does not understand us."""
    try:
        yield
    except PoolTimeout as error:
        raise StorageUnavailable("every connection is in use") from error
    except DBAPIError as error:
        if error.connection_invalidated or _is_away(error.orig):
            raise StorageUnavailable(_first_line(error)) from error
        if isinstance(error.orig, psycopg.ProgrammingError):
            raise StorageFault(_first_line(error)) from error
        raise
    except (psycopg.Error, OSError) as error:
        if _is_away(error):
            raise StorageUnavailable(_first_line(error)) from error
        if isinstance(error, psycopg.ProgrammingError):
            raise StorageFault(_first_line(error)) from error
        raise


async def raw(connection: AsyncConnection) -> Driver:
    """The psycopg connection beneath a transaction, for COPY."""
    fairy = await connection.get_raw_connection()
    driver = fairy.driver_connection
    if not isinstance(driver, psycopg.AsyncConnection):
        raise TypeError(f"expected a psycopg connection, found {type(driver).__name__}")
    return driver


async def send_all(driver: Driver) -> None:
    """Sends what a pipeline has gathered, all of it.

    The driver, when it ends a pipeline, waits for answers though a part of a long statement may still be unsent.
    """
    await driver.wait(_sending(driver.pgconn))


def _sending(connection: psycopg.pq.abc.PGconn) -> PQGen[None]:
    while connection.flush():
        yield Wait.W


def _is_away(error: BaseException | None) -> bool:
    """Whether trying again may help: the server is gone, or asked for it; not where a row is too large for it."""
    if isinstance(error, psycopg.Error) and error.sqlstate is not None:
        return error.sqlstate in _RETRIABLE_STATES or error.sqlstate[:2] in _AWAY_CLASSES
    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError, OSError))


def _first_line(error: BaseException) -> str:
    # SQLAlchemy's own words name the driver's class; the driver's say what happened.
    words = str(getattr(error, "orig", None) or error)
    return words.splitlines()[0] if words else type(error).__name__
