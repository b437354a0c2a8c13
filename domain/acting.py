"""Who may do what: the acts of people, by the kind under which the ledger records them, with the roles for each kind
and what proves it later."""

from enum import StrEnum
from typing import Final, NamedTuple

from domain.approvals import ROLES as SIGNED_BY
from domain.people import ENROLLED, KEY_ROTATED, KINDS


class Strength(StrEnum):
    """What proves later that the person did it."""

    ATTESTED = "attested"
    """The installation's signature, for whatever a signed-in person does with their API key alone."""
    SIGNED = "signed"
    """The person's own signature, on the act itself or on the act that it carries out."""


class Personal(NamedTuple):
    """A kind of act that people do. The person needs at least one of the roles at the time of the act."""

    strength: Strength
    roles: frozenset[str]


def _attested(*roles: str) -> Personal:
    return Personal(Strength.ATTESTED, frozenset(roles))


def _signed(*roles: str) -> Personal:
    return Personal(Strength.SIGNED, frozenset(roles))


_POLICY_ACTS: Final = {"approve": "policy-approved", "activate": "policy-activated"}

PERSONAL_ACTS: Final[dict[str, Personal]] = {
    "case-decided": _attested("planner"),
    "outcome-stated": _attested("planner"),
    "order-corrected": _attested("planner"),
    "failure-stated": _attested("planner"),
    "hold-answered": _attested("production"),
    "suspect-lots-reviewed": _attested("quality"),
    "event-redriven": _attested("operator"),
    "shelved": _attested("operator", "planner"),
    "unshelved": _attested("operator", "planner"),
    "window-opened": _attested("operator", "planner"),
    "window-ended": _attested("operator", "planner"),
    "action-stopped": _attested("operator"),
    "action-stop-lifted": _attested("operator", "approver"),
    "policies-frozen": _attested("operator", "approver"),
    "policies-thawed": _attested("operator", "approver"),
    "policy-drafted": _attested("author"),
    "policy-evidence": _attested("author", "approver", "operator"),
    "hold-releasing": _signed("production"),
    "hold-asked-again": _signed("production"),
    "walk-down-begun": _signed("production"),
    "walk-down-looked": _signed("planner"),
    "walk-down-releasing": _signed("production"),
    "walk-down-withdrawn": _attested("production", "planner", "administrator"),
    "policy-assigned": _signed("operator"),
    "policy-assignment-ended": _signed("author", "approver", "operator"),
    "autonomy-approved": _signed("approver"),
    "autonomy-promoted": _signed("approver"),
    "autonomy-refused": _signed("approver"),
    "autonomy-lost": _signed("approver"),
    **{
        _POLICY_ACTS.get(act, f"policy-{act}-signed"): Personal(Strength.SIGNED, roles)
        for act, roles in SIGNED_BY.items()
    },
}
"""The acts that only people do, except where `SERVICES` names a service beside them."""

ACT_ROLES: Final = {kind: personal.roles for kind, personal in PERSONAL_ACTS.items()}
"""The roles for each of these kinds."""

REGISTER_ACTS: Final = frozenset(
    {
        "register-imported",
        "alias-mapped",
        "asset-retired",
        "asset-returned",
        "asset-recorded",
        "alias-recorded",
        "observable-recorded",
        "twin-model-recorded",
        "record-settled",
        "case-called-off",
    }
)
"""Changes of the register with the work that they call off, and records that somebody settles. The roles for them are
checked at the API only, because earlier builds and imports record them in names that are no person's."""

ATTESTED: Final = REGISTER_ACTS | {
    kind for kind, personal in PERSONAL_ACTS.items() if personal.strength is Strength.ATTESTED
}
"""The kinds whose acts the installation attests, where a person does them."""

NEVER_REFUSED: Final = frozenset({"action-stopped"})
"""Acts that are stored even where they cannot be attested, and by a clock that was set back: whoever must stop
something neither looks for a key nor repairs a clock first."""

SERVICES: Final[dict[str, frozenset[str]]] = {
    "hold-releasing": frozenset({"millwright"}),
    "window-opened": frozenset({"millwright"}),
    "window-ended": frozenset({"millwright"}),
    "policy-assignment-ended": frozenset({"millwright"}),
    "autonomy-lost": frozenset({"millwright"}),
}
"""Who else does acts of these kinds: `millwright`, by a rule of a policy or of the settings."""

_REGISTER: Final = frozenset({"register-imported", "alias-mapped", "asset-retired", "record-settled"})
_PERSONAL: Final = frozenset({*ACT_ROLES, *KINDS.values(), ENROLLED, KEY_ROTATED, *_REGISTER})


def by_a_person(kind: str, actor: str) -> bool:
    """Whether an act of this kind is a person's, and not what `millwright` did by a rule."""
    return kind in _PERSONAL and actor not in SERVICES.get(kind, ())
