"""What completed work found, and the training rows made of it."""

from datetime import timedelta
from enum import StrEnum

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
    """Completed with codes that our crosswalk does not know, or none: it teaches nothing until they are mapped."""

    @property
    def false_alarm(self) -> bool:
        """Whether the work found no such fault."""
        return self in _FALSE_ALARMS


_FALSE_ALARMS = frozenset(
    (OutcomeClass.NOTHING_FOUND, OutcomeClass.SENSOR_FAULT, OutcomeClass.PROCESS_CHANGE, OutcomeClass.DUPLICATE)
)


class Outcome(Model):
    """What became of a case's work."""

    case: str
    outcome: OutcomeClass
    cancelled: bool
    found_at: Moment
    report: CompletionReport


class Label(Model):
    """A training row: which window of which asset shows which class, and how we know."""

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
