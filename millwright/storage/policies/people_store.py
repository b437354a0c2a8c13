"""The people who have rights here, for example to write, sign and assign policies."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.canonical import timestamp
from domain.errors import ActRejected
from millwright.storage.database.engine import transaction
from millwright.storage.database.tables import people
from millwright.storage.ledger import ledger


class PeopleStore:
    """Adds people, and ends their rights.

    Args:
        engine: the database.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, *, name: str, roles: Sequence[str], api_key_hash: str, public_key: str, now: datetime) -> bool:
        """Adds a person; false if the name exists. Then its row does not change."""
        async with transaction(self._engine) as connection:
            row = await connection.execute(
                insert(people)
                .values(name=name, roles=list(roles), api_key_hash=api_key_hash, public_key=public_key, added_at=now)
                .on_conflict_do_nothing()
                .returning(people.c.name)
            )
            if row.scalar_one_or_none() is None:
                return False
            entry = ledger.Entry(now)
            detail: dict[str, object] = {"roles": list(roles), "public_key": public_key}
            entry.add(ledger.act("person-added", f"person/{name}", "operations", now, detail))
            await ledger.append(connection, entry)
            return True

    async def leave(self, name: str, now: datetime) -> None:
        """Ends a person's rights. Their earlier signatures stay valid.

        Raises:
            ActRejected: there is no such person, or they have already left.
        """
        async with transaction(self._engine) as connection:
            row = await connection.execute(
                update(people)
                .where(people.c.name == name, people.c.left_at.is_(None))
                .values(left_at=now)
                .returning(people.c.name)
            )
            if row.scalar_one_or_none() is None:
                raise ActRejected(f"there is no person {name}", field="name", fix="check the name")
            entry = ledger.Entry(now)
            entry.add(ledger.act("person-left", f"person/{name}", "operations", now, {"left_at": timestamp(now)}))
            await ledger.append(connection, entry)

    async def by_api_key(self, api_key_hash: str) -> tuple[str, tuple[str, ...]] | None:
        """The person whose key has this hash, with their roles; None if there is none."""
        async with transaction(self._engine) as connection:
            row = (
                await connection.execute(
                    select(people.c.name, people.c.roles).where(
                        people.c.api_key_hash == api_key_hash, people.c.left_at.is_(None)
                    )
                )
            ).one_or_none()
            return (row.name, tuple(row.roles)) if row else None
