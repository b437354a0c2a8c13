"""A walk-down: two persons prove that a hold on a machine stops this machine. They place one, look, and release it.

Discovery makes no machine holdable. A proof counts for one system, one equipment and one target; see `HoldTarget`.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from domain.canonical import digest
from domain.errors import ActRejected
from domain.holds import Release
from domain.model import Model, Moment
from domain.production import HoldPlan, HoldTarget

WALK_DOWN_LASTS: Final = timedelta(minutes=30)
"""How long a walk-down may take. After that it proves nothing, and production is asked to release the machine."""

MAY_BE_STOPPED: Final = "I stand at this machine; it may be stopped now"
"""What a person of production states to begin a walk-down."""

STANDS_STILL: Final = "the machine that was held is this machine, and it stands still"
"""What a person of maintenance states after looking."""


class WalkDownState(StrEnum):
    """How far a walk-down has come."""

    BEGUN = "begun"
    """Production began it. The call that holds the machine may have reached the MES."""
    HELD = "held"
    """The job was read as held after the MES accepted our call. Maintenance is to look."""
    LOOKED = "looked"
    """Maintenance saw this machine stand still. Production is to release it."""
    RELEASING = "releasing"
    """Production released it. The call that lets the machine run follows."""
    UNPROVEN = "unproven"
    """The job is held, and it cannot be proved that the hold is ours. We never release it."""
    PROVED = "proved"
    """The job was read as not held after the release. The proof is in force."""
    SUSPENDED = "suspended"
    """The proof counts no more while another target serves the machine."""
    FAILED = "failed"
    """It proves nothing, and nothing is held by it."""
    ENDED = "ended"
    """A later proof of the machine took its place."""
    WITHDRAWN = "withdrawn"
    """A person withdrew the proof."""

    @property
    def live(self) -> bool:
        """Whether it is under way: the machine is held by it, or may be."""
        return self in LIVE_WALK_DOWNS

    @property
    def is_proof(self) -> bool:
        return self in PROOFS


LIVE_WALK_DOWNS: Final = (
    WalkDownState.BEGUN,
    WalkDownState.HELD,
    WalkDownState.LOOKED,
    WalkDownState.RELEASING,
    WalkDownState.UNPROVEN,
)
PROOFS: Final = (WalkDownState.PROVED, WalkDownState.SUSPENDED)


class SignedWord(Model):
    """What a person stated at the machine.

    Args:
        by: the person.
        meaning: what they stated.
        at: when they signed it.
        signature: their own over `domain.keys.walk_down_statement`.
    """

    by: str
    meaning: str
    at: Moment
    signature: str


class WalkDown(Model):
    """A walk-down as storage knows it.

    Args:
        machine: the asset at which the persons stand.
        system: the MES instance.
        equipment: the MES's id of the machine.
        plan: what the hold does, and through which target; None until the MES was asked.
        intended_at: when the plan was stored.
        accepted_at: when the MES accepted the hold.
        held_at: when the job was first read as held after that.
        release_called_at: when the MES was told to let the job run.
        released_at: when the job was read as not held after that.
        reason: why it proves nothing; for a proof, why it ended.
        found: another target that served the machine later.
        waiting_for: what it waits for, in words.
    """

    key: str
    machine: str
    system: str
    equipment: str
    state: WalkDownState
    begun: SignedWord
    begun_at: Moment
    looked: SignedWord | None = None
    release: Release | None = None
    plan: HoldPlan | None = None
    intended_at: Moment | None = None
    accepted_at: Moment | None = None
    held_at: Moment | None = None
    release_called_at: Moment | None = None
    released_at: Moment | None = None
    ended_at: Moment | None = None
    reason: str | None = None
    found: HoldTarget | None = None
    waiting_for: str | None = None

    @property
    def until(self) -> datetime:
        """When it proves nothing any more."""
        return self.begun_at + WALK_DOWN_LASTS

    @property
    def target(self) -> HoldTarget | None:
        return self.plan.target if self.plan is not None else None

    @property
    def target_digest(self) -> str | None:
        """What maintenance signs of the target."""
        return digest(self.target) if self.target is not None else None

    @property
    def job(self) -> str:
        """The job that is held, for people."""
        return str(self.plan.job) if self.plan is not None else "unknown"

    @property
    def fault(self) -> str | None:
        """Why it would not be a proof if the machine were released now; None if it would be one."""
        if self.reason is not None:
            return self.reason
        if self.held_at is None or self.target is None:
            return "the job was not read as held after our call"
        if self.looked is None:
            return "it was released before maintenance looked"
        if self.release is None:
            return "production did not release it"
        if self.looked.by in (self.begun.by, self.release.by):
            return "the same person acted for production and for maintenance"
        if self.looked.at > self.until or self.release.at > self.until:
            return LATE
        return None

    @property
    def words(self) -> str:
        """How it stands, for people."""
        match self.state:
            case WalkDownState.SUSPENDED if self.target is not None and self.found is not None:
                return f"suspended: {self.target.changes(self.found)}"
            case WalkDownState.HELD | WalkDownState.LOOKED | WalkDownState.RELEASING | WalkDownState.UNPROVEN:
                fault = f"; it proves nothing: {self.reason}" if self.reason is not None else ""
                return f"{self.state.value}: job {self.job} is held{fault}"
            case _:
                return f"{self.state.value}: {self.reason}" if self.reason is not None else self.state.value


LATE: Final = f"it was not done within {WALK_DOWN_LASTS // timedelta(minutes=1)} minutes"
"""The reason of a walk-down that took too long."""


def check_look(walk_down: WalkDown, by: str, now: datetime) -> None:
    """Says why maintenance cannot state now what it saw.

    Raises:
        ActRejected: why, and what helps.
    """
    if walk_down.state is not WalkDownState.HELD or walk_down.reason is not None:
        raise ActRejected(
            f"walk-down {walk_down.key} is {walk_down.words}",
            field="walk_down",
            fix="look while its machine is held by it, once",
        )
    if by == walk_down.begun.by:
        raise ActRejected(
            f"{by} began this walk-down", field="person", fix="another person, of maintenance, looks at the machine"
        )
    if now > walk_down.until:
        raise ActRejected(LATE, field="walk_down", fix="let production release the machine, and begin again")


def check_let_run(walk_down: WalkDown, by: str) -> None:
    """Says why production cannot release the machine of a walk-down now.

    Raises:
        ActRejected: why, and what helps.
    """
    if walk_down.state is WalkDownState.UNPROVEN:
        raise ActRejected(
            f"it cannot be proved that the hold of job {walk_down.job} is ours",
            field="walk_down",
            fix="look at the job in the MES and release it there",
        )
    if walk_down.state not in (WalkDownState.HELD, WalkDownState.LOOKED):
        raise ActRejected(
            f"walk-down {walk_down.key} is {walk_down.words}; nothing is to be released", field="walk_down"
        )
    if walk_down.looked is not None and walk_down.looked.by == by and walk_down.reason is None:
        raise ActRejected(f"{by} looked at the machine", field="person", fix="another person releases it")


class WalkDowns(Protocol):
    """The walk-downs in storage. Each method is one transaction, and changes nothing where it comes too late.

    Every method may raise `StorageUnavailable`, having written nothing.
    """

    async def read(self, key: str) -> tuple[WalkDown, int]:
        """A walk-down, and the generation of its last wake.

        Raises:
            ActionRequired: it is not as recorded in the ledger, or nobody signed what it says.
            ActRejected: there is none.
        """
        ...

    async def system_of(self, key: str) -> str:
        """The MES instance of a walk-down; empty if there is no such walk-down."""
        ...

    async def intend(self, key: str, plan: HoldPlan) -> str | None:
        """Keeps the plan, before the call to the MES.

        Returns:
            Why nothing may be held now, if a person threw the kill switch for holds; else None.
        """
        ...

    async def record_accepted(self, key: str) -> None:
        """Keeps that the MES accepted the hold."""
        ...

    async def record_held(self, key: str, read_at: datetime) -> None:
        """Keeps that the job was read as held after the MES accepted our call."""
        ...

    async def doubt(self, key: str, reason: str) -> None:
        """The job is held, and it cannot be proved that the hold is ours."""
        ...

    async def record_fault(self, key: str, reason: str) -> None:
        """Keeps why the walk-down proves nothing, while its machine is held. The first reason stays."""
        ...

    async def revalidate_release(self, key: str, release: Release) -> bool:
        """Whether a release may still be carried out. One that was not, for a quarter of an hour, lapses, and
        production is asked again.

        Raises:
            ActionRequired: it is not as recorded in the ledger, or nobody signed it.
        """
        ...

    async def record_release_call(self, key: str, *, unanswered: bool) -> None:
        """Keeps, before the call, that the MES is told to let the job run; or that it refused that."""
        ...

    async def finish(self, key: str, read_at: datetime) -> WalkDown:
        """The job was read as not held after the release: the walk-down is a proof, or has failed. A proof takes the
        place of an earlier one, and wakes the cases that wait for it."""
        ...

    async def fail(self, key: str, reason: str) -> None:
        """Ends a walk-down that holds nothing. The first reason stays."""
        ...

    async def rest(self, key: str, seen: int, next_at: datetime | None, waiting_for: str | None) -> None:
        """Ends a pass: due again at a time, or not until woken.

        Args:
            seen: the generation that `read` gave.
        """
        ...
