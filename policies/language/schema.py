"""The shape of a policy document (design §5): what may be written and what it means."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, StrictBool, StrictFloat, StrictInt, StrictStr, Tag
from pydantic_core import PydanticCustomError

from domain.hold_proposals import ANSWER_WITHIN, HoldTerms, OnSilence
from domain.machine_test_runs import RunTerms
from domain.maintenance_history import HISTORY
from domain.model import Model
from domain.return_to_normal import NormalTerms
from domain.verdict import Severity
from policies.language.capacity_terms import CapacityTerms
from policies.language.fields import (
    UNCONDITIONAL,
    CasesFile,
    Classes,
    Condition,
    Date,
    Delay,
    Duration,
    Identifier,
    Machines,
    Name,
    RungWord,
    Scalar,
    Semver,
    SpelledMoment,
    Text,
    Threshold,
    TimeOfDay,
    Words,
    Zone,
)
from policies.language.normal_terms import NormalClause
from policies.language.price_terms import PriceTerms

MAX_RULES = 200
MAX_OVERRIDES = 100
MAX_NAMED = 50
APPLIES_TO = "applies-to"
BAD_QUALITY = "bad-quality"
MAX_OBSERVATIONS = 32
"""How many observations of a state are remembered at most."""


class MemoryTerms(Model):
    """What judging remembers, in event time.

    `window` is how long evidence counts, `lateness` how late an event may come and still be judged in its place,
    `rearm` how long after an ordering verdict the next one still belongs to the same episode, `evidence_above` the
    score a deviation must exceed to count as evidence at all.
    """

    window: Duration
    lateness: Duration
    rearm: Duration
    evidence_above: Threshold


class QualityTerms(Model):
    """What a signal of bad quality leads to: at most an inspection, never a repair order."""

    on_bad: RungWord
    because: Words
    response: Words


class CostTerms(Model):
    """What a stop costs, in lost production time: an unplanned failure, and breaking off a running job."""

    failure: Duration
    interruption: Duration


class Action(Model):
    """What a rule asks for. `due_within` counts from the verdict."""

    rung: RungWord
    severity: Severity = Severity.S4
    priority: Annotated[StrictInt, Field(ge=1, le=4)] = 4
    due_within: Duration | None = None
    review: Literal["none", "planner"] = "none"


class Rule(Model):
    """One rule: the first whose condition holds decides. ISA-18.2 allows no alarm without a response."""

    id: Identifier
    when: Condition
    then: Action
    because: Words
    response: Words


def _cell(value: object) -> object:
    entries = value if isinstance(value, list) else [value]
    if 0 < len(entries) <= MAX_NAMED and all(
        isinstance(entry, int | float) or (isinstance(entry, str) and 0 < len(entry) <= 200) for entry in entries
    ):
        return value
    fix = "write a value, a list of values, or comparisons such as '>= 0.5, < 0.9'"
    raise PydanticCustomError("cell", "is no cell of a table", {"fix": fix})


Cell = Annotated[
    StrictBool | StrictInt | StrictFloat | StrictStr | tuple[StrictBool | StrictInt | StrictFloat | StrictStr, ...],
    BeforeValidator(_cell),
]
"""A test of one variable: a value it must have, a list of which it must be one, or comparisons joined by commas."""


class Row(Model):
    """One row of a table: it holds where every cell does. A variable without a cell may be anything."""

    id: Identifier
    when: dict[Text, Cell]
    then: Action
    because: Words
    response: Words


class Table(Model):
    """A decision table among the rules (after OMG DMN 1.5, chapter 8). It is asked only where its `when` holds.

    `hit` says which of the rows that hold decides: the `first`, the one of the `highest` rung (of equals the more
    severe, then the more urgent, then the first), or the only one there may be (`unique`). `complete` states that
    some row holds wherever the table is asked; the check proves it.
    """

    table: Identifier
    when: Condition = UNCONDITIONAL
    hit: Literal["first", "highest", "unique"]
    complete: StrictBool
    rows: Annotated[tuple[Row, ...], Field(min_length=1, max_length=MAX_RULES)]


# In brackets, so that no field of a text can be taken for the mark that pydantic puts into its paths.
_RULE, _TABLE = "(rule)", "(table)"


def _entry(value: object) -> str:
    is_table = isinstance(value, Table) or (isinstance(value, dict) and bool({"table", "rows", "hit"} & set(value)))
    return _TABLE if is_table else _RULE


RuleOrTable = Annotated[
    Annotated[Rule, Tag(_RULE)] | Annotated[Table, Tag(_TABLE)],
    Discriminator(_entry),
]


class TimingWord(StrEnum):
    """What a timing rule says: one of `domain.verdict.Urgency`, or whichever of them costs least."""

    NOW = "now"
    AFTER_BATCH = "after_batch"
    PLANNED_STOP = "planned_stop"
    LEAST_COST = "least_cost"


class TimingRule(Model):
    """One rule of when production lets the work happen; the first whose condition holds decides.

    `site_rule` names the site's own written rule that it follows.
    """

    id: Identifier
    when: Condition
    urgency: TimingWord
    because: Words
    site_rule: Words | None = None


class Hours(Model):
    """A stretch of the day on some days of the week, by the clock on the wall.

    `start` belongs to it and `end` does not. Where `end` is not after `start` it lies on the next day; `days` are
    those on which it begins. Without the two it is the whole day.
    """

    days: Annotated[tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...], Field(min_length=1)]
    start: TimeOfDay | None = None
    end: TimeOfDay | None = None


class Calendar(Model):
    """A named set of hours, as a shift or a weekend. `except` are days on which none of its hours begins."""

    id: Name
    zone: Zone
    hours: Annotated[tuple[Hours, ...], Field(min_length=1, max_length=MAX_NAMED)]
    except_: Annotated[tuple[Date, ...], Field(max_length=366, alias="except")] = ()


class State(Model):
    """Something that holds for a while, followed over a fault's anomalies in event time.

    It is raised once `raise_when` held at every observation for `on_delay`, and cleared once `clear_when` held at every
    one for `off_delay`. What meets neither changes nothing (hysteresis). `observe` says which anomalies are
    observations of it; only good signals are. `of` observations are remembered, none older than the memory's window.
    """

    id: Name
    says: Words
    observe: Condition
    raise_when: Condition
    clear_when: Condition | None = None
    on_delay: Delay | None = None
    off_delay: Delay | None = None
    of: Annotated[StrictInt, Field(ge=2, le=MAX_OBSERVATIONS)] = 5


class Scope(Model):
    """What an override or a waiver is for: exactly one of the four, the later the more particular."""

    asset_class: Annotated[Text | None, Field(alias="class")] = None
    cohort: Identifier | None = None
    machine: Text | None = None
    asset: Text | None = None


class Cohort(Model):
    """Assets of a kind. An asset belongs to the first cohort whose condition holds."""

    id: Identifier
    when: Condition


class Replacement(Model):
    """A rule that stands in for another one within a scope; what is left out stays as it was."""

    replaces: Identifier
    id: Identifier
    when: Condition | None = None
    then: Action
    because: Words
    response: Words


class Override(Model):
    """What differs for some assets: parameters, rules of their own, and rules that are off."""

    scope: Annotated[Scope, Field(alias="for")]
    because: Words
    parameters: dict[Name, Scalar] = {}
    rules: Annotated[tuple[Replacement, ...], Field(max_length=MAX_RULES)] = ()
    off: Annotated[tuple[Identifier, ...], Field(max_length=MAX_RULES)] = ()


class Waiver(Model):
    """An exception that ends by itself: for these assets the rules do not hold until an instant, by event time."""

    id: Name
    scope: Annotated[Scope, Field(alias="for")]
    rules: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=MAX_RULES)]
    owner: Words
    reason: Words
    until: SpelledMoment


class RungClaim(Model):
    """A condition, and a rung that is always, or never, reached where it holds."""

    when: Condition
    rung_at_least: RungWord


class MonotoneClaim(Model):
    """A variable whose rise (`up`) or fall (`down`) alone never lowers the rung."""

    variable: Annotated[Text, Field(alias="in")]
    direction: Literal["up", "down"]


class Property(Model):
    """What is claimed of the version, for `policy prove`: a sentence, and exactly one of the four claims.

    `acts_superset_of` names a version: every anomaly on which that one orders, this one orders too.
    """

    id: Identifier
    says: Words
    always: RungClaim | None = None
    never: RungClaim | None = None
    monotone: MonotoneClaim | None = None
    acts_superset_of: Semver | None = None


class Promotion(Model):
    """What must be measured before a class and failure mode may act without review."""

    precision_lower_bound: Annotated[StrictFloat, Field(gt=0, le=1)]
    confirmed: Annotated[StrictInt, Field(ge=1)]


class Autonomy(Model):
    """How far the policy may go without review, and how more is earned.

    Only where it is `enforce`d does it hold orders back for review; else the rungs alone say what is released.
    """

    default: Literal["review", "automatic"]
    promote_at: Promotion
    enforce: StrictBool = False


class RunClause(Model):
    """What must be proved on a test run before a machine of these classes is released for good."""

    classes: Classes
    within: Duration
    steady: Duration
    score: Annotated[StrictFloat, Field(ge=0)]


class OperatingTerms(Model):
    """How what a machine does is used. A reading of the MES that is older than `stale_after` at the time of the event
    says nothing: the state is unknown."""

    stale_after: Duration = timedelta(minutes=30)


class MaintenanceTerms(Model):
    """How the work that was done on an asset is used. Within `window` before the event its breakdowns are counted. If
    the CMMS was asked earlier than `stale_after` before the event, the work is unknown."""

    stale_after: Duration = timedelta(days=2)
    window: Annotated[Duration, Field(le=HISTORY)] = timedelta(days=90)


class HoldClauses(Model):
    """What a version says of holds: whether production is asked before, and whether it releases the machine after.

    A hold on a machine of `release_unattended` is released once its work is completed, without a person of production
    saying so. Every other hold waits for a named person. A hold on an asset of a class in `place_unasked` is placed
    when it is due. Every other hold is proposed to production, which has `answer_within` to answer; `on_silence` says
    what follows when it does not. A machine with an asset of a class in `test_run` is let run on test first.
    """

    release_unattended: Machines = ()
    place_unasked: Classes = ()
    answer_within: Duration = ANSWER_WITHIN
    on_silence: OnSilence = OnSilence.ESCALATE
    test_run: RunClause | None = None

    def terms_of(self, asset_class: str) -> HoldTerms:
        """How production is asked before a hold on an asset of a class, and how the machine is released after."""
        run = self.test_run
        return HoldTerms(
            unasked=asset_class in self.place_unasked,
            answer_within=self.answer_within,
            on_silence=self.on_silence,
            test_run=RunTerms(within=run.within, steady=run.steady, score=run.score)
            if run is not None and asset_class in run.classes
            else None,
        )


class PolicyDocument(Model):
    """A policy version as its author wrote it."""

    policy: Identifier
    version: Semver
    title: Words
    author: Words
    applies_to: Condition
    memory: MemoryTerms
    quality: QualityTerms
    operating: OperatingTerms = OperatingTerms()
    maintenance: MaintenanceTerms = MaintenanceTerms()
    parameters: Annotated[dict[Name, Scalar], Field(max_length=MAX_NAMED)] = {}
    calendars: Annotated[tuple[Calendar, ...], Field(max_length=MAX_NAMED)] = ()
    states: Annotated[tuple[State, ...], Field(max_length=16)] = ()
    rules: Annotated[tuple[RuleOrTable, ...], Field(min_length=1, max_length=MAX_RULES)]
    timing: Annotated[tuple[TimingRule, ...], Field(min_length=1, max_length=MAX_RULES)]
    costs: CostTerms
    prices: PriceTerms | None = None
    cohorts: Annotated[tuple[Cohort, ...], Field(max_length=MAX_NAMED)] = ()
    overrides: Annotated[tuple[Override, ...], Field(max_length=MAX_OVERRIDES)] = ()
    waivers: Annotated[tuple[Waiver, ...], Field(max_length=MAX_NAMED)] = ()
    autonomy: Autonomy
    holds: HoldClauses = HoldClauses()
    capacity: CapacityTerms | None = None
    return_to_normal: NormalClause | None = None
    properties: Annotated[tuple[Property, ...], Field(max_length=MAX_NAMED)] = ()
    cases: CasesFile

    def normal_terms(self, asset_class: str) -> NormalTerms | None:
        """When a fault of an asset of a class has returned to normal; None if the version does not say it."""
        clause = self.return_to_normal
        return None if clause is None else clause.terms_of(asset_class, self.operating.stale_after)
