"""Production as Millwright reads it from an MES, and the holds it places there (ISA-95 part 4 job orders)."""

from enum import StrEnum
from typing import Final

from domain.model import Model, Moment

ISOLATION_NOTICE: Final = "A hold in the MES is not an isolation; lock out and tag out."
"""Stands wherever people read of a hold (OSHA 29 CFR 1910.147: a control circuit is no energy-isolating device)."""

READY_TO_RUN: Final = "people clear, locks and tags removed, ready to run"
"""What a person of production states who releases a hold."""


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
    """The job cannot run at present. We change nothing."""
    NOTHING_TO_HOLD = "nothing_to_hold"
    """The equipment has no job at present."""

    @property
    def acts(self) -> bool:
        """Whether a call to the MES is part of it."""
        return self in (HoldMethod.PAUSE, HoldMethod.REVOKE_START)


class HoldPlan(Model):
    """One placement of a hold: what will be done to which job, and how it was before. Written down before the act.

    Args:
        key: the hold's key, which goes to the MES as the comment.
        equipment: the machine that is to be held.
        receiver: the job order receiver that knows the job. A job id is unique only within its receiver (OPC 10031-4,
            B.2). None only in plans that were written before receivers were named.
        job: the job order's id; None where the equipment has none.
        prior_state: the job's state before the act.
        method: how the job is kept from running.
    """

    key: str
    equipment: str
    receiver: str | None = None
    job: str | None
    prior_state: JobState | None
    method: HoldMethod


class HoldEnforcement(StrEnum):
    """What a hold is worth in this MES."""

    ENFORCED = "enforced"
    """It keeps the job from running."""
    ADVISORY = "advisory"
    """It is shown to people, who can start the job all the same."""
    UNKNOWN = "unknown"

    @property
    def words(self) -> str:
        """What people by a held machine must know of it; nothing where the MES enforces holds."""
        return _WORTH[self]


_WORTH = {
    HoldEnforcement.ENFORCED: "",
    HoldEnforcement.ADVISORY: "This MES does not enforce it: people can start the job all the same.",
    HoldEnforcement.UNKNOWN: "It is not known whether this MES enforces it.",
}


class PlaceResult(StrEnum):
    """What became of the attempt to place a hold on a job."""

    IN_EFFECT = "in_effect"
    """The MES accepted the call, and the job was read as held afterwards."""
    ACCEPTED = "accepted"
    """The MES accepted the call. The job's state does not show it yet."""
    HELD_ALREADY = "held_already"
    """The job is held, and it cannot be proved that the hold is ours."""
    MOVED_ON = "moved_on"
    """The job is not in the plan's prior state any more. Nothing was called."""


class HoldState(StrEnum):
    """A planned hold as its job shows it."""

    ABSENT = "absent"
    """The job runs, or may run."""
    HELD = "held"
    GONE = "gone"
    """The job has ended or is not listed any more: there is nothing to hold or to release."""


class HoldReading(Model):
    """A hold's state as read from the MES, with the time just before it was read."""

    state: HoldState
    read_at: Moment
