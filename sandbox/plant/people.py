"""The people of the plant: a planner who reviews orders in the CMMS and technicians who do the work.

They work on the CMMS's screen, in plant time, and treat every order alike, whoever reported it. They know the
truth (failures.csv, maint.csv); of the rest of the sandbox only the score does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from sandbox.plant.dataset import ComponentEvent, Dataset
from sandbox.plant.findings import TRADES, Finding, finding_of, part_of
from sandbox.plant.orders import ClosedAs, OrderState, PlantOrder
from sandbox.plant.signals import COMPONENTS

REPLACED_LATELY: Final = timedelta(hours=24)
WORK_HORIZON: Final = timedelta(hours=72)
INSPECTION: Final = timedelta(hours=8)


class CmmsScreen(Protocol):
    """What the people use of the CMMS; see `sandbox.cmms.PlantCmms`."""

    def orders(self) -> Sequence[PlantOrder]: ...

    def approve(self, order: PlantOrder) -> None: ...

    def cancel(self, order: PlantOrder, memo: str) -> None: ...

    def take(self, order: PlantOrder, labor: str) -> None: ...

    def complete(self, order: PlantOrder, finding: Finding) -> None: ...


@dataclass(frozen=True)
class _Job:
    """An order in the people's hands; `components` are those it may be about."""

    order: PlantOrder
    machine: int
    components: tuple[str, ...]
    reported: datetime

    @property
    def place(self) -> tuple[int, tuple[str, ...], int]:
        """Where it stands in the order of work."""
        return self.machine, self.components, self.order.place


@dataclass(frozen=True)
class _Visit:
    """When and how a job ends."""

    time: datetime
    component: str
    closed_as: ClosedAs


class People:
    """Planner and technicians; an order moves one step in each `act`.

    One that waits: the planner cancels it if its component was replaced in the last 24 h or an older live order asks
    for the same, and approves it otherwise. An approved one: a technician takes it. One in progress: it is completed at
    the component's first replacement within 72 h of the report, as confirmed if the component failed then and as
    prevented if not; without one it is completed 8 h after the report, as nothing found.
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
            match job.order.state:
                case OrderState.WAITING:
                    if not self._approved(job, live, now):
                        live.remove(job)
                case OrderState.APPROVED:
                    self._cmms.take(job.order, TRADES[job.components[0]].labor)
                case _:
                    visit = self._visit(job)
                    if visit.time > now:
                        continue
                    found = finding_of(visit.component, visit.closed_as, job.reported, now)
                    self._cmms.complete(job.order, found)
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
        for order in self._cmms.orders():
            reported = order.reported or order.changed
            part = part_of(order)
            if not order.state.live or reported is None or part is None:
                continue
            machine, component = part
            jobs.append(_Job(order, machine, COMPONENTS if component is None else (component,), reported))
        return sorted(jobs, key=lambda job: job.place)

    def _due(self, job: _Job) -> datetime:
        if job.order.state is OrderState.IN_PROGRESS:
            return self._visit(job).time
        return job.order.changed or job.reported

    def _approved(self, job: _Job, live: Sequence[_Job], now: datetime) -> bool:
        """Whether the planner approves an order; otherwise it is cancelled."""
        replaced = self._dataset.replaced_within(job.machine, job.components, now - REPLACED_LATELY, now)
        older = [
            other
            for other in live
            if other.machine == job.machine
            and other.components == job.components
            and other.order.place < job.order.place
        ]
        if replaced is not None:
            memo = f"{replaced.component} was replaced at {replaced.time:%Y-%m-%d %H:%M} UTC"
        elif older:
            memo = f"Order {older[0].order.number} asks for the same work"
        else:
            self._cmms.approve(job.order)
            return True
        self._cmms.cancel(job.order, memo)
        return False

    def _visit(self, job: _Job) -> _Visit:
        found = self._dataset.replaced_within(job.machine, job.components, job.reported, job.reported + WORK_HORIZON)
        if found is None:
            return _Visit(job.reported + INSPECTION, job.components[0], "nothing_found")
        failed = ComponentEvent(found.time, job.machine, found.component) in self._failures
        return _Visit(found.time, found.component, "confirmed" if failed else "prevented")
