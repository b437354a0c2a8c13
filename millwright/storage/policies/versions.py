"""Policy versions as stored, and the people who may write, sign and assign them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.canonical import timestamp
from domain.errors import ActRejected, PolicyRejected
from millwright.storage.database.engine import Cursor, raw, transaction
from millwright.storage.database.tables import people, policy_assignments, policy_versions
from millwright.storage.ledger import ledger
from millwright.storage.policies.assignments import VersionTerms
from millwright.storage.policies.checked_assignments import read_assignments

_DOCUMENTS = "SELECT document FROM policy_versions WHERE digest = ANY(%s)"


class _DocumentRow(NamedTuple):
    document: str


async def learn_version(cursor: Cursor, digest: str, terms: VersionTerms) -> None:
    """Compiles a stored version in this process, unless it is; people let it judge at some time.

    Raises:
        PolicyRejected: it is not stored, altered, unsigned or forged.
    """
    if terms.knows(digest):
        return
    await cursor.execute(_DOCUMENTS, ([digest],))
    stored = await cursor.fetchone()
    if stored is None:
        raise PolicyRejected(f"version {digest[:12]} is used and not stored")
    (await read_assignments(cursor.connection)).versions[digest].check()
    terms.learn(digest, _DocumentRow._make(stored).document)


async def acting_documents(engine: AsyncEngine, now: datetime) -> list[str]:
    """The documents of the versions that act somewhere at an instant.

    Raises:
        StorageUnavailable: the database is away.
    """
    async with transaction(engine) as connection:
        driver = await raw(connection)
        placements = (await read_assignments(driver)).placements
        acting = {placed.digest for placed in placements if placed.role != "shadow" and placed.in_force(now, now)}
        async with driver.cursor() as cursor:
            await cursor.execute(_DOCUMENTS, (sorted(acting),))
            return [_DocumentRow._make(row).document for row in await cursor.fetchall()]


async def store_version(
    connection: AsyncConnection,
    entry: ledger.Entry,
    *,
    digest: str,
    policy: str,
    version: str,
    document: str,
    author: str,
    now: datetime,
) -> bool:
    """Stores a version in a transaction; False where this very version is stored already.

    Raises:
        PolicyRejected: another text was published under this policy and version.
    """
    stored = await connection.scalar(
        select(policy_versions.c.digest).where(policy_versions.c.policy == policy, policy_versions.c.version == version)
    )
    if stored == digest:
        return False
    if stored is not None:
        raise PolicyRejected(
            f"{policy} {version} was published as {stored[:12]} and never changes; this text is {digest[:12]}",
            field="version",
            fix="give it a new version",
        )
    await connection.execute(
        insert(policy_versions).values(
            digest=digest, policy=policy, version=version, document=document, author=author, published_at=now
        )
    )
    detail: dict[str, object] = {"policy": policy, "version": version, "digest": digest}
    entry.add(ledger.act("policy-published", f"policy/{digest}", author, now, detail))
    return True


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version as stored, with what it was ever assigned as."""

    digest: str
    policy: str
    version: str
    document: str
    author: str
    roles: tuple[str, ...]


class VersionStore:
    """Keeps and finds policy versions; what people do with them is `millwright.storage.policies.lifecycle`.

    Args:
        engine: the database.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    async def publish(
        self, *, digest: str, policy: str, version: str, document: str, author: str, now: datetime
    ) -> bool:
        """Stores a version that came with this build; False where this very version is stored already.

        Raises:
            PolicyRejected: another text was published under this policy and version.
        """
        entry = ledger.Entry(now)
        async with transaction(self.engine) as connection:
            added = await store_version(
                connection,
                entry,
                digest=digest,
                policy=policy,
                version=version,
                document=document,
                author=author,
                now=now,
            )
            await ledger.append(connection, entry)
        return added

    async def versions(self) -> list[StoredVersion]:
        """Every stored version, oldest first."""
        async with transaction(self.engine) as connection:
            rows = await connection.execute(
                select(policy_versions).order_by(policy_versions.c.published_at, policy_versions.c.version)
            )
            assigned = await connection.execute(
                select(policy_assignments.c.digest, policy_assignments.c.role).distinct().order_by("role")
            )
            roles: dict[str, list[str]] = {}
            for role_row in assigned:
                roles.setdefault(role_row.digest, []).append(role_row.role)
            return [
                StoredVersion(
                    row.digest, row.policy, row.version, row.document, row.author, tuple(roles.get(row.digest, ()))
                )
                for row in rows
            ]

    async def named(self, name: str) -> StoredVersion:
        """The version with a number, or whose digest begins so.

        Raises:
            PolicyRejected: there is none, or more than one.
        """
        stored = await self.versions()
        found = [version for version in stored if name in (version.version, f"{version.policy}@{version.version}")]
        found = found or [version for version in stored if version.digest.startswith(name)]
        if len(found) == 1:
            return found[0]
        known = ", ".join(f"{version.policy}@{version.version}" for version in stored) or "none"
        problem = f"no version {name} is stored" if not found else f"{name} could be several versions"
        raise PolicyRejected(problem, field="version", fix=f"there are {known}")


class PeopleStore:
    """Adds persons, and ends what they may do.

    Args:
        engine: the database.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, *, name: str, roles: Sequence[str], api_key_hash: str, public_key: str, now: datetime) -> bool:
        """Adds a person; False where the name is taken, whose row is left as it is."""
        async with transaction(self._engine) as connection:
            row = await connection.execute(
                upsert(people)
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
        """Ends what a person may do; what they signed until now stands.

        Raises:
            ActRejected: there is no such person, or they have left.
        """
        async with transaction(self._engine) as connection:
            row = await connection.execute(
                update(people)
                .where(people.c.name == name, people.c.left_at.is_(None))
                .values(left_at=now)
                .returning(people.c.name)
            )
            if row.scalar_one_or_none() is None:
                raise ActRejected(f"nobody called {name} is here", field="name", fix="look at who was added")
            entry = ledger.Entry(now)
            entry.add(ledger.act("person-left", f"person/{name}", "operations", now, {"left_at": timestamp(now)}))
            await ledger.append(connection, entry)

    async def by_api_key(self, api_key_hash: str) -> tuple[str, tuple[str, ...]] | None:
        """The person whose key has this hash, with their roles; None where there is none."""
        async with transaction(self._engine) as connection:
            row = (
                await connection.execute(
                    select(people.c.name, people.c.roles).where(
                        people.c.api_key_hash == api_key_hash, people.c.left_at.is_(None)
                    )
                )
            ).one_or_none()
            return (row.name, tuple(row.roles)) if row else None
