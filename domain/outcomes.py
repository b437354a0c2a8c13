"""What completed work found, and the training rows made of it."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, Final, NamedTuple

from pydantic import Field

from domain.iso14224 import Iso14224Finding
from domain.model import Model, Moment
from domain.work_orders import CompletionReport, FindingRole


class Worth(StrEnum):
    """What the finding of an order says of the alert that led to it."""

    RIGHT = "right"
    WRONG = "wrong"
    """A false alarm."""
    PREVENTED = "prevented"
    OTHER_DEFECT = "other_defect"
    UNLABELLED = "unlabelled"


class OutcomeClass(StrEnum):
    """The classes an outcome may have. `EFFECTS` says what each of them does."""

    CONFIRMED = "confirmed"
    """The suspected defect was seen."""
    OTHER_DEFECT = "other_defect"
    """A defect was seen, and it was not the suspected one: neither a hit nor a false alarm."""
    NOTHING_FOUND = "nothing_found"
    SENSOR_FAULT = "sensor_fault"
    PROCESS_CHANGE = "process_change"
    DUPLICATE = "duplicate"
    DEFERRED = "deferred"
    PREVENTED = "prevented"
    """The part was replaced or adjusted without looking for the defect: neither a hit nor a false alarm (censored)."""
    NOT_INSPECTED = "not_inspected"
    """The order was completed and nobody looked. It is final, and it is no finding."""
    UNKNOWN = "unknown"
    """Completed with codes that our crosswalk does not know, or none: it teaches nothing until they are mapped or a
    person states the outcome."""

    @property
    def worth(self) -> Worth:
        """What it says of the alert."""
        return EFFECTS[self].worth

    @property
    def false_alarm(self) -> bool:
        """Whether the work found no such fault."""
        return self.worth is Worth.WRONG

    @property
    def finding(self) -> bool:
        """Whether it says what completed work found, so that it becomes a label."""
        return EFFECTS[self].label

    @property
    def final(self) -> bool:
        """Whether it is a last word on completed work: codes may mean it, and a person may state it."""
        return self not in (OutcomeClass.DEFERRED, OutcomeClass.UNKNOWN)


class OutcomeEffect(NamedTuple):
    """What a class does.

    Args:
        worth: how it counts for precision: as a hit, as a false alarm, or as neither. False alarms, autonomy, canaries
            and backtests go by it.
        label: whether it becomes a training label.
        health: the `healthState` that the twin gets; None leaves the value that the plant has.
    """

    worth: Worth
    label: bool
    health: str | None


EFFECTS: Final[Mapping[OutcomeClass, OutcomeEffect]] = {
    OutcomeClass.CONFIRMED: OutcomeEffect(Worth.RIGHT, label=True, health="repaired"),
    OutcomeClass.OTHER_DEFECT: OutcomeEffect(Worth.OTHER_DEFECT, label=True, health=None),
    OutcomeClass.NOTHING_FOUND: OutcomeEffect(Worth.WRONG, label=True, health=None),
    OutcomeClass.SENSOR_FAULT: OutcomeEffect(Worth.WRONG, label=True, health="sensor_suspect"),
    OutcomeClass.PROCESS_CHANGE: OutcomeEffect(Worth.WRONG, label=True, health=None),
    OutcomeClass.DUPLICATE: OutcomeEffect(Worth.WRONG, label=True, health=None),
    OutcomeClass.DEFERRED: OutcomeEffect(Worth.UNLABELLED, label=False, health=None),
    OutcomeClass.PREVENTED: OutcomeEffect(Worth.PREVENTED, label=True, health="repaired"),
    OutcomeClass.NOT_INSPECTED: OutcomeEffect(Worth.UNLABELLED, label=False, health=None),
    OutcomeClass.UNKNOWN: OutcomeEffect(Worth.UNLABELLED, label=False, health=None),
}
"""The effect of each class, decided here and nowhere else; docs/outcomes.md gives the reasons.

After another defect the health is not written: its repair does not say that the suspected defect is gone.
"""


def class_of(meant: Collection[OutcomeClass]) -> OutcomeClass:
    """The class of completed work whose codes or words mean these classes.

    One usually says only that there was a fault; what makes the outcome special, such as no fault found, a sensor, or
    prevented in time, may be said by any of the others. So any other class outranks `confirmed`. Two special classes
    that contradict each other, and none at all, are UNKNOWN: they are left to a person.
    """
    special = set(meant) - {OutcomeClass.CONFIRMED}
    if len(special) > 1 or not meant:
        return OutcomeClass.UNKNOWN
    return next(iter(special or meant))


def told_outcome(case: str, outcome: OutcomeClass, *, cancelled: bool) -> dict[str, str]:
    """The properties of a twin that tell of an outcome, and that nobody else writes."""
    return {
        "maintenanceStatus": "cancelled" if cancelled else "completed",
        "lastOutcome": outcome.value,
        "lastCaseId": case,
    }


class CodeSuggestion(Model):
    """A code of the site whose description is like what people wrote on an order.

    Args:
        role: what the code tells.
        code: as the site's table of descriptions has it.
        description: the site's own.
        score: at most 100, if a line of the notes has all words of the description.
    """

    role: FindingRole
    code: str
    description: str
    score: int

    @property
    def name(self) -> str:
        """How a person names it."""
        return f"{self.role.value}:{self.code}"

    @property
    def words(self) -> str:
        """What it says, as the end of a sentence."""
        return f"{self.role.value.replace('_', ' ')} {self.code} ({self.description}), score {self.score}"


class OutcomeStatement(Model):
    """A person's word on what completed work found, where its failure codes do not say it. `suggestion` is the code
    that the notes on the order suggested and the person took; None if none."""

    later: ClassVar[tuple[str, ...]] = ("suggestion",)

    by: str
    reason: str
    at: Moment
    suggestion: CodeSuggestion | None = Field(default=None, exclude_if=lambda taken: taken is None)


def _nobody(value: object) -> bool:
    """Whether a field is left out of JSON. Earlier builds refuse fields that they do not know."""
    return value is None


class Outcome(Model):
    """What became of a case's work. `stated` says who stated the outcome; None where the failure codes say it.
    `iso14224` is what the codes say was found; None if no table of the site names any of it."""

    later: ClassVar[tuple[str, ...]] = ("stated", "iso14224")

    case: str
    outcome: OutcomeClass
    cancelled: bool
    found_at: Moment
    report: CompletionReport
    stated: OutcomeStatement | None = Field(default=None, exclude_if=_nobody)
    iso14224: Iso14224Finding | None = Field(default=None, exclude_if=_nobody)


class LabelSources(Model):
    """What had been seen of a case's fault by a time: the detectors and their models, and the evidence.

    `events` are the earliest `LABEL_EVENTS` of the `count` events, as `source|external id`.
    """

    detectors: tuple[str, ...] = ()
    model_versions: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    count: int = 0
    first_at: Moment | None = None
    last_at: Moment | None = None


LABEL_EVENTS: Final = 500
"""How many events a label names at most: an act in the ledger carries all of it."""


class Censoring(StrEnum):
    """Whether the time to the defect is known, by the words of survival analysis (NIST handbook, 8.1.3.1)."""

    NONE = "none"
    """The defect was seen: the lead time is the time until that."""
    RIGHT = "right"
    """The part was changed before anybody saw it fail: the time to the failure is longer than the lead time."""


class Label(Model):
    """A training row: which window of which asset shows which class, and how we know. The window is that of the
    evidence that was known before the finding. `stated_by` is the person who stated the class; None where the failure
    codes say it. `iso14224` is that of the outcome. `evidence` names the earliest events of the window, and
    `evidence_count` counts all of them; both are None in labels of earlier builds."""

    later: ClassVar[tuple[str, ...]] = ("stated_by", "iso14224", "evidence", "evidence_count")

    case: str
    asset: str
    machine: str
    failure_mode: str
    outcome: OutcomeClass
    window_start: Moment
    window_end: Moment
    found_at: Moment
    work_order: str
    policy: str
    policy_version: str
    policy_digest: str
    detectors: tuple[str, ...]
    model_versions: tuple[str, ...]
    failure_class: str | None
    problem: str | None
    cause: str | None
    remedy: str | None
    downtime: timedelta | None
    revision: int = 1
    stated_by: str | None = Field(default=None, exclude_if=_nobody)
    iso14224: Iso14224Finding | None = Field(default=None, exclude_if=_nobody)
    evidence: tuple[str, ...] | None = Field(default=None, exclude_if=_nobody)
    evidence_count: int | None = Field(default=None, exclude_if=_nobody)

    @property
    def censoring(self) -> Censoring | None:
        """Whether the time to the defect is known; None for a class that has no such defect."""
        # Hashing a member of an enum costs more than the comparisons, in exports of all labels.
        if self.outcome is OutcomeClass.CONFIRMED:
            return Censoring.NONE
        return Censoring.RIGHT if self.outcome is OutcomeClass.PREVENTED else None

    @property
    def lead_time(self) -> timedelta | None:
        """The time from the first evidence to the end of the work that found or prevented the defect. None for other
        classes, and if a clock was wrong, so that the finding is before the evidence."""
        if self.censoring is None or self.found_at < self.window_start:
            return None
        return self.found_at - self.window_start

    def following(self, known: "Label | None") -> "Label | None":
        """The label as the revision after the newest one of its case; None if that says the same finding, whatever was
        known of the evidence."""
        if known is None:
            return self
        same = self.model_copy(update={name: getattr(known, name) for name in _BESIDE_THE_FINDING}) == known
        return None if same else self.model_copy(update={"revision": known.revision + 1})


_BESIDE_THE_FINDING = (
    "window_start",
    "window_end",
    "detectors",
    "model_versions",
    "evidence",
    "evidence_count",
    "revision",
)
