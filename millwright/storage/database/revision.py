"""Which builds may work on the database as it is: the one whose revision it has, and those that a later one spares.

A migration that only adds says so (`expands = True`): builds of the revision before it go on working. One that does
not say so ends them, and the builds that are older than it stop by themselves. The database remembers the oldest
build it can bear, for older builds know nothing of newer migrations.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.storage.database.connection_pooler import check_session
from millwright.storage.database.engine import transaction
from millwright.storage.database.lineage import lineage

_READ = text(
    "SELECT version_num, obj_description('alembic_version'::regclass, 'pg_class') AS oldest FROM alembic_version"
)


@dataclass(frozen=True, slots=True)
class Revision:
    """What the database says of its tables: their revision, and the oldest whose build may work on them."""

    found: str | None
    oldest: str | None

    def objection(self) -> str | None:
        """Why this build may not work on it, in one sentence; None where it may."""
        known = lineage()
        wanted = known[0]
        if self.found == wanted:
            return None
        if self.found is None or self.found in known:
            return f"revision {self.found}, this build wants {wanted}: run `millwright db upgrade`"
        if self.oldest in known:
            return None
        return f"revision {self.found}, which this build does not know, its own is {wanted}: start the newer build"


async def read_revision(engine: AsyncEngine) -> Revision:
    """The revision of the database's tables.

    Raises:
        StorageUnavailable: it does not answer.
        Rejected: a pooler is in between that keeps no session.
    """
    await check_session(engine)
    async with transaction(engine) as connection:
        if await connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
            return Revision(None, None)
        row = (await connection.execute(_READ)).one_or_none()
        return Revision(None, None) if row is None else Revision(*row)
