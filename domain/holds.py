"""A hold: the equipment that a case asks to be kept from running, and its placements, one for each job (promise 3)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.errors import ActRejected
from domain.machine_test_runs import READY_FOR_TEST_RUN, RUNS_AS_IT_SHOULD, MachineTestRun
from domain.model import Model, Moment
from domain.production import READY_TO_RUN, HoldEnforcement, HoldPlan, JobState, hold_notice
from domain.wording import ENGLISH, Wording, message

RELEASE_LASTS: Final = timedelta(minutes=15)
"""For how long what a person stated of a machine counts. Where the MES is away longer, production is asked again."""

ACCEPTED_LATE: Final = timedelta(minutes=10)
"""For how long after the MES accepted a hold it may still come into effect: until then it is not released."""

PLACING_LASTS: Final = timedelta(minutes=2)
"""For how long the case that intends a placement is the only one that places it: longer than its step may take."""

A_SHIFT: Final = timedelta(hours=8)
"""How long a machine may wait for its release before operations are called. Nothing is released by time."""


LONGEST_UNCHANGED: Final = timedelta(days=3)
"""For how long a machine may be held for work without any change, before operations are called."""


class HoldStatus(StrEnum):
    """How far a hold has come."""

    ASKED = "asked"
    """A case asks for it. Its placements say what is accepted and in effect."""
    RELEASING = "releasing"
    """The release was approved and is being carried out. No case may join."""
    TESTING = "testing"
    """The machine was let run on test. It is to be released for good, or held again. No case may join."""
    RELEASED = "released"
    """Released by us on a person's word, or seen released in the MES after the work was done."""
    OVERRULED = "overruled"
    """A person started the machine in the MES before the work was done."""
    VOID = "void"
    """It ended without any placement that was accepted."""

    @property
    def live(self) -> bool:
        return self in (HoldStatus.ASKED, HoldStatus.RELEASING, HoldStatus.TESTING)


class PlacementState(StrEnum):
    """How far one placement has come."""

    INTENDED = "intended"
    """The plan is written down. The call may have reached the MES."""
    ACCEPTED = "accepted"
    """The MES answered with success. The job was not read as held yet."""
    IN_EFFECT = "in_effect"
    """The job was read as held after the MES accepted the call."""
    UNPROVEN = "unproven"
    """The job is held, and it cannot be proved that the hold is ours. We never release it."""
    OVERRULED = "overruled"
    """A person let the job run in the MES."""
    ENDED = "ended"
    """The job has ended or is not listed any more."""
    RELEASED = "released"
    VOID = "void"
    """It was never placed."""

    @property
    def live(self) -> bool:
        return self in LIVE_PLACEMENTS

    @property
    def ours(self) -> bool:
        """Whether the job is held by us, or will be: the MES accepted our call."""
        return self in (PlacementState.ACCEPTED, PlacementState.IN_EFFECT)


LIVE_PLACEMENTS = (
    PlacementState.INTENDED,
    PlacementState.ACCEPTED,
    PlacementState.IN_EFFECT,
    PlacementState.UNPROVEN,
)

PLACEMENT_MOVES: dict[PlacementState, tuple[PlacementState, ...]] = {
    PlacementState.ACCEPTED: (PlacementState.INTENDED, PlacementState.UNPROVEN, PlacementState.VOID),
    PlacementState.IN_EFFECT: (
        PlacementState.INTENDED,
        PlacementState.ACCEPTED,
        PlacementState.UNPROVEN,
        PlacementState.VOID,
    ),
    PlacementState.UNPROVEN: (PlacementState.INTENDED,),
    PlacementState.VOID: (PlacementState.INTENDED,),
    PlacementState.OVERRULED: (PlacementState.IN_EFFECT, PlacementState.UNPROVEN),
    PlacementState.ENDED: (PlacementState.ACCEPTED, PlacementState.IN_EFFECT, PlacementState.UNPROVEN),
    PlacementState.RELEASED: (PlacementState.ACCEPTED, PlacementState.IN_EFFECT, PlacementState.UNPROVEN),
}
"""From which states a placement may move to which. Of two cases that share a hold the slower one changes nothing,
unless the MES answered its call with success: that proves whose hold it is, whatever the other one saw meanwhile."""


class Placement(Model):
    """A hold on one job. Held is shown only from a reading: `in_effect_at` is the first, `read_at` the latest."""

    number: int
    plan: HoldPlan
    state: PlacementState
    intended_at: Moment | None = None
    """When a step last began to place it."""
    intended_by: str | None = None
    """The case of that step; None where an earlier build wrote it."""
    accepted_at: Moment | None = None
    in_effect_at: Moment | None = None
    read_at: Moment | None = None
    release_called_at: Moment | None = None
    """When the MES was last called to let the job run, where its answer is not known."""

    def placeable_by(self, case: str, now: datetime) -> bool:
        """Whether a step of this case may place it now. Another case's step may be calling the MES for it."""
        if self.state is not PlacementState.INTENDED:
            return False
        if self.intended_at is None or self.intended_by in (None, case):
            return True
        return now - self.intended_at > PLACING_LASTS


class Release(Model):
    """Who released a hold.

    Args:
        by: a named person of production; `policy NAME VERSION` where a version releases without one.
        meaning: what the person stated; None where the release was only seen in the MES, or a version allows it.
        version: the digest of the version that allows it.
        signature: the person's own over `domain.keys.release_statement`; None where no person stated it here. What an
            earlier build stored has none.
    """

    by: str
    meaning: str | None
    reason: str
    at: Moment
    version: str | None = None
    signature: str | None = None


class HoldAgain(Model):
    """Who had a machine held again that ran on test.

    Args:
        meaning: what the person stated.
        signature: their own over `domain.keys.release_statement` with the act `HOLD_AGAIN`.
    """

    by: str
    meaning: str
    reason: str
    at: Moment
    signature: str


_MARKS: Mapping[HoldEnforcement | None, str] = {
    HoldEnforcement.ADVISORY: message("advisory: the MES does not enforce it"),
    HoldEnforcement.UNKNOWN: message("perhaps only advisory: the MES does not say if it enforces it"),
}


class HoldView(Model):
    """A hold as storage knows it, from one case's point of view.

    Args:
        system: the MES instance.
        claims: how many cases ask for it still.
        working: how many of these are not done with their work. The hold is releasable once it is 0.
        ready_at: when the work of the last of them was done; None while one is at work.
        overruled_at: when it was seen that a person had started the machine. Nothing is placed from then on.
        twin_told: what the machine's twin says of the hold.
        test_run: what must be proved before the machine is released for good; None where one release is enough.
    """

    key: str
    system: str
    equipment: str
    state: HoldStatus
    placements: tuple[Placement, ...] = ()
    claims: int
    working: int
    ready_at: Moment | None = None
    overruled_at: Moment | None = None
    release: Release | None = None
    twin_told: str | None = None
    test_run: MachineTestRun | None = None

    @property
    def live_placements(self) -> tuple[Placement, ...]:
        return tuple(placement for placement in self.placements if placement.state.live)

    @property
    def unproved_jobs(self) -> tuple[str, ...]:
        """The jobs that are, or may be, held without proof that it is by us."""
        return tuple(str(each.plan.job) for each in self.live_placements if not each.state.ours)

    def late_jobs(self, now: datetime) -> tuple[str, ...]:
        """The jobs whose hold was accepted a short while ago and was not read yet: it may come into effect still."""
        return tuple(
            str(each.plan.job)
            for each in self.live_placements
            if each.state is PlacementState.ACCEPTED
            and each.accepted_at is not None
            and each.accepted_at > now - ACCEPTED_LATE
        )

    @property
    def releasable(self) -> bool:
        """Whether a person of production may release it."""
        return self.state is HoldStatus.ASKED and self.claims > 0 and self.working == 0

    @property
    def statement(self) -> str | None:
        """What a person of production must state to take the next step of the release; None while there is none."""
        if self.state is HoldStatus.TESTING:
            return RUNS_AS_IT_SHOULD
        if not self.releasable:
            return None
        return READY_TO_RUN if self.test_run is None else READY_FOR_TEST_RUN

    @property
    def ever_accepted(self) -> bool:
        return any(placement.accepted_at is not None for placement in self.placements)

    @property
    def in_effect_since(self) -> Moment | None:
        """The earliest reading of a job that is held by us now; None where none is, or the hold is partial."""
        if self.jobs_not_held:
            return None
        return min(
            (
                placement.in_effect_at
                for placement in self.live_placements
                if placement.state is PlacementState.IN_EFFECT and placement.in_effect_at is not None
            ),
            default=None,
        )

    def stale_since(self, now: datetime) -> Moment | None:
        """When a placement last changed, where that is longer ago than `LONGEST_UNCHANGED`; else None."""
        changes = [(each.intended_at, each.accepted_at, each.in_effect_at) for each in self.placements]
        last = max((at for times in changes for at in times if at is not None), default=None)
        return last if last is not None and now - last >= LONGEST_UNCHANGED else None

    def has_placed(self, plan: HoldPlan) -> bool:
        """Whether a live placement is on the job of a plan."""
        return any((each.plan.receiver, each.plan.job) == (plan.receiver, plan.job) for each in self.live_placements)

    def doubt_of(self, plan: HoldPlan) -> str | None:
        """What production must look at, if it is not known whether a job without a placement stays as it is."""
        if plan.prior_state is not JobState.INTERRUPTED:
            return None
        return (
            f"production to look at {self.equipment}: the MES says that job {plan.job} is interrupted, and not "
            "whether on purpose; it is not held by us"
        )

    @property
    def jobs_not_held(self) -> tuple[str, ...]:
        """The jobs that the MES was, or is to be, asked to hold beside those that are in effect. While there are any,
        the hold is partial: the machine may run."""
        live = self.live_placements
        if not any(each.state is PlacementState.IN_EFFECT for each in live):
            return ()
        return tuple(str(each.plan.job) for each in live if each.state is PlacementState.INTENDED)

    @property
    def enforcement(self) -> HoldEnforcement | None:
        """Whether the MES enforces it, as it was planned last; None before the first job, or if it is not recorded."""
        return self.placements[-1].plan.enforcement if self.placements else None

    @property
    def notice(self) -> str:
        """What people at the machine must know about it; empty once it has ended."""
        return hold_notice(self.enforcement) if self.state.live else ""

    @property
    def words(self) -> str:
        """How the hold stands, for people."""
        return self.words_in(ENGLISH)

    def words_in(self, say: Wording) -> str:
        """How the hold stands, for people, in a language."""
        mark = _MARKS.get(self.enforcement) if self.state.live else None
        return f"{self._standing(say)} ({say(mark)})" if mark else self._standing(say)

    def _standing(self, say: Wording) -> str:
        run = self.test_run
        if self.state is HoldStatus.TESTING and run is not None and run.begun_at is not None and run.until is not None:
            return say(
                "runs on test since {begun} UTC, until {until} UTC; not released for good",
                begun=f"{run.begun_at:%Y-%m-%d %H:%M}",
                until=f"{run.until:%Y-%m-%d %H:%M}",
            )
        if self.state is not HoldStatus.ASKED:
            return say.recorded(self.state.value)
        live = self.live_placements
        unproven = next((each for each in live if each.state is PlacementState.UNPROVEN), None)
        if unproven is not None:
            return say(
                "job {job} is held, and it cannot be proved that the hold is ours", job=_jobs(say, unproven.plan.job)
            )
        late = next((each for each in live if each.state is PlacementState.ACCEPTED), None)
        if late is not None:
            return say(
                "accepted by the MES, not in effect: job {job} was not read as held", job=_jobs(say, late.plan.job)
            )
        in_effect = [each for each in live if each.state is PlacementState.IN_EFFECT]
        if in_effect:
            jobs = _jobs(say, *(each.plan.job for each in in_effect))
            read_at = max(each.read_at for each in in_effect if each.read_at is not None)
            if others := self.jobs_not_held:
                return say(
                    "partial: job {others} is not held, so the machine may run; job {job} is held",
                    others=_jobs(say, *others),
                    job=jobs,
                )
            return say("in effect: job {job} was read as held at {at} UTC", job=jobs, at=f"{read_at:%Y-%m-%d %H:%M}")
        if self.overruled_at is not None:
            return say.recorded(HoldStatus.OVERRULED.value)
        return say("asked for; no job is held at present")


def _jobs(say: Wording, *jobs: str | None) -> str:
    """Jobs by their ids. A connector whose hold is on all jobs says so in English."""
    return ", ".join(say.recorded(str(job)) for job in jobs)


def check_release(
    key: str,
    hold: HoldView | None,
    now: datetime,
    meaning: str | None,
    at_work: Sequence[str],
    reopened: Sequence[str],
) -> None:
    """Says why a hold that is not being released yet may not be.

    Args:
        hold: the hold of this key; None where there is none.
        meaning: what the person states; None where a version releases it without one.
        at_work: the cases whose work is not done.
        reopened: the orders of its cases that were opened again.

    Raises:
        ActRejected: why, and what helps.
    """
    if hold is None:
        raise ActRejected(f"there is no hold {key}", field="hold", fix="see `millwright hold list`")
    if hold.state not in (HoldStatus.ASKED, HoldStatus.TESTING):
        raise ActRejected(f"hold {key} is {hold.state} already", field="hold")
    if at_work:
        raise ActRejected(
            f"the work of case {', '.join(at_work)} is not done",
            field="hold",
            fix="complete or cancel its order first; in an emergency start the machine in the MES",
        )
    if reopened:
        raise ActRejected(
            f"order {', '.join(reopened)} was opened again", field="hold", fix="finish or cancel it first"
        )
    if hold.unproved_jobs:
        raise ActRejected(
            f"it cannot be proved that the hold of job {', '.join(hold.unproved_jobs)} is ours",
            field="hold",
            fix="look at the job in the MES and release it there",
        )
    if late := hold.late_jobs(now):
        raise ActRejected(
            f"the hold of job {', '.join(late)} was accepted and is not in effect yet",
            field="hold",
            fix="wait ten minutes, or until it was read as held; else look at the job in the MES",
        )
    wanted = hold.statement
    if meaning != wanted and not (meaning is None and wanted == READY_TO_RUN):
        raise ActRejected(_step_words(hold), field="meaning", fix=f"when it is true at the machine, state: {wanted}")


def _step_words(hold: HoldView) -> str:
    """Which step of a release is next, for people."""
    if hold.state is HoldStatus.TESTING:
        return f"{hold.equipment} runs on test, and is released for good now"
    if hold.test_run is not None:
        return f"{hold.equipment} is released for a test run first, as its version asks"
    return f"{hold.equipment} is released in one step: its version asks for no test run"
