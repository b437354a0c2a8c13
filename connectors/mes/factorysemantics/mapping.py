"""Maps between holds and the work orders of FactorySemantics MES: pure functions and their tables (0.4.2)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final
from zoneinfo import ZoneInfo

from connectors.mes.factorysemantics.models import (
    AuditRow,
    CalendarDay,
    Machine,
    Oee,
    OpenOperation,
    OrderRow,
    Slot,
)
from connectors.text import one_line
from domain.keys import hold_comment
from domain.operating import Effectiveness, MachineState, OperatingState, Remaining
from domain.production import HoldMethod, HoldPlan, HoldState, HoldTarget, Job, JobState, ProductionContext

MACHINE: Final = "work_unit"
"""The level of a machine in the equipment hierarchy."""

MACHINE_STATES: Final[Mapping[str, MachineState]] = {
    "running": MachineState.RUNNING,
    "idle": MachineState.IDLE,
    "setup": MachineState.SETUP,
    "down": MachineState.UNPLANNED_STOP,
}
"""By the state of a machine that the server sees. A machine without any state is `unknown`."""

SEEN: Final = ("connected", "unknown")
"""The states of a connection under which the state of the machine counts. `unknown` means that people or another
system tell the state, and no connection is watched."""

ORDER_STATES: Final[Mapping[str, JobState]] = {
    "planned": JobState.NOT_ALLOWED_TO_START,
    "released": JobState.ALLOWED_TO_START,
    "running": JobState.RUNNING,
    "on_hold": JobState.INTERRUPTED_ON_PURPOSE,
    "completed": JobState.ENDED,
    "closed": JobState.ENDED,
    "cancelled": JobState.ABORTED,
}
"""By the status of a work order. What an open operation of a machine does is told by the operation itself."""

OPERATION_STATES: Final[Mapping[str, JobState]] = {
    "running": JobState.RUNNING,
    "pending": JobState.ALLOWED_TO_START,
}
"""By the status of an operation of a released or running work order."""

HOLD: Final = "workorder.on_hold"
HOLD_REASON: Final = "workorder.hold_reason"
"""The two audit rows of one hold, the second after the first."""
_MOVES: Final = frozenset(f"workorder.{status}" for status in ORDER_STATES)

_MARK: Final = "Millwright hold "
_LONGEST_REASON: Final = 500
_DAY: Final = "non_working"


class Holder(Enum):
    """Who put a work order on hold, by its audit trail."""

    OURS = "ours"
    OTHERS = "others"
    UNKNOWN = "unknown"
    """The trail does not show the hold."""


def hold_reason(key: str, reason: str) -> str:
    """The reason of a hold, as people read it. It begins with the key."""
    return f"{_mark(key)} {one_line(reason, _LONGEST_REASON)}"


def _mark(key: str) -> str:
    return f"{_MARK}{hold_comment(key)}:"


def _is_ours(row: AuditRow, account: str, key: str) -> bool:
    said = row.after.reason if row.after is not None else None
    own = row.actor == account and row.on_behalf_of is None
    return row.action == HOLD_REASON and own and (said or "").startswith(_mark(key))


def holder_of(trail: Iterable[AuditRow], account: str, key: str) -> Holder:
    """Who put a work order on hold that is on hold now.

    Args:
        trail: its audit rows, newest first.
        account: our account. The key alone proves nothing, because people can write the same words.
    """
    reason = None
    for row in trail:
        if row.action == HOLD_REASON and reason is None:
            reason = row
        elif row.action == HOLD:
            if reason is None or reason.actor != row.actor:
                return Holder.UNKNOWN
            return Holder.OURS if _is_ours(reason, account, key) else Holder.OTHERS
        elif row.action in _MOVES:
            return Holder.UNKNOWN
    return Holder.UNKNOWN


def was_held(trail: Iterable[AuditRow], account: str, key: str) -> bool:
    """Whether a hold of this key was placed on a work order before.

    Args:
        trail: the audit rows of our account.
    """
    return any(_is_ours(row, account, key) for row in trail)


def target_of(url: str, plant: str, instance: str | None, equipment: str) -> HoldTarget:
    """What a hold on a machine goes through: the plant says its name, and the id of its installation if it has one."""
    return HoldTarget(
        receiver=receiver_of(equipment),
        application_uri=url,
        namespace=f"{plant} {instance}" if instance else plant,
        certificate=None,
    )


def receiver_of(equipment: str) -> str:
    """The receiver of the work orders of a machine. Codes are unique in a plant, and are not changed."""
    return f"machine {equipment}"


def plant_of(target: HoldTarget) -> str:
    """The plant of a target."""
    return target.namespace.split(" ")[0]


def in_order(operations: Iterable[OpenOperation]) -> Sequence[OpenOperation]:
    """Open operations as the server takes them up: those that run before those that wait, then by priority."""
    return sorted(operations, key=lambda each: (each.status != "running", each.priority, each.order, each.seq))


def open_here(order: OrderRow, equipment: str) -> bool:
    """Whether a work order has an operation on a machine that is not done."""
    return any(each.equipment == equipment and each.status != "done" for each in order.operations)


def first_held(orders: Iterable[OrderRow], equipment: str) -> OrderRow | None:
    """The work order on hold that the machine would go on with first."""
    here = [order for order in orders if open_here(order, equipment)]
    return min(here, key=lambda order: (order.priority, order.code), default=None)


def hold_plan(
    equipment: str,
    key: str,
    operations: Collection[OpenOperation],
    held: Collection[OrderRow],
    target: HoldTarget,
) -> HoldPlan:
    """What a hold would do to the present work order of a machine."""
    first, stopped = next(iter(in_order(operations)), None), first_held(held, equipment)
    if first is not None:
        prior = OPERATION_STATES.get(first.status, JobState.ALLOWED_TO_START)
        method = HoldMethod.PAUSE if prior is JobState.RUNNING else HoldMethod.REVOKE_START
        job = first.order
    elif stopped is not None:
        job, prior, method = stopped.code, JobState.INTERRUPTED_ON_PURPOSE, HoldMethod.ALREADY_HELD
    else:
        return HoldPlan(
            key=key,
            equipment=equipment,
            receiver=target.receiver,
            job=None,
            prior_state=None,
            method=HoldMethod.NOTHING_TO_HOLD,
        )
    return HoldPlan(
        key=key,
        equipment=equipment,
        receiver=target.receiver,
        job=job,
        prior_state=prior,
        method=method,
        target=target,
    )


def state_without_hold(order: OrderRow | None) -> HoldState | None:
    """The state of a planned hold by the status of its work order; None if it is on hold, by whomever.

    A status that nobody knows counts as one in which the work order may run.
    """
    if order is None:
        return HoldState.GONE
    state = ORDER_STATES.get(order.status)
    if state in (JobState.ENDED, JobState.ABORTED):
        return HoldState.GONE
    return None if state is JobState.INTERRUPTED_ON_PURPOSE else HoldState.ABSENT


def operating(machine: Machine, now: datetime) -> OperatingState:
    """What a machine does. It is unknown while the server has no connection to it: the state is that of before."""
    seen = machine.connection.state in SEEN
    return OperatingState(
        state=MACHINE_STATES.get(machine.state, MachineState.UNKNOWN) if seen else MachineState.UNKNOWN,
        word=machine.state,
        read_at=now,
        since=machine.since if seen else None,
    )


@dataclass(frozen=True)
class Planned:
    """What is planned on a machine, as far as it can be read.

    Args:
        slots: the planned times of the machine.
        days: the days that do not follow the shifts.
        zone: the plant's time zone.
        unreadable: what cannot be read.
    """

    slots: tuple[Slot, ...] = ()
    days: tuple[CalendarDay, ...] = ()
    zone: ZoneInfo | None = None
    unreadable: tuple[str, ...] = ()


def next_stop(planned: Planned, machine: Machine, now: datetime) -> datetime | None:
    """The start of the next planned stop; one that has begun counts as now.

    A stop is a time of planned maintenance, or a day on which the site, the machine or a node above it does not work.
    Such a day begins at midnight of the plant's zone. What the shifts leave free is no planned stop.
    """
    starts = [
        max(slot.planned_start, now) for slot in planned.slots if slot.kind == "maintenance" and slot.planned_end > now
    ]
    places = (None, machine.code, *(place.code for place in machine.path))
    for day in planned.days:
        if planned.zone is None or day.kind != _DAY or day.equipment not in places:
            continue
        midnight = datetime.fromisoformat(day.day).replace(tzinfo=planned.zone)
        if (midnight + timedelta(days=1)).astimezone(UTC) > now:
            starts.append(max(midnight.astimezone(UTC), now))
    return min(starts, default=None)


def effectiveness(oee: Oee | None, now: datetime) -> Effectiveness | None:
    """The OEE of the window that ends now; None if the server withholds it."""
    if oee is None or oee.oee is None:
        return None
    return Effectiveness(oee=oee.oee, from_at=now - timedelta(seconds=oee.ledger.window_seconds), until_at=now)


def production(
    machine: Machine,
    now: datetime,
    operations: Collection[OpenOperation],
    held: Collection[OrderRow],
    planned: Planned,
    oee: Oee | None,
) -> ProductionContext:
    """The present work order of a machine, what is left of it, what the machine does, and its next planned stop."""
    state = operating(machine, now)
    job, remaining = _job(machine.code, operations, held, planned)
    doubts = [*planned.unreadable]
    if machine.connection.state not in SEEN:
        lost = f" since {machine.connection.since:%Y-%m-%d %H:%M} UTC" if machine.connection.since else ""
        doubts.append(f"the MES does not see the machine{lost}")
    if job is not None and job.state is JobState.INTERRUPTED_ON_PURPOSE and state.state is MachineState.RUNNING:
        doubts.append(f"work order {job.id} is on hold, and the machine runs all the same")
    return ProductionContext(
        equipment=machine.code,
        read_at=now,
        job=job,
        next_stop_at=next_stop(planned, machine, now),
        doubt="; ".join(doubts) or None,
        remaining=remaining,
        operating=state,
        effectiveness=effectiveness(oee, now),
    )


def _job(
    equipment: str, operations: Collection[OpenOperation], held: Collection[OrderRow], planned: Planned
) -> tuple[Job | None, Remaining | None]:
    first = next(iter(in_order(operations)), None)
    if first is not None:
        slot = next((each for each in planned.slots if (each.order, each.seq) == (first.order, first.seq)), None)
        job = Job(
            id=first.order,
            state=OPERATION_STATES.get(first.status, JobState.NOT_ALLOWED_TO_START),
            starts_at=slot.planned_start if slot else None,
            ends_at=slot.planned_end if slot else None,
        )
        return job, Remaining(quantity=max(first.quantity - first.good_qty, 0.0))
    stopped = first_held(held, equipment)
    if stopped is None:
        return None, None
    made = next(each for each in stopped.operations if each.equipment == equipment and each.status != "done")
    job = Job(id=stopped.code, state=JobState.INTERRUPTED_ON_PURPOSE)
    return job, Remaining(quantity=max(stopped.quantity - made.good_qty, 0.0))
