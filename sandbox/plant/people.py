"""The people of the plant: a planner who reviews orders in the CMMS and technicians who do the work.

They work on the CMMS's screen, in plant time, and treat every order alike, whoever reported it. They know the
truth (failures.csv, maint.csv); of the rest of the sandbox only the score does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from sandbox.maximo.failure_codes import NOTHING_FOUND
from sandbox.maximo.work_order_view import WorkOrderView
from sandbox.plant.dataset import ComponentEvent, Dataset
from sandbox.plant.findings import REPAIRED_IN_TIME, REPLACED, TRADES, ClosedAs, part_of
from sandbox.plant.signals import COMPONENTS

PLANNER: Final = "PLANNER"
REPLACED_LATELY: Final = timedelta(hours=24)
WORK_HORIZON: Final = timedelta(hours=72)
INSPECTION: Final = timedelta(hours=8)
_INSPECTION_HOURS: Final = 1.5
_LIVE: Final = frozenset({"WAPPR", "APPR", "INPRG"})


class CmmsScreen(Protocol):
    """What the people use of the CMMS."""

    def work_orders(self) -> list[WorkOrderView]: ...

    def change_status(self, wonum: str, status: str, memo: str, by: str) -> WorkOrderView: ...

    def report_actual(
        self,
        wonum: str,
        *,
        actstart: datetime | None = None,
        actfinish: datetime | None = None,
        failurecode: str | None = None,
        problem: str | None = None,
        cause: str | None = None,
        remedy: str | None = None,
        labor: Sequence[tuple[str, float]] = (),
        parts: Sequence[tuple[str, float]] = (),
        notes: str = "",
        downtime: tuple[datetime, datetime] | None = None,
        by: str,
    ) -> WorkOrderView: ...


@dataclass(frozen=True)
class _Job:
    """An order in the people's hands; `components` are those it may be about."""

    order: WorkOrderView
    machine: int
    components: tuple[str, ...]
    reported: datetime

    @property
    def place(self) -> tuple[int, tuple[str, ...], int]:
        """Where it stands in the order of work."""
        return self.machine, self.components, self.order.workorderid


@dataclass(frozen=True)
class _Visit:
    """When and how a job ends."""

    time: datetime
    component: str
    closed_as: ClosedAs


class People:
    """Planner and technicians; an order moves one step in each `act`.

    WAPPR: the planner cancels it if its component was replaced in the last 24 h or an older live order asks for
    the same, and approves it otherwise. APPR: a technician takes it. INPRG: it is completed at the component's
    first replacement within 72 h of the report, as confirmed if the component failed then and as prevented if
    not; without one it is completed 8 h after the report, as nothing found.
    """

    def __init__(self, cmms: CmmsScreen, dataset: Dataset) -> None:
        self._cmms = cmms
        self._dataset = dataset
        self._failures = frozenset(dataset.failures)

    def act(self, now: datetime) -> int:
        """Do what is due at plant time `now`, by machine and component; returns the number of acts."""
        jobs = self._jobs()
        live = list(jobs)
        acts = 0
        for job in jobs:
            match job.order.internal_status:
                case "WAPPR":
                    if self._review(job, live, now) == "CAN":
                        live.remove(job)
                case "APPR":
                    self._move(job, "INPRG", f"Taken by {self._technician(job)}", self._technician(job))
                case _:
                    visit = self._visit(job)
                    if visit.time > now:
                        continue
                    self._complete(job, visit, now)
            acts += 1
        return acts

    def next_act_time(self) -> datetime | None:
        """When somebody has to act next, which may be past; None while no order is live."""
        return min((self._due(job) for job in self._jobs()), default=None)

    def open_orders(self) -> int:
        """How many orders are neither completed nor cancelled."""
        return len(self._jobs())

    def _jobs(self) -> list[_Job]:
        jobs = []
        for order in self._cmms.work_orders():
            reported = order.reportdate or order.statusdate
            part = part_of(order)
            if order.internal_status not in _LIVE or reported is None or part is None:
                continue
            machine, component = part
            jobs.append(_Job(order, machine, COMPONENTS if component is None else (component,), reported))
        return sorted(jobs, key=lambda job: job.place)

    def _due(self, job: _Job) -> datetime:
        if job.order.internal_status == "INPRG":
            return self._visit(job).time
        return job.order.statusdate or job.reported

    def _review(self, job: _Job, live: Sequence[_Job], now: datetime) -> str:
        replaced = self._dataset.replaced_within(job.machine, job.components, now - REPLACED_LATELY, now)
        older = [
            other
            for other in live
            if other.machine == job.machine
            and other.components == job.components
            and other.order.workorderid < job.order.workorderid
        ]
        if replaced is not None:
            return self._move(job, "CAN", f"{replaced.component} was replaced at {replaced.time:%Y-%m-%d %H:%M} UTC")
        if older:
            return self._move(job, "CAN", f"Order {older[0].order.wonum} asks for the same work")
        return self._move(job, "APPR", "Reviewed, go ahead")

    def _move(self, job: _Job, status: str, memo: str, by: str = PLANNER) -> str:
        self._cmms.change_status(job.order.wonum, status, memo, by)
        return status

    def _visit(self, job: _Job) -> _Visit:
        found = self._dataset.replaced_within(job.machine, job.components, job.reported, job.reported + WORK_HORIZON)
        if found is None:
            return _Visit(job.reported + INSPECTION, job.components[0], "nothing_found")
        failed = ComponentEvent(found.time, job.machine, found.component) in self._failures
        return _Visit(found.time, found.component, "confirmed" if failed else "prevented")

    def _complete(self, job: _Job, visit: _Visit, now: datetime) -> None:
        trade = TRADES[visit.component]
        hours = _INSPECTION_HOURS if visit.closed_as == "nothing_found" else trade.hours
        begun = max(job.reported, now - timedelta(hours=hours))
        if visit.closed_as == "nothing_found":
            self._cmms.report_actual(
                job.order.wonum,
                actstart=begun,
                actfinish=now,
                failurecode=trade.failure_class,
                problem=NOTHING_FOUND[0],
                cause=NOTHING_FOUND[1],
                remedy=NOTHING_FOUND[2],
                labor=[(trade.labor, hours)],
                notes=f"Opened and inspected {visit.component}: nothing found.",
                by=trade.labor,
            )
        else:
            broken = visit.closed_as == "confirmed"
            self._cmms.report_actual(
                job.order.wonum,
                actstart=begun,
                actfinish=now,
                failurecode=trade.failure_class,
                problem=trade.problem,
                cause=trade.cause,
                remedy=REPLACED if broken else REPAIRED_IN_TIME,
                labor=[(trade.labor, hours)],
                parts=[(trade.part, 1)],
                notes=f"{visit.component}: {trade.finding}, changed {'after it failed' if broken else 'in time'}.",
                downtime=(begun, now) if broken else None,
                by=trade.labor,
            )
        self._move(job, "COMP", f"Closed as {visit.closed_as.replace('_', ' ')}", trade.labor)

    def _technician(self, job: _Job) -> str:
        return TRADES[job.components[0]].labor
