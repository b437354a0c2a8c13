"""What a machine does, by Odoo: pure functions and their tables (Odoo 19.0, modules mrp and resource).

An open time log says what is going on at a work centre. Without one, it is in a planned stop or waits for work. Odoo
has no word for starting up and lock-out, and none for the mode, the recipe and the speed of a machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from connectors.mes.odoo_mrp.models import MachineCentre, OpenLog, PresentLeave
from connectors.rows import Rows
from connectors.text import one_line
from domain.operating import MachineState, OperatingState

LOSS_TYPES: Final[Mapping[str, MachineState]] = {
    "productive": MachineState.RUNNING,
    "performance": MachineState.RUNNING,
    "availability": MachineState.UNPLANNED_STOP,
    "quality": MachineState.UNPLANNED_STOP,
}
"""By the category of the loss reason of an open time log. `performance` is production at reduced speed."""

LOSS_REASONS: Final[Mapping[str, MachineState]] = {
    "mrp.block_reason0": MachineState.IDLE,
    "mrp.block_reason1": MachineState.UNPLANNED_STOP,
    "mrp.block_reason2": MachineState.SETUP,
}
"""By the external id of a loss reason that Odoo brings: Material Availability, Equipment Failure, Setup and
Adjustments. It counts before the category."""

WORKING_STATES: Final = frozenset({"normal", "done", "blocked"})
"""The words of Odoo for a work centre: nothing goes on, it is in use, it is blocked."""

_LONGEST_WORD: Final = 120


@dataclass(frozen=True)
class OdooPlant:
    """What Odoo says of its work centres.

    Args:
        centres: those with the codes that were asked for.
        logs: what is going on at them.
        leaves: the planned stops that go on now; None if they cannot be read.
        reasons: the external ids of loss reasons, by their ids as text.
        company: the company whose work centres count; None for every one.
    """

    centres: Rows[MachineCentre]
    logs: Rows[OpenLog]
    leaves: Rows[PresentLeave] | None
    reasons: Mapping[str, str]
    company: int | None

    def centre(self, code: str) -> MachineCentre | None:
        """The work centre with a code; None if there is none, or more than one."""
        found = [each for each in self.centres.rows if each.code == code and each.active and self._counts(each)]
        return found[0] if len(found) == 1 else None

    def _counts(self, centre: MachineCentre) -> bool:
        return self.company is None or centre.company_id is None or centre.company_id.id == self.company


def operating_state(code: str, plant: OdooPlant, read_at: datetime) -> OperatingState:
    """What the machine with a code does. It is unknown if a record that counts cannot be read, or if two contradict."""
    centre = plant.centre(code)
    if centre is None:
        unreadable = "; a record cannot be read" if plant.centres.unreadable else ""
        return _unknown(f"no single work centre has this code{unreadable}", read_at)
    if plant.logs.unreadable:
        return _unknown("a time log cannot be read", read_at)
    logs = [log for log in plant.logs.rows if log.workcenter_id is not None and log.workcenter_id.id == centre.id]
    if logs:
        return _of_logs(logs, plant.reasons, read_at)
    if centre.working_state != "normal":
        return _unknown(f"it is {one_line(centre.working_state, _LONGEST_WORD)}, without a time log", read_at)
    return _without_logs(centre, plant.leaves, read_at)


def _of_logs(logs: list[OpenLog], reasons: Mapping[str, str], read_at: datetime) -> OperatingState:
    states = {_state_of(log, reasons) for log in logs}
    words = ", ".join(sorted({_word(log) for log in logs}))
    if len(states) > 1 or MachineState.UNKNOWN in states:
        return _unknown(words, read_at)
    begun = [log.date_start for log in logs]
    since = None if None in begun else min(start for start in begun if start is not None)
    return OperatingState(state=states.pop(), word=one_line(words, _LONGEST_WORD), read_at=read_at, since=since)


def _state_of(log: OpenLog, reasons: Mapping[str, str]) -> MachineState:
    reason = reasons.get(str(log.loss_id.id)) if log.loss_id is not None else None
    by_category = LOSS_TYPES.get(log.loss_type, MachineState.UNKNOWN)
    return LOSS_REASONS.get(reason or "", by_category)


def _word(log: OpenLog) -> str:
    return log.loss_id.name if log.loss_id is not None else log.loss_type


def _without_logs(centre: MachineCentre, leaves: Rows[PresentLeave] | None, read_at: datetime) -> OperatingState:
    if leaves is None or leaves.unreadable:
        return _unknown("its planned stops cannot be read", read_at)
    own = [leave for leave in leaves.rows if _is_of(leave, centre)]
    if not own:
        return OperatingState(state=MachineState.IDLE, word=centre.working_state, read_at=read_at)
    begun = [leave.date_from for leave in own if leave.date_from is not None]
    return OperatingState(
        state=MachineState.PLANNED_STOP, word="time off", read_at=read_at, since=min(begun, default=None)
    )


def _is_of(leave: PresentLeave, centre: MachineCentre) -> bool:
    """Whether a planned stop is of a work centre: its own, that of its calendar, or that of everything."""
    if leave.company_id is not None and centre.company_id is not None and leave.company_id.id != centre.company_id.id:
        return False
    if leave.resource_id is not None:
        return centre.resource_id is not None and leave.resource_id.id == centre.resource_id.id
    if leave.calendar_id is None:
        return True
    return centre.resource_calendar_id is not None and leave.calendar_id.id == centre.resource_calendar_id.id


def _unknown(word: str, read_at: datetime) -> OperatingState:
    return OperatingState(state=MachineState.UNKNOWN, word=one_line(word, _LONGEST_WORD), read_at=read_at)
