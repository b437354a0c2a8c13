"""Production as read from an MES, and holds as placed in it (ISA-95 part 4 job orders)."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from domain.model import Model, Moment
from domain.operating import Effectiveness, OperatingState, Remaining
from domain.vendor_texts import VendorName, VendorText
from domain.wording import ENGLISH, Wording, message

ISOLATION_NOTICE: Final = message("A hold in the MES is not an isolation; lock out and tag out.")
"""Shown where people read about a hold (OSHA 29 CFR 1910.147: a control circuit is not an energy-isolating device)."""

READY_TO_RUN: Final = "people clear, locks and tags removed, ready to run"
"""What a person of production states to release a hold."""


class HoldEnforcement(StrEnum):
    """Whether an MES enforces holds."""

    ENFORCED = "enforced"
    """It keeps the job from running."""
    ADVISORY = "advisory"
    """It is shown to people, but they can still start the job."""
    UNKNOWN = "unknown"

    def words_in(self, say: Wording) -> str:
        """What people at a held machine must know about it; empty if the MES enforces holds."""
        return say(_WORTH[self]) if self in _WORTH else ""


_WORTH: Final = {
    HoldEnforcement.ADVISORY: message(
        "The hold is advisory: this MES does not enforce it, and people can start the job."
    ),
    HoldEnforcement.UNKNOWN: message("It is not known whether the hold is only advisory: this MES may not enforce it."),
}


def hold_notice(enforcement: HoldEnforcement | None, say: Wording = ENGLISH) -> str:
    """What people at a machine must know about its hold: that it is no isolation, and whether the MES enforces it.

    Args:
        enforcement: None where it was not recorded, as by earlier builds.
    """
    words = enforcement.words_in(say) if enforcement is not None else ""
    return f"{say(ISOLATION_NOTICE)} {words}" if words else say(ISOLATION_NOTICE)


class JobState(StrEnum):
    """ISA-95 Job Control states (OPC 10031-4, table of StateNumber, and 6.2.5 for who interrupted a job)."""

    NOT_ALLOWED_TO_START = "not_allowed_to_start"
    ALLOWED_TO_START = "allowed_to_start"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    """The system does not say by whom or what."""
    INTERRUPTED_ON_PURPOSE = "interrupted_on_purpose"
    """By a decision of a person or a system. It does not go on by itself."""
    INTERRUPTED_BY_ITSELF = "interrupted_by_itself"
    """The machine lacks something, for example material. It goes on by itself."""
    ENDED = "ended"
    ABORTED = "aborted"


class Job(Model):
    """One job order on an equipment."""

    id: VendorName
    state: JobState
    starts_at: Moment | None = None
    ends_at: Moment | None = None


class ProductionContext(Model):
    """What an equipment is doing, as read from the MES at `read_at`.

    Args:
        next_stop_at: the next planned stop that the MES knows; None if it knows none.
        doubt: why the MES itself is not sure of what it says; None if it is.
        batch: the batch or lot that the job makes.
        remaining: how much of the job is left to make.
        operating: what the machine does.
        effectiveness: the OEE that the MES computed itself.
        enforcement: whether this MES enforces a hold on it; None in records of earlier builds.
    """

    later: ClassVar[tuple[str, ...]] = ("doubt", "batch", "remaining", "operating", "effectiveness", "enforcement")

    equipment: str
    read_at: Moment
    job: Job | None = None
    next_stop_at: Moment | None = None
    doubt: VendorName | None = None
    batch: VendorName | None = None
    remaining: Remaining | None = None
    operating: OperatingState | None = None
    effectiveness: Effectiveness | None = None
    enforcement: HoldEnforcement | None = None

    @property
    def running(self) -> bool:
        """Whether a job runs."""
        return self.job is not None and self.job.state is JobState.RUNNING

    def job_end(self, now: datetime) -> datetime | None:
        """The end of the running job; for a job that should have ended, now. None if none runs, or the MES does not
        know it."""
        if self.job is None or not self.running or self.job.ends_at is None:
            return None
        return max(self.job.ends_at, now)

    def stop_from(self, now: datetime) -> datetime | None:
        """The next planned stop; a stop in the past is ignored."""
        return self.next_stop_at if self.next_stop_at is not None and self.next_stop_at >= now else None


class HoldMethod(StrEnum):
    """How a job is kept from running. It depends on the job's state."""

    PAUSE = "pause"
    REVOKE_START = "revoke_start"
    BLOCK = "block"
    """The machine is blocked, whichever job it has: what runs is stopped, and nothing can be started."""
    ALREADY_HELD = "already_held"
    """The job cannot run at present. We change nothing."""
    NOTHING_TO_HOLD = "nothing_to_hold"
    """The equipment has no job at present."""

    @property
    def acts(self) -> bool:
        """Whether the method calls the MES."""
        return self in (HoldMethod.PAUSE, HoldMethod.REVOKE_START, HoldMethod.BLOCK)


class HoldTarget(Model):
    """What a hold on a machine goes through: the receiver, and the identity of the server that has it.

    Args:
        receiver: the job order receiver.
        application_uri: what the server calls itself; empty if it does not say.
        namespace: the namespace that the receiver is in.
        certificate: the SHA-256 thumbprint of the server's certificate; None if it shows none.
    """

    receiver: VendorText
    application_uri: VendorText
    namespace: VendorText
    certificate: str | None

    def changes(self, other: "HoldTarget") -> str:
        """In which parts another target differs from this one, as text; empty if it is the same."""
        return ", ".join(
            f"its {words} was {_shown(getattr(self, name))} and is {_shown(getattr(other, name))}"
            for name, words in _TARGET_WORDS.items()
            if getattr(self, name) != getattr(other, name)
        )


_TARGET_WORDS: Final = {
    "receiver": "receiver",
    "application_uri": "application URI",
    "namespace": "namespace",
    "certificate": "certificate",
}


def _shown(part: str | None) -> str:
    return part or "none"


class HoldPlan(Model):
    """The plan of one placement: what is done to which job, and its state before. The plan is stored before the call.

    Args:
        key: the hold's key, which is sent to the MES as the comment.
        equipment: the machine that is to be held.
        receiver: the job order receiver that knows the job. A job id is unique only within its receiver (OPC 10031-4,
            B.2). None only in plans that earlier builds stored.
        job: the job order's id; None if the equipment has none.
        starts_at: the planned start of a job in progress. An MES may give the id of a job that is gone to a new one;
            a job of another start is another job. None for a job that waits, because it may be planned anew, and in
            plans that earlier builds stored.
        prior_state: the job's state before the call.
        method: how the job is kept from running.
        target: what the plan was made with. A placement is refused if it is another by then. None if the machine has no
            job, and in plans that earlier builds stored.
        enforcement: whether the MES enforces it; None in plans that earlier builds stored.
        prior_status: the vendor's own word for the state before the call, if a release must set it again.
    """

    later: ClassVar[tuple[str, ...]] = ("target", "enforcement", "prior_status")

    key: str
    equipment: str
    receiver: VendorName | None = None
    job: VendorName | None
    starts_at: Moment | None = None
    prior_state: JobState | None
    method: HoldMethod
    target: HoldTarget | None = None
    enforcement: HoldEnforcement | None = None
    prior_status: VendorName | None = None


class PlaceResult(StrEnum):
    """The result of an attempt to place a hold on a job."""

    IN_EFFECT = "in_effect"
    """The MES accepted the call, and the job was read as held afterwards."""
    ACCEPTED = "accepted"
    """The MES accepted the call. The job's state does not show it yet."""
    HELD_ALREADY = "held_already"
    """The job is held, and it cannot be proved that the hold is ours."""
    MOVED_ON = "moved_on"
    """The job is no longer in the plan's prior state. The MES was not called."""


class HoldState(StrEnum):
    """The state of a planned hold, read from its job."""

    ABSENT = "absent"
    """The job runs, or may run."""
    HELD = "held"
    GONE = "gone"
    """The job has ended or is not listed any more: there is nothing to hold or to release."""


class MarkedHold(Model):
    """A hold that is in effect in an MES and bears the mark of this installation.

    Args:
        key: the key that it bears.
        place: where it is, as the MES names it.
    """

    key: str
    place: VendorText


class HoldReading(Model):
    """A hold's state as read from the MES, with the time just before it was read."""

    state: HoldState
    read_at: Moment
