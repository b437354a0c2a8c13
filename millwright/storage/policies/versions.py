"""Policy versions in storage: publishes, compiles, lists and finds them."""

import asyncio
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.errors import PolicyRejected
from millwright.storage.database.engine import Cursor, raw, transaction
from millwright.storage.ledger import ledger
from millwright.storage.policies.assignments import VersionTerms
from millwright.storage.policies.checked_assignments import read_assignments

_DOCUMENTS = "SELECT document FROM policy_versions WHERE digest = ANY(%s)"
_NAMED = text("SELECT digest FROM policy_versions WHERE policy = :policy AND version = :version")
_PUBLISH = text(
    "INSERT INTO policy_versions (digest, policy, version, document, author, published_at) "
    "VALUES (:digest, :policy, :version, :document, :author, :now)"
)
_VERSIONS = text("""
SELECT v.digest, v.policy, v.version, v.document, v.author,
       array(SELECT DISTINCT a.role FROM policy_assignments a WHERE a.digest = v.digest ORDER BY a.role) AS roles
FROM policy_versions v ORDER BY v.published_at, v.version
""")


class _DigestRow(NamedTuple):
    digest: str


class _DocumentRow(NamedTuple):
    document: str


async def learn_version(cursor: Cursor, digest: str, terms: VersionTerms) -> None:
    """Compiles a stored version in this process, unless it is already compiled.

    Raises:
        PolicyRejected: it is not stored, or it is altered, unsigned or forged.
    """
    if terms.knows(digest):
        return
    await cursor.execute(_DOCUMENTS, ([digest],))
    stored = await cursor.fetchone()
    if stored is None:
        raise PolicyRejected(f"version {digest[:12]} is used but not stored")
    (await read_assignments(cursor.connection)).versions[digest].check()
    await asyncio.to_thread(terms.learn, digest, _DocumentRow._make(stored).document)


async def acting_documents(engine: AsyncEngine, now: datetime) -> list[str]:
    """The documents of the versions that act anywhere at a time.

    Raises:
        StorageUnavailable: the database does not answer.
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
    """Stores a version in a transaction; false if it is already stored.

    Raises:
        PolicyRejected: another text was published under this policy and version.
    """
    row = (await connection.execute(_NAMED, {"policy": policy, "version": version})).one_or_none()
    if row is not None:
        stored = _DigestRow._make(row).digest
        if stored == digest:
            return False
        raise PolicyRejected(
            f"{policy} {version} was published as {stored[:12]} and never changes; this text is {digest[:12]}",
            field="version",
            fix="give it a new version",
        )
    values = {"policy": policy, "version": version, "document": document, "author": author}
    await connection.execute(_PUBLISH, {"digest": digest, "now": now, **values})
    detail: dict[str, object] = {"policy": policy, "version": version, "digest": digest}
    entry.add(ledger.act("policy-published", f"policy/{digest}", author, now, detail))
    return True


class StoredVersion(NamedTuple):
    """A stored version, with all roles in which it was ever assigned."""

    digest: str
    policy: str
    version: str
    document: str
    author: str
    roles: list[str]


class VersionStore:
    """Stores and finds policy versions. The acts of people on them are in `millwright.storage.policies.lifecycle`.

    Args:
        engine: the database.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    async def publish(
        self, *, digest: str, policy: str, version: str, document: str, author: str, now: datetime
    ) -> bool:
        """Stores a version that this build contains; false if it is already stored.

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
            return [StoredVersion._make(row) for row in await connection.execute(_VERSIONS)]

    async def named(self, name: str) -> StoredVersion:
        """The version with this number, or whose digest begins with this text.

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
