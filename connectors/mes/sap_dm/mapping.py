"""Maps between holds and the resources and SFCs of SAP Digital Manufacturing: pure functions and their tables."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

from connectors.mes.sap_dm.models import ListedSfc, Order, Resource, RoutingStep, Sfc, Shift, Status
from connectors.text import one_line
from domain.keys import hold_comment
from domain.operating import MachineState, OperatingState, Remaining
from domain.production import HoldMethod, HoldPlan, HoldTarget, Job, JobState, ProductionContext

LONGEST_PLANT: Final = 6
LONGEST_RESOURCE: Final = 36
LONGEST_SFC: Final = 128
LONGEST_STATUS_COMMENT: Final = 2000
LONGEST_HOLD_COMMENT: Final = 2048

SETTABLE: Final = frozenset({"UNKNOWN", "PRODUCTIVE", "SCHEDULED_DOWN", "UNSCHEDULED_DOWN", "ENABLED", "DISABLED"})
"""The statuses that a resource can be given."""

MACHINE_STATES: Final[Mapping[str, MachineState]] = {
    "PRODUCTIVE": MachineState.RUNNING,
    "SCHEDULED_DOWN": MachineState.PLANNED_STOP,
    "UNSCHEDULED_DOWN": MachineState.UNPLANNED_STOP,
    "ENABLED": MachineState.UNKNOWN,
    "DISABLED": MachineState.UNKNOWN,
    "UNKNOWN": MachineState.UNKNOWN,
}
"""By the status of a resource. ENABLED and DISABLED say whether it may be used, and not what the machine does."""

HELD: Final = "HOLD"
SFC_STATES: Final[Mapping[str, JobState]] = {
    "NEW": JobState.NOT_ALLOWED_TO_START,
    "IN_QUEUE": JobState.ALLOWED_TO_START,
    "ACTIVE": JobState.RUNNING,
    HELD: JobState.INTERRUPTED_ON_PURPOSE,
    "DONE": JobState.ENDED,
}
"""By the status of an SFC. Starting leads from in queue to in work, so only an SFC in queue may start."""

ALL_SFCS: Final = "all SFCs"
"""The job of a plan that blocks a resource: no SFC is to be started there. No SFC can have this name."""

_NAME: Final = re.compile(r"(?! )[0-9A-Z_$!)(+~@^=\-*. ]+(?<! )")
_RECEIVER: Final = "resource "
_LONGEST_WORD: Final = 40


def is_name(text: str, longest: int) -> bool:
    """Whether SAP allows a text as the name of a plant or a resource."""
    return len(text) <= longest and _NAME.fullmatch(text) is not None


def receiver_of(resource: str) -> str:
    """The receiver of a resource."""
    return f"{_RECEIVER}{resource}"


def resource_of(receiver: str | None) -> str | None:
    """The resource that a receiver names; None if it is no receiver of ours."""
    name = (receiver or "").removeprefix(_RECEIVER)
    return name if (receiver or "").startswith(_RECEIVER) and is_name(name, LONGEST_RESOURCE) else None


def comment(key: str, reason: str, longest: int) -> str:
    """The comment of a hold: its key first, then why."""
    return f"{hold_comment(key)}: {one_line(reason, longest - len(hold_comment(key)) - 2)}"


def release_comment(reason: str) -> str:
    """The comment of a release. The reason has the key of the hold in it."""
    return one_line(reason, LONGEST_STATUS_COMMENT)


def word(status: Status) -> str:
    """The word of an SFC's status, as the work list's filter writes it."""
    return re.sub(r"[^A-Z]+", "_", status.description.upper()).strip("_")


def is_held(sfc: Sfc) -> bool:
    """Whether an SFC is on hold. SAP does not say by whom."""
    return word(sfc.status) == HELD


def job_state(status: Status) -> JobState:
    """The state of an SFC. One that nobody knows counts as not allowed to start."""
    return SFC_STATES.get(word(status), JobState.NOT_ALLOWED_TO_START)


def doubt_of(name: str, status: Status) -> tuple[str, ...]:
    """What is not known of an SFC."""
    if word(status) in SFC_STATES:
        return ()
    return (f"SFC {name} has the status {one_line(status.description, _LONGEST_WORD)!r}, which is not known",)


def hold_plan(equipment: str, key: str, target: HoldTarget, sfc: Sfc) -> HoldPlan:
    """The plan that puts an SFC in work on hold."""
    return HoldPlan(
        key=key,
        equipment=equipment,
        receiver=target.receiver,
        job=sfc.sfc,
        prior_state=JobState.RUNNING,
        method=HoldMethod.PAUSE,
        target=target,
    )


def block_plan(equipment: str, key: str, target: HoldTarget, status: str) -> HoldPlan:
    """The plan that blocks a resource on which nothing runs."""
    return HoldPlan(
        key=key,
        equipment=equipment,
        receiver=target.receiver,
        job=ALL_SFCS,
        prior_state=JobState.ALLOWED_TO_START,
        method=HoldMethod.BLOCK,
        target=target,
        prior_status=status,
    )


def still_plan(equipment: str, key: str, target: HoldTarget, *, blocked: bool) -> HoldPlan:
    """The plan for a resource that is blocked already, or that has no SFC."""
    if blocked:
        method, job, prior = HoldMethod.ALREADY_HELD, ALL_SFCS, JobState.INTERRUPTED_ON_PURPOSE
        return HoldPlan(
            key=key,
            equipment=equipment,
            receiver=target.receiver,
            job=job,
            prior_state=prior,
            method=method,
            target=target,
        )
    return HoldPlan(
        key=key,
        equipment=equipment,
        receiver=target.receiver,
        job=None,
        prior_state=None,
        method=HoldMethod.NOTHING_TO_HOLD,
    )


def operating_state(status: str, now: datetime) -> OperatingState:
    """What a machine does, by the status of its resource. SAP gives no time of it."""
    return OperatingState(state=MACHINE_STATES.get(status, MachineState.UNKNOWN), word=status, read_at=now)


def next_stop(shifts: Iterable[Shift], now: datetime) -> datetime | None:
    """The start of the next time between two shifts of the resource; one that has begun counts as now.

    The end of the last shift is no planned stop: later ones may not be assigned yet.
    """
    periods = sorted(
        ((shift.valid_from, shift.valid_to) for shift in shifts if shift.valid_from is not None),
        key=lambda period: period[0],
    )
    worked_until: datetime | None = None
    for begins, ends in periods:
        if worked_until is not None and begins > max(worked_until, now):
            return max(worked_until, now)
        if ends is None:
            return None
        worked_until = ends if worked_until is None else max(worked_until, ends)
    return None


def step_at(sfc: Sfc, resource: str) -> RoutingStep | None:
    """The step of an SFC that is in work at a resource."""
    here = [step for step in sfc.steps or () if step.resource == resource]
    return next((step for step in here if step.quantity_in_work), here[0] if len(here) == 1 else None)


def job_name(order: str | None, sfc: str) -> str:
    """The id of a job for people: its order and its SFC."""
    return f"{order}/{sfc}" if order else sfc


def working_job(sfc: Sfc, resource: str) -> tuple[Job, str, Remaining | None, tuple[str, ...]]:
    """An SFC in work as a job, its batch, how much of it is left, and what could not be read."""
    step, order = step_at(sfc, resource), sfc.order or Order()
    ends = step.operation_scheduled_complete_date_time if step else None
    starts = step.operation_scheduled_start_date_time if step else None
    job = Job(
        id=job_name(order.order, sfc.sfc),
        state=job_state(sfc.status),
        starts_at=starts or order.order_planned_start_date_time,
        ends_at=ends or order.order_planned_complete_date_time,
    )
    left_out = (*sfc.left_out, *order.left_out, *(step.left_out if step else ()))
    said = tuple(f"{name} of SFC {sfc.sfc} cannot be read" for name in left_out)
    return job, sfc.default_batch_id or order.batch_number or sfc.sfc, _remaining(step), said


def _remaining(step: RoutingStep | None) -> Remaining | None:
    """How much of a step is left to make: what is in work there, and what waits for it. The unit is not told."""
    if step is None or step.quantity_in_work is None:
        return None
    return Remaining(quantity=step.quantity_in_work + (step.quantity_in_queue or 0.0))


def waiting_job(sfc: ListedSfc) -> tuple[Job, str, tuple[str, ...]]:
    """An SFC that waits for the resource as a job, its batch, and what could not be read."""
    job = Job(
        id=job_name(sfc.order, sfc.sfc),
        state=job_state(sfc.status),
        starts_at=sfc.order_scheduled_start_date_time,
        ends_at=sfc.order_scheduled_complete_date_time,
    )
    said = tuple(f"{name} of SFC {sfc.sfc} cannot be read" for name in sfc.left_out)
    return job, sfc.default_batch_id or sfc.sfc, said


def last_to_end(sfcs: Collection[Sfc], resource: str) -> Sfc | None:
    """The SFC in work that ends last: with it the machine has made what it is making. One on hold counts last."""

    def rank(sfc: Sfc) -> tuple[bool, float, str]:
        job, _, _, _ = working_job(sfc, resource)
        ends = job.ends_at.timestamp() if job.ends_at is not None else float("inf")
        return not is_held(sfc), ends, sfc.sfc

    return max(sfcs, key=rank, default=None)


def first_to_start(sfcs: Iterable[ListedSfc]) -> ListedSfc | None:
    """The SFC that waits for the resource and starts first; one in queue before one that is not."""

    def rank(sfc: ListedSfc) -> tuple[bool, float, str]:
        starts = sfc.order_scheduled_start_date_time
        may_start = job_state(sfc.status) is JobState.ALLOWED_TO_START
        return not may_start, starts.timestamp() if starts is not None else float("inf"), sfc.sfc

    return min((sfc for sfc in sfcs if job_state(sfc.status) is not JobState.ENDED), key=rank, default=None)


def production(
    equipment: str,
    now: datetime,
    resource: Resource,
    working: Collection[Sfc],
    waiting: Collection[ListedSfc],
    doubts: Collection[str],
) -> ProductionContext:
    """The present job of a resource, what the machine does, and its next planned stop.

    Args:
        working: the SFCs in work.
        waiting: the SFCs that wait for the resource; read only where none is in work.
        doubts: what could not be read.
    """
    name, status = resource.resource or "", resource.status or ""
    said = [*doubts, *(f"{field} of the resource cannot be read" for field in resource.left_out)]
    if status not in MACHINE_STATES:
        said.append(f"the resource has the status {one_line(status, _LONGEST_WORD)!r}, which is not known")
    job, batch, remaining = None, None, None
    if (sfc := last_to_end(working, name)) is not None:
        job, batch, remaining, more = working_job(sfc, name)
        said += more
        said += [words for each in working for words in doubt_of(each.sfc, each.status)]
    elif (listed := first_to_start(waiting)) is not None:
        job, batch, more = waiting_job(listed)
        said += [*more, *doubt_of(listed.sfc, listed.status)]
    return ProductionContext(
        equipment=equipment,
        read_at=now,
        job=job,
        next_stop_at=next_stop(resource.shifts or (), now),
        doubt="; ".join(said) or None,
        batch=batch,
        remaining=remaining,
        operating=operating_state(status, now),
    )
