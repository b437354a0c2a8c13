"""What machines do: from the state machines of a machine where it shows them (OPC 40001-1 v1.04, 12.2 and 12.3), else
from its job orders. Pure functions and their tables.

Neither standard has a word for starting up, for lock-out or for the speed.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from connectors.mes.opcua_job_control import mapping
from connectors.mes.opcua_job_control.models import JobOrderRow, JobOrders, Served
from domain.operating import MachineState, OperatingState
from domain.production import JobState

ITEM_STATES: Final[Mapping[int, str]] = {
    5004: "OutOfService",
    5005: "NotAvailable",
    5006: "Executing",
    5007: "NotExecuting",
}
"""The states of MachineryItemState, by the numbers of their nodes in the namespace of Machinery."""

MODES: Final[Mapping[int, str]] = {5024: "None", 5025: "Maintenance", 5026: "Processing", 5027: "Setup"}
"""The states of MachineryOperationMode, likewise."""

NOT_SHOWN: Final = ""
"""For a machine that does not have the state machine."""

MACHINE_STATES: Final[Mapping[tuple[str, str], MachineState]] = {
    ("Executing", "Processing"): MachineState.RUNNING,
    ("Executing", "Setup"): MachineState.SETUP,
    ("Executing", "Maintenance"): MachineState.MAINTENANCE,
    ("Executing", "None"): MachineState.UNKNOWN,
    ("Executing", NOT_SHOWN): MachineState.RUNNING,
    ("NotExecuting", "Processing"): MachineState.IDLE,
    ("NotExecuting", "Setup"): MachineState.SETUP,
    ("NotExecuting", "Maintenance"): MachineState.MAINTENANCE,
    ("NotExecuting", "None"): MachineState.IDLE,
    ("NotExecuting", NOT_SHOWN): MachineState.IDLE,
    ("OutOfService", "Processing"): MachineState.UNPLANNED_STOP,
    ("OutOfService", "Setup"): MachineState.UNPLANNED_STOP,
    ("OutOfService", "Maintenance"): MachineState.MAINTENANCE,
    ("OutOfService", "None"): MachineState.UNPLANNED_STOP,
    ("OutOfService", NOT_SHOWN): MachineState.UNPLANNED_STOP,
    ("NotAvailable", "Processing"): MachineState.UNKNOWN,
    ("NotAvailable", "Setup"): MachineState.UNKNOWN,
    ("NotAvailable", "Maintenance"): MachineState.UNKNOWN,
    ("NotAvailable", "None"): MachineState.UNKNOWN,
    ("NotAvailable", NOT_SHOWN): MachineState.UNKNOWN,
}
"""By the state and the mode of a machine. A machine that is not available is switched off or saves energy; why, it does
not say. One that executes in no mode does not say whether it produces."""

JOB_STATES: Final[Mapping[JobState, MachineState]] = {
    JobState.RUNNING: MachineState.RUNNING,
    JobState.INTERRUPTED: MachineState.IDLE,
    JobState.INTERRUPTED_BY_ITSELF: MachineState.IDLE,
    JobState.INTERRUPTED_ON_PURPOSE: MachineState.IDLE,
    JobState.ALLOWED_TO_START: MachineState.IDLE,
    JobState.NOT_ALLOWED_TO_START: MachineState.IDLE,
}
"""By the state of the present or next job, of a machine that shows no state of its own."""


@dataclass(frozen=True)
class ShownMachine:
    """What the state machines of a machine show.

    Args:
        ids: what names the machine.
        item_state: the word of its MachineryItemState; None if it cannot be read.
        mode: that of its MachineryOperationMode; None if it cannot be read.
    """

    ids: frozenset[str]
    item_state: str | None
    mode: str | None


@dataclass
class _Seen:
    """What is said of one machine."""

    shown: list[ShownMachine] = field(default_factory=list)
    rows: list[JobOrderRow] = field(default_factory=list)
    listed: bool = False


def operating_states(
    wanted: Collection[str],
    shown: Iterable[ShownMachine],
    orders: JobOrders,
    served: Iterable[Served],
    stop_masters: Collection[str],
    read_at: datetime,
) -> dict[str, OperatingState]:
    """What machines do.

    Args:
        wanted: their ids.
        shown: the machines that show a state.
        orders: the job orders of all receivers.
        served: what each receiver serves.
        stop_masters: the work masters of planned stops.
        read_at: the plant's time just before all of this was read.
    """
    seen: dict[str, _Seen] = defaultdict(_Seen)
    asked = {*wanted}
    for machine in shown:
        for name in machine.ids & asked:
            seen[name].shown.append(machine)
    for row in orders.rows:
        for name in (row.served.machine | row.served.equipment | row.served.assets | row.equipment) & asked:
            seen[name].rows.append(row)
    for each in served:
        for name in (each.machine | each.equipment | each.assets) & asked:
            seen[name].listed = True
    return {name: _operating_state(name, seen[name], orders, {*stop_masters}, read_at) for name in wanted}


def _operating_state(
    name: str, seen: _Seen, orders: JobOrders, stop_masters: set[str], read_at: datetime
) -> OperatingState:
    rows = [row for row in seen.rows if mapping.may_be_on(row, name)]
    if len(seen.shown) > 1:
        return _said(MachineState.UNKNOWN, "several machines of the server have this id", read_at)
    if seen.shown:
        return _of_machine(seen.shown[0], rows, stop_masters, read_at)
    if any(mapping.may_hide(job, name) for job in orders.unreadable) or any(row.doubt for row in rows):
        return _said(MachineState.UNKNOWN, "its job orders cannot be read with certainty", read_at)
    return _of_jobs(name, seen, rows, stop_masters, read_at)


def _of_machine(
    machine: ShownMachine, rows: list[JobOrderRow], stop_masters: set[str], read_at: datetime
) -> OperatingState:
    if machine.item_state is None or machine.mode is None:
        return _said(MachineState.UNKNOWN, "its state or its mode cannot be read", read_at)
    said = _said(MACHINE_STATES[machine.item_state, machine.mode], machine.item_state, read_at)
    running = [row for row in rows if mapping.STATES.get(row.state) is JobState.RUNNING]
    return said.model_copy(update={"mode": machine.mode or None, "recipe": _recipe(running, stop_masters)})


def _of_jobs(
    name: str, seen: _Seen, rows: list[JobOrderRow], stop_masters: set[str], read_at: datetime
) -> OperatingState:
    try:
        current = mapping.current_job(rows, stop_masters)
        state = None if current is None else mapping.state_of(current)
    except ValueError as error:
        return _said(MachineState.UNKNOWN, str(error), read_at)
    if current is not None and state is JobState.RUNNING:
        said = _said(JOB_STATES[state], "a job runs", read_at)
        return said.model_copy(update={"recipe": _recipe([current], stop_masters)})
    elsewhere = (row for row in seen.rows if row not in rows)
    if any(mapping.may_concern(row, name) for row in mapping.under_way(elsewhere)):
        return _said(MachineState.UNKNOWN, "a job that is under way may be on it", read_at)
    stop = _present_stop(rows, stop_masters, read_at)
    if stop is not None:
        return _said(MachineState.PLANNED_STOP, "planned stop", read_at).model_copy(update={"since": stop.starts_at})
    if state is not None:
        return _said(JOB_STATES[state], f"its job is {state.value.replace('_', ' ')}", read_at)
    if seen.listed:
        return _said(MachineState.IDLE, "it has no job", read_at)
    return _said(MachineState.UNKNOWN, "the MES does not know it", read_at)


def _present_stop(rows: Iterable[JobOrderRow], stop_masters: set[str], now: datetime) -> JobOrderRow | None:
    """The planned stop that goes on now, of those that the plant's calendar enters as job orders."""
    for row in rows:
        begun = row.starts_at is not None and row.starts_at <= now
        over = (row.ends_at is not None and row.ends_at <= now) or mapping.STATES.get(row.state) in _OVER
        if row.work_masters & stop_masters and begun and not over:
            return row
    return None


_OVER: Final = (JobState.ENDED, JobState.ABORTED)


def _recipe(running: Iterable[JobOrderRow], stop_masters: set[str]) -> str | None:
    """The work master of what runs; None if there are several."""
    masters = {master for row in running for master in row.work_masters - stop_masters}
    return masters.pop() if len(masters) == 1 else None


def _said(state: MachineState, word: str, read_at: datetime) -> OperatingState:
    return OperatingState(state=state, word=word, read_at=read_at)
