"""The terms of an assignment of a policy version."""

from dataclasses import dataclass
from datetime import datetime

from domain.approvals import PLACES, placing_meaning
from domain.assigning import AssignedAs, Scope


@dataclass(frozen=True)
class Placing:
    """The terms of an assignment. `band` has the limits for a canary's figures, as canonical JSON."""

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
        """The meaning that a person signs."""
        return placing_meaning(
            self.act,
            self.scopes,
            self.effective_from,
            self.effective_to,
            self.reason,
            replaces=self.replaces,
            band=self.band,
        )
