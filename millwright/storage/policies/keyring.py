"""The people who may sign in with an API key."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.senders import Binding
from millwright.storage.database.engine import transaction
from millwright.storage.database.person_tables import API

# A change of roles is written at the time from which it holds, so the newest row is the one that holds now.
_HOLDERS: Final = text(
    "SELECT p.id, r.roles, r.sources, r.types, k.value, k.until FROM people p "
    f"JOIN person_keys k ON k.person = p.id AND k.kind = '{API}' "
    "LEFT JOIN LATERAL (SELECT n.roles, n.sources, n.types FROM person_roles n WHERE n.person = p.id "
    "ORDER BY n.id DESC LIMIT 1) r ON true "
    "WHERE p.left_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A person who has not left, and the SHA-256 of their API key in hexadecimal, until when it holds.

    `binding` is what a sender may send; None for everybody else, and for a sender that no administrator has bound.
    """

    name: str
    roles: frozenset[str]
    api_key_hash: str = field(repr=False)
    until: datetime | None = None
    binding: Binding | None = None


class _HolderRow(NamedTuple):
    id: str
    roles: list[str] | None
    sources: list[str] | None
    types: list[str] | None
    value: str
    until: datetime | None


async def key_holders(engine: AsyncEngine) -> tuple[KeyHolder, ...]:
    """Everybody who may sign in, until their keys end.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    async with transaction(engine) as connection:
        rows = map(_HolderRow._make, await connection.execute(_HOLDERS))
        return tuple(KeyHolder(row.id, frozenset(row.roles or ()), row.value, row.until, _binding(row)) for row in rows)


def _binding(row: _HolderRow) -> Binding | None:
    if row.sources is None or row.types is None:
        return None
    return Binding(sources=tuple(row.sources), types=tuple(row.types))
