"""Whether a person may assign a version with these terms: time, freezes, scope, and the second person."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from domain.approvals import BARRED_IN_A_FREEZE, CANARY, EMERGENCY, ROLLBACK
from domain.assigning import FreezeWindow, Placement, Scope, was_active
from domain.canonical import timestamp
from domain.errors import ActRejected, PolicyRejected
from millwright.storage.policies.act_transaction import Acting
from millwright.storage.policies.assignment_terms import Placing
from millwright.storage.policies.signatures import FRESH, Signature, SignedVersion

_FREEZE = text("SELECT frozen_by, reason FROM policy_freezes WHERE id = :id")
_JUDGED = text("SELECT EXISTS (SELECT FROM verdicts)")


class _FreezeRow(NamedTuple):
    frozen_by: str
    reason: str


async def check_placing(acting: Acting, version: SignedVersion, terms: Placing, signature: Signature) -> None:
    """Refuses an assignment that may not be made.

    Raises:
        ActRejected: naming the term that is wrong.
        PolicyRejected: the version is not approved.
    """
    if not terms.scopes or any(scope.percent is not None and not 0 < scope.percent < 100 for scope in terms.scopes):
        raise ActRejected("must be above 0 and below 100", field="percent")
    # The signed text has six digits. The stored percentage must not differ from it.
    if any(scope.percent is not None and scope.percent != float(f"{scope.percent:g}") for scope in terms.scopes):
        raise ActRejected("must have at most six digits", field="percent")
    if terms.effective_to is not None and terms.effective_to <= terms.effective_from:
        raise ActRejected("it would end before it begins", field="to")
    if not terms.reason.strip():
        raise ActRejected("is empty", field="reason", fix="say why")
    if terms.act == CANARY and terms.band is None:
        raise ActRejected("a canary needs a band", field="band")
    if terms.act == EMERGENCY:
        _check_emergency(version, terms, signature)
    elif version.approved_at is None:
        raise PolicyRejected(version.lacking(), field="version", fix="`millwright policy approve`")
    await _check_start(acting, version, terms)
    if terms.act in BARRED_IN_A_FREEZE:
        check_second_person(version, signature.person)
        freeze = acting.checked.frozen_at(max(terms.effective_from, acting.now))
        if freeze is not None:
            words = await freeze_words(acting, freeze)
            fix = "choose another time, or use --emergency"
            raise ActRejected(f"no version may come into force then: {words}", field="from", fix=fix)
    sound = [
        placement for placement in acting.live(version.digest, terms.role) if placement.id not in acting.checked.faults
    ]
    for placement in sound:
        if (
            placement.scope in terms.scopes
            and placement.in_force(terms.effective_from, acting.now)
            and _wins(acting, placement, terms)
        ):
            raise ActRejected(f"it is {placement.role} for {placement.scope.words} already", field="version")


async def check_rollback(
    acting: Acting, old: SignedVersion, terms: Placing, person: str, *, asks_for_no_more: bool
) -> None:
    """Refuses a rollback to what was not in force there, and one that a person alone may not make.

    Args:
        asks_for_no_more: whether it is proved that the old version never asks for more than the one it replaces.

    Raises:
        ActRejected: naming the scope, the freeze, or the missing second person.
        PolicyRejected: the old version is not approved.
    """
    if old.approved_at is None:
        raise PolicyRejected(old.lacking(), field="to")
    for scope in terms.scopes:
        if not was_active(acting.checked.placements, old.digest, scope, acting.now):
            raise ActRejected(
                f"version {old.digest[:12]} was never active for {scope.words}",
                field="to",
                fix="name a version that was, or use `millwright policy activate`",
            )
    if asks_for_no_more:
        return
    freeze = acting.checked.frozen_at(acting.now)
    if freeze is not None:
        raise ActRejected(
            f"it is not proved that version {old.digest[:12]} never asks for more than the one it replaces, and "
            f"{await freeze_words(acting, freeze)}",
            field="to",
            fix="name a version that asks for less, use --emergency, or let another person thaw",
        )
    check_second_person(old, person)


def check_second_person(version: SignedVersion, person: str) -> None:
    """Refuses a person who puts in force what nobody else has approved.

    Raises:
        ActRejected: only they have approved the version.
    """
    if not version.approved_by_others_than(person):
        raise ActRejected(
            f"nobody but {person} has approved version {version.digest[:12]}",
            field="person",
            fix="let another person approve it, or another operator put it in force",
        )


def rollback_placing(acting: Acting, digest: str, to: str, reason: str, at: datetime) -> Placing:
    """The terms of a rollback: the old version is assigned wherever the version is active.

    Raises:
        ActRejected: the version is in force nowhere.
    """
    there = [
        placement for placement in acting.live(digest, "active", "canary") if placement.effective_from <= acting.now
    ]
    # What a later version has superseded there is not replaced: the old version would come in the later one's place.
    scopes = {
        placement.scope.words: placement.scope
        for placement in there
        if placement.role == "active" and _stands(acting, placement, acting.now)
    }
    if not scopes:
        fix = "end a canary by `millwright policy withdraw --only canary`" if there else None
        raise ActRejected(f"version {digest[:12]} is active nowhere", field="version", fix=fix)
    if digest == to:
        raise ActRejected("is the version that is rolled back", field="to", fix="name an older one")
    ordered: Sequence[Scope] = [scopes[words] for words in sorted(scopes)]
    return Placing(ROLLBACK, tuple(ordered), at, reason, replaces=digest)


async def freeze_words(acting: Acting, window: FreezeWindow) -> str:
    """A freeze window as text."""
    row = _FreezeRow._make((await acting.connection.execute(_FREEZE, {"id": window.id})).one())
    period = f"from {timestamp(window.begins_at)} to {timestamp(window.ends_at)}"
    return f"{row.frozen_by} froze policies {period}: {row.reason}"


def _check_emergency(version: SignedVersion, terms: Placing, signature: Signature) -> None:
    if terms.effective_from != signature.at:
        raise ActRejected("an emergency begins when it is signed", field="from", fix="leave it out")
    person = signature.person
    if any(approval.person == person for approval in version.approvals):
        raise ActRejected(
            f"{person} has approved this version, and an emergency takes another person's signature",
            field="person",
            fix="let another operator sign it",
        )
    earlier = [signed.signature for signed in version.signed if signed.signature.act == EMERGENCY]
    if earlier and version.approved_at is None:
        raise ActRejected(
            f"{earlier[-1].person} put it in force as an emergency at {timestamp(earlier[-1].at)}; it may be once",
            field="version",
            fix="`millwright policy approve`",
        )


async def _check_start(acting: Acting, version: SignedVersion, terms: Placing) -> None:
    if terms.effective_from >= acting.now - FRESH:
        return
    # The first events of a fresh installation are older than its first assignments.
    fresh = version.first_light and not await acting.connection.scalar(_JUDGED)
    if not fresh:
        raise ActRejected(
            f"{timestamp(terms.effective_from)} is in the past; what was in force then cannot be changed", field="from"
        )


def _wins(acting: Acting, mine: Placement, terms: Placing) -> bool:
    return mine.role == "shadow" or _stands(acting, mine, terms.effective_from)


def _stands(acting: Acting, mine: Placement, at: datetime) -> bool:
    """Whether no later assignment of the same role and scope takes precedence."""
    beside = [
        placement
        for placement in acting.checked.placements
        if placement.role == mine.role and placement.scope == mine.scope and placement.in_force(at, acting.now)
    ]
    return max(beside, default=None, key=lambda placement: (placement.effective_from, placement.id)) == mine
