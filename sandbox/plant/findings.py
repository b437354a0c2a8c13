"""What technicians find and how they write it into the CMMS, so that its own fields tell the outcome.

| closed as     | failure report                                     | also                         |
|---------------|----------------------------------------------------|------------------------------|
| confirmed     | the component's problem and cause, remedy REPLACE  | part, hours, downtime, notes |
| prevented     | the same problem and cause, remedy REPAIR          | part, hours, notes           |
| nothing_found | NOFAULT, NOCAUSE, NOACTION                         | hours, notes                 |
| cancelled     | none; the order is CAN and its memo says why       |                              |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sandbox import naming
from sandbox.maximo.failure_codes import CLASS_OF_COMPONENT, NOTHING_FOUND
from sandbox.maximo.work_order_view import WorkOrderView

ClosedAs = Literal["confirmed", "nothing_found", "prevented", "cancelled"]

REPLACED: Final = "REPLACE"
REPAIRED_IN_TIME: Final = "REPAIR"
_CLOSED_BY_REMEDY: Final[Mapping[str, ClosedAs]] = {REPLACED: "confirmed", REPAIRED_IN_TIME: "prevented"}
_COMPONENT_OF_CLASS: Final[Mapping[str, str]] = {code: name for name, code in CLASS_OF_COMPONENT.items()}


@dataclass(frozen=True)
class Trade:
    """The technician of a component, and what they record: failure class, problem, cause, part and usual hours."""

    labor: str
    failure_class: str
    problem: str
    cause: str
    part: str
    hours: float
    finding: str


TRADES: Final[Mapping[str, Trade]] = {
    "comp1": Trade("ADAMS", "ELEC", "OVERVOLT", "REGULATR", "PDM-COMP1", 3.0, "regulator out of control"),
    "comp2": Trade("CORTEZ", "ROTATE", "LOWSPEED", "BEARING", "PDM-COMP2", 5.0, "drive-end bearing seized"),
    "comp3": Trade("DUBOIS", "PRESS", "OVERPRES", "VALVE", "PDM-COMP3", 4.0, "relief valve stuck"),
    "comp4": Trade("ERIKSEN", "VIBR", "HIGHVIB", "IMBALANC", "PDM-COMP4", 3.5, "out of balance"),
}


def part_of(order: WorkOrderView) -> tuple[int, str | None] | None:
    """The machine and component an order is about, by its asset or else its failure class.

    The component is None for an order on a whole machine; None for an asset that is none of the plant's machines.
    """
    try:
        return naming.component_of_assetnum(order.assetnum)
    except ValueError:
        pass
    try:
        machine = naming.machine_of_assetnum(order.assetnum)
    except ValueError:
        return None
    return machine, _COMPONENT_OF_CLASS.get(order.failurecode)


def closed_as(order: WorkOrderView) -> ClosedAs | None:
    """How an order ended, read from the CMMS's fields alone; None while it has not, or ended without a finding."""
    if order.internal_status == "CAN":
        return "cancelled"
    if order.internal_status not in ("COMP", "CLOSE"):
        return None
    if order.problem == NOTHING_FOUND[0]:
        return "nothing_found"
    return _CLOSED_BY_REMEDY.get(order.remedy)
