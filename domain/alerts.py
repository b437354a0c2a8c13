"""Alerts, counted: what the formulas on alert quality take from storage."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from domain.outcomes import Worth

BINS: Final = 10
"""Bins of equal width in a calibration curve."""


@dataclass(slots=True)
class Tally:
    """Alerts of one group, counted. Tallies of disjoint groups add up."""

    worths: Counter[Worth] = field(default_factory=Counter)
    rejected: int = 0
    open: int = 0
    lead_s: list[float] = field(default_factory=list)
    wrong_with_labor: int = 0
    wrong_hours: dict[str, float] = field(default_factory=dict)
    """By the digest of the policy version."""
    wrong_downtime_s: float = 0.0
    wrong_parts: dict[str, float] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Adds the alerts of another group."""
        self.worths.update(other.worths)
        self.rejected += other.rejected
        self.open += other.open
        self.lead_s.extend(other.lead_s)
        self.wrong_with_labor += other.wrong_with_labor
        self.wrong_downtime_s += other.wrong_downtime_s
        for own, others in ((self.wrong_hours, other.wrong_hours), (self.wrong_parts, other.wrong_parts)):
            for name, amount in others.items():
                own[name] = own.get(name, 0.0) + amount


@dataclass(frozen=True, slots=True)
class Confident:
    """Alerts of one bin: how many, how many were right, and sums of what was stated."""

    bin: int
    alerts: int
    right: int
    stated: float
    squared_error: float
