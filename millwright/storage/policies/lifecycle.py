"""The acts of people on policy versions. Each is one transaction: signed, checked, recorded, and not concurrent."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.act_scopes import ActScope, narrowest
from domain.approvals import (
    ACTIVATE,
    APPROVE,
    CANARY,
    EMERGENCY,
    PLACES,
    ROLLBACK,
    WITHDRAW,
    check_changed,
    needed_with,
    withdrawing_meaning,
)
from domain.assigning import EVERYWHERE, AssignedAs, Placement
from domain.canonical import timestamp
from domain.clock import Clock
from domain.errors import ActRejected, PolicyRejected
from millwright.storage.database.act_scopes import check_names, machines_of, reach
from millwright.storage.database.engine import raw, transaction
from millwright.storage.ledger import ledger
from millwright.storage.policies.act_transaction import Acting, add_evidence
from millwright.storage.policies.assignment_terms import Placing
from millwright.storage.policies.assignments import lock_to_assign
from millwright.storage.policies.checked_assignments import read_assignments
from millwright.storage.policies.placing_checks import check_placing, check_rollback, rollback_placing
from millwright.storage.policies.signatures import Signature, SignedVersion
from millwright.storage.scheduling import due

CANARY_SUBJECT = "policy/canary/"
IN_FORCE_SUBJECT = "policy/in-force/"
COMPARED = "policy-compared"
"""The kind of the act that records the proof that a version never asks for more than another."""
MACHINE = "millwright"
"""The actor of acts that no person does: a canary is halted, or a version comes into force on its date."""

_LAST_EVIDENCE = text(
    "SELECT DISTINCT ON (kind) kind, result FROM policy_evidence WHERE digest = :digest ORDER BY kind, id DESC"
)
_TURNS = text(
    "SELECT kind FROM acts WHERE kind IN ('policy-came-into-force', 'policy-kept-out', 'policy-ended-by-date') "
    "AND strpos(body, :part) > 0"
)


class _EvidenceRow(NamedTuple):
    kind: str
    result: str


class _TurnRow(NamedTuple):
    kind: str


class Placed(NamedTuple):
    """The numbers of the assignments that were made, and how many machines they reach."""

    assignments: list[int]
    machines: int


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
        """A transaction during which no batch is judged, and nobody else acts."""
        async with transaction(self._engine) as connection:
            await lock_to_assign(connection)
            acting = Acting(connection, self._clock.now(), await read_assignments(await raw(connection)))
            yield acting
            await ledger.append(connection, acting.entry)

    async def approve(self, digest: str, signature: Signature) -> tuple[int, int | None]:
        """Stores an approval.

        Returns:
            How many people have approved, and how many more must; None if the version is approved.

        Raises:
            ActRejected: the signature is wrong, or this person's approval does not count or was already given.
            PolicyRejected: there is no such version, it was withdrawn, or its last check or proof failed.
        """
        async with self.acting() as acting:
            version = acting.version(digest)
            person = signature.person
            if person in version.authors | {version.author}:
                raise ActRejected(f"{person} wrote this version and cannot approve it", field="person")
            if person in version.barred:
                raise ActRejected(f"{person} put this version in force and cannot approve it", field="person")
            if any(approval.person == person for approval in version.approvals):
                raise ActRejected(f"{person} approved this version already", field="person")
            found = await acting.connection.execute(_LAST_EVIDENCE, {"digest": digest})
            failed = [
                row.kind for row in map(_EvidenceRow._make, found) if row.result == "failed" and row.kind != "backtest"
            ]
            if failed:
                problem = f"its last {' and '.join(failed)} failed"
                raise PolicyRejected(problem, field="version", fix="submit a version that passes")
            await acting.sign(digest, signature, APPROVE)
            count = len({approval.person for approval in version.approvals} | {person})
            needed = 1 if version.first_light else needed_with(version.blasts)
        return count, None if count >= needed or version.approved_at is not None else needed - count

    async def place(self, digest: str, terms: Placing, signature: Signature) -> Placed:
        """Assigns a version: active, canary, shadow, or active as an emergency.

        Raises:
            ActRejected: the signature or the terms are wrong, nobody else has approved the version, a name of the scope
                is unknown, or no machine is in it.
            PolicyRejected: the version is not approved, was withdrawn, or is not stored.
        """
        async with self.acting() as acting:
            version = acting.version(digest)
            if terms.act not in PLACES or terms.act == ROLLBACK:
                raise ActRejected(f"{terms.act} does not assign a version", field="act")
            await check_placing(acting, version, terms, signature)
            machines: set[str] = set()
            for scope in terms.scopes:
                await check_names(acting.connection, ActScope.model_validate(scope.model_dump()))
                machines |= await reach(acting.connection, narrowest(scope))
            signed = await acting.sign(digest, signature, terms.act, terms.meaning)
            numbers = await acting.place(digest, terms, signed, signature.person)
            if terms.act == ACTIVATE:
                for placement in acting.live(digest, "canary", "shadow"):
                    if terms.scopes == (EVERYWHERE,) or placement.scope in terms.scopes:
                        await acting.end(
                            placement, terms.effective_from, "graduated", signature.person, terms.reason, signed
                        )
            await _wake(acting, terms, numbers)
        return Placed(numbers, len(machines))

    async def rollback_terms(self, digest: str, to: str, reason: str, at: datetime) -> Placing:
        """The terms of a rollback: the old version is assigned wherever the version is active.

        Raises:
            ActRejected: the version is in force nowhere.
        """
        async with self.acting() as acting:
            return rollback_placing(acting, digest, to, reason, at)

    async def must_ask_for_no_more(self, to: str, person: str) -> bool:
        """Whether a person may roll back to a version only if it never asks for more than the version it replaces.

        That is so in a freeze, and if nobody else has approved it.

        Raises:
            PolicyRejected: there is no such version, or it was withdrawn.
        """
        async with self.acting() as acting:
            alone = not acting.version(to).approved_by_others_than(person)
            return alone or acting.checked.frozen_at(acting.now) is not None

    async def rollback(
        self, digest: str, to: str, reason: str, signature: Signature, *, asks_for_no_more: bool = False
    ) -> Placed:
        """Replaces a version by an old one wherever it is active, from the time of the signature on; ends its canaries.

        It also works for a scope that has left the register, because it ends what is there.

        Args:
            asks_for_no_more: whether it is proved that the old version never asks for more than the one it replaces.

        Raises:
            ActRejected: the signature is wrong, the version is in force nowhere, the old one never was in force there,
                or it may ask for more in a freeze or without a second person.
            PolicyRejected: the old version is not approved, or was withdrawn.
        """
        async with self.acting() as acting:
            old = acting.version(to)
            terms = rollback_placing(acting, digest, to, reason, signature.at)
            await check_rollback(acting, old, terms, signature.person, asks_for_no_more=asks_for_no_more)
            signed = await acting.sign(to, signature, ROLLBACK, terms.meaning)
            if asks_for_no_more:
                acting.tell(COMPARED, to, MACHINE, {"with": digest, "asks_for_no_more": True})
            for placement in acting.live(digest, "active", "canary"):
                await acting.end(placement, signature.at, "rolled_back", signature.person, reason, signed)
            numbers = await acting.place(to, terms, signed, signature.person)
            found = [await machines_of(acting.connection, narrowest(scope)) for scope in terms.scopes]
        return Placed(numbers, len(frozenset[str]().union(*found)))

    async def withdraw(self, digest: str, role: AssignedAs | None, reason: str, signature: Signature) -> int:
        """Withdraws a version permanently, or ends its canaries or shadows; returns how many assignments ended.

        Raises:
            ActRejected: the signature is wrong, there is nothing of this role to end, or the version is active and must
                be rolled back instead.
        """
        async with self.acting() as acting:
            acting.version(digest)
            if role == "active":
                raise ActRejected(
                    "an active version cannot be withdrawn", field="role", fix="`millwright policy rollback`"
                )
            begun = [placement for placement in acting.live(digest, "active") if placement.effective_from <= acting.now]
            if role is None and begun:
                raise ActRejected("it is in force", field="version", fix="`millwright policy rollback` first")
            roles: tuple[AssignedAs, ...] = ("active", "canary", "shadow") if role is None else (role,)
            ended = acting.live(digest, *roles)
            if role is not None and not ended:
                raise ActRejected(f"the version has no {role} that could end", field="role")
            signed = await acting.sign(digest, signature, WITHDRAW, withdrawing_meaning(role, reason))
            for placement in ended:
                at = (
                    max(signature.at, placement.effective_from) if placement.effective_from > acting.now else acting.now
                )
                await acting.end(placement, at, "withdrawn", signature.person, reason, signed)
            return len(ended)

    async def halt(self, assignment: int, reason: str) -> bool:
        """Ends a canary whose figures left the band; false if it had already ended. Nobody signs this."""
        async with self.acting() as acting:
            for placement in acting.checked.placements:
                if (
                    placement.id == assignment
                    and placement.role == "canary"
                    and placement.in_force(acting.now, acting.now)
                ):
                    await acting.end(placement, acting.now, "halted", MACHINE, reason, None)
                    return True
        return False

    async def assignment(self, number: int) -> tuple[Placement, str | None] | None:
        """An assignment and its band; None if there is no such assignment."""
        async with transaction(self._engine) as connection:
            checked = await read_assignments(await raw(connection))
        return next(((row.placement, row.band) for row in checked.rows if row.placement.id == number), None)

    async def note_turn(self, number: int) -> datetime | None:
        """Records once that an assignment came into force or was kept out by a freeze, and once that its date ended it.

        Returns:
            When it changes next; None if it does not.
        """
        async with self.acting() as acting:
            found = [placement for placement in acting.checked.placements if placement.id == number]
            if not found:
                return None
            placement = found[0]
            until = placement.until(acting.now)
            if placement.effective_from > acting.now:
                return placement.effective_from
            kept_out = placement.kept_out(acting.now)
            turns = [("policy-kept-out" if kept_out else "policy-came-into-force", placement.effective_from)]
            if not kept_out and until is not None and until <= acting.now:
                turns.append(("policy-ended-by-date", until))
            noted = await acting.connection.execute(_TURNS, {"part": f'"assignment":{number},'})
            known = {_TurnRow._make(row).kind for row in noted}
            for kind, at in turns:
                if kind not in known and not placement.ends:
                    detail = {
                        "assignment": number,
                        "role": placement.role,
                        "scope": placement.scope.words,
                        "at": timestamp(at),
                    }
                    acting.tell(kind, placement.digest, MACHINE, dict(detail))
            return until if until is not None and until > acting.now else None

    async def attach(self, digest: str, kind: str, *, passed: bool, body: str, by: str) -> None:
        """Stores the result of a check, a proof or a backtest of a version, by `kind`; `body` is canonical JSON.

        The body of a backtest has `changed: {assets, max_rung_change, unattended}`, which decides how many approvals
        the version needs.

        Raises:
            ActRejected: a backtest does not state what it changes.
            PolicyRejected: no such version is stored.
        """
        if kind == "backtest":
            check_changed(body)
        async with self.acting() as acting:
            acting.version(digest)
            await add_evidence(acting.connection, acting.entry, digest, kind, passed=passed, body=body, by=by)

    async def approved(self, digest: str) -> SignedVersion:
        """A version with its signatures.

        Raises:
            PolicyRejected: no such version is stored.
        """
        async with transaction(self._engine) as connection:
            checked = await read_assignments(await raw(connection))
        if digest not in checked.versions:
            raise PolicyRejected(f"no version {digest[:12]} is stored", field="version")
        return checked.versions[digest]


async def _wake(acting: Acting, terms: Placing, numbers: Sequence[int]) -> None:
    """Makes assignments due when they come into force, so that the worker watches them."""
    if terms.act == CANARY:
        subjects = [f"{CANARY_SUBJECT}{number}" for number in numbers]
        await due.wake(acting.connection, subjects, max(terms.effective_from, acting.now))
    if terms.effective_from > acting.now or terms.act == EMERGENCY or terms.effective_to is not None:
        subjects = [f"{IN_FORCE_SUBJECT}{number}" for number in numbers]
        await due.wake(acting.connection, subjects, max(terms.effective_from, acting.now))
