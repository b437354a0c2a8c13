"""The priority of calls when many cases wait for one system."""

from collections.abc import Mapping
from typing import Final

from domain.assets import Criticality
from domain.verdict import Severity

FIRST: Final = 1
"""The engine's most urgent key."""

_KEYS: Final[Mapping[Severity, Mapping[Criticality, int]]] = {
    Severity.S1: {Criticality.A: 1, Criticality.B: 1, Criticality.C: 2, Criticality.D: 2},
    Severity.S2: {Criticality.A: 2, Criticality.B: 2, Criticality.C: 3, Criticality.D: 3},
    Severity.S3: {Criticality.A: 3, Criticality.B: 3, Criticality.C: 4, Criticality.D: 4},
    Severity.S4: {Criticality.A: 4, Criticality.B: 4, Criticality.C: 5, Criticality.D: 5},
}


def priority_key(severity: Severity, criticality: Criticality | None) -> int:
    """The priority of a case's calls, 1 (first) to 5 (last): severity, then criticality.

    Of two cases with the same key, the one that has waited longer goes first. An unknown criticality counts as the
    lowest.

    Source: task priority of Temporal, https://docs.temporal.io/develop/task-queue-priority-fairness
    """
    return _KEYS[severity][criticality or Criticality.D]
