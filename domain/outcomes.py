"""What completed work found, and the training rows made of it."""

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from domain.model import Model, Moment
from domain.work_orders import CompletionReport


class OutcomeClass(StrEnum):
    """The classes an outcome may have; only completed work with a finding becomes a label."""

    CONFIRMED = "confirmed"
    NOTHING_FOUND = "nothing_found"
    SENSOR_FAULT = "sensor_fault"
    PROCESS_CHANGE = "process_change"
    DUPLICATE = "duplicate"
    DEFERRED = "deferred"
    PREVENTED = "prevented"
    """The part was changed before it failed: neither a hit nor a false alarm."""
    UNKNOWN = "unknown"
    """Completed with codes that our crosswalk does not know, or none: it teaches nothing until they are mapped or a
    person states the outcome."""

    @property
    def false_alarm(self) -> bool:
        """Whether the work found no such fault."""
        return self in _FALSE_ALARMS

    @property
    def finding(self) -> bool:
        """Whether it says what completed work found."""
        return self not in (OutcomeClass.DEFERRED, OutcomeClass.UNKNOWN)


_FALSE_ALARMS = frozenset(
    (OutcomeClass.NOTHING_FOUND, OutcomeClass.SENSOR_FAULT, OutcomeClass.PROCESS_CHANGE, OutcomeClass.DUPLICATE)
)


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


class OutcomeStatement(Model):
    """A person's word on what completed work found, where its failure codes do not say it."""

    by: str
    reason: str
    at: Moment


def _nobody(value: object) -> bool:
    """Whether a field is left out of JSON. Earlier builds refuse fields that they do not know."""
    return value is None


class Outcome(Model):
    """What became of a case's work. `stated` says who stated the outcome; None where the failure codes say it."""

    later: ClassVar[tuple[str, ...]] = ("stated",)

    case: str
    outcome: OutcomeClass
    cancelled: bool
    found_at: Moment
    report: CompletionReport
    stated: OutcomeStatement | None = Field(default=None, exclude_if=_nobody)


class Label(Model):
    """A training row: which window of which asset shows which class, and how we know. `stated_by` is the person who
    stated the class; None where the failure codes say it."""

    later: ClassVar[tuple[str, ...]] = ("stated_by",)

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
