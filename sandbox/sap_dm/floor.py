"""The shop floor: the resources with their statuses, and the SFCs, which follow the plant's plan.

Each planned job of a machine is an order with one SFC. It is NEW, then IN_QUEUE at its resource, ACTIVE and in work,
and DONE. By itself a resource is PRODUCTIVE while an SFC is in work, SCHEDULED_DOWN in the line's planned stop, else
ENABLED. DISABLED and UNSCHEDULED_DOWN stay until somebody changes them. While they do, no SFC is started there, unless
the plant does not enforce that; one that is in work goes on. An SFC on hold stands still and stays in work.

This module does not use HTTP. `now` is plant time and never goes back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sandbox.jobcontrol.job import JobRow, JobState, Method
from sandbox.jobcontrol.schedule import Calendar, Plan
from sandbox.jobcontrol.workstation import Progress, Workstation
from sandbox.sap_dm.errors import Problem
from sandbox.sap_dm.holds import Holds

STAYING: Final = frozenset({"DISABLED", "UNSCHEDULED_DOWN"})
_CODES: Final[Mapping[str, str]] = {"NEW": "401", "IN_QUEUE": "402", "ACTIVE": "403", "HOLD": "404", "DONE": "405"}
_FAR: Final = datetime.max.replace(tzinfo=UTC)


@dataclass
class Resource:
    """A machine. `status` is what somebody set, as far as it stays; None where it follows the work."""

    station: Workstation
    status: str | None = None
    modified: datetime = datetime(2015, 1, 1, tzinfo=UTC)
    more: dict[str, str] = field(default_factory=dict)
    """Further SFCs in work, which no plan moves: ACTIVE or HOLD, by their names."""

    @property
    def name(self) -> str:
        return self.station.equipment

    @property
    def block(self) -> str:
        """The job by which a block of the resource is recorded."""
        return f"status of {self.name}"


@dataclass(frozen=True)
class Sfc:
    """An SFC as SAP shows it."""

    name: str
    order: str
    status: str
    resource: str
    in_work: bool
    material: str = "PART"
    quantity: float = 1.0
    left: float = 1.0
    start: datetime | None = None
    end: datetime | None = None

    @property
    def code(self) -> str:
        return _CODES[self.status]


class Floor:
    """See the module.

    Args:
        machines: (machine id, equipment id, line id) of every machine; the resource has the name of the equipment.
        seed: of the schedule.
        holds: the record of holds.
        enforces: whether an SFC cannot be started on a resource that is down or disabled.
        holds_twice: whether an SFC that is on hold can be put on hold again.
    """

    def __init__(
        self,
        machines: Sequence[tuple[int, str, str]],
        seed: int,
        holds: Holds,
        *,
        enforces: bool = True,
        holds_twice: bool = False,
    ) -> None:
        self.calendars = {line: Calendar(line, seed) for line in dict.fromkeys(row[2] for row in machines)}
        self.resources = {
            name: Resource(Workstation(machine, name, self.calendars[line], Plan(name, seed)))
            for machine, name, line in machines
        }
        self.holds = holds
        self.changed: set[str] = set()
        self.enforces = enforces
        self._holds_twice = holds_twice
        self._next_change: datetime | None = None

    def take_up(
        self, now: datetime, progress: Mapping[str, Progress], statuses: Mapping[str, tuple[str | None, datetime]]
    ) -> None:
        """Go on from what was kept; a resource without any takes up its plan where it stands at `now`."""
        for name, resource in self.resources.items():
            if name in progress:
                resource.station.progress = progress[name]
            else:
                resource.station.open_plan(now)
            resource.status, resource.modified = statuses.get(name, (None, now))
            self.changed.add(name)

    def advance(self, now: datetime) -> None:
        """Do everything that is due at `now`."""
        if self._next_change is not None and now < self._next_change:
            return
        for resource in self.resources.values():
            while (due := resource.station.next_change()) is not None and due <= now:
                resource.station.advance(due)
                self.settle(resource, due)
        self._plan_next_change()

    def status_of(self, resource: Resource, now: datetime) -> str:
        """The status that SAP shows."""
        if resource.status is not None:
            return resource.status
        stop = resource.station.calendar.stop_after(now)
        if stop.start <= now < stop.end:
            return "SCHEDULED_DOWN"
        return "PRODUCTIVE" if any(sfc.status == "ACTIVE" for sfc in self.in_work(resource, now)) else "ENABLED"

    def resource(self, name: str) -> Resource:
        """A resource.

        Raises:
            Problem: there is none.
        """
        found = self.resources.get(name)
        if found is None:
            raise Problem(404, f"Resource {name} was not found", code="resource.notFound")
        return found

    def in_work(self, resource: Resource, now: datetime) -> list[Sfc]:
        """The SFCs in work at a resource, also those on hold."""
        return [sfc for sfc in self._sfcs(resource, now) if sfc.in_work]

    def listed(self, resource: Resource, now: datetime) -> list[Sfc]:
        """The SFCs of the work list: all that are not done."""
        return [sfc for sfc in self._sfcs(resource, now) if sfc.status != "DONE"]

    def sfc(self, name: str, now: datetime) -> Sfc:
        """An SFC.

        Raises:
            Problem: there is none.
        """
        for resource in self._resources_of(name):
            for sfc in self._sfcs(resource, now):
                if sfc.name == name:
                    return sfc
        raise Problem(404, f"SFC {name} was not found", code="sfc.notFound")

    def hold(self, names: Sequence[str], comment: str, now: datetime) -> list[int]:
        """Put SFCs on hold, all or none.

        Raises:
            Problem: one is not there, is done, or is on hold already.
        """
        sfcs = [self.sfc(name, now) for name in names]
        for sfc in sfcs:
            if sfc.status == "DONE":
                raise Problem(400, f"SFC {sfc.name} is done", code="sfc.done")
            if sfc.status == "HOLD" and not self._holds_twice:
                raise Problem(400, f"SFC {sfc.name} is on hold", code="sfc.onHold")
        numbers = []
        for sfc in sfcs:
            resource = self.resources[sfc.resource]
            machine = resource.station.machine
            numbers.append(self.holds.place(machine, resource.name, sfc.name, now, comment, "hold"))
            self.settle(resource, now)
        self._plan_next_change()
        return numbers

    def release(self, names: Sequence[str], now: datetime, by: str = "release") -> list[str]:
        """End every hold of SFCs, whoever placed it, all or none.

        Raises:
            Problem: one is not there, or is not on hold.
        """
        for name in names:
            if self.sfc(name, now).status != "HOLD":
                raise Problem(400, f"SFC {name} is not on hold", code="sfc.notOnHold")
        for name in names:
            self.holds.end(name, now, by)
            self.settle(self.resources[self.sfc(name, now).resource], now)
        self._plan_next_change()
        return list(names)

    def change_status(
        self, resource: Resource, status: str, comment: str, now: datetime, by: str = "changestatus"
    ) -> None:
        """Give a resource a status."""
        self.holds.end(resource.block, now, by)
        resource.status = status if status in STAYING else None
        resource.modified = now
        if resource.status is not None:
            machine = resource.station.machine
            self.holds.place(machine, resource.name, resource.block, now, comment, "changestatus")
        self.settle(resource, now)
        self._plan_next_change()

    def start(self, resource: Resource, name: str, now: datetime) -> None:
        """Start an SFC, as an operator does.

        Raises:
            Problem: it is not in queue there, or the resource is down or disabled.
        """
        sfc = self.sfc(name, now)
        if sfc.status not in ("NEW", "IN_QUEUE") or sfc.resource != resource.name:
            raise Problem(400, f"SFC {name} is not in queue at {resource.name}", code="sfc.notInQueue")
        if resource.status is not None and self.enforces:
            raise Problem(400, f"Resource {resource.name} is {resource.status}", code="resource.notEnabled")
        resource.more[name] = "ACTIVE"

    def complete(self, resource: Resource, name: str) -> None:
        """Complete a further SFC in work."""
        if resource.more.pop(name, None) is None:
            raise Problem(400, f"SFC {name} is not in work at {resource.name}", code="sfc.notInWork")

    def _resources_of(self, sfc: str) -> Iterator[Resource]:
        """The resources that may have an SFC: the one that its name has, or any."""
        named = self.resources.get(sfc.removeprefix("JO-").rpartition("-")[0].rpartition("-")[0])
        return iter([named]) if named is not None else iter(self.resources.values())

    def _sfcs(self, resource: Resource, now: datetime) -> Iterator[Sfc]:
        current = resource.station.job_id
        for row in resource.station.rows(now):
            name = f"{row.job_id}-1"
            if name in resource.more:
                continue
            status = self._status(row, current=row.job_id == current)
            if status != "DONE" and self.holds.open_on(name):
                status = "HOLD"
            in_work = row.state in (JobState.RUNNING, JobState.INTERRUPTED)
            numbers = dict(row.parameters)
            yield Sfc(
                name=name,
                order=row.job_id,
                status=status,
                resource=resource.name,
                in_work=in_work,
                material=row.work_master.removeprefix("WM-"),
                quantity=float(str(numbers["PlannedQuantity"])),
                left=float(str(numbers["RemainingQuantity"])),
                start=row.start,
                end=row.end,
            )
        for name in resource.more:
            held = bool(self.holds.open_on(name))
            yield Sfc(name, "ORDER-MORE", "HOLD" if held else "ACTIVE", resource.name, in_work=True)

    @staticmethod
    def _status(row: JobRow, *, current: bool) -> str:
        if row.state in (JobState.ENDED, JobState.ABORTED):
            return "DONE"
        if row.state in (JobState.RUNNING, JobState.INTERRUPTED):
            return "ACTIVE"
        return "IN_QUEUE" if current else "NEW"

    def settle(self, resource: Resource, now: datetime) -> None:
        """Let the plan stand still or go on, as holds and status ask."""
        station = resource.station
        held = bool(self.holds.open_on(f"{station.job_id}-1"))
        may_start = not held and (resource.status is None or not self.enforces)
        match station.progress.state:
            case JobState.RUNNING if held:
                station.apply(Method.PAUSE, station.job_id, now)
            case JobState.INTERRUPTED if not held:
                station.apply(Method.RESUME, station.job_id, now)
            case JobState.ALLOWED_TO_START if not may_start:
                station.apply(Method.REVOKE_START, station.job_id, now)
            case JobState.NOT_ALLOWED_TO_START if may_start:
                station.apply(Method.START, station.job_id, now)
        self.changed.add(resource.name)

    def _plan_next_change(self) -> None:
        changes = (resource.station.next_change() for resource in self.resources.values())
        self._next_change = min((due for due in changes if due is not None), default=_FAR)
