"""The verdict of a policy version on one anomaly, and its inputs."""

from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import ClassVar, Final, Literal, NamedTuple

from domain.assets import Criticality
from domain.dependents import Dependents
from domain.maintenance_history import MaintenanceHistory
from domain.model import Model, Moment
from domain.operating import OperatingState
from domain.pricing import TimedFault, TimingPrices
from domain.wording import ENGLISH, Wording


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
    """How serious the fault is, from S1 (most serious) to S4."""

    S1 = "S1"
    S2 = "S2"
    S3 = "S3"
    S4 = "S4"


class Urgency(StrEnum):
    """When production allows the work."""

    NOW = "now"
    AFTER_BATCH = "after_batch"
    PLANNED_STOP = "planned_stop"


class ReadInputs(NamedTuple):
    """What a version uses of what was read from other systems: what the machine did, and the work on the asset."""

    operating: bool = False
    maintenance: bool = False


NOTHING_READ: Final = ReadInputs()


class Context(Model):
    """The data of an anomaly's asset at judging, stored once for each digest, so that a verdict can be reproduced.

    `operating` is what the machine did, as last read before the event. It is None if nothing was read, and for a
    version whose rules do not use it. So is `maintenance`, the work that was done on the asset.
    """

    later: ClassVar[tuple[str, ...]] = ("operating", "maintenance")

    asset: str
    asset_class: str
    criticality: Criticality | None
    machine: str
    line: str
    codes: int
    """How many different error codes of the machine indicate this failure mode."""
    operating: OperatingState | None = None
    maintenance: MaintenanceHistory | None = None


class FollowedState(Model):
    """The progress of a policy's state: whether it is raised, and the observations for and against it.

    `since` is the time of the observation that raised or cleared it. `pending_since` is the first of an unbroken run of
    observations for the opposite. `observed` has the latest observations, each with whether it was for raising.
    """

    raised: bool = False
    since: Moment | None = None
    pending_since: Moment | None = None
    observed: tuple[tuple[Moment, bool], ...] = ()


class Memory(Model):
    """The state that judging keeps for a fault: a bounded fold over its events in event order.

    Times are event times. `detectors` and `codes` have the latest time of each detector and code within the window.
    `deviating_since` is the start of a run of deviations without a gap longer than the window. `states` has the states
    of the policy, by name.
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
    """The decision of one policy version on one anomaly."""

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
    """One comparison of a rule: its text, the value that was compared, and whether it was true."""

    expression: str
    value: str
    held: bool


class RuleTrace(Model):
    """The evaluation of one rule on an anomaly.

    `error` says why the condition could not be evaluated; then the rule counts as not matched.
    """

    rule: str
    when: str
    matched: bool
    because: str
    comparisons: tuple[Comparison, ...] = ()
    error: str | None = None


class Explanation(Model):
    """A verdict with every rule that was evaluated, in order, up to the one that matched."""

    verdict: Verdict
    because: str
    response: str
    traces: tuple[RuleTrace, ...]
    values: dict[str, str]


class RuleWords(Model):
    """A rule's texts for people: why it decides so, and what to do."""

    because: str
    response: str


class UrgencyDecision(Model):
    """When the work should happen, the rule that decided it, and why.

    `hold_at` and `work_at` are plant times.

    Args:
        decided_at: the plant time of the decision; None in records of earlier builds.
        fault: what was known of the fault; None in records of earlier builds, and where what the verdict was given is
            not whole any more.
        prices: what each time costs, if the rule asked for the least cost and it could be priced.
        not_priced: why it was not priced, if the policy has prices: a consequence without a price, or what the MES does
            not say.
        site_rule: the site's own written rule that was followed.
        dependents: what stops with the machine, and its standby; None if the twins say nothing of it.
    """

    later: ClassVar[tuple[str, ...]] = ("decided_at", "fault", "prices", "not_priced", "site_rule", "dependents")

    urgency: Urgency
    rule: str
    because: str
    hold_at: Moment | None
    work_at: Moment
    decided_at: Moment | None = None
    fault: TimedFault | None = None
    prices: TimingPrices | None = None
    not_priced: str | None = None
    site_rule: str | None = None
    dependents: Dependents | None = None

    def depends_in(self, say: Wording) -> tuple[str, ...]:
        """What stops with the machine, and the standby that stands in for it, in sentences."""
        told, known = [], self.dependents or Dependents()
        if known.stops:
            stops = ", ".join(known.stops)
            told.append(say("If the machine stops, these stop with it: {machines}.", machines=stops))
        if known.standby is not None:
            told.append(
                say(
                    "{machine} stands in for it and runs, so that no production is lost while it stands.",
                    machine=known.standby,
                )
            )
        return tuple(told)

    def explained_in(self, say: Wording) -> tuple[str, ...]:
        """What the decision rests on beside its rule, in sentences: prices or why there are none, the site's rule."""
        told = [self.prices.words_in(say)] if self.prices is not None else []
        if self.not_priced is not None:
            told.append(say("Nothing was priced: {why}.", why=say.recorded(self.not_priced.rstrip("."))))
            if self.urgency is Urgency.NOW:
                told.append(say("The machine is to be stopped at the next safe stop of its own program."))
        if self.site_rule is not None:
            told.append(say("This follows a written rule of the site: {rule}.", rule=self.site_rule.rstrip(".")))
        return tuple(told)

    @property
    def depends(self) -> tuple[str, ...]:
        """What stops with the machine, in English."""
        return self.depends_in(ENGLISH)

    @property
    def explained(self) -> tuple[str, ...]:
        """What the decision rests on, in English."""
        return self.explained_in(ENGLISH)
