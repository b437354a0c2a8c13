"""Maps between holds and Odoo's work centres: pure functions and their tables (Odoo 19.0, module mrp)."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from connectors.mes.odoo_mrp.models import Leave, Lot, Production, TimeLog, WorkCentre, WorkOrder
from connectors.text import digest_of, one_line
from domain.keys import hold_comment
from domain.lots import MadeLot
from domain.production import (
    HoldEnforcement,
    HoldMethod,
    HoldPlan,
    HoldState,
    Job,
    JobState,
    MarkedHold,
    ProductionContext,
)

IN_USE: Final = frozenset({"productive", "performance"})
"""The categories of loss of a running timer."""
BLOCKING: Final = frozenset({"availability", "quality"})
"""The categories of loss of an open time log that blocks its work centre."""

ORDER_STATES: Final[Mapping[str, JobState]] = {
    "blocked": JobState.NOT_ALLOWED_TO_START,
    "waiting": JobState.NOT_ALLOWED_TO_START,
    "pending": JobState.NOT_ALLOWED_TO_START,
    "ready": JobState.ALLOWED_TO_START,
    "progress": JobState.INTERRUPTED_ON_PURPOSE,
    "done": JobState.ENDED,
    "cancel": JobState.ABORTED,
}
"""By the state of a work order without a running timer. One in progress has been started, and its timer was stopped by
a person or by a block."""

NEXT_STATES: Final = ("progress", "ready")
"""In which states the job of a work centre is looked for, before all others that are not over."""
OVER_STATES: Final = ("done", "cancel")

ALL_WORK_ORDERS: Final = "all work orders"
"""The job of a plan: a block keeps every work order of the work centre from running, those to come too."""

ENFORCEMENTS: Final[Mapping[tuple[int | str, ...], HoldEnforcement]] = {(19, 0): HoldEnforcement.ENFORCED}
"""By the first two parts of the version: 19.0 refuses to start a work order while its work centre is blocked. No later
version was tried, and in some of them people may start it all the same (odoo/odoo pull request 285680)."""

_RECEIVER: Final = re.compile(r"work centre (\d{1,18})")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_MODULE: Final = "millwright"
_EXTERNAL_ID: Final = re.compile(rf"{_MODULE}\.hold_([A-Za-z0-9_-]{{1,40}})_(\d{{1,18}})")
_LONGEST_REASON: Final = 500
_LONGEST_NAME: Final = 80
_MARK: Final = "Millwright hold "
_RELEASED: Final = "Released: "
NOT_IN_EFFECT: Final = "not in effect"
"""Why we ended a hold ourselves: Odoo refused to stop the timers under it."""


def receiver_of(centre: int) -> str:
    """The receiver of a work centre, by its id: names and codes can be changed."""
    return f"work centre {centre}"


def centre_of(receiver: str | None) -> int | None:
    """The id of the work centre that a receiver names; None if it is no receiver of ours."""
    found = _RECEIVER.fullmatch(receiver or "")
    return int(found[1]) if found else None


def external_id(key: str, centre: int) -> str:
    """The external id of the time log of a hold on a work centre. Odoo stores one record for each."""
    comment = hold_comment(key)
    name = comment if _PLAIN_KEY.fullmatch(comment) else digest_of(comment, 32).lower()
    return f"{_MODULE}.hold_{name}_{centre}"


def marked(name: str, log: TimeLog) -> MarkedHold | None:
    """The hold of a time log with this external id; None if the id is none of ours.

    A key that cannot stand in an external id has the digest in its place.
    """
    found = _EXTERNAL_ID.fullmatch(name)
    if found is None:
        return None
    where = receiver_of(int(found[2])) if log.workcenter_id is None else log.workcenter_id.name
    return MarkedHold(key=found[1], place=where)


def description_mark(key: str = "") -> str:
    """How the description of a hold begins; without a key, that of any of our holds."""
    return f"{_MARK}{hold_comment(key)}:" if key else _MARK


def description(key: str, reason: str) -> str:
    """The description of a hold's time log, as people read it."""
    return f"{description_mark(key)} {one_line(reason, _LONGEST_REASON)}"


def time_text(moment: datetime) -> str:
    """A time as Odoo stores it: UTC, in seconds, without an offset."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True)
class Blocks:
    """The open time logs of a work centre, as far as a hold depends on them.

    Args:
        own: the time log of our hold, open or closed; None if there is none.
        running: the work orders whose timers run, by their ids.
        blocked: whether Odoo refuses to start a work order: the newest open log is one that blocks.
        others: whether an open log of others blocks.
    """

    own: TimeLog | None
    running: frozenset[int]
    blocked: bool
    others: bool

    @property
    def own_is_open(self) -> bool:
        return self.own is not None and self.own.date_end is None

    @property
    def held(self) -> bool:
        """Whether our hold is in effect: it is open, no work order can be started, and none runs."""
        return self.own_is_open and self.blocked and not self.running


def blocks_of(centre: WorkCentre, logs: Collection[TimeLog], own: TimeLog | None) -> Blocks:
    """The blocks of a work centre.

    Args:
        logs: its open time logs.
        own: the time log with our external id.
    """
    here = [log for log in logs if log.workcenter_id is not None and log.workcenter_id.id == centre.id]
    going_on = sorted((log for log in here if log.date_end is None), key=lambda log: log.id)
    newest_blocks = bool(going_on) and going_on[-1].loss_type in BLOCKING
    return Blocks(
        own=own,
        running=frozenset(log.workorder_id.id for log in going_on if log.workorder_id and log.loss_type in IN_USE),
        # Both must say so: the field is Odoo's own, and may have been read before the logs.
        blocked=newest_blocks and centre.working_state == "blocked",
        others=any(log.loss_type in BLOCKING and (own is None or log.id != own.id) for log in going_on),
    )


def hold_plan(equipment: str, key: str, centre: WorkCentre, blocks: Blocks, *, has_orders: bool) -> HoldPlan:
    """What a hold would do to a work centre.

    Others have blocked it already: their block is not ours, and ours is placed once theirs is gone. A work order that
    runs in spite of their block is held.

    Args:
        has_orders: whether the work centre has a work order that is not over.
    """
    receiver = receiver_of(centre.id)
    if not has_orders:
        return HoldPlan(
            key=key,
            equipment=equipment,
            receiver=receiver,
            job=None,
            prior_state=None,
            method=HoldMethod.NOTHING_TO_HOLD,
        )
    method, prior = HoldMethod.BLOCK, JobState.ALLOWED_TO_START
    if blocks.running:
        prior = JobState.RUNNING
    elif blocks.others and not blocks.own_is_open:
        method, prior = HoldMethod.ALREADY_HELD, JobState.INTERRUPTED_ON_PURPOSE
    return HoldPlan(
        key=key, equipment=equipment, receiver=receiver, job=ALL_WORK_ORDERS, prior_state=prior, method=method
    )


def standing(blocks: Blocks) -> HoldState:
    """The state of a hold. While a timer runs, or our time log is closed, the machine may run."""
    return HoldState.HELD if blocks.held else HoldState.ABSENT


def job_state(order: WorkOrder, blocks: Blocks) -> JobState:
    """The state of a work order. One that nobody knows counts as not allowed to start; a running timer counts first."""
    if order.id in blocks.running:
        return JobState.RUNNING
    state = ORDER_STATES.get(order.state, JobState.NOT_ALLOWED_TO_START)
    if state is JobState.ALLOWED_TO_START and blocks.blocked:
        return JobState.NOT_ALLOWED_TO_START
    return state


def job_name(order: WorkOrder) -> str:
    """The id of a work order for people: that of its manufacturing order, and its own, as in its bar code."""
    if order.production_id is None:
        return str(order.id)
    return f"{one_line(order.production_id.name, _LONGEST_NAME)}/{order.id}"


def current_order(orders: Iterable[WorkOrder], blocks: Blocks) -> WorkOrder | None:
    """The work order that runs, otherwise the one in progress, otherwise the next; None if there is none."""

    def rank(order: WorkOrder) -> tuple[bool, int, bool, float, int]:
        place = NEXT_STATES.index(order.state) if order.state in NEXT_STATES else len(NEXT_STATES)
        start = order.date_start
        return (order.id not in blocks.running, place, start is None, start.timestamp() if start else 0.0, order.id)

    return min((order for order in orders if order.state not in OVER_STATES), key=rank, default=None)


def next_stop(leaves: Iterable[Leave], now: datetime) -> datetime | None:
    """The start of the next time in which the work centre does not work; one that has begun counts as now."""
    starts = [
        max(leave.date_from, now)
        for leave in leaves
        if leave.date_from is not None and leave.date_to is not None and leave.date_to > now
    ]
    return min(starts, default=None)


def production(
    equipment: str,
    now: datetime,
    orders: Collection[WorkOrder],
    blocks: Blocks,
    leaves: Collection[Leave],
    doubts: Collection[str],
) -> ProductionContext:
    """The present job of a work centre and its next planned stop.

    Args:
        doubts: what could not be read.
    """
    order, job = current_order(orders, blocks), None
    said = [*doubts]
    if order is not None:
        job = Job(
            id=job_name(order),
            state=job_state(order, blocks),
            starts_at=order.date_start,
            ends_at=order.date_finished,
        )
        said += [f"{name} of work order {order.id} cannot be read" for name in order.left_out]
    unseen = sorted(blocks.running - {each.id for each in orders})
    said += [f"a timer runs for work order {number}, which is over or elsewhere" for number in unseen]
    if blocks.running and (blocks.others or blocks.own_is_open):
        said.append("the work centre is blocked, and a timer runs all the same")
    return ProductionContext(
        equipment=equipment,
        read_at=now,
        job=job,
        next_stop_at=next_stop(leaves, now),
        doubt="; ".join(said) or None,
    )


def lots_made(
    timers: Iterable[TimeLog], orders: Iterable[WorkOrder], made: Iterable[Production], lots: Iterable[Lot]
) -> list[MadeLot]:
    """The lots of work orders whose timers ran, oldest first, with the times of the timers.

    A work order whose product has no lots counts by its own name. A lot that our user may not see counts by its id.
    """
    productions, names = {each.id: each for each in made}, {lot.id: lot.name for lot in lots}
    ran: dict[int, list[TimeLog]] = {}
    for log in timers:
        if log.loss_type in IN_USE and log.workorder_id is not None:
            ran.setdefault(log.workorder_id.id, []).append(log)
    found: list[MadeLot] = []
    for order in orders:
        production = productions.get(order.production_id.id) if order.production_id is not None else None
        logs = ran.get(order.id, [])
        starts = [log.date_start for log in logs if log.date_start is not None]
        ends = [log.date_end for log in logs if log.date_end is not None]
        named: list[str | None] = (
            [names.get(lot, f"stock.lot {lot}") for lot in production.lot_producing_ids] if production else []
        )
        found += [
            MadeLot(
                lot=lot,
                job=job_name(order),
                material=production.product_id.name if production and production.product_id else None,
                from_at=min(starts, default=None),
                until_at=max(ends) if len(ends) == len(logs) else None,
            )
            for lot in (named or [None])
            if logs
        ]
    earliest = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda each: (each.from_at or earliest, each.job or "", each.lot or ""))


def was_taken_away(own: TimeLog) -> bool:
    """Whether a closed hold was ended by us, because it did not come into effect. It may be opened again."""
    return own.date_end is not None and (own.description or "").endswith(f"{_RELEASED}{NOT_IN_EFFECT}")


def closing(own: TimeLog, reason: str, now: datetime) -> dict[str, str]:
    """What is written to end a hold: its end, never before its start, and why, below the reason that it has."""
    end = max(now, own.date_start) if own.date_start is not None else now
    why = f"{_RELEASED}{one_line(reason, _LONGEST_REASON)}"
    return {"date_end": time_text(end), "description": f"{own.description}\n{why}" if own.description else why}
