"""One equipment and its plan: the current job, the delay by holds, and the last job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sandbox.jobcontrol.job import ALLOWED_FROM, JobRow, JobState, Method, ReturnStatus
from sandbox.jobcontrol.schedule import Calendar, Plan, Slot

UPCOMING: Final = 2
"""How many planned jobs after the current one are listed."""


@dataclass(frozen=True)
class PastJob:
    """The job a workstation was on last, or one cut out of its plan."""

    number: int
    state: JobState
    start: datetime
    end: datetime
    remaining: int


@dataclass
class Progress:
    """All of a workstation that is not a function of its plan, so all that is kept across a restart.

    `lag` is by how much worked time holds have moved the plan; `since` is when the current job was held, if it is;
    `begun` when it began to run; `skipped` are later slots aborted or cancelled before their turn.
    """

    number: int
    state: JobState = JobState.ALLOWED_TO_START
    lag: timedelta = timedelta()
    since: datetime | None = None
    begun: datetime | None = None
    skipped: frozenset[int] = frozenset()
    past: PastJob | None = None


@dataclass
class Workstation:
    """One equipment. Exactly one planned job is current, and nothing of the plan moves while it is held."""

    machine: int
    equipment: str
    calendar: Calendar
    plan: Plan
    progress: Progress = field(default_factory=lambda: Progress(0))

    def open_plan(self, now: datetime) -> None:
        """Take up the plan where it stands at `now`."""
        self.progress = Progress(self.plan.number_at(self.calendar.worked(now)))

    @property
    def held(self) -> bool:
        """Interrupted, or start revoked."""
        return self.progress.since is not None

    @property
    def job_id(self) -> str:
        """The current job."""
        return self.plan.job_id(self.progress.number)

    def next_change(self) -> datetime | None:
        """When the current job starts or ends by itself; None while it is held."""
        if self.held:
            return None
        slot = self.plan.slot(self.progress.number)
        return self._end(slot) if self.progress.state is JobState.RUNNING else self._start(slot)

    def advance(self, now: datetime) -> bool:
        """Do everything that is due at `now`; True if something was. The cost does not depend on the elapsed time."""
        changed = False
        while (due := self.next_change()) is not None and due <= now:
            changed = True
            slot = self.plan.slot(self.progress.number)
            if self.progress.state is JobState.RUNNING:
                self._complete(slot, now)
            else:
                self.progress.state = JobState.RUNNING
                self.progress.begun = self._start(slot)
        return changed

    def rows(self, now: datetime) -> Iterator[JobRow]:
        """The job that went before, the current one and the next few."""
        progress = self.progress
        if progress.past is not None:
            past = progress.past
            yield self._row(self.plan.slot(past.number), past.state, past.start, past.end, (past.remaining, past.end))
        slot = self.plan.slot(progress.number)
        begun = progress.begun or self._start(slot)
        yield self._row(
            slot, progress.state, begun, self._end(slot), (self._remaining(slot, now), progress.since or now)
        )
        for number in self._upcoming():
            slot = self.plan.slot(number)
            start, end = self._start(slot), self._end(slot)
            yield self._row(slot, JobState.NOT_ALLOWED_TO_START, start, end, (slot.quantity, None))

    def state_of(self, job_id: str) -> JobState | None:
        """The state of a listed job; None for any other."""
        if job_id == self.job_id:
            return self.progress.state
        past = self.progress.past
        if past is not None and job_id == self.plan.job_id(past.number):
            return past.state
        if any(job_id == self.plan.job_id(number) for number in self._upcoming()):
            return JobState.NOT_ALLOWED_TO_START
        return None

    def apply(self, method: Method, job_id: str, now: datetime) -> ReturnStatus:
        """Do what `method` asks of a listed planned job."""
        state = self.state_of(job_id)
        if state is None:
            return ReturnStatus.UNKNOWN_JOB_ORDER
        if state not in ALLOWED_FROM[method]:
            return ReturnStatus.INVALID_STATUS
        if method is Method.UPDATE:
            return ReturnStatus.UNABLE_TO_ACCEPT
        if method is Method.CLEAR:
            self.progress.past = None
        elif job_id == self.job_id:
            self._apply_to_current(method, now)
        elif method is Method.START:
            return ReturnStatus.UNABLE_TO_ACCEPT
        else:
            self._cut_out(method, job_id, now)
        return ReturnStatus.NO_ERROR

    def _apply_to_current(self, method: Method, now: datetime) -> None:
        progress = self.progress
        if method is Method.PAUSE:
            progress.state, progress.since = JobState.INTERRUPTED, now
        elif method is Method.REVOKE_START:
            progress.state, progress.since = JobState.NOT_ALLOWED_TO_START, now
        elif method is Method.RESUME and progress.since is not None:
            progress.lag += self.calendar.worked(now) - self.calendar.worked(progress.since)
            progress.state, progress.since = JobState.RUNNING, None
        elif method is Method.START:
            self._start_no_earlier(now, self.plan.slot(progress.number).begin)
            progress.state, progress.since = JobState.ALLOWED_TO_START, None
        else:
            self._end_early(method, now)

    def _complete(self, slot: Slot, now: datetime) -> None:
        progress = self.progress
        reached = self.plan.number_at(self.calendar.worked(now) - progress.lag)
        number = self._planned_from(max(slot.number + 1, reached))
        begun = progress.begun or self._start(slot)
        previous = number - 1
        while previous > slot.number and previous in progress.skipped:
            previous -= 1
        if previous != slot.number:
            slot = self.plan.slot(previous)
            begun = self._start(slot)
        progress.past = PastJob(slot.number, JobState.ENDED, begun, self._end(slot), 0)
        self._turn_to(number)

    def _end_early(self, method: Method, now: datetime) -> None:
        progress = self.progress
        slot = self.plan.slot(progress.number)
        if method is not Method.CANCEL:
            state = JobState.ABORTED if method is Method.ABORT else JobState.ENDED
            start = progress.begun or now
            progress.past = PastJob(slot.number, state, start, now, self._remaining(slot, now))
        self._turn_to(self._planned_from(slot.number + 1))
        self._start_no_earlier(now, self.plan.slot(progress.number).changeover)

    def _cut_out(self, method: Method, job_id: str, now: datetime) -> None:
        number = next(n for n in self._upcoming() if self.plan.job_id(n) == job_id)
        self.progress.skipped |= {number}
        if method is Method.ABORT:
            self.progress.past = PastJob(number, JobState.ABORTED, now, now, self.plan.slot(number).quantity)

    def _turn_to(self, number: int) -> None:
        progress = self.progress
        progress.number, progress.state = number, JobState.ALLOWED_TO_START
        progress.since = progress.begun = None
        progress.skipped = frozenset(skipped for skipped in progress.skipped if skipped > number)

    def _start_no_earlier(self, now: datetime, planned: timedelta) -> None:
        late = self.calendar.worked(now) - (planned + self.progress.lag)
        self.progress.lag += max(late, timedelta())

    def _planned_from(self, number: int) -> int:
        while number in self.progress.skipped:
            number += 1
        return number

    def _upcoming(self) -> Iterator[int]:
        number = self.progress.number
        for _ in range(UPCOMING):
            number = self._planned_from(number + 1)
            yield number

    def _start(self, slot: Slot) -> datetime:
        return self.calendar.start_at(slot.begin + self.progress.lag)

    def _end(self, slot: Slot) -> datetime:
        return self.calendar.end_at(slot.finish + self.progress.lag)

    def _remaining(self, slot: Slot, now: datetime) -> int:
        """Pieces still to make, as of `now` or of the moment the job was held."""
        worked = self.calendar.worked(self.progress.since or now) - self.progress.lag
        share = (slot.finish - max(worked, slot.begin)) / (slot.finish - slot.begin)
        return round(slot.quantity * max(share, 0.0))

    def _row(
        self, slot: Slot, state: JobState, start: datetime, end: datetime, left: tuple[int, datetime | None]
    ) -> JobRow:
        remaining, as_of = left
        parameters: list[tuple[str, float | datetime]] = [
            ("PlannedQuantity", float(slot.quantity)),
            ("RemainingQuantity", float(remaining)),
            ("QuantityPerHour", float(slot.per_hour)),
        ]
        if as_of is not None:
            parameters.append(("RemainingQuantityAsOf", as_of))
        return JobRow(
            job_id=slot.job_id,
            equipment=(self.equipment,),
            state=state,
            work_master=f"WM-{slot.product}",
            description=f"{slot.quantity} x {slot.product.lower()}",
            start=start,
            end=end,
            parameters=tuple(parameters),
        )
