"""What people do with policy versions: each act one transaction, alone among acts, signed, checked and recorded."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.approvals import (
    ACTIVATE,
    APPROVE,
    CANARY,
    EMERGENCY,
    EMERGENCY_LASTS,
    PLACES,
    ROLES,
    ROLLBACK,
    WITHDRAW,
    check_changed,
    needed_with,
    placing_meaning,
    withdrawing_meaning,
)
from domain.assigning import EVERYWHERE, AssignedAs, EndedBy, Placement, Scope
from domain.canonical import timestamp
from domain.clock import Clock
from domain.errors import ActRejected, PolicyRejected
from millwright.storage.database.engine import raw, transaction
from millwright.storage.database.policy_tables import policy_assignment_ends, policy_evidence
from millwright.storage.database.tables import people, policy_assignments, policy_signatures
from millwright.storage.ledger import ledger
from millwright.storage.policies.assignments import LOCK_TO_ASSIGN, CheckedAssignments, read_assignments
from millwright.storage.policies.freezes import frozen_at
from millwright.storage.policies.signatures import Signature, SignedVersion
from millwright.storage.scheduling import due

FRESH = timedelta(minutes=5)
"""How far a signature's time may be from ours: an older one is somebody's replay."""

CANARY_SUBJECT = "policy/canary/"
IN_FORCE_SUBJECT = "policy/in-force/"
MACHINE = "millwright"
"""The actor of what no person does: a canary halted, a version that came into force on its date."""

_LAST_EVIDENCE = text(
    "SELECT DISTINCT ON (kind) kind, result FROM policy_evidence WHERE digest = :digest ORDER BY kind, id DESC"
)
_TURNS = text(
    "SELECT kind FROM acts WHERE kind IN ('policy-came-into-force', 'policy-ended-by-date') AND strpos(body, :part) > 0"
)


def act_kind(act: str) -> str:
    """The kind of ledger act that tells of a signature."""
    return {APPROVE: "policy-approved", ACTIVATE: "policy-activated"}.get(act, f"policy-{act}-signed")


@dataclass(frozen=True)
class Placing:
    """The terms on which a version is assigned. `band` is what a canary keeps within, as canonical JSON."""

    act: str
    scopes: tuple[Scope, ...]
    effective_from: datetime
    reason: str
    effective_to: datetime | None = None
    band: str | None = None
    replaces: str | None = None

    @property
    def role(self) -> AssignedAs:
        return PLACES[self.act][0]

    @property
    def meaning(self) -> str:
        """What its signature says."""
        return placing_meaning(
            self.act,
            self.scopes,
            self.effective_from,
            self.effective_to,
            self.reason,
            replaces=self.replaces,
            band=self.band,
        )


class Acting:
    """One act in its transaction: nobody judges and nobody else acts meanwhile."""

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
        """A version's assignments in these roles that hold now or will."""
        mine = [one for one in self.checked.placements if one.digest == digest and one.role in roles]
        return [one for one in mine if (until := one.until(self.now)) is None or until > self.now]

    async def sign(self, digest: str, one: Signature, act: str, meaning: str | None = None) -> int:
        """Keeps a signature that is what it has to be; gives its id.

        Raises:
            ActRejected: it is of another act or meaning, not made just now, given before, or not the person's.
        """
        if one.act != act or (meaning is not None and one.meaning != meaning):
            raise ActRejected("the signature is of something else", field="signature", fix=f"sign {meaning or act!r}")
        if not one.meaning.strip() or "\n" in one.meaning:
            raise ActRejected("a meaning is one line of words", field="meaning")
        if abs(self.now - one.at) > FRESH:
            raise ActRejected(f"the signature is of {timestamp(one.at)}, not of now", field="at", fix="sign again")
        row = (
            await self.connection.execute(
                select(people.c.public_key, people.c.roles, people.c.left_at).where(people.c.name == one.person)
            )
        ).one_or_none()
        if row is None or row.left_at is not None:
            raise ActRejected(f"nobody called {one.person} may act here", field="person")
        if ROLES[act].isdisjoint(row.roles):
            roles = " or ".join(sorted(ROLES[act]))
            raise ActRejected(f"{one.person} may not {act}; it takes the role {roles}", field="person")
        registered = Signature(act, one.person, one.meaning, one.at, one.signature, row.public_key)
        if not registered.holds(digest):
            raise ActRejected(f"the signature is not {one.person}'s", field="signature")
        stored = await self.connection.execute(
            upsert(policy_signatures)
            .values(digest=digest, act=act, person=one.person, meaning=one.meaning, at=one.at, signature=one.signature)
            .on_conflict_do_nothing()
            .returning(policy_signatures.c.id)
        )
        number = stored.scalar_one_or_none()
        if number is None:
            raise ActRejected("this signature was given before", field="signature", fix="sign again")
        detail: dict[str, object] = {"meaning": one.meaning, "signature": one.signature}
        self.tell(act_kind(act), digest, one.person, detail, one.at)
        return int(number)

    def tell(self, kind: str, digest: str, actor: str, detail: dict[str, object], at: datetime | None = None) -> None:
        """Adds an act to the ledger's entry."""
        self.entry.add(ledger.act(kind, f"policy/{digest}", actor, at or self.now, detail))

    async def place(self, digest: str, terms: Placing, signed: int, person: str) -> list[int]:
        """Writes the rows of an assignment that was checked."""
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
            number = int(row.scalar_one())
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
        """Ends an assignment before its time."""
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


class Lifecycle:
    """The acts; see `docs/lifecycle.md`.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[Acting]:
        """A transaction in which nobody else judges or acts."""
        async with transaction(self._engine) as connection:
            await connection.execute(text(LOCK_TO_ASSIGN))
            driver = await raw(connection)
            async with driver.cursor() as cursor:
                acting = Acting(connection, self._clock.now(), await read_assignments(cursor))
            yield acting
            await ledger.append(connection, acting.entry)

    async def approve(self, digest: str, signature: Signature) -> tuple[int, int | None]:
        """Keeps an approval.

        Returns:
            How many people approved by now, and how many it still takes; None where it is approved.

        Raises:
            ActRejected: the signature is wrong, or this person's approval does not count or was given.
            PolicyRejected: there is no such version, it was withdrawn, or a check of it failed.
        """
        async with self.acting() as acting:
            version = acting.version(digest)
            person = signature.person
            if person in version.authors | {version.author}:
                raise ActRejected(f"{person} wrote this version and cannot approve it", field="person")
            if person in version.barred:
                raise ActRejected(f"{person} put this version in force and cannot approve it", field="person")
            if any(one.person == person for one in version.approvals):
                raise ActRejected(f"{person} approved this version already", field="person")
            failed = [
                row.kind
                for row in await acting.connection.execute(_LAST_EVIDENCE, {"digest": digest})
                if row.result == "failed" and row.kind != "backtest"
            ]
            if failed:
                problem = f"its last {' and '.join(failed)} failed"
                raise PolicyRejected(problem, field="version", fix="submit a version that passes")
            await acting.sign(digest, signature, APPROVE)
            count = len({one.person for one in version.approvals} | {person})
            needed = 1 if version.first_light else needed_with(version.blasts)
        return count, None if count >= needed or version.approved_at is not None else needed - count

    async def place(self, digest: str, terms: Placing, signature: Signature) -> list[int]:
        """Assigns a version: active, canary, shadow, or active as an emergency.

        Raises:
            ActRejected: the signature is wrong, or these terms are.
            PolicyRejected: the version is not approved, withdrawn, or not stored.
        """
        async with self.acting() as acting:
            version = acting.version(digest)
            if terms.act not in PLACES or terms.act == ROLLBACK:
                raise ActRejected(f"{terms.act} assigns nothing", field="act")
            if terms.act != EMERGENCY and version.approved_at is None:
                raise PolicyRejected(version.lacking(), field="version", fix="`millwright policy approve`")
            await _check_terms(acting, version, terms)
            signed = await acting.sign(digest, signature, terms.act, terms.meaning)
            numbers = await acting.place(digest, terms, signed, signature.person)
            if terms.act == ACTIVATE:
                for one in acting.live(digest, "canary", "shadow"):
                    if terms.scopes == (EVERYWHERE,) or one.scope in terms.scopes:
                        await acting.end(one, terms.effective_from, "graduated", signature.person, terms.reason, signed)
            await _wake(acting, terms, numbers)
        return numbers

    async def rollback_terms(self, digest: str, to: str, reason: str, at: datetime) -> Placing:
        """On which terms an old version takes a version's place: wherever that one is active or a canary.

        Raises:
            ActRejected: the version is in force nowhere.
        """
        async with self.acting() as acting:
            return _rollback(acting, digest, to, reason, at)

    async def rollback(self, digest: str, to: str, reason: str, signature: Signature) -> list[int]:
        """Puts an old version in the place of one that is in force, wherever it is, from the signature's instant on.

        Raises:
            ActRejected: the signature is wrong, or the version is in force nowhere.
            PolicyRejected: the old version is not approved, or withdrawn.
        """
        async with self.acting() as acting:
            old = acting.version(to)
            if old.approved_at is None:
                raise PolicyRejected(old.lacking(), field="to")
            terms = _rollback(acting, digest, to, reason, signature.at)
            signed = await acting.sign(to, signature, ROLLBACK, terms.meaning)
            for one in acting.live(digest, "active", "canary"):
                await acting.end(one, signature.at, "rolled_back", signature.person, reason, signed)
            return await acting.place(to, terms, signed, signature.person)

    async def withdraw(self, digest: str, role: AssignedAs | None, reason: str, signature: Signature) -> int:
        """Withdraws a version for good, or ends its canaries or shadows; gives how many assignments ended.

        Raises:
            ActRejected: the signature is wrong, or the version is active: roll it back.
        """
        async with self.acting() as acting:
            acting.version(digest)
            if role == "active":
                raise ActRejected("an active version is rolled back", field="role", fix="`millwright policy rollback`")
            begun = [one for one in acting.live(digest, "active") if one.effective_from <= acting.now]
            if role is None and begun:
                raise ActRejected("it is in force", field="version", fix="`millwright policy rollback` first")
            signed = await acting.sign(digest, signature, WITHDRAW, withdrawing_meaning(role, reason))
            roles: tuple[AssignedAs, ...] = ("active", "canary", "shadow") if role is None else (role,)
            ended = acting.live(digest, *roles)
            for one in ended:
                at = max(signature.at, one.effective_from) if one.effective_from > acting.now else acting.now
                await acting.end(one, at, "withdrawn", signature.person, reason, signed)
            return len(ended)

    async def halt(self, assignment: int, reason: str) -> bool:
        """Ends a canary that left its band; False where it had ended already. Nobody signs this."""
        async with self.acting() as acting:
            for one in acting.checked.placements:
                if one.id == assignment and one.role == "canary" and one.in_force(acting.now, acting.now):
                    await acting.end(one, acting.now, "halted", MACHINE, reason, None)
                    return True
        return False

    async def assignment(self, number: int) -> tuple[Placement, str | None] | None:
        """An assignment and its band; None where there is none of this number."""
        async with transaction(self._engine) as connection:
            driver = await raw(connection)
            async with driver.cursor() as cursor:
                checked = await read_assignments(cursor)
        return next(((row.placement, row.band) for row in checked.rows if row.placement.id == number), None)

    async def note_turn(self, number: int) -> datetime | None:
        """Records once that an assignment came into force, and once that it ended by its date; gives its next turn."""
        async with self.acting() as acting:
            found = [one for one in acting.checked.placements if one.id == number]
            if not found:
                return None
            one = found[0]
            until = one.until(acting.now)
            if one.effective_from > acting.now:
                return one.effective_from
            turns = [("policy-came-into-force", one.effective_from)]
            if until is not None and until <= acting.now:
                turns.append(("policy-ended-by-date", until))
            known = {
                str(row.kind) for row in await acting.connection.execute(_TURNS, {"part": f'"assignment":{number},'})
            }
            for kind, at in turns:
                if kind not in known and not one.ends:
                    detail = {"assignment": number, "role": one.role, "scope": one.scope.words, "at": timestamp(at)}
                    acting.tell(kind, one.digest, MACHINE, dict(detail))
            return until if until is not None and until > acting.now else None

    async def attach(self, digest: str, kind: str, *, passed: bool, body: str, by: str) -> None:
        """Keeps what a machine found of a version: `kind` is check, proof or backtest, `body` canonical JSON.

        A backtest's body has `changed: {assets, max_rung_change, unattended}`: from it follows how many approvals it
        takes.

        Raises:
            ActRejected: a backtest does not say what it changes.
            PolicyRejected: no such version is stored.
        """
        if kind == "backtest":
            check_changed(body)
        async with self.acting() as acting:
            acting.version(digest)
            await add_evidence(acting.connection, acting.entry, digest, kind, passed=passed, body=body, by=by)

    async def approved(self, digest: str) -> SignedVersion:
        """A version with its signatures as they stand.

        Raises:
            PolicyRejected: no such version is stored.
        """
        async with transaction(self._engine) as connection:
            driver = await raw(connection)
            async with driver.cursor() as cursor:
                checked = await read_assignments(cursor)
        if digest not in checked.versions:
            raise PolicyRejected(f"no version {digest[:12]} is stored", field="version")
        return checked.versions[digest]


async def add_evidence(
    connection: AsyncConnection, entry: ledger.Entry, digest: str, kind: str, *, passed: bool, body: str, by: str
) -> None:
    """Keeps a machine's finding in a transaction."""
    result = "passed" if passed else "failed"
    await connection.execute(
        insert(policy_evidence).values(digest=digest, kind=kind, result=result, at=entry.at, by=by, body=body)
    )
    detail: dict[str, object] = {"kind": kind, "result": result, "body": body}
    entry.add(ledger.act("policy-evidence", f"policy/{digest}", by, entry.at, detail))


async def _check_terms(acting: Acting, version: SignedVersion, terms: Placing) -> None:
    if not terms.scopes or any(scope.percent is not None and not 0 < scope.percent < 100 for scope in terms.scopes):
        raise ActRejected("a share is above 0 and below 100", field="percent")
    # What is signed and told of is six digits of it; another share than that must not be drawn.
    if any(scope.percent is not None and scope.percent != float(f"{scope.percent:g}") for scope in terms.scopes):
        raise ActRejected("a share has six digits at most", field="percent")
    if terms.effective_to is not None and terms.effective_to <= terms.effective_from:
        raise ActRejected("it would end before it begins", field="to")
    if not terms.reason.strip():
        raise ActRejected("is empty", field="reason", fix="say why")
    if terms.effective_from < acting.now - FRESH and not version.first_light:
        raise ActRejected(
            f"{timestamp(terms.effective_from)} is past; what was in force then stays as it was", field="from"
        )
    if terms.act == CANARY and terms.band is None:
        raise ActRejected("a canary keeps within a band", field="band")
    if terms.act in (ACTIVATE, CANARY):
        freeze = await frozen_at(acting.connection, terms.effective_from)
        if freeze is not None:
            fix = "choose another time, or break the glass: --emergency"
            raise ActRejected(f"nothing comes into force then: {freeze}", field="from", fix=fix)
    sound = [one for one in acting.live(version.digest, terms.role) if one.id not in acting.checked.faults]
    for one in sound:
        if one.scope in terms.scopes and one.in_force(terms.effective_from, acting.now) and _wins(acting, one, terms):
            raise ActRejected(f"it is {one.role} for {one.scope.words} already", field="version")


def _wins(acting: Acting, mine: Placement, terms: Placing) -> bool:
    """Whether no later assignment of the same scope stands above one."""
    beside = [
        one
        for one in acting.checked.placements
        if one.role == mine.role and one.scope == mine.scope and one.in_force(terms.effective_from, acting.now)
    ]
    return mine.role == "shadow" or max(beside, key=lambda one: (one.effective_from, one.id)) == mine


def _rollback(acting: Acting, digest: str, to: str, reason: str, at: datetime) -> Placing:
    there = [one for one in acting.live(digest, "active", "canary") if one.effective_from <= acting.now]
    scopes = {one.scope.words: one.scope for one in there if one.role == "active"}
    if not scopes:
        fix = "end a canary by `millwright policy withdraw --only canary`" if there else None
        raise ActRejected(f"version {digest[:12]} is active nowhere", field="version", fix=fix)
    if digest == to:
        raise ActRejected("is the version that is rolled back", field="to", fix="name an older one")
    ordered: Sequence[Scope] = [scopes[words] for words in sorted(scopes)]
    return Placing(ROLLBACK, tuple(ordered), at, reason, replaces=digest)


async def _wake(acting: Acting, terms: Placing, numbers: Sequence[int]) -> None:
    """Has the worker's watch of policies look at an assignment when it comes into force."""
    if terms.act == CANARY:
        subjects = [f"{CANARY_SUBJECT}{number}" for number in numbers]
        await due.wake(acting.connection, subjects, max(terms.effective_from, acting.now))
    if terms.effective_from > acting.now or terms.act == EMERGENCY or terms.effective_to is not None:
        subjects = [f"{IN_FORCE_SUBJECT}{number}" for number in numbers]
        await due.wake(acting.connection, subjects, max(terms.effective_from, acting.now))
