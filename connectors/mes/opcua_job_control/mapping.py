"""Maps between holds and Job Control: pure functions and their tables (OPC 10031-4 v2.00)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connectors.mes.opcua_job_control.models import JobOrderRow, Made, UnreadableJob
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from domain.lots import MadeLot
from domain.production import HoldMethod, HoldPlan, HoldState, Job, JobState, ProductionContext

STATES: Final[Mapping[int, JobState]] = {
    1: JobState.NOT_ALLOWED_TO_START,
    2: JobState.ALLOWED_TO_START,
    3: JobState.RUNNING,
    4: JobState.INTERRUPTED,
    5: JobState.ENDED,
    6: JobState.ABORTED,
}
"""By StateNumber."""

INTERRUPTIONS: Final[Mapping[int, JobState]] = {1: JobState.INTERRUPTED_BY_ITSELF, 2: JobState.INTERRUPTED_ON_PURPOSE}
"""By the StateNumber of the substate of Interrupted: 1 is Held, 2 is Suspended (OPC 10031-4, 6.2.5)."""

METHODS: Final[Mapping[JobState, HoldMethod]] = {
    JobState.RUNNING: HoldMethod.PAUSE,
    JobState.INTERRUPTED_BY_ITSELF: HoldMethod.PAUSE,
    JobState.INTERRUPTED: HoldMethod.ALREADY_HELD,
    JobState.INTERRUPTED_ON_PURPOSE: HoldMethod.ALREADY_HELD,
    JobState.ALLOWED_TO_START: HoldMethod.REVOKE_START,
    JobState.NOT_ALLOWED_TO_START: HoldMethod.ALREADY_HELD,
}
"""The method that holds a job, by its state. The order also selects the job of an equipment among several: the running
job, else the interrupted one (it occupies the machine, so no other can start), else the next."""


@dataclass(frozen=True)
class Lever:
    """A method of holding: `place` leads from a state of `prior` to one of `held`, and `release` leads back.

    `free` are the states in which the job runs or may run.
    """

    prior: frozenset[JobState]
    held: frozenset[JobState]
    free: frozenset[JobState]
    place: str
    release: str


LEVERS: Final[Mapping[HoldMethod, Lever]] = {
    HoldMethod.PAUSE: Lever(
        frozenset({JobState.RUNNING, JobState.INTERRUPTED_BY_ITSELF}),
        frozenset({JobState.INTERRUPTED, JobState.INTERRUPTED_ON_PURPOSE}),
        frozenset({JobState.RUNNING, JobState.INTERRUPTED_BY_ITSELF}),
        "Pause",
        "Resume",
    ),
    HoldMethod.REVOKE_START: Lever(
        frozenset({JobState.ALLOWED_TO_START}),
        frozenset({JobState.NOT_ALLOWED_TO_START}),
        frozenset({JobState.ALLOWED_TO_START, JobState.RUNNING, JobState.INTERRUPTED_BY_ITSELF}),
        "RevokeStart",
        "Start",
    ),
}

SUCCESS: Final = 1

RETURN_STATUSES: Final[Mapping[int, tuple[type[ConnectorError], str]]] = {
    1: (Refused, "it does not know the job order"),
    2: (Refused, "it does not know the command"),
    3: (Unavailable, "the job is in another state by now"),
    4: (Unavailable, "it is unable to accept the command now"),
    32: (Refused, "it calls the request invalid"),
}
"""By bit of ReturnStatus. Bit 0 is success; 33 to 63 are the implementation's own."""


def refusal(status: int) -> tuple[type[ConnectorError], str]:
    """The meaning of a ReturnStatus other than success: that of the lowest known bit, else a person must look."""
    bits = [bit for bit in range(64) if status >> bit & 1]
    if not bits:
        return Unavailable, "it does not say whether it did anything (ReturnStatus 0)"
    known = next((RETURN_STATUSES[bit] for bit in bits if bit in RETURN_STATUSES), None)
    error, words = known or (ActionRequired, "it refuses for a reason of its own")
    return error, f"{words} (ReturnStatus {status})"


def state_of(row: JobOrderRow) -> JobState:
    """Our state for a job order.

    Raises:
        ValueError: the standard has no such state.
    """
    state = STATES.get(row.state)
    if state is None:
        raise ValueError(f"job order {row.id} is in state {row.state}, which OPC 10031-4 does not know")
    if state is JobState.INTERRUPTED and row.substate is not None:
        return INTERRUPTIONS.get(row.substate, state)
    return state


def proves_machine(row: JobOrderRow, equipment: str) -> bool:
    """Whether a row of the list proves that its job is on an equipment.

    It does if the receiver names only that machine, or if the receiver names the equipment among others and the
    job requires it. A requirement alone proves nothing: its id may be that of an equipment class (OPC 10031-4,
    ISA95EquipmentDataType).
    """
    return row.served.only(equipment) or (row.served.lists(equipment) and equipment in row.equipment)


def may_be_on(row: JobOrderRow, equipment: str) -> bool:
    """Whether a job seems to be on an equipment. This is enough to read the state of production, but not for a hold."""
    return proves_machine(row, equipment) or (row.served.names_none and equipment in row.equipment)


def under_way(rows: Iterable[JobOrderRow]) -> list[JobOrderRow]:
    """The jobs that run or are interrupted; other jobs have no actuals yet. Unknown states are not
    included."""
    return [row for row in rows if STATES.get(row.state) in (JobState.RUNNING, JobState.INTERRUPTED)]


def may_concern(row: JobOrderRow, equipment: str) -> bool:
    """Whether a job may be on an equipment: the job requires it, or the receiver names it among others and the job
    requires none of these."""
    if equipment in row.equipment:
        return True
    return row.served.lists(equipment) and not row.equipment & (row.served.equipment | row.served.assets)


def may_hide(job: UnreadableJob, equipment: str) -> bool:
    """Whether a job that cannot be read may be on an equipment. Then the state of the equipment is unknown, never
    free."""
    if job.served.only(equipment) or (job.equipment is not None and equipment in job.equipment):
        return True
    if job.equipment is None:
        return job.served.names_none or job.served.lists(equipment)
    return job.served.lists(equipment) and not job.equipment & (job.served.equipment | job.served.assets)


def hides_job(job: UnreadableJob, plan: HoldPlan) -> bool:
    """Whether an entry that cannot be read may be the plan's job."""
    in_place = job.receiver == plan.receiver if plan.receiver is not None else may_hide(job, plan.equipment)
    return in_place and job.id in (None, plan.job)


def current_job(rows: Iterable[JobOrderRow], stop_masters: Collection[str]) -> JobOrderRow | None:
    """The present job of an equipment, or its next job; None if there is none."""
    order = list(METHODS)
    live = [row for row in rows if state_of(row) in METHODS and not row.work_masters & {*stop_masters}]
    return min(live, key=lambda row: (order.index(state_of(row)), *_sort_by_start(row)), default=None)


def hold_plan(row: JobOrderRow | None, equipment: str, key: str) -> HoldPlan:
    """The effect of a hold on that job."""
    if row is None:
        return HoldPlan(key=key, equipment=equipment, job=None, prior_state=None, method=HoldMethod.NOTHING_TO_HOLD)
    state = state_of(row)
    return HoldPlan(
        key=key,
        equipment=equipment,
        receiver=row.receiver,
        job=row.id,
        starts_at=row.starts_at if METHODS[state] is HoldMethod.PAUSE else None,
        prior_state=state,
        method=METHODS[state],
    )


def job_of(plan: HoldPlan, rows: Iterable[JobOrderRow]) -> JobOrderRow | None:
    """The plan's job in its own receiver; None if it is no longer listed, or if its id is that of a new job.

    A plan of an earlier build names no receiver. Then the job must seem to be on the plan's equipment.
    """
    if plan.receiver is None:
        found = [row for row in rows if row.id == plan.job and may_be_on(row, plan.equipment)]
    else:
        found = [row for row in rows if (row.receiver, row.id) == (plan.receiver, plan.job)]
    found = [row for row in found if plan.starts_at is None or row.starts_at in (None, plan.starts_at)]
    order = [state for state, live in STATES.items() if live in METHODS]
    # A list may hold a job twice: the live one counts.
    return min(found, key=lambda row: row.state not in order, default=None)


def standing(plan: HoldPlan, state: JobState | None) -> HoldState:
    """The state of a plan from the state of its job, which is None if the job is no longer listed.

    A plan without an effect of ours is always absent.
    """
    lever = LEVERS.get(plan.method)
    if lever is None or state in lever.free:
        return HoldState.ABSENT
    return HoldState.HELD if state in lever.held else HoldState.GONE


def production(
    rows: Collection[JobOrderRow],
    equipment: str,
    now: datetime,
    stop_masters: Collection[str],
    shortest_stop: timedelta,
) -> ProductionContext:
    """The present job of an equipment and its next planned stop.

    Planned stops are job orders from the plant's calendar. Only if there are none, a gap between jobs counts, because a
    change-over is a gap as well.
    """
    on_it = [row for row in rows if may_be_on(row, equipment)]
    row, job = current_job(on_it, stop_masters), None
    if row is not None:
        job = Job(id=row.id, state=state_of(row), starts_at=row.starts_at, ends_at=row.ends_at)
    stops = _calendar_stops(on_it, now, stop_masters) or _gaps(on_it, now, stop_masters, shortest_stop)
    doubt = next((each.doubt for each in on_it if each.doubt is not None), None)
    next_stop_at = min(stops, default=None)
    return ProductionContext(equipment=equipment, read_at=now, job=job, next_stop_at=next_stop_at, doubt=doubt)


def begun(rows: Iterable[JobOrderRow], stop_masters: Collection[str]) -> list[JobOrderRow]:
    """The jobs that run, were interrupted or have ended, without planned stops."""
    unstarted = (JobState.NOT_ALLOWED_TO_START, JobState.ALLOWED_TO_START)
    return [row for row in rows if STATES.get(row.state) not in unstarted and not row.work_masters & {*stop_masters}]


def lots(made: Iterable[tuple[JobOrderRow, Made | None]], from_at: datetime, until_at: datetime) -> list[MadeLot]:
    """The lots of jobs that ran in a period, oldest first. A job without lots counts by its own id.

    The actual times are those of the job's response. Without one, a job counts by the planned times of its order.
    """
    found: list[MadeLot] = []
    for row, told in made:
        ended = STATES.get(row.state) in (JobState.ENDED, JobState.ABORTED)
        began_at = told.starts_at if told is not None and told.starts_at is not None else row.starts_at
        ended_at = (told.ends_at if told is not None and told.ends_at is not None else row.ends_at) if ended else None
        if (began_at is None or began_at <= until_at) and (ended_at is None or ended_at > from_at):
            named = told.lots if told is not None and told.lots else ((None, None),)
            found += [
                MadeLot(lot=lot, job=row.id, material=material, from_at=began_at, until_at=ended_at)
                for lot, material in named
            ]
    return sorted(found, key=lambda each: (each.from_at or from_at, each.job or "", each.lot or ""))


def _sort_by_start(row: JobOrderRow) -> tuple[bool, float, str]:
    return (row.starts_at is None, row.starts_at.timestamp() if row.starts_at else 0.0, row.id)


def _calendar_stops(rows: Iterable[JobOrderRow], now: datetime, stop_masters: Collection[str]) -> list[datetime]:
    """The starts of the planned stops that are entered as job orders; a stop that has begun counts as now."""
    return [
        max(row.starts_at, now)
        for row in rows
        if row.work_masters & {*stop_masters} and row.starts_at and (row.ends_at is None or row.ends_at > now)
    ]


def _gaps(
    rows: Iterable[JobOrderRow], now: datetime, stop_masters: Collection[str], shortest: timedelta
) -> list[datetime]:
    """The starts of the gaps between consecutive planned jobs; after the last listed job nothing is known."""
    spans = sorted(
        (row.starts_at, row.ends_at)
        for row in rows
        if state_of(row) in METHODS
        and not row.work_masters & {*stop_masters}
        and row.starts_at
        and row.ends_at
        and row.ends_at > now
    )
    gaps: list[datetime] = []
    if not spans:
        return gaps
    reached = max(spans[0][1], now)
    for begins, ends in spans[1:]:
        if begins - reached >= shortest:
            gaps.append(reached)
        reached = max(reached, ends)
    return gaps
