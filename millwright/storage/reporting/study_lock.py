"""The lock that a study's process holds until it ends, so that one study runs at a time."""

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

_LOCK = (20_761_121, 1)
_WAITED_IN_VAIN = "55P03"
# Longer than a process needs to end after its study is stored.
_PATIENCE = text("SET lock_timeout = '3s'")
_NO_PATIENCE = text("RESET lock_timeout")
_TAKE = text(f"SELECT pg_advisory_lock({_LOCK[0]}, {_LOCK[1]})")
_GIVE = text(f"SELECT pg_advisory_unlock({_LOCK[0]}, {_LOCK[1]})")
_HELD = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted "
    f"AND classid = {_LOCK[0]} AND objid = {_LOCK[1]} AND objsubid = 2 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
)


async def take_study_lock(connection: AsyncConnection) -> bool:
    """Takes the lock for this connection; false if another connection holds it for three more seconds."""
    await connection.execute(_PATIENCE)
    try:
        await connection.execute(_TAKE)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _WAITED_IN_VAIN:
            raise
        return False
    finally:
        await connection.execute(_NO_PATIENCE)
    return True


async def give_study_lock(connection: AsyncConnection) -> None:
    """Releases the lock."""
    await connection.execute(_GIVE)


async def study_lock_is_held(connection: AsyncConnection) -> bool:
    """Whether any connection to this database holds the lock."""
    held: bool = (await connection.execute(_HELD)).scalar_one()
    return held
