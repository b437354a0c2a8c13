"""What technicians find and how they write it into the CMMS, so that its own fields tell the outcome.

| closed as     | failure report                                     | also                         |
|---------------|----------------------------------------------------|------------------------------|
| confirmed     | the component's problem and cause, remedy REPLACE  | part, hours, downtime, notes |
| prevented     | the same problem and cause, remedy REPAIR          | part, hours, notes           |
| nothing_found | NOFAULT, NOCAUSE, NOACTION                         | hours, notes                 |
| cancelled     | none; the order is cancelled, with a memo why      |                              |

A CMMS that has no field for one of these does not get it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sandbox import naming
from sandbox.plant.orders import ClosedAs, OrderState, PlantOrder

NOTHING_FOUND: Final = ("NOFAULT", "NOCAUSE", "NOACTION")
"""Problem, cause and remedy of work that found nothing."""
REPLACED: Final = "REPLACE"
REPAIRED_IN_TIME: Final = "REPAIR"
_CLOSED_BY_REMEDY: Final[Mapping[str, ClosedAs]] = {REPLACED: "confirmed", REPAIRED_IN_TIME: "prevented"}
_INSPECTION_HOURS: Final = 1.5


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
_COMPONENT_OF_CLASS: Final = {trade.failure_class: component for component, trade in TRADES.items()}


@dataclass(frozen=True)
class Finding:
    """What the technician of a component reports at the end of the work.

    Args:
        begun: when the work began.
        ended: when it ended.
    """

    component: str
    closed_as: ClosedAs
    begun: datetime
    ended: datetime

    @property
    def trade(self) -> Trade:
        """The technician's."""
        return TRADES[self.component]

    @property
    def hours(self) -> float:
        """How long the work took, as booked."""
        return hours_of(self.component, self.closed_as)

    @property
    def broken(self) -> bool:
        """Whether the component had failed."""
        return self.closed_as == "confirmed"

    @property
    def codes(self) -> tuple[str, str, str]:
        """Problem, cause and remedy."""
        if self.closed_as == "nothing_found":
            return NOTHING_FOUND
        return self.trade.problem, self.trade.cause, REPLACED if self.broken else REPAIRED_IN_TIME

    @property
    def part(self) -> str | None:
        """The part that was changed."""
        return None if self.closed_as == "nothing_found" else self.trade.part

    @property
    def downtime(self) -> tuple[datetime, datetime] | None:
        """From when to when the machine was down."""
        return (self.begun, self.ended) if self.broken else None

    @property
    def notes(self) -> str:
        """The technician's words."""
        if self.closed_as == "nothing_found":
            return f"Opened and inspected {self.component}: nothing found."
        return f"{self.component}: {self.trade.finding}, changed {'after it failed' if self.broken else 'in time'}."


def finding_of(component: str, closed_as: ClosedAs, reported: datetime, ended: datetime) -> Finding:
    """The finding of work that ended now and took its usual hours, if the report is as old as that."""
    begun = max(reported, ended - timedelta(hours=hours_of(component, closed_as)))
    return Finding(component, closed_as, begun, ended)


def hours_of(component: str, closed_as: ClosedAs) -> float:
    """How long the work on a component takes."""
    return _INSPECTION_HOURS if closed_as == "nothing_found" else TRADES[component].hours


def closed_by(state: OrderState, problem: str, remedy: str) -> ClosedAs | None:
    """How an order ended, by its state and codes; None if it has not, or if they do not say."""
    if state is OrderState.CANCELLED:
        return "cancelled"
    if state is not OrderState.COMPLETED:
        return None
    return "nothing_found" if problem == NOTHING_FOUND[0] else _CLOSED_BY_REMEDY.get(remedy)


def part_of(order: PlantOrder) -> tuple[int, str | None] | None:
    """The machine and component an order is about, by its asset or else its failure class.

    The component is None for an order on a whole machine; None for an asset that is none of the plant's machines.
    """
    try:
        return naming.component_of_assetnum(order.asset)
    except ValueError:
        pass
    try:
        machine = naming.machine_of_assetnum(order.asset)
    except ValueError:
        return None
    return machine, _COMPONENT_OF_CLASS.get(order.failure_class)
