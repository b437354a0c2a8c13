"""What people sign of a policy version, in which words, and how many of them it takes."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.assigning import AssignedAs, Scope
from domain.canonical import timestamp
from domain.errors import ActRejected
from domain.model import Model

SUBMIT, APPROVE, WITHDRAW = "submit", "approve", "withdraw"
ACTIVATE, CANARY, SHADOW, EMERGENCY, ROLLBACK = "activate", "canary", "shadow", "emergency", "rollback"

ROLES: dict[str, frozenset[str]] = {
    SUBMIT: frozenset({"author"}),
    APPROVE: frozenset({"approver"}),
    ACTIVATE: frozenset({"operator"}),
    CANARY: frozenset({"operator"}),
    SHADOW: frozenset({"operator"}),
    EMERGENCY: frozenset({"operator"}),
    ROLLBACK: frozenset({"operator"}),
    WITHDRAW: frozenset({"author", "approver", "operator"}),
}
"""What may be signed, and the roles of which a signer holds at least one."""

PLACES: dict[str, tuple[AssignedAs, ...]] = {
    ACTIVATE: ("active",),
    EMERGENCY: ("active",),
    ROLLBACK: ("active",),
    CANARY: ("canary",),
    SHADOW: ("shadow",),
}
"""The acts that assign a version, and as what."""

EMERGENCY_LASTS = timedelta(hours=8)
"""How long an emergency change holds before it must have been approved: a shift."""

MOST_APPROVALS = 3
_SMALL, _LARGE = 10, 2000
_WITHDRAWN = "withdraw this version: "


class Blast(Model):
    """What a backtest found a version to change: how many assets, by how many rungs at most.

    `unattended` is how many machines it adds to those whose hold is released without a person.
    """

    at: datetime
    assets: int
    max_rung_change: int
    unattended: int


@dataclass(frozen=True, slots=True)
class Approval:
    """That a person approved a version."""

    person: str
    at: datetime


def approvals_needed(assets_touched: int, rung_changed: int, unattended: int) -> int:
    """How many people must approve: their number grows with assets touched times rungs changed.

    Up to 10 (the components of a machine or two) one will do; up to 2,000 (every component of a plant of a hundred
    machines, by the whole ladder) it takes two; beyond, three. One machine more whose hold is released without a person
    takes two at least.
    """
    blast = max(assets_touched, 0) * max(rung_changed, 0)
    if blast > _LARGE:
        return MOST_APPROVALS
    return 2 if blast > _SMALL or unattended > 0 else 1


def needed_with(blasts: Collection[Blast]) -> int:
    """How many approvals it takes with these backtests: the worst of them counts, and none at all is the worst."""
    if not blasts:
        return MOST_APPROVALS
    return max(approvals_needed(blast.assets, blast.max_rung_change, blast.unattended) for blast in blasts)


def check_changed(body: str) -> None:
    """Refuses a backtest that would be weighed as changing nothing because it does not say what it changes.

    Raises:
        ActRejected: `changed`, or one of its figures, is missing or no count.
    """
    try:
        found = json.loads(body)
    except ValueError as error:
        raise ActRejected(f"the backtest is no JSON: {error}", field="body") from error
    changed = found.get("changed") if isinstance(found, dict) else None
    for name in ("assets", "max_rung_change", "unattended"):
        figure = changed.get(name) if isinstance(changed, dict) else None
        if not isinstance(figure, int) or isinstance(figure, bool) or figure < 0:
            field = "changed" if not isinstance(changed, dict) else f"changed.{name}"
            raise ActRejected(
                "a backtest says how many assets it changes, by how many rungs, and how many machines more have their "
                "hold released without a person",
                field=field,
                fix="attach what `millwright policy backtest` found, whole",
            )


def approved_at(
    approvals: Sequence[Approval], barred: Collection[str], blasts: Sequence[Blast], *, first_light: bool
) -> datetime | None:
    """When a version had its approvals; None while it has not. What comes later never takes them back.

    Args:
        approvals: who approved and when; of one person the first counts.
        barred: those whose approval does not count: everybody who wrote it, or put it in force as an emergency.
        blasts: its backtests; each counts from its own instant on.
        first_light: the version was published before any was ever in force: one approval is enough, for there was no
            history to weigh it on.
    """
    standing = [approval for approval in approvals if approval.person not in barred]
    for moment in sorted({approval.at for approval in standing} | {blast.at for blast in blasts}):
        people = {approval.person for approval in standing if approval.at <= moment}
        needed = 1 if first_light else needed_with([blast for blast in blasts if blast.at <= moment])
        if len(people) >= needed:
            return moment
    return None


def one_line(reason: str) -> str:
    """A reason as it is signed and stored: no line breaks, which part the fields of a signed statement."""
    return " ".join(reason.split())


def placing_meaning(
    act: str,
    scopes: Iterable[Scope],
    effective_from: datetime,
    effective_to: datetime | None,
    reason: str,
    *,
    replaces: str | None = None,
    band: str | None = None,
) -> str:
    """What a signature that assigns a version says, every term of the assignment in it.

    Args:
        act: one of `PLACES`.
        scopes: what is reached; several where a rollback follows a version that was in force in several places.
        replaces: the digest of the version rolled back.
        band: what a canary must keep within, as text.
    """
    where = ", ".join(sorted(scope.words for scope in scopes))
    until = f" until {timestamp(effective_to)}" if effective_to is not None else ""
    instead = f" in the place of {replaces}" if replaces is not None else ""
    within = f" within {band}" if band is not None else ""
    return f"{act} for {where} from {timestamp(effective_from)}{until}{instead}{within}: {reason}"


def withdrawing_meaning(role: AssignedAs | None, reason: str) -> str:
    """What a signature says that withdraws a version, or ends only its canaries or shadows."""
    return f"{_WITHDRAWN if role is None else f'end as {role}: '}{reason}"


def withdraws_version(meaning: str) -> bool:
    """Whether a withdrawal is of the version and not only of some assignments."""
    return meaning.startswith(_WITHDRAWN)
