"""Whether a pooler between us and the database keeps one session for each connection.

Prepared statements, settings and the lock of studies belong to a session. A pooler that gives out a session for each
transaction (PgBouncer's `pool_mode = transaction`) mixes them up: at first all is well, and later some transactions
fail.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Rejected
from millwright.storage.database.engine import unbound

_SESSION = text("SELECT pg_backend_pid()")


async def check_session(engine: AsyncEngine) -> None:
    """Checks that two connections that are open at the same time never have one session.

    Raises:
        Rejected: they have.
        StorageUnavailable: the database does not answer.
    """
    async with unbound(engine) as first, unbound(engine) as second:
        before = await first.scalar(_SESSION)
        other = await second.scalar(_SESSION)
        after = await first.scalar(_SESSION)
    if other in (before, after) or before != after:
        raise Rejected(
            "a connection pooler is in front of the database and changes the session with each transaction",
            field="database_url",
            fix="set its pool_mode to session for this database, or connect to the database itself",
        )
