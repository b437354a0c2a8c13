"""The one place that opens the database, and what a transaction is."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

import psycopg
from pydantic import SecretStr
from sqlalchemy import URL, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    MultipleResultsFound,
    NoResultFound,
    PendingRollbackError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, Pool, PoolProxiedConnection

from domain.errors import StorageFault, StorageUnavailable

Driver = psycopg.AsyncConnection[tuple[object, ...]]
Cursor = psycopg.AsyncCursor[tuple[object, ...]]
Statement = tuple[str, tuple[object, ...]]
"""A statement in the driver's own words, and its values."""

_OF_THE_VALUES = frozenset({"21", "22", "23", "54"})
"""Classes of SQLSTATE (PostgreSQL appendix A) of which the values that were sent are the cause."""
_OF_THE_STATEMENT = frozenset({"03", "0A", "20", "24", "2B", "2F", "34", "3B", "3F", "42", "P0"})
"""Classes in which the database does not understand us. All others are states of the database, and pass."""
_NO_RIGHT, _NO_DATABASE, _READ_ONLY = "42501", "3D000", "25006"
_CANCELLED = "57014"
_STALE = frozenset({"0A000", "26000", "42P05"})
"""A statement that was prepared earlier has changed or is gone, as after a migration or behind a pooler."""
_UNTRUSTED_CLASSES = frozenset({"08", "25", "57", "58", "XX"})
"""After these a connection is not used again: what it is part of may have changed for good."""
_SETTINGS = "SET timezone = 'UTC'; SET lock_timeout = '10s'"
_READ_ONLY_SIGNS = (b"default_transaction_read_only", b"in_hot_standby")
_distrusted_at: WeakKeyDictionary[Pool, float] = WeakKeyDictionary()
"""When a connection of a pool could last not be trusted: those that were opened before are not used again. Engines that
differ in their options share their pool."""
_SIGN_IN = "sign_in"
"""The execution option with the URL by which new connections sign in."""
_IDLE = 1.0
"""Seconds after which a connection may have been lost unnoticed: a database that restarts takes longer."""


def open_engine(
    url: str | SecretStr, *, pool_size: int = 8, name: str | None = None, longest_statement: int | None = None
) -> AsyncEngine:
    """An engine on a PostgreSQL URL (`postgresql://…` or `postgresql+psycopg://…`). The options of the URL count.

    If the URL is a secret in a file, each new connection signs in with the user and the password that it has then.

    The database shows the name with each connection, unless the URL has one of its own (`application_name`).

    Statements that wait on a lock for more than ten seconds give up: a stuck transaction must show, not spread.
    With `longest_statement`, in seconds, the database ends each statement that takes longer.
    The connection given back last is taken next: one keeps buffers as large as the largest statement it has sent.
    """
    plain = _url(url if isinstance(url, str) else url.get_secret_value())
    options = {"connect_timeout": "5"} | ({"application_name": name} if name is not None else {})
    missing = {option: value for option, value in options.items() if option not in plain.query}
    engine = create_async_engine(
        plain.update_query_dict(missing),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_use_lifo=True,
        execution_options={} if isinstance(url, str) else {_SIGN_IN: url},
    )
    _set_up(engine, longest_statement)
    _look_before_use(engine)
    if not isinstance(url, str):
        _sign_in_by(engine, url)
    return engine


def present_url(engine: AsyncEngine) -> str:
    """The URL of an engine, with the user and the password that a new connection would sign in with."""
    secret: SecretStr | None = engine.get_execution_options().get(_SIGN_IN)
    url = engine.url
    if secret is not None:
        now = _url(secret.get_secret_value())
        url = url.set(username=now.username, password=now.password)
    return url.render_as_string(hide_password=False)


def _url(text: str) -> URL:
    return make_url(text.replace("postgresql://", "postgresql+psycopg://", 1))


def _sign_in_by(engine: AsyncEngine, url: SecretStr) -> None:
    @event.listens_for(engine.sync_engine, "do_connect")
    def opening(_: Dialect, __: ConnectionPoolEntry, ___: list[object], options: dict[str, object]) -> None:
        now = _url(url.get_secret_value())
        options |= {"user": now.username, "password": now.password}


def _set_up(engine: AsyncEngine, longest_statement: int | None) -> None:
    """Has each new connection set what we rely on. As `options` of the connection these settings would replace those
    of the URL, and a pooler like PgBouncer refuses them."""

    bounded = "" if longest_statement is None else f"; SET statement_timeout = '{longest_statement}s'"

    @event.listens_for(engine.sync_engine, "connect")
    def opened(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"{_SETTINGS}{bounded}")
        cursor.close()
        connection.commit()


def _look_before_use(engine: AsyncEngine) -> None:
    """Has a connection that lay idle answer before it is used, and replaced where it does not, or cannot write.

    The pool's own `pool_pre_ping` asks each time, and so has each transaction wait once more for the database.
    """

    @event.listens_for(engine.sync_engine, "connect")
    def opened(_: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info["opened"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkin")
    def given_back(_: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["given_back"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def taken(connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        given_back = record.info.get("given_back")
        if given_back is None:
            return
        if _cannot_write(connection) or record.info["opened"] < _distrusted_at.get(engine.sync_engine.pool, 0.0):
            raise DisconnectionError("a new one may be able to do what this one cannot")
        if time.monotonic() - given_back < _IDLE:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error


def _cannot_write(connection: DBAPIConnection) -> bool:
    """Whether the server has said, by itself, that this connection is read-only; PostgreSQL does since 14."""
    driver = connection.driver_connection
    if not isinstance(driver, psycopg.AsyncConnection):
        return False
    return any(driver.pgconn.parameter_status(name) == b"on" for name in _READ_ONLY_SIGNS)


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction: committed at the end of the block, rolled back when anything is raised in it.

    Raises:
        StorageUnavailable: the database is away, cannot write now, or asked for the transaction to be tried again.
        StorageFault: it does not understand a statement of ours.
    """
    async with _told_apart(engine), engine.begin() as connection:
        yield connection


@asynccontextmanager
async def unbound(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection on which every statement is a transaction of its own, for those who only look.

    Raises:
        StorageUnavailable: the database is away.
        StorageFault: it does not understand a statement of ours.
    """
    async with _told_apart(engine), engine.connect() as connection:
        yield await connection.execution_options(isolation_level="AUTOCOMMIT")


@asynccontextmanager
async def _told_apart(engine: AsyncEngine) -> AsyncIterator[None]:
    """Tells a database that is away from one that does not understand us, and from values that it will not hold."""
    try:
        yield
    except PoolTimeout as error:
        raise StorageUnavailable("every connection is in use") from error
    except PendingRollbackError as error:
        raise StorageUnavailable("the connection was lost within a transaction") from error
    except (DBAPIError, psycopg.Error, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
        if state is not None and _is_untrusted(state):
            # The others were opened to the same database. They are replaced when they are next taken: disposing of the
            # pool would leave those that are in use open for good.
            _distrusted_at[engine.sync_engine.pool] = time.monotonic()
        meaning = _meaning(cause, state)
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            meaning = StorageUnavailable
        if meaning is None:
            raise
        raise meaning(_first_line(error)) from error
    except DisconnectionError as error:
        raise StorageUnavailable(_first_line(error)) from error
    except (MultipleResultsFound, NoResultFound, StatementError):
        # Of these the rows or the values are the cause. Whoever processes several things sets the one aside.
        raise
    except SQLAlchemyError as error:
        raise StorageFault(_first_line(error)) from error


def _is_untrusted(state: str) -> bool:
    return (state[:2] in _UNTRUSTED_CLASSES and state != _CANCELLED) or state in _STALE


def _meaning(error: BaseException | None, state: str | None) -> type[StorageUnavailable | StorageFault] | None:
    """What an error of the driver means to us; None where the values that were sent are its cause."""
    if state is None:
        # The driver's own, before the database was asked: a connection that is none, or a value that cannot be sent.
        if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
            return None
        fault = isinstance(error, psycopg.ProgrammingError | psycopg.NotSupportedError)
        return StorageFault if fault else StorageUnavailable
    if state[:2] in _OF_THE_VALUES:
        return None
    passes = state in (_NO_RIGHT, _NO_DATABASE, _READ_ONLY) or state in _STALE
    return StorageFault if state[:2] in _OF_THE_STATEMENT and not passes else StorageUnavailable


async def raw(connection: AsyncConnection) -> Driver:
    """The psycopg connection beneath a transaction, for what SQLAlchemy cannot say: pipelines, COPY, arrays."""
    fairy = await connection.get_raw_connection()
    driver = fairy.driver_connection
    if not isinstance(driver, psycopg.AsyncConnection):
        raise TypeError(f"expected a psycopg connection, found {type(driver).__name__}")
    return driver


def _first_line(error: BaseException) -> str:
    # SQLAlchemy's own words name the driver's class; the driver's say what happened.
    words = str(getattr(error, "orig", None) or error)
    return words.splitlines()[0] if words else type(error).__name__
