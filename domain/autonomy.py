"""Autonomy: whether a policy may release orders without a planner's review, by asset class and failure mode."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.canonical import digest
from domain.cases import CaseView
from domain.model import Model, Moment


class AutonomyState(StrEnum):
    """The autonomy of an asset class and failure mode."""

    REVIEW = "review"
    """A planner approves each order."""
    PROPOSED = "proposed"
    """The findings allow promotion, and a person must sign it. A planner still approves each order."""
    AUTOMATIC = "automatic"
    """Orders are released without review."""


class AutonomyMove(StrEnum):
    """A change of autonomy. After `lost` and `refused`, the findings are counted from zero."""

    PROPOSED = "proposed"
    WITHDRAWN = "withdrawn"
    APPROVED = "approved"
    """The first of two approvers signed the promotion. It changes no state: the second one's signature does."""
    PROMOTED = "promoted"
    REFUSED = "refused"
    LOST = "lost"

    @property
    def leads_to(self) -> AutonomyState:
        if self is AutonomyMove.PROMOTED:
            return AutonomyState.AUTOMATIC
        proposed = (AutonomyMove.PROPOSED, AutonomyMove.APPROVED)
        return AutonomyState.PROPOSED if self in proposed else AutonomyState.REVIEW


@dataclass(frozen=True, slots=True, order=True)
class AutonomyKey:
    """The key of autonomy: a policy (any version), an asset class and a failure mode."""

    policy: str
    asset_class: str
    failure_mode: str

    @classmethod
    def of(cls, view: CaseView) -> "AutonomyKey":
        """The key for a case."""
        return cls(view.verdict.policy, view.context.asset_class, view.failure_mode)

    @property
    def subject(self) -> str:
        """The subject of its acts."""
        return f"autonomy/{self.policy}/{self.asset_class}/{self.failure_mode}"


class AutonomyTerms(Model):
    """A policy version's settings for autonomy. Without `enforce`, only the rung decides about release."""

    enforce: bool
    automatic: bool
    """Whether autonomy is `automatic` before the first move."""


class FirstApproval(Model):
    """The signature of the first approver of a promotion, which a second one must sign too."""

    by: str
    at: Moment
    meaning: str


class AutonomyRecord(Model):
    """The findings on orders that asked for release, counted since autonomy was last lost or refused.

    `move` is the number of the latest move, 0 before the first; an approval of a promotion is none. `approval` is that
    of exactly these findings. `other_defects` are shown beside them: they count neither as confirmed nor as wrong.
    """

    state: AutonomyState
    confirmed: int
    wrong: int
    move: int
    at: Moment | None
    approval: FirstApproval | None = None
    other_defects: int = 0

    def digest(self, key: "AutonomyKey") -> str:
        """The digest that a person signs to promote or refuse: of the key and the findings."""
        whose = {"policy": key.policy, "asset_class": key.asset_class, "failure_mode": key.failure_mode}
        return digest({**whose, "confirmed": self.confirmed, "wrong": self.wrong, "move": self.move})


class AutonomyAdvice(Model):
    """A move that the measured precision requires."""

    move: AutonomyMove
    lower_bound: float
    reason: str


class AutonomyStore(Protocol):
    """The autonomy in storage."""

    async def record(self, key: AutonomyKey, terms: AutonomyTerms) -> AutonomyRecord:
        """The state of a class and failure mode, and its findings.

        A promotion does not count unless two approvers signed it.
        """
        ...

    async def advised(self, key: AutonomyKey, record: AutonomyRecord, advice: AutonomyAdvice) -> bool:
        """Records a move that nobody signs. False if another move was recorded since `record`: then read it again."""
        ...
