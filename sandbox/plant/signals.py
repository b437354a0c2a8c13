"""The four signals of a machine, with the published statistics.

Levels, spreads and shifts are those of Microsoft's "Azure Predictive Maintenance" data set, which gives no
units. Each signal stands for one component: before that component fails the signal steps, and 24 h before the
failure the component's error codes appear.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

SHIFT_LEAD: Final = timedelta(hours=48)
ERROR_LEAD: Final = timedelta(hours=24)


@dataclass(frozen=True)
class Signal:
    """One measured quantity.

    Attributes:
        level, sd: mean and standard deviation of a healthy machine's hourly readings.
        direction: +1 where a fault raises the signal, -1 where it lowers it.
        shift: the size of a step, always positive.
        errors: the error codes that all come 24 h before the component fails.
    """

    name: str
    component: str
    level: float
    sd: float
    direction: int
    shift: float
    errors: frozenset[str]


SIGNALS: Final = (
    Signal("volt", "comp1", 171.0, 15.5, 1, 20.0, frozenset({"error1"})),
    Signal("rotate", "comp2", 447.0, 52.7, -1, 80.0, frozenset({"error2", "error3"})),
    Signal("pressure", "comp3", 101.0, 11.1, 1, 25.0, frozenset({"error4"})),
    Signal("vibration", "comp4", 40.4, 5.4, 1, 10.0, frozenset({"error5"})),
)
COMPONENTS: Final = tuple(signal.component for signal in SIGNALS)
ERROR_CODES: Final = ("error1", "error2", "error3", "error4", "error5")
