"""The people who may sign in with an API key."""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.storage.database.engine import transaction
from millwright.storage.database.tables import people


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A person who has not left, and the SHA-256 of their API key in hexadecimal."""

    name: str
    roles: frozenset[str]
    api_key_hash: str = field(repr=False)


async def key_holders(engine: AsyncEngine) -> tuple[KeyHolder, ...]:
    """Everybody who may sign in.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    async with transaction(engine) as connection:
        rows = await connection.execute(
            select(people.c.name, people.c.roles, people.c.api_key_hash).where(people.c.left_at.is_(None))
        )
        return tuple(KeyHolder(row.name, frozenset(row.roles), row.api_key_hash) for row in rows)
