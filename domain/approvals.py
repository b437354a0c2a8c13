"""What people sign about a policy version: the acts, the signed words, and the number of approvals needed."""

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
"""The acts that can be signed, and their roles. The signer needs at least one of these."""

PLACES: dict[str, tuple[AssignedAs, ...]] = {
    ACTIVATE: ("active",),
    EMERGENCY: ("active",),
    ROLLBACK: ("active",),
    CANARY: ("canary",),
    SHADOW: ("shadow",),
}
"""The acts that assign a version, and how each assigns it."""

BARRED_IN_A_FREEZE = frozenset({ACTIVATE, CANARY})
"""The acts whose assignments do not come into force in a freeze."""

EMERGENCY_LASTS = timedelta(hours=8)
"""An emergency change ends after this time (one shift) unless the version is approved by then."""

MOST_APPROVALS = 3
_SMALL, _LARGE = 10, 2000
_WITHDRAWN = "withdraw this version: "


class Blast(Model):
    """What a version changes, as a backtest found: how many assets, and by how many rungs at most.

    `unattended` is the number of machines that it adds to those whose hold is released without a person.
    """

    at: datetime
    assets: int
    max_rung_change: int
    unattended: int


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's approval of a version."""

    person: str
    at: datetime


def approvals_needed(assets_touched: int, rung_changed: int, unattended: int) -> int:
    """How many people must approve, by the number of assets touched times the rungs changed.

    Up to 10 (the components of one or two machines) one person must. Up to 2,000 (every component of a plant of a
    hundred machines, by the whole ladder) two must, above that three. If a machine is added whose hold is released
    without a person, at least two must.
    """
    blast = max(assets_touched, 0) * max(rung_changed, 0)
    if blast > _LARGE:
        return MOST_APPROVALS
    return 2 if blast > _SMALL or unattended > 0 else 1


def needed_with(blasts: Collection[Blast]) -> int:
    """How many approvals a version needs: the most that any of its backtests requires, or the maximum without one."""
    if not blasts:
        return MOST_APPROVALS
    return max(approvals_needed(blast.assets, blast.max_rung_change, blast.unattended) for blast in blasts)


def check_changed(body: str) -> None:
    """Refuses a backtest that does not state what it changes: it would count as one that changes nothing.

    Raises:
        ActRejected: `changed`, or one of its figures, is missing or is not a count.
    """
    try:
        found = json.loads(body)
    except ValueError as error:
        raise ActRejected(f"the backtest is not JSON: {error}", field="body") from error
    changed = found.get("changed") if isinstance(found, dict) else None
    for name in ("assets", "max_rung_change", "unattended"):
        figure = changed.get(name) if isinstance(changed, dict) else None
        if not isinstance(figure, int) or isinstance(figure, bool) or figure < 0:
            field = "changed" if not isinstance(changed, dict) else f"changed.{name}"
            raise ActRejected(
                "a backtest must state how many assets it changes, by how many rungs, and how many more machines have "
                "their hold released without a person",
                field=field,
                fix="attach the complete result of `millwright policy backtest`",
            )


def approved_at(
    approvals: Sequence[Approval], barred: Collection[str], blasts: Sequence[Blast], *, first_light: bool
) -> datetime | None:
    """When a version first had enough approvals; None while it has not. A later backtest does not take them back.

    Args:
        approvals: who approved, and when; the first of each person counts.
        barred: the people whose approval does not count: its authors, and those who put it in force in an emergency.
        blasts: what its backtests found; each counts from its own time on.
        first_light: whether the version was published before any was ever in force. Then one approval is enough,
            because there was no history for a backtest.
    """
    standing = [approval for approval in approvals if approval.person not in barred]
    for moment in sorted({approval.at for approval in standing} | {blast.at for blast in blasts}):
        people = {approval.person for approval in standing if approval.at <= moment}
        needed = 1 if first_light else needed_with([blast for blast in blasts if blast.at <= moment])
        if len(people) >= needed:
            return moment
    return None


def one_line(reason: str) -> str:
    """A reason on one line, as it is signed and stored: line breaks separate the fields of a signed statement."""
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
    """The words of a signature that assigns a version, with every term of the assignment.

    Args:
        act: one of `PLACES`.
        scopes: where the version is assigned; several if a rollback replaces a version that was in force in several.
        replaces: the digest of the version that is rolled back.
        band: the limits for the figures of a canary, as text.
    """
    where = ", ".join(sorted(scope.words for scope in scopes))
    until = f" until {timestamp(effective_to)}" if effective_to is not None else ""
    instead = f" in the place of {replaces}" if replaces is not None else ""
    within = f" within {band}" if band is not None else ""
    return f"{act} for {where} from {timestamp(effective_from)}{until}{instead}{within}: {reason}"


def withdrawing_meaning(role: AssignedAs | None, reason: str) -> str:
    """The words of a signature that withdraws a version, or that ends only its canaries or shadows."""
    return f"{_WITHDRAWN if role is None else f'end as {role}: '}{reason}"


def withdraws_version(meaning: str) -> bool:
    """Whether these words withdraw the version, and not only some of its assignments."""
    return meaning.startswith(_WITHDRAWN)
