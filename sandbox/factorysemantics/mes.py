"""The plant's FactorySemantics MES, and what its people of production do there.

Each job of a machine's plan is a work order with one operation. The supervisor releases it, an operator starts and
completes it. The server itself stops no machine: this plant's machines ask it for their order, and stop while it is on
hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sandbox.clock import Clock
from sandbox.factorysemantics.records import Slot
from sandbox.factorysemantics.server import ADMIN, CONNECTOR, LEAD, OPERATOR, FactorySemanticsServer
from sandbox.faults import Faults
from sandbox.jobcontrol.holds import HoldRow
from sandbox.jobcontrol.job import JobRow, JobState, Method
from sandbox.jobcontrol.schedule import Calendar, Plan
from sandbox.jobcontrol.workstation import Workstation

PASSWORD: Final = "sandbox-millwright-mes-password"  # noqa: S105 the sandbox's
_SEQ: Final = 10
_KEY: Final = re.compile(r"Millwright hold (\w+):")
_MINUTE: Final = timedelta(minutes=1)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass
class _Machine:
    """A machine, and when its plan goes on by itself; None while it stands still."""

    station: Workstation
    due: datetime | None = None

    @property
    def code(self) -> str:
        return self.station.equipment

    @property
    def order(self) -> str:
        """The work order of its present job."""
        return self.station.job_id


class FactorySemanticsMes:
    """It satisfies `sandbox.mes.PlantMes`. It keeps nothing on disk.

    Args:
        machines: (machine id, equipment id, line id) of every machine.
        seed: of the schedule.
    """

    name = "factorysemantics"

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
        self.server = FactorySemanticsServer(clock, PASSWORD, faults, port, committed=self._settle_all)
        now = clock.now()
        calendars = {line: Calendar(line, seed) for line in dict.fromkeys(row[2] for row in machines)}
        for line in calendars:
            self.server.do(ADMIN, "add_equipment", code=line, name=line, level="work_center")
        self._machines: list[_Machine] = []
        self._held: dict[str, _Machine] = {}
        """The work orders that were on hold, with their machines."""
        for number, equipment, line in machines:
            machine = {"code": equipment, "name": f"Machine {number}", "level": "work_unit", "parent": line}
            self.server.do(ADMIN, "add_equipment", **machine)
            station = Workstation(number, equipment, calendars[line], Plan(equipment, seed))
            station.open_plan(now)
            self._machines.append(_Machine(station, station.next_change()))
            self._order_next(self._machines[-1], now)
            self._tell_state(self._machines[-1], "idle", now)

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def access(self) -> Mapping[str, str]:
        return {"mes_user": CONNECTOR, "mes_password": PASSWORD}

    async def start(self) -> None:
        await self.advance(self._clock.now())
        await self.server.start()

    async def stop(self) -> None:
        await self.server.stop()

    async def advance(self, now: datetime) -> None:
        """Everything that is due at `now` happens, in the order of time."""
        self.server.commit()
        while (first := self._next()) is not None and first.due is not None and first.due <= now:
            self._change(first, first.due)
        for machine in self._machines:
            self._enter_stop(machine, now)

    def holds(self) -> list[HoldRow]:
        """Every hold by the connector's account, oldest first, with the key in its reason."""
        self.server.commit()
        found = [row for order, machine in self._held.items() for row in self._holds_of(order, machine)]
        ordered = sorted(found, key=lambda row: (row.placed, row.machine))
        return [replace(row, id=number) for number, row in enumerate(ordered, start=1)]

    async def release_by_hand(self, hold: HoldRow) -> None:
        """The shift lead resumes the work order of a hold."""
        self.server.commit()
        if self.server.store.orders[hold.job].status == "on_hold":
            self.server.do(LEAD, "resume", code=hold.job)
            self._settle_all()

    def _next(self) -> _Machine | None:
        """The machine whose plan goes on first."""
        return min(self._machines, key=lambda machine: machine.due or _NEVER, default=None)

    def _change(self, machine: _Machine, at: datetime) -> None:
        """A job begins, or it ends and the next one is ordered."""
        order, quantity = machine.order, self.server.store.orders[machine.order].quantity
        machine.station.advance(at)
        if machine.order != order:
            self.server.do(OPERATOR, "report", at, order=order, seq=_SEQ, good=quantity)
            self.server.do(OPERATOR, "complete", at, code=order, seq=_SEQ)
            self._tell_state(machine, "idle", at)
            self._order_next(machine, at)
        if machine.station.progress.state is JobState.RUNNING:
            self.server.do(OPERATOR, "start", at, code=machine.order, seq=_SEQ)
            self._tell_state(machine, "running", at)
        machine.due = machine.station.next_change()

    def _settle_all(self) -> None:
        """Each machine stands still while its work order is on hold, and goes on afterwards."""
        now = self._clock.now()
        for machine in self._machines:
            station, held = machine.station, self.server.store.orders[machine.order].status == "on_hold"
            if held:
                self._held.setdefault(machine.order, machine)
            match station.progress.state:
                case JobState.RUNNING if held:
                    station.apply(Method.PAUSE, machine.order, now)
                    self._tell_state(machine, "idle", now)
                case JobState.INTERRUPTED if not held:
                    station.apply(Method.RESUME, machine.order, now)
                    self._tell_state(machine, "running", now)
                    self._plan(machine, now)
                case JobState.ALLOWED_TO_START if held:
                    station.apply(Method.REVOKE_START, machine.order, now)
                case JobState.NOT_ALLOWED_TO_START if not held:
                    station.apply(Method.START, machine.order, now)
                    self._plan(machine, now)
                case _:
                    continue
            machine.due = station.next_change()

    def _order_next(self, machine: _Machine, at: datetime) -> None:
        """The present job of the plan is ordered, planned and released."""
        job = self._job(machine, at)
        # One routing for each machine: a work order runs where its material is made.
        material = f"{job.work_master.removeprefix('WM-')}-{machine.code}"
        if material not in self.server.store.routings:
            self.server.do(ADMIN, "add_material", at, code=material, name=material, type="finished")
            step = {"seq": _SEQ, "name": "Make", "equipment": machine.code}
            self.server.do(ADMIN, "add_routing", at, code=f"ROUTE-{material}", material=material, operations=[step])
        quantity = float(str(dict(job.parameters)["PlannedQuantity"]))
        self.server.do(ADMIN, "create_order", at, code=job.job_id, material=material, quantity=quantity)
        self.server.do(LEAD, "release", at, code=job.job_id)
        self._plan(machine, at)

    def _plan(self, machine: _Machine, at: datetime) -> None:
        """The planner's board has the present job of the plan."""
        job = self._job(machine, at)
        if job.start is not None and job.end is not None:
            minutes = round((job.end - job.start) / _MINUTE, 2)
            slot = Slot(machine.code, "production", job.job_id, _SEQ, "Make", job.start, job.end, minutes)
            self.server.store.slots[f"job of {machine.code}"] = (slot,)

    def _enter_stop(self, machine: _Machine, now: datetime) -> None:
        """The planner's board has the next planned stop of the line as maintenance."""
        stop = machine.station.calendar.stop_after(now)
        minutes = (stop.end - stop.start) / _MINUTE
        slot = Slot(machine.code, "maintenance", None, None, stop.job_id, stop.start, stop.end, minutes)
        self.server.store.slots[f"stop of {machine.code}"] = (slot,)

    def _tell_state(self, machine: _Machine, state: str, at: datetime) -> None:
        self.server.do(OPERATOR, "set_state", at, code=machine.code, state=state)

    def _job(self, machine: _Machine, at: datetime) -> JobRow:
        return next(row for row in machine.station.rows(at) if row.job_id == machine.order)

    def _holds_of(self, order: str, machine: _Machine) -> list[HoldRow]:
        """The holds of a work order by the connector."""
        found: list[HoldRow] = []
        for row in self.server.store.trail("workorder", order):
            if row.action == "workorder.hold_reason" and row.actor == CONNECTOR:
                key = _KEY.match(str((row.after or {}).get("reason")))
                number = machine.station.machine
                found.append(HoldRow(0, number, machine.code, order, row.at, key[1] if key else "", "hold"))
            elif (row.before or {}).get("status") == "on_hold" and found and found[-1].released is None:
                found[-1] = replace(found[-1], released=row.at, released_by=row.action)
        return found
