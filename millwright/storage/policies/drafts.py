"""Drafts: texts that may change, with a revision for each save. A submitted draft no longer changes."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, insert, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.approvals import SUBMIT, one_line
from domain.canonical import sha256
from domain.clock import Clock
from domain.errors import ActRejected, PolicyRejected
from millwright.storage.database.engine import raw, transaction
from millwright.storage.database.policy_tables import policy_drafts
from millwright.storage.database.tables import policy_versions
from millwright.storage.ledger import ledger
from millwright.storage.policies.act_transaction import Acting, add_evidence
from millwright.storage.policies.assignments import lock_to_assign
from millwright.storage.policies.checked_assignments import read_assignments
from millwright.storage.policies.signatures import Signature
from millwright.storage.policies.versions import store_version


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as last saved; `cases` is the text of its cases file."""

    policy: str
    version: str
    revision: int
    digest: str
    document: str
    cases: str
    author: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class MachineFindings:
    """The results of the check and the proof of a draft without objections, as canonical JSON. `proof` is None if the
    draft has no property that can be proved."""

    check: str
    proof: str | None = None


class DraftStore:
    """Saves and submits drafts.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def save(
        self, *, policy: str, version: str, digest: str, document: str, cases: str, author: str, by: str, reason: str
    ) -> int:
        """Saves a text as the next revision of its version; returns the revision's number.

        Args:
            author: the author that the document names.
            by: the person who saves it. It must be the author, so that authors cannot approve their own text.

        Raises:
            ActRejected: the document names another author, or the reason is missing.
            PolicyRejected: the version was already submitted, so it no longer changes.
        """
        why = one_line(reason)
        if author != by:
            raise ActRejected(f"the document names {author} as its author, but {by} saves it", field="author", fix=by)
        if not why:
            raise ActRejected("is empty", field="reason", fix="say what changed, and why")
        async with transaction(self._engine) as connection:
            await lock_to_assign(connection)
            stored = await connection.scalar(
                select(policy_versions.c.digest).where(
                    policy_versions.c.policy == policy, policy_versions.c.version == version
                )
            )
            if stored is not None:
                problem = f"{policy} {version} was submitted as {stored[:12]} and can no longer change"
                raise PolicyRejected(problem, field="version", fix="give it a new version")
            last = await _last(connection, policy, version)
            revision = last.revision + 1 if last is not None else 1
            now = self._clock.now()
            await connection.execute(
                insert(policy_drafts).values(
                    policy=policy,
                    version=version,
                    revision=revision,
                    digest=digest,
                    document=document,
                    cases=cases,
                    author=by,
                    saved_at=now,
                    reason=why,
                )
            )
            entry = ledger.Entry(now)
            texts = {"document": sha256(document.encode()), "cases": sha256(cases.encode())}
            detail: dict[str, object] = {"revision": revision, "digest": digest, "reason": why, "texts": texts}
            entry.add(ledger.act("policy-drafted", f"draft/{policy}/{version}", by, now, detail))
            await ledger.append(connection, entry)
        return revision

    async def find(self, policy: str, version: str) -> Draft:
        """The last revision of a draft.

        Raises:
            PolicyRejected: there is no such draft.
        """
        async with transaction(self._engine) as connection:
            found = await _last(connection, policy, version)
        if found is None:
            raise PolicyRejected(
                f"there is no draft {policy} {version}", field="version", fix="`millwright policy draft`"
            )
        return found

    async def drafts(self) -> list[Draft]:
        """The last revision of every draft that was not submitted."""
        submitted = select(policy_versions.c.digest).where(
            policy_versions.c.policy == policy_drafts.c.policy, policy_versions.c.version == policy_drafts.c.version
        )
        newest = (
            select(policy_drafts)
            .ext(distinct_on(policy_drafts.c.policy, policy_drafts.c.version))
            .where(~submitted.exists())
            .order_by(policy_drafts.c.policy, policy_drafts.c.version, policy_drafts.c.revision.desc())
        )
        async with transaction(self._engine) as connection:
            return [_draft(row) for row in (await connection.execute(newest)).mappings()]

    async def submitted(self) -> list[Draft]:
        """The submitted revisions of drafts that became versions."""
        stored = select(policy_versions.c.digest)
        async with transaction(self._engine) as connection:
            rows = await connection.execute(
                select(policy_drafts).where(policy_drafts.c.digest.in_(stored)).order_by(policy_drafts.c.revision)
            )
            return [_draft(row) for row in rows.mappings()]

    async def submit(self, draft: Draft, signature: Signature, found: MachineFindings) -> None:
        """Submits a draft for review. From then on its text no longer changes.

        Args:
            found: the results of the check and the proof of this revision; they are stored as evidence.

        Raises:
            PolicyRejected: it was already submitted.
            ActRejected: the signature is wrong, or the draft was saved again since it was read.
        """
        async with transaction(self._engine) as connection:
            await lock_to_assign(connection)
            last = await _last(connection, draft.policy, draft.version)
            if last is None or last.digest != draft.digest:
                raise ActRejected(
                    "the draft was saved again meanwhile", field="version", fix="look at it, and submit it"
                )
            acting = Acting(connection, self._clock.now(), await read_assignments(await raw(connection)))
            added = await store_version(
                connection,
                acting.entry,
                digest=draft.digest,
                policy=draft.policy,
                version=draft.version,
                document=draft.document,
                author=draft.author,
                now=acting.now,
            )
            if not added:
                raise PolicyRejected(f"{draft.policy} {draft.version} was submitted already", field="version")
            await acting.sign(draft.digest, signature, SUBMIT)
            for kind, body in (("check", found.check), ("proof", found.proof)):
                if body is not None:
                    by = signature.person
                    await add_evidence(connection, acting.entry, draft.digest, kind, passed=True, body=body, by=by)
            await ledger.append(connection, acting.entry)


async def _last(connection: AsyncConnection, policy: str, version: str) -> Draft | None:
    newest = (
        select(policy_drafts)
        .where(policy_drafts.c.policy == policy, policy_drafts.c.version == version)
        .order_by(policy_drafts.c.revision.desc())
        .limit(1)
    )
    row = (await connection.execute(newest)).mappings().one_or_none()
    return None if row is None else _draft(row)


def _draft(row: RowMapping) -> Draft:
    return Draft(**{name: row[name] for name in Draft.__slots__})
