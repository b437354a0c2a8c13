"""What a policy version says of one anomaly, and what it was told when it said so."""

from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import ClassVar, Literal

from domain.assets import Criticality
from domain.model import Model, Moment


class Rung(IntEnum):
    """The action ladder, lowest first."""

    IGNORE = 0
    WATCH = 1
    INSPECT = 2
    DRAFT = 3
    WORK_ORDER = 4
    WORK_ORDER_AND_HOLD = 5

    @property
    def word(self) -> str:
        """The rung as policies, screens and logs write it."""
        return self.name.lower()

    @property
    def opens_case(self) -> bool:
        return self >= Rung.INSPECT

    @property
    def orders(self) -> bool:
        """Whether the rung asks for a work order in the CMMS, waiting or released."""
        return self >= Rung.DRAFT


class Severity(StrEnum):
    """How bad it is, S1 the worst."""

    S1 = "S1"
    S2 = "S2"
    S3 = "S3"
    S4 = "S4"


class Urgency(StrEnum):
    """When production lets the work happen."""

    NOW = "now"
    AFTER_BATCH = "after_batch"
    PLANNED_STOP = "planned_stop"


class Context(Model):
    """What is known of an anomaly's asset at judging: stored once per digest, so that a verdict can be re-made."""

    asset: str
    asset_class: str
    criticality: Criticality | None
    machine: str
    line: str
    codes: int
    """How many different error codes of the machine tell of this failure mode."""


class FollowedState(Model):
    """How far a state of a policy has come: whether it is raised, and what was observed of it.

    `since` is the observation that raised or cleared it, `pending_since` the first of an unbroken run of observations
    that speak for the opposite, `observed` the latest observations with whether each spoke for raising it.
    """

    raised: bool = False
    since: Moment | None = None
    pending_since: Moment | None = None
    observed: tuple[tuple[Moment, bool], ...] = ()


class Memory(Model):
    """What judging remembers of an asset's failure mode: a bounded fold over its events in event order.

    Times are event times. `detectors` and `codes` hold the latest time of each distinct one, within the window.
    `deviating_since` begins a run of deviations without a gap longer than the window. `states` are those that the
    version follows, by name.
    """

    later: ClassVar[tuple[str, ...]] = ("states",)

    seen: int = 0
    last_at: Moment | None = None
    deviating_since: Moment | None = None
    deviation_at: Moment | None = None
    deviations: int = 0
    worst_score: float = 0.0
    detectors: dict[str, Moment] = {}
    codes: dict[str, Moment] = {}
    risk: str | None = None
    risk_since: Moment | None = None
    ordered_at: Moment | None = None
    episode_at: Moment | None = None
    states: dict[str, FollowedState] = {}


class Verdict(Model):
    """What one policy version says of one anomaly."""

    policy: str
    version: str
    digest: str
    rule: str
    rung: Rung
    severity: Severity
    priority: int
    review: Literal["none", "planner"] = "none"
    due_within: timedelta | None = None


class Comparison(Model):
    """One value a rule looked at, the threshold it was held against, and whether it held."""

    expression: str
    value: str
    held: bool


class RuleTrace(Model):
    """What one rule made of an anomaly.

    `error` says why its condition could not be evaluated; such a rule counts as not matched.
    """

    rule: str
    when: str
    matched: bool
    because: str
    comparisons: tuple[Comparison, ...] = ()
    error: str | None = None


class Explanation(Model):
    """A verdict with the way to it: every rule asked in turn, to the one that matched."""

    verdict: Verdict
    because: str
    response: str
    traces: tuple[RuleTrace, ...]
    values: dict[str, str]


class RuleWords(Model):
    """What a rule says to people: why it decides so, and what to do about it."""

    because: str
    response: str


class UrgencyDecision(Model):
    """When the work should happen, which rule said so, and what production looked like then.

    `hold_at` and `work_at` are instants in the plant's clock.
    """

    urgency: Urgency
    rule: str
    because: str
    hold_at: Moment | None
    work_at: Moment
