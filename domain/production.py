"""Production as Millwright reads it from an MES, and the holds it places there (ISA-95 part 4 job orders)."""

from enum import StrEnum

from domain.model import Model, Moment


class JobState(StrEnum):
    """ISA-95 Job Control states (OPC 10031-4, table of StateNumber)."""

    NOT_ALLOWED_TO_START = "not_allowed_to_start"
    ALLOWED_TO_START = "allowed_to_start"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    ENDED = "ended"
    ABORTED = "aborted"


class Job(Model):
    """One job order on an equipment."""

    id: str
    state: JobState
    starts_at: Moment | None = None
    ends_at: Moment | None = None


class ProductionContext(Model):
    """What an equipment is doing: fresh from the MES, with the time it was read.

    `next_stop_at` is the next planned stop known to the MES, None where none is.
    """

    equipment: str
    read_at: Moment
    job: Job | None = None
    next_stop_at: Moment | None = None


class HoldMethod(StrEnum):
    """How a job is kept from running on: by its state (OPC 10031-4: Pause works only from Running)."""

    PAUSE = "pause"
    REVOKE_START = "revoke_start"
    ALREADY_HELD = "already_held"
    NOTHING_TO_HOLD = "nothing_to_hold"


class HoldPlan(Model):
    """What placing a hold will do, and how it was before: written down before the act."""

    key: str
    equipment: str
    job: str | None
    prior_state: JobState | None
    method: HoldMethod


class HoldEnforcement(StrEnum):
    """What a hold is worth in this MES."""

    ENFORCED = "enforced"
    ADVISORY = "advisory"
    UNKNOWN = "unknown"


class HoldState(StrEnum):
    """How a planned hold stands in the MES, as read back."""

    ABSENT = "absent"
    """The job is as it was before: nothing was placed."""
    HELD = "held"
    GONE = "gone"
    """The job has moved on or is unknown: there is nothing left to hold or release."""
