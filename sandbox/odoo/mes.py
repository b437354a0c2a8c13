"""The plant's Odoo as its MES, and what its people of production do there.

Each job of a machine's plan is a manufacturing order with one work order. An operator starts it when the plan says so,
and finishes it. Odoo starts no timer again after a block: the operator does, when they come by, which is when the
plant's clock moves next. While a work centre is blocked its plan stands still, unless a timer runs all the same.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.jobcontrol.holds import HoldRow
from sandbox.jobcontrol.job import JobRow, JobState, Method
from sandbox.jobcontrol.schedule import Calendar, Plan, PlannedStop
from sandbox.jobcontrol.workstation import Workstation
from sandbox.odoo.manufacturing import LEAVE, LOG, PRODUCT, PRODUCTION, WORK_CENTRE, WORK_ORDER
from sandbox.odoo.reading import time_text
from sandbox.odoo.server import DATABASE, OdooServer

API_KEY: Final = "sandbox-millwright-mes-key"
_CONNECTOR: Final = "millwright"
_OPERATOR: Final = "operator"
_MANAGER: Final = "manager"
_KEY: Final = re.compile(r"Millwright hold (\w+):")
_MINUTE: Final = timedelta(minutes=1)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass
class _Machine:
    """A machine with its work centre, and the work order of its present job."""

    station: Workstation
    centre: int
    resource: int
    order: int = 0
    stop: PlannedStop | None = None
    """The planned stop that the manager entered last."""
    due: datetime | None = None
    """When the plan goes on by itself; None while it stands still."""


class OdooMes:
    """It satisfies `sandbox.mes.PlantMes`. It keeps nothing on disk.

    Args:
        machines: (machine id, equipment id, line id) of every machine; the code of the work centre is the equipment.
        seed: of the schedule.
    """

    name = "odoo_mrp"

    def __init__(
        self,
        _directory: Path | None,
        clock: Clock,
        machines: Sequence[tuple[int, str, str]],
        port: int = 0,
        faults: Faults | None = None,
        seed: int = 0,
    ) -> None:
        self._clock = clock
        self._at: datetime | None = None
        self._seen = clock.now()
        self.server = OdooServer(self, API_KEY, faults, port, connector=_CONNECTOR)
        self._products: dict[str, int] = {}
        calendars = {line: Calendar(line, seed) for line in dict.fromkeys(row[2] for row in machines)}
        self._machines = [
            self._new_machine(Workstation(number, equipment, calendars[line], Plan(equipment, seed)))
            for number, equipment, line in machines
        ]

    def now(self) -> datetime:
        """The time of Odoo: that of what its people are just doing, else plant time."""
        return self._at or self._clock.now()

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def access(self) -> Mapping[str, str]:
        return {"mes_database": DATABASE, "mes_apikey": API_KEY}

    async def start(self) -> None:
        await self.advance(self._clock.now())
        await self.server.start()

    async def stop(self) -> None:
        await self.server.stop()

    async def advance(self, now: datetime) -> None:
        """Everything that is due at `now` happens, in the order of time. What clients did before, they did at the time
        of the last advance."""
        for machine in self._machines:
            self._settle(machine, self._seen)
        while (next_one := self._next()) is not None and next_one.due is not None and next_one.due <= now:
            self._change(next_one, next_one.due)
        self._seen = now
        for machine in self._machines:
            self._enter_stop(machine, now)
            self._settle(machine, now)

    def holds(self) -> list[HoldRow]:
        """Every block by the connector's user, oldest first, with the key in its description."""
        machines = {machine.centre: machine for machine in self._machines}
        connector = self.server.user_id(_CONNECTOR)
        rows = []
        for number, log in sorted(self.server.store.records[LOG].items()):
            if log["user_id"] != connector:
                continue
            station = machines[_id(log["workcenter_id"])].station
            key, began, ended = _KEY.match(str(log["description"])), log["date_start"], log["date_end"]
            rows.append(
                HoldRow(
                    id=number,
                    machine=station.machine,
                    equipment=station.equipment,
                    job="all work orders",
                    placed=began if isinstance(began, datetime) else self.now(),
                    key=key[1] if key else "",
                    method="block",
                    released=ended if isinstance(ended, datetime) else None,
                )
            )
        return rows

    async def release_by_hand(self, hold: HoldRow) -> None:
        """The shift lead presses "Unblock" at the work centre. That ends every open time log there."""
        machine = next(each for each in self._machines if each.station.equipment == hold.equipment)
        if not self.server.store.records[LOG][hold.id]["date_end"] and self._blocked(machine):
            self.server.do(_OPERATOR, WORK_CENTRE, "unblock", ids=[machine.centre])
        self._settle(machine, self._clock.now())

    def _new_machine(self, station: Workstation) -> _Machine:
        row = {"name": f"Machine {station.equipment}", "code": station.equipment}
        centre = int(self.server.do(_MANAGER, WORK_CENTRE, "create", vals_list=[row])[0])
        machine = _Machine(station, centre, _id(self.server.store.records[WORK_CENTRE][centre]["resource_id"]))
        station.open_plan(self._seen)
        machine.due = station.next_change()
        self._order_next(machine, self._seen)
        return machine

    def _next(self) -> _Machine | None:
        """The machine whose plan goes on first."""
        return min(self._machines, key=lambda machine: machine.due or _NEVER, default=None)

    def _change(self, machine: _Machine, at: datetime) -> None:
        """A job begins, or it ends and the next one is ordered."""
        number = machine.station.progress.number
        machine.station.advance(at)
        with self._acting_at(at):
            if machine.station.progress.number != number:
                self.server.do(_OPERATOR, WORK_ORDER, "button_finish", ids=[machine.order])
                self._order_next(machine, at)
        if machine.station.progress.state is JobState.RUNNING:
            self._press_start(machine, at)
        machine.due = machine.station.next_change()

    def _settle(self, machine: _Machine, at: datetime) -> None:
        """The plan of a machine stands still while Odoo lets nobody start its work order, and goes on afterwards."""
        station, blocked = machine.station, self._blocked(machine)
        match station.progress.state:
            case JobState.RUNNING if blocked and not self._timer_runs(machine):
                station.apply(Method.PAUSE, station.job_id, at)
            case JobState.RUNNING if not blocked and not self._timer_runs(machine):
                # A block came and went since the operator was there.
                self._press_start(machine, at)
            case JobState.INTERRUPTED if not blocked:
                station.apply(Method.RESUME, station.job_id, at)
                self._press_start(machine, at)
                self._plan(machine, at)
            case JobState.ALLOWED_TO_START if blocked:
                station.apply(Method.REVOKE_START, station.job_id, at)
            case JobState.NOT_ALLOWED_TO_START if not blocked:
                station.apply(Method.START, station.job_id, at)
                self._plan(machine, at)
            case _:
                return
        machine.due = station.next_change()

    def _press_start(self, machine: _Machine, at: datetime) -> None:
        with self._acting_at(at):
            self.server.do(_OPERATOR, WORK_ORDER, "button_start", ids=[machine.order])

    def _order_next(self, machine: _Machine, at: datetime) -> None:
        """The manager orders the present job of the plan, and plans it."""
        job = self._job(machine, at)
        product = job.work_master.removeprefix("WM-")
        if product not in self._products:
            made = self.server.do(_MANAGER, PRODUCT, "create", vals_list=[{"name": product}])
            self._products[product] = int(made[0])
        work = {"name": job.description, "workcenter_id": machine.centre, "duration_expected": _minutes(job)}
        row = {"product_id": self._products[product], "workorder_ids": [[0, 0, work]]}
        made = self.server.do(_MANAGER, PRODUCTION, "create", vals_list=[row])
        self.server.do(_MANAGER, PRODUCTION, "action_confirm", ids=made)
        machine.order = max(self.server.store.at_centre(WORK_ORDER, machine.centre))
        self._plan(machine, at)

    def _plan(self, machine: _Machine, at: datetime) -> None:
        """The work order gets its time at the work centre."""
        job = self._job(machine, at)
        begin, end = time_text(job.start), time_text(job.end)
        with self._acting_at(at):
            leave = self.server.store.records[WORK_ORDER][machine.order]["leave_id"]
            if leave:
                self.server.do(_MANAGER, LEAVE, "write", ids=[_id(leave)], vals={"date_from": begin, "date_to": end})
            else:
                row = {"name": job.job_id, "resource_id": machine.resource, "time_type": "other"}
                row |= {"date_from": begin, "date_to": end}
                leave = self.server.do(_MANAGER, LEAVE, "create", vals_list=[row])[0]
            vals = {"leave_id": leave, "date_start": begin, "date_finished": end}
            self.server.do(_MANAGER, WORK_ORDER, "write", ids=[machine.order], vals=vals)

    def _enter_stop(self, machine: _Machine, now: datetime) -> None:
        """The manager enters the next planned stop of the line as time off of the work centre."""
        stop = machine.station.calendar.stop_after(now)
        if stop != machine.stop:
            machine.stop = stop
            row = {"name": stop.job_id, "resource_id": machine.resource, "time_type": "leave"}
            row |= {"date_from": time_text(stop.start), "date_to": time_text(stop.end)}
            self.server.do(_MANAGER, LEAVE, "create", vals_list=[row])

    def _job(self, machine: _Machine, at: datetime) -> JobRow:
        return next(row for row in machine.station.rows(at) if row.job_id == machine.station.job_id)

    def _blocked(self, machine: _Machine) -> bool:
        return self.server.store.records[WORK_CENTRE][machine.centre]["working_state"] == "blocked"

    def _timer_runs(self, machine: _Machine) -> bool:
        logs = self.server.store.records[LOG]
        here = (logs[number] for number in self.server.store.at_centre(LOG, machine.centre))
        return any(log["workorder_id"] == machine.order and not log["date_end"] for log in here)

    @contextmanager
    def _acting_at(self, at: datetime) -> Generator[None, None, None]:
        self._at = at
        try:
            yield
        finally:
            self._at = None


def _minutes(job: JobRow) -> float:
    return (job.end - job.start) / _MINUTE if job.start is not None and job.end is not None else 0.0


def _id(value: object) -> int:
    return value if isinstance(value, int) else 0
