"""Policy versions as stored: their documents, who signed them, and where they judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import psycopg
from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.canonical import timestamp
from domain.errors import PolicyRejected
from domain.judging import Assignment, Role
from domain.keys import signed_statement
from millwright.storage import ledger
from millwright.storage.engine import transaction
from millwright.storage.tables import people, policy_assignments, policy_signatures, policy_versions

APPROVE = "approve"
ACTIVATE = "activate"

# Where several assignments hold, the one for the line beats the one for all, and the later one the earlier.
_ASSIGNMENTS = """
SELECT DISTINCT ON (CASE role WHEN 'active' THEN '' ELSE digest END) digest, role
FROM policy_assignments
WHERE (line IS NULL OR line = %s) AND effective_from <= %s AND (effective_to IS NULL OR effective_to > %s)
ORDER BY CASE role WHEN 'active' THEN '' ELSE digest END, line NULLS LAST, effective_from DESC, id DESC
"""
_DOCUMENT = "SELECT document, author FROM policy_versions WHERE digest = %s"
_SIGNATURES = """
SELECT s.act, s.person, s.meaning, s.at, s.signature, p.public_key
FROM policy_signatures s JOIN people p ON p.name = s.person WHERE s.digest = %s
"""


class VersionTerms(Protocol):
    """What compiled versions say of time; `policies.catalogue` behind it."""

    def knows(self, digest: str) -> bool:
        """Whether the version is compiled."""
        ...

    def learn(self, digest: str, document: str) -> None:
        """Compiles a stored document.

        Raises:
            PolicyRejected: it does not have the digest it is stored under.
        """
        ...

    def terms(self, digest: str) -> tuple[timedelta, timedelta]:
        """A known version's lateness and rearm."""
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    """A person's signature over a version."""

    act: str
    person: str
    meaning: str
    at: datetime
    signature: str
    public_key: str

    def holds(self, digest: str) -> bool:
        """Whether the person's key really signed this."""
        # Six megabytes, in every process, for the two moments at which somebody signs.
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public_key))
        try:
            key.verify(
                bytes.fromhex(self.signature), signed_statement(digest, self.act, self.meaning, timestamp(self.at))
            )
        except (InvalidSignature, ValueError):
            return False
        return True


def check_approval(digest: str, author: str, signatures: Sequence[Signature]) -> None:
    """Refuses a version that nobody but its author approved.

    Raises:
        PolicyRejected: a signature is forged, or no approval by another person stands.
    """
    for one in signatures:
        if not one.holds(digest):
            raise PolicyRejected(f"the {one.act} signature of {one.person} on {digest[:12]} is not theirs")
    if not any(one.act == APPROVE and one.person != author for one in signatures):
        raise PolicyRejected(f"version {digest[:12]} has no approval by anyone but its author {author}")


async def learn_version(cursor: psycopg.AsyncCursor[tuple[object, ...]], digest: str, terms: VersionTerms) -> None:
    """Compiles a stored version in this process, unless it is; it was signed by someone not its author.

    Raises:
        PolicyRejected: it is not stored, altered, unsigned or forged.
    """
    if terms.knows(digest):
        return
    await cursor.execute(_DOCUMENT, (digest,))
    stored = await cursor.fetchone()
    if stored is None:
        raise PolicyRejected(f"version {digest[:12]} is used and not stored")
    await cursor.execute(_SIGNATURES, (digest,))
    signatures = [
        Signature(str(a), str(p), str(m), at, str(s), str(k))
        for a, p, m, at, s, k in await cursor.fetchall()
        if isinstance(at, datetime)
    ]
    check_approval(digest, str(stored[1]), signatures)
    terms.learn(digest, str(stored[0]))


async def assignments_of_line(
    cursor: psycopg.AsyncCursor[tuple[object, ...]], line: str, now: datetime, terms: VersionTerms
) -> list[Assignment]:
    """The versions that judge a line now, the active one first; each was signed by someone not its author.

    Raises:
        PolicyRejected: a version assigned here is altered, unsigned or forged.
    """
    await cursor.execute(_ASSIGNMENTS, (line, now, now))
    rows = [(str(digest), str(role)) for digest, role in await cursor.fetchall()]
    active = {digest for digest, role in rows if role == "active"}
    found: list[Assignment] = []
    for digest, role in sorted(rows, key=lambda row: (row[1], row[0])):
        if role == "shadow" and digest in active:
            continue
        await learn_version(cursor, digest, terms)
        lateness, rearm = terms.terms(digest)
        kind: Role = "active" if role == "active" else "shadow"
        found.append(Assignment(digest, kind, lateness, rearm))
    return found


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version as stored, with the roles it has now."""

    digest: str
    policy: str
    version: str
    document: str
    author: str
    roles: tuple[str, ...]


class VersionStore:
    """Publishes, signs and assigns policy versions.

    Args:
        engine: the database.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def publish(
        self, *, digest: str, policy: str, version: str, document: str, author: str, now: datetime
    ) -> bool:
        """Stores a version; False where this very version is stored already.

        Raises:
            PolicyRejected: another text was published under this policy and version.
        """
        async with transaction(self._engine) as connection:
            stored = await connection.scalar(
                select(policy_versions.c.digest).where(
                    policy_versions.c.policy == policy, policy_versions.c.version == version
                )
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
            entry = ledger.Entry(now)
            detail: dict[str, object] = {"policy": policy, "version": version, "digest": digest}
            entry.add(ledger.act("policy-published", f"policy/{digest}", author, now, detail))
            await ledger.append(connection, entry)
        return True

    async def sign(self, digest: str, signature: Signature) -> int:
        """Keeps a signature; gives its id.

        Raises:
            PolicyRejected: it is not the person's, or an author approves their own version.
        """
        if not signature.holds(digest):
            raise PolicyRejected(f"the signature is not {signature.person}'s", field="signature")
        async with transaction(self._engine) as connection:
            author = await connection.scalar(select(policy_versions.c.author).where(policy_versions.c.digest == digest))
            if author is None:
                raise PolicyRejected(f"no version {digest[:12]} is stored", field="digest")
            if signature.act == APPROVE and signature.person == author:
                raise PolicyRejected(f"{author} wrote this version and cannot approve it", field="person")
            row = await connection.execute(
                insert(policy_signatures)
                .values(
                    digest=digest,
                    act=signature.act,
                    person=signature.person,
                    meaning=signature.meaning,
                    at=signature.at,
                    signature=signature.signature,
                )
                .returning(policy_signatures.c.id)
            )
            entry = ledger.Entry(signature.at)
            detail: dict[str, object] = {"meaning": signature.meaning, "signature": signature.signature}
            kind = f"policy-{signature.act}d"
            entry.add(ledger.act(kind, f"policy/{digest}", signature.person, signature.at, detail))
            await ledger.append(connection, entry)
            return int(row.scalar_one())

    async def assign(
        self,
        *,
        digest: str,
        role: Role,
        line: str | None,
        effective_from: datetime,
        by: str,
        reason: str,
        signature_id: int,
        now: datetime,
    ) -> None:
        """Assigns an approved version from an instant; an active one supersedes the active one of the same scope."""
        async with transaction(self._engine) as connection:
            signatures = await _signatures(connection, digest)
            author = await connection.scalar(select(policy_versions.c.author).where(policy_versions.c.digest == digest))
            check_approval(digest, str(author), signatures)
            same_scope = policy_assignments.c.line.is_(None) if line is None else policy_assignments.c.line == line
            superseded = update(policy_assignments).where(
                policy_assignments.c.role == role,
                same_scope,
                func.coalesce(policy_assignments.c.effective_to, effective_from) >= effective_from,
                policy_assignments.c.effective_from < effective_from,
            )
            if role == "shadow":
                superseded = superseded.where(policy_assignments.c.digest == digest)
            await connection.execute(superseded.values(effective_to=effective_from))
            await connection.execute(
                insert(policy_assignments).values(
                    digest=digest,
                    role=role,
                    line=line,
                    effective_from=effective_from,
                    assigned_by=by,
                    reason=reason,
                    signature_id=signature_id,
                )
            )
            entry = ledger.Entry(now)
            detail: dict[str, object] = {
                "role": role,
                "line": line,
                "from": timestamp(effective_from),
                "reason": reason,
            }
            entry.add(ledger.act("policy-assigned", f"policy/{digest}", by, now, detail))
            await ledger.append(connection, entry)

    async def versions(self) -> list[StoredVersion]:
        """Every stored version, oldest first."""
        async with transaction(self._engine) as connection:
            rows = await connection.execute(
                select(policy_versions).order_by(policy_versions.c.published_at, policy_versions.c.version)
            )
            assigned = await connection.execute(select(policy_assignments.c.digest, policy_assignments.c.role))
            roles: dict[str, list[str]] = {}
            for one in assigned:
                roles.setdefault(one.digest, []).append(one.role)
            return [
                StoredVersion(
                    row.digest, row.policy, row.version, row.document, row.author, tuple(roles.get(row.digest, ()))
                )
                for row in rows
            ]


async def _signatures(connection: AsyncConnection, digest: str) -> list[Signature]:
    rows = await connection.execute(
        select(
            policy_signatures.c.act,
            policy_signatures.c.person,
            policy_signatures.c.meaning,
            policy_signatures.c.at,
            policy_signatures.c.signature,
            people.c.public_key,
        )
        .join(people, people.c.name == policy_signatures.c.person)
        .where(policy_signatures.c.digest == digest)
    )
    return [Signature(r.act, r.person, r.meaning, r.at, r.signature, r.public_key) for r in rows]


class PeopleStore:
    """Who may do what, and the keys by which they are known.

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
