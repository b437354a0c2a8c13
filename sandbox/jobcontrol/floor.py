"""The shop floor behind the server: every workstation, the planned stops, orders downloaded by clients, the holds.

This module does not use OPC UA. `now` is plant time and never goes back. Planned jobs run by themselves. Orders that a
client has stored wait in their equipment's queue for a planner. So this receiver accepts, allows, revokes, updates
and removes them, but never runs them (OPC 10031-4 leaves the step from AllowedToStart to Running to the receiver).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sandbox.jobcontrol.holds import HoldRecord
from sandbox.jobcontrol.job import ALLOWED_FROM, JobRow, JobState, Method, ReturnStatus
from sandbox.jobcontrol.schedule import Calendar, Plan
from sandbox.jobcontrol.workstation import Progress, Workstation

MAX_DOWNLOADABLE: Final = 50
PLANNED_STOP: Final = "PLANNED-STOP"
_FAR: Final = datetime.max.replace(tzinfo=UTC)
_HOLDS: Final = frozenset({Method.PAUSE, Method.REVOKE_START})
_RELEASES: Final = frozenset({Method.RESUME, Method.START, Method.STOP, Method.ABORT, Method.CANCEL})


@dataclass(frozen=True)
class DownloadedOrder:
    """What a client asked to store; `payload` is its ISA95JobOrderDataType as it came."""

    job_id: str
    equipment: tuple[str, ...]
    payload: bytes


@dataclass(frozen=True)
class Downloaded:
    """A stored order and its state."""

    order: DownloadedOrder
    state: JobState


@dataclass
class Changes:
    """The changes since the last write: equipment and downloaded orders by id."""

    equipment: set[str] = field(default_factory=set)
    downloaded: set[str] = field(default_factory=set)


class Floor:
    """See the module. `equipment` rows are (machine id, equipment id, line id)."""

    def __init__(self, equipment: Sequence[tuple[int, str, str]], seed: int, holds: HoldRecord) -> None:
        self._calendars = {line: Calendar(line, seed) for line in dict.fromkeys(row[2] for row in equipment)}
        self.workstations = {
            name: Workstation(machine, name, self._calendars[line], Plan(name, seed))
            for machine, name, line in equipment
        }
        self._of_line = {line: tuple(row[1] for row in equipment if row[2] == line) for line in self._calendars}
        self.downloaded: dict[str, Downloaded] = {}
        self.holds = holds
        self.changes = Changes()
        self._rows: dict[str, tuple[JobRow, ...]] = {}
        self._next_change: datetime | None = None

    def advance(self, now: datetime) -> bool:
        """Do everything that is due at `now`; True if the job order list has changed."""
        if self._next_change is not None and now < self._next_change:
            return False
        for name, station in self.workstations.items():
            if station.advance(now):
                self._changed(name)
        self._plan_next_change(now)
        return True

    def rows(self, now: datetime) -> list[JobRow]:
        """The job order list: planned stops, each equipment's jobs in order of time, downloaded orders."""
        stops = [self._stop_row(line, calendar, now) for line, calendar in self._calendars.items()]
        for name, station in self.workstations.items():
            if name not in self._rows:
                self._rows[name] = tuple(station.rows(now))
        planned = [row for name in self.workstations for row in self._rows[name]]
        stored = [self._downloaded_row(stored) for stored in self.downloaded.values()]
        return [*stops, *planned, *stored]

    def store(self, order: DownloadedOrder, state: JobState, now: datetime) -> ReturnStatus:
        """Accept a client's order for one known equipment in `state`, unless its id is taken or the store is full."""
        if not order.job_id:
            return ReturnStatus.INVALID_REQUEST
        station = self._one_station(order.equipment)
        taken = any(row.job_id == order.job_id for row in self.rows(now))
        if station is None or taken or len(self.downloaded) >= MAX_DOWNLOADABLE:
            return ReturnStatus.UNABLE_TO_ACCEPT
        self._keep(Downloaded(order, state))
        return ReturnStatus.NO_ERROR

    def update(self, order: DownloadedOrder, now: datetime) -> ReturnStatus:
        """Replace a downloaded order that has not started; the planner's own jobs are not for clients to change."""
        stored = self.downloaded.get(order.job_id)
        if stored is None:
            return self._apply_to_planned(Method.UPDATE, order.job_id, now)
        if stored.state not in ALLOWED_FROM[Method.UPDATE]:
            return ReturnStatus.INVALID_STATUS
        if self._one_station(order.equipment) is None:
            return ReturnStatus.UNABLE_TO_ACCEPT
        self._keep(Downloaded(order, stored.state))
        return ReturnStatus.NO_ERROR

    def command(self, method: Method, job_id: str, key: str, now: datetime) -> ReturnStatus:
        """Do what `method` asks of a job, and keep the record of holds; `key` is the Comment's text."""
        stored = self.downloaded.get(job_id)
        if stored is not None:
            station = self._one_station(stored.order.equipment)
            answer = self._apply_to_downloaded(method, stored)
        else:
            station = self._station_of(job_id)
            answer = self._apply_to_planned(method, job_id, now)
        if answer is not ReturnStatus.NO_ERROR or station is None:
            return answer
        if method in _HOLDS and key:
            self.holds.place(
                machine=station.machine,
                equipment=station.equipment,
                job=job_id,
                placed=now,
                key=key,
                method=method,
            )
        if method in _RELEASES:
            self.holds.release(job_id, now, method)
        return answer

    def take_up(self, now: datetime, progress: Mapping[str, Progress], downloaded: Iterable[Downloaded]) -> None:
        """Go on from what was kept; equipment without any takes up its plan where it stands at `now`."""
        for name, station in self.workstations.items():
            if name in progress:
                station.progress = progress[name]
            else:
                station.open_plan(now)
            self._changed(name)
        self.downloaded = {stored.order.job_id: stored for stored in downloaded}

    def _apply_to_planned(self, method: Method, job_id: str, now: datetime) -> ReturnStatus:
        station = self._station_of(job_id)
        if station is None:
            return self._refuse_for_stop(method, job_id, now)
        answer = station.apply(method, job_id, now)
        if answer is ReturnStatus.NO_ERROR:
            self._changed(station.equipment)
            self._plan_next_change(now)
        return answer

    def _apply_to_downloaded(self, method: Method, stored: Downloaded) -> ReturnStatus:
        if stored.state not in ALLOWED_FROM[method]:
            return ReturnStatus.INVALID_STATUS
        if method in (Method.CANCEL, Method.CLEAR):
            del self.downloaded[stored.order.job_id]
            self.changes.downloaded.add(stored.order.job_id)
            return ReturnStatus.NO_ERROR
        state = {
            Method.START: JobState.ALLOWED_TO_START,
            Method.REVOKE_START: JobState.NOT_ALLOWED_TO_START,
            Method.ABORT: JobState.ABORTED,
        }[method]
        self._keep(Downloaded(stored.order, state))
        return ReturnStatus.NO_ERROR

    def _refuse_for_stop(self, method: Method, job_id: str, now: datetime) -> ReturnStatus:
        """A planned stop is a calendar entry: it is never dispatched and cannot be moved by a client."""
        if all(calendar.stop_after(now).job_id != job_id for calendar in self._calendars.values()):
            return ReturnStatus.UNKNOWN_JOB_ORDER
        if JobState.NOT_ALLOWED_TO_START not in ALLOWED_FROM[method]:
            return ReturnStatus.INVALID_STATUS
        return ReturnStatus.UNABLE_TO_ACCEPT

    def _plan_next_change(self, now: datetime) -> None:
        changes: Iterator[datetime | None] = (station.next_change() for station in self.workstations.values())
        stops = [calendar.stop_after(now).end for calendar in self._calendars.values()]
        self._next_change = min([*stops, *(due for due in changes if due is not None)], default=_FAR)

    def _station_of(self, job_id: str) -> Workstation | None:
        equipment = job_id.removeprefix("JO-").rpartition("-")[0]
        station = self.workstations.get(equipment)
        return station if station is not None and station.state_of(job_id) is not None else None

    def _one_station(self, equipment: Sequence[str]) -> Workstation | None:
        known = [self.workstations[name] for name in equipment if name in self.workstations]
        return known[0] if len(known) == 1 else None

    def _keep(self, stored: Downloaded) -> None:
        self.downloaded[stored.order.job_id] = stored
        self.changes.downloaded.add(stored.order.job_id)

    def _changed(self, equipment: str) -> None:
        self._rows.pop(equipment, None)
        self.changes.equipment.add(equipment)

    def _stop_row(self, line: str, calendar: Calendar, now: datetime) -> JobRow:
        stop = calendar.stop_after(now)
        return JobRow(
            job_id=stop.job_id,
            equipment=self._of_line[line],
            state=JobState.NOT_ALLOWED_TO_START,
            work_master=PLANNED_STOP,
            description=f"Planned stop of {line}",
            start=stop.start,
            end=stop.end,
        )

    @staticmethod
    def _downloaded_row(stored: Downloaded) -> JobRow:
        order = stored.order
        return JobRow(order.job_id, order.equipment, stored.state, payload=order.payload)
