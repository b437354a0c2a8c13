"""One act on policy versions in its transaction: signatures are checked, rows written, acts added to the ledger."""

from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.approvals import ACTIVATE, APPROVE, EMERGENCY, EMERGENCY_LASTS, ROLES
from domain.assigning import AssignedAs, EndedBy, Placement
from domain.canonical import timestamp
from domain.errors import ActRejected, PolicyRejected
from millwright.storage.database.person_tables import signer
from millwright.storage.database.policy_tables import policy_assignment_ends, policy_evidence
from millwright.storage.database.tables import policy_assignments, policy_signatures
from millwright.storage.ledger import ledger
from millwright.storage.policies.assignment_terms import Placing
from millwright.storage.policies.checked_assignments import CheckedAssignments
from millwright.storage.policies.signatures import Signature, SignedVersion, check_fresh


def act_kind(act: str) -> str:
    """The kind of the ledger act that records a signature."""
    return {APPROVE: "policy-approved", ACTIVATE: "policy-activated"}.get(act, f"policy-{act}-signed")


class Acting:
    """One act in its transaction. Meanwhile no batch is judged, and nobody else acts."""

    def __init__(self, connection: AsyncConnection, now: datetime, checked: CheckedAssignments) -> None:
        self.connection = connection
        self.now = now
        self.checked = checked
        self.entry = ledger.Entry(now)

    def version(self, digest: str) -> SignedVersion:
        found = self.checked.versions.get(digest)
        if found is None:
            raise PolicyRejected(f"no version {digest[:12]} is stored", field="version")
        if found.withdrawn_at is not None:
            raise PolicyRejected(f"version {digest[:12]} was withdrawn", field="version", fix="submit a new version")
        return found

    def live(self, digest: str, *roles: AssignedAs) -> list[Placement]:
        """A version's assignments in these roles that are, or will be, in force."""
        mine = [
            placement for placement in self.checked.placements if placement.digest == digest and placement.role in roles
        ]
        return [placement for placement in mine if (until := placement.until(self.now)) is None or until > self.now]

    def _check_after_changes(self, digest: str, at: datetime) -> None:
        """Refuses a signature from before the last backtest, assignment or end of a version: it would change the past.

        Raises:
            ActRejected: naming both times.
        """
        version = self.checked.versions.get(digest)
        changes = [blast.at for blast in version.blasts] if version is not None else []
        for placement in self.checked.placements:
            if placement.digest == digest:
                changes += [placement.recorded_at, *(end.recorded_at for end in placement.ends)]
                if placement.expires_at is not None and placement.expires_at <= self.now:
                    changes.append(placement.expires_at)
        last = max(changes, default=at)
        if at < last:
            raise ActRejected(
                f"the signature is of {timestamp(at)}, and the version changed at {timestamp(last)}",
                field="at",
                fix="look at the version, and sign again",
            )

    async def sign(self, digest: str, signature: Signature, act: str, meaning: str | None = None) -> int:
        """Checks and stores a signature; returns its id.

        Raises:
            ActRejected: it is for another act or meaning, too old, from before the version's last change, used before,
                or not the person's, or the clock was set back.
        """
        if signature.act != act or (meaning is not None and signature.meaning != meaning):
            raise ActRejected(
                "the signature is for another act or meaning", field="signature", fix=f"sign {meaning or act!r}"
            )
        if not signature.meaning.strip() or "\n" in signature.meaning:
            raise ActRejected("the meaning must be one line of text", field="meaning")
        check_fresh(signature.at, self.now)
        self._check_after_changes(digest, signature.at)
        found = await signer(self.connection, signature.person, signature.at, self.now)
        if found is None:
            raise ActRejected(f"nobody called {signature.person} may act here", field="person")
        if ROLES[act].isdisjoint(found.roles):
            roles = " or ".join(sorted(ROLES[act]))
            raise ActRejected(f"{signature.person} may not {act}; it takes the role {roles}", field="person")
        registered = Signature(
            act, signature.person, signature.meaning, signature.at, signature.signature, found.public_key
        )
        if not registered.holds_now(digest):
            raise ActRejected(f"the signature is not {signature.person}'s", field="signature")
        stored = await self.connection.execute(
            upsert(policy_signatures)
            .values(
                digest=digest,
                act=act,
                person=signature.person,
                meaning=signature.meaning,
                at=signature.at,
                signature=signature.signature,
            )
            .on_conflict_do_nothing()
            .returning(policy_signatures.c.id)
        )
        number: int | None = stored.scalar_one_or_none()
        if number is None:
            raise ActRejected("this signature was used before", field="signature", fix="sign again")
        detail: dict[str, object] = {"meaning": signature.meaning, "signature": signature.signature}
        self.tell(act_kind(act), digest, signature.person, detail, signature.at)
        return number

    def tell(self, kind: str, digest: str, actor: str, detail: dict[str, object], at: datetime | None = None) -> None:
        """Adds an act to the ledger's entry."""
        self.entry.add(ledger.act(kind, f"policy/{digest}", actor, at or self.now, detail))

    async def place(self, digest: str, terms: Placing, signed: int, person: str) -> list[int]:
        """Stores an assignment that was checked, with a row for each scope."""
        numbers = []
        expires_at = terms.effective_from + EMERGENCY_LASTS if terms.act == EMERGENCY else None
        for scope in terms.scopes:
            row = await self.connection.execute(
                insert(policy_assignments)
                .values(
                    digest=digest,
                    role=terms.role,
                    **scope.model_dump(),
                    effective_from=terms.effective_from,
                    effective_to=terms.effective_to,
                    assigned_by=person,
                    reason=terms.reason,
                    signature_id=signed,
                    recorded_at=self.now,
                    expires_at=expires_at,
                    replaces=terms.replaces,
                    band=terms.band,
                )
                .returning(policy_assignments.c.id)
            )
            number: int = row.scalar_one()
            numbers.append(number)
            detail: dict[str, object] = {
                "assignment": number,
                "role": terms.role,
                "scope": scope.words,
                "from": timestamp(terms.effective_from),
                "to": timestamp(terms.effective_to) if terms.effective_to is not None else None,
                "expires_at": timestamp(expires_at) if expires_at is not None else None,
                "reason": terms.reason,
                "act": terms.act,
                "replaces": terms.replaces,
                "band": terms.band,
            }
            self.tell("policy-assigned", digest, person, detail)
        return numbers

    async def end(
        self, placement: Placement, at: datetime, cause: EndedBy, by: str, reason: str, signed: int | None
    ) -> None:
        """Ends an assignment early."""
        await self.connection.execute(
            insert(policy_assignment_ends).values(
                assignment_id=placement.id,
                ends_at=at,
                recorded_at=self.now,
                ended_by=by,
                cause=cause,
                reason=reason,
                signature_id=signed,
            )
        )
        detail: dict[str, object] = {
            "assignment": placement.id,
            "role": placement.role,
            "scope": placement.scope.words,
            "at": timestamp(at),
            "cause": cause,
            "reason": reason,
        }
        self.tell("policy-assignment-ended", placement.digest, by, detail)


async def add_evidence(
    connection: AsyncConnection, entry: ledger.Entry, digest: str, kind: str, *, passed: bool, body: str, by: str
) -> None:
    """Stores the result of a check, a proof or a backtest in a transaction."""
    result = "passed" if passed else "failed"
    await connection.execute(
        insert(policy_evidence).values(digest=digest, kind=kind, result=result, at=entry.at, by=by, body=body)
    )
    detail: dict[str, object] = {"kind": kind, "result": result, "body": body}
    entry.add(ledger.act("policy-evidence", f"policy/{digest}", by, entry.at, detail))
