"""How far a policy may act without a person's review, by asset class and failure mode: earned, approved, and lost."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.canonical import digest
from domain.cases import CaseView
from domain.model import Model, Moment


class AutonomyState(StrEnum):
    """How far a class and failure mode has come."""

    REVIEW = "review"
    """A planner approves each order."""
    PROPOSED = "proposed"
    """It has earned promotion and waits for a person's signature; a planner approves each order still."""
    AUTOMATIC = "automatic"
    """Its orders are released without review."""


class AutonomyMove(StrEnum):
    """What changed it. After `lost` and `refused` earning begins anew."""

    PROPOSED = "proposed"
    WITHDRAWN = "withdrawn"
    PROMOTED = "promoted"
    REFUSED = "refused"
    LOST = "lost"

    @property
    def leads_to(self) -> AutonomyState:
        if self is AutonomyMove.PROMOTED:
            return AutonomyState.AUTOMATIC
        return AutonomyState.PROPOSED if self is AutonomyMove.PROPOSED else AutonomyState.REVIEW


@dataclass(frozen=True, slots=True, order=True)
class AutonomyKey:
    """Whose autonomy: a policy's, whichever version, over one class and failure mode."""

    policy: str
    asset_class: str
    failure_mode: str

    @classmethod
    def of(cls, view: CaseView) -> "AutonomyKey":
        """That of a case."""
        return cls(view.verdict.policy, view.context.asset_class, view.failure_mode)

    @property
    def subject(self) -> str:
        """As acts name it."""
        return f"autonomy/{self.policy}/{self.asset_class}/{self.failure_mode}"


class AutonomyTerms(Model):
    """What a policy version says of autonomy. Where it does not `enforce`, its rungs alone say what is released."""

    enforce: bool
    automatic: bool
    """Whether it acts without review until a breach, where nobody has said anything yet."""


class AutonomyRecord(Model):
    """What has been measured since earning began: findings on orders that were to go out without review.

    `move` is the number of the latest move, 0 before the first.
    """

    state: AutonomyState
    confirmed: int
    wrong: int
    move: int
    at: Moment | None

    def digest(self, key: "AutonomyKey") -> str:
        """What a person signs who promotes or refuses: whose autonomy, and on what showing."""
        whose = {"policy": key.policy, "asset_class": key.asset_class, "failure_mode": key.failure_mode}
        return digest({**whose, "confirmed": self.confirmed, "wrong": self.wrong, "move": self.move})


class AutonomyAdvice(Model):
    """A move that the measured precision asks for."""

    move: AutonomyMove
    lower_bound: float
    reason: str


class AutonomyStore(Protocol):
    """Where autonomy is kept."""

    async def record(self, key: AutonomyKey, terms: AutonomyTerms) -> AutonomyRecord:
        """Where a class and failure mode stands, and what was measured.

        A promotion whose signature does not hold is none.
        """
        ...

    async def advised(self, key: AutonomyKey, record: AutonomyRecord, advice: AutonomyAdvice) -> bool:
        """Keeps a move that nobody signs; False where another came in between, which is then to be weighed again."""
        ...
