"""Does once what prepares a database, and copies the rows into other databases that were in the same state.

To prepare a plant takes a quarter of a second, most of it for its people, who all sign. Its rows are copied in a tenth.
"""

import hashlib
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from psycopg import AsyncCursor
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.storage.database.engine import raw

_TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
_SEQUENCES: Final = "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL ORDER BY 1"

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class _Rows:
    """The rows of each table that has any, in PostgreSQL's binary form, and the last value of each sequence."""

    tables: dict[str, bytes]
    sequences: dict[str, int]

    def digest(self) -> str:
        found = hashlib.sha256(repr(sorted(self.sequences.items())).encode())
        for name, rows in self.tables.items():
            found.update(name.encode() + rows)
        return found.hexdigest()


_DONE: Final[dict[Hashable, tuple[_Rows, object]]] = {}
"""What preparations of this process left in a database, and what they returned, by the state that they found."""


async def prepared(engine: AsyncEngine, kind: Hashable, prepare: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """What a preparation returns, which is done at most once for each state in which it finds a database.

    Afterwards the rows that it left are copied. That needs a superuser; for others it is done each time.

    Args:
        kind: tells preparations apart. One kind always does the same, and its result is not changed by anybody.
        prepare: the preparation. It writes into the database only.
    """
    async with engine.connect() as connection, (await raw(connection)).cursor() as cursor:
        await cursor.execute("SHOW is_superuser")
        if await cursor.fetchone() != ("on",):
            return await prepare()
        found = await _rows(cursor)
    key = kind, found.digest()
    if key in _DONE:
        rows, result = _DONE[key]
        await _put(engine, found, rows)
        return cast(ResultT, result)
    made = await prepare()
    async with engine.connect() as connection, (await raw(connection)).cursor() as cursor:
        _DONE[key] = await _rows(cursor), made
    return made


async def _rows(cursor: AsyncCursor[tuple[object, ...]]) -> _Rows:
    await cursor.execute(_TABLES)
    names = [str(name) for (name,) in await cursor.fetchall()]
    filled = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names)
    await cursor.execute(filled.encode())
    tables: dict[str, bytes] = {}
    for name in sorted(str(name) for (name,) in await cursor.fetchall()):
        async with cursor.copy(f"COPY {name} TO STDOUT (FORMAT binary)".encode()) as copy:
            tables[name] = b"".join([bytes(part) async for part in copy])
    await cursor.execute(_SEQUENCES)
    return _Rows(tables, {str(name): int(str(value)) for name, value in await cursor.fetchall()})


async def _put(engine: AsyncEngine, found: _Rows, wanted: _Rows) -> None:
    """Makes the rows of a database, which are those found, the wanted ones."""
    async with engine.begin() as connection, (await raw(connection)).cursor() as cursor:
        # No trigger runs: each row was let in by them before.
        await cursor.execute("SET LOCAL session_replication_role = replica")
        for name, rows in wanted.tables.items():
            if rows == found.tables.get(name):
                continue
            if name in found.tables:
                await cursor.execute(f"DELETE FROM {name}".encode())
            async with cursor.copy(f"COPY {name} FROM STDIN (FORMAT binary)".encode()) as copy:
                await copy.write(rows)
        moved = [pair for pair in wanted.sequences.items() if pair not in found.sequences.items()]
        if moved:
            values = ", ".join(f"setval('{name}', {value})" for name, value in moved)
            await cursor.execute(f"SELECT {values}".encode())
