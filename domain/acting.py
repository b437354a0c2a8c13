"""Who may do what: the acts of people, by the kind under which the ledger records them, and the roles for each."""

from typing import Final

from domain.approvals import ROLES as SIGNED
from domain.people import ENROLLED, KEY_ROTATED, KINDS

_POLICY_ACTS: Final = {"approve": "policy-approved", "activate": "policy-activated"}
_OPERATOR: Final = frozenset({"operator"})
_CONTROL: Final = frozenset({"operator", "approver"})
_SHELVING: Final = frozenset({"operator", "planner"})

ACT_ROLES: Final[dict[str, frozenset[str]]] = {
    "case-decided": frozenset({"planner"}),
    "outcome-stated": frozenset({"planner"}),
    "event-redriven": _OPERATOR,
    "hold-releasing": frozenset({"production"}),
    "shelved": _SHELVING,
    "unshelved": _SHELVING,
    "window-opened": _SHELVING,
    "window-ended": _SHELVING,
    "action-stopped": _OPERATOR,
    "action-stop-lifted": _CONTROL,
    "policies-frozen": _CONTROL,
    "policies-thawed": _CONTROL,
    "policy-drafted": frozenset({"author"}),
    "policy-evidence": frozenset({"author", "approver", "operator"}),
    "policy-assigned": _OPERATOR,
    "policy-assignment-ended": frozenset({"author", "approver", "operator"}),
    "autonomy-approved": frozenset({"approver"}),
    "autonomy-promoted": frozenset({"approver"}),
    "autonomy-refused": frozenset({"approver"}),
    "autonomy-lost": frozenset({"approver"}),
    **{_POLICY_ACTS.get(act, f"policy-{act}-signed"): roles for act, roles in SIGNED.items()},
}
"""The roles for each kind of act. The person needs at least one of them at the time of the act."""

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
BY_ANY_CLOCK: Final = frozenset({"action-stopped"})
"""Kinds that are recorded by a clock that was set back, too: who must stop an action does not repair a clock first."""


def by_a_person(kind: str, actor: str) -> bool:
    """Whether an act of this kind is a person's, and not what `millwright` did by a rule."""
    return kind in _PERSONAL and actor not in SERVICES.get(kind, ())
