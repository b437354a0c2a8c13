"""The ratios of runs of two builds, and the results from them."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from benchmarks.rig.machine import percentile

PAIRS: Final = 5
"""The minimum number of pairs for a result."""
TOLERANCE: Final = 0.05
"""How far above 1 a ratio may be and still count as not slower: about the difference of two runs of one build."""
STAND_INS: Final = ("load", "sandbox")
"""The processes that are not part of a build: the one that sends events, and the simulated systems of others."""


class Word(StrEnum):
    """The result of all pairs for a limit."""

    WITHIN = "within"
    OVER = "over"
    UNSETTLED = "unsettled"


@dataclass(frozen=True)
class Run:
    """One run of one build."""

    count: int
    """How many events or cases were processed."""
    rate: float
    """Events or cases a second."""
    cpu: Mapping[str, float]
    """CPU seconds by process."""
    others: float
    """Cores that were busy with something else during the run."""
    latencies: Sequence[float]
    """In seconds."""


def cpu_of_build(run: Run) -> float:
    """CPU seconds of all processes of the build for each event or case."""
    return sum(seconds for name, seconds in run.cpu.items() if name not in STAND_INS) / run.count


def cpu_of_workers(run: Run) -> float:
    """CPU seconds of all worker processes for each event or case."""
    return sum(seconds for name, seconds in run.cpu.items() if name.startswith("worker")) / run.count


def ratios(old: Sequence[Run], new: Sequence[Run], figure: Callable[[Run], float]) -> list[float]:
    """The figure of each new run, divided by that of the old run before it."""
    return [figure(after) / figure(before) for before, after in zip(old, new, strict=True)]


def settled(values: Sequence[float], limit: float) -> Word:
    """The result of all pairs for a limit.

    Every ratio at or under the limit: within. Every ratio above it: over. Anything else, or too few pairs: unsettled.
    """
    if len(values) < PAIRS:
        return Word.UNSETTLED
    if max(values) <= limit:
        return Word.WITHIN
    return Word.OVER if min(values) > limit else Word.UNSETTLED


def settled_percentile(latencies: Sequence[float], share: float, limit: float, least: int) -> Word:
    """Whether a percentile is under a limit; unsettled with fewer values than `least`."""
    if len(latencies) < least:
        return Word.UNSETTLED
    return Word.WITHIN if percentile(latencies, share) < limit else Word.OVER


def by_process(old: Sequence[Run], new: Sequence[Run]) -> list[tuple[str, float | None, float | None]]:
    """Each process with the medians of its CPU seconds an event or case in the old and the new build.

    None means that the build does not have the process.
    """
    names = list(dict.fromkeys(name for run in (*old, *new) for name in run.cpu))
    return [(name, _median_of(name, old), _median_of(name, new)) for name in names]


def _median_of(name: str, runs: Sequence[Run]) -> float | None:
    costs = [run.cpu[name] / run.count for run in runs if name in run.cpu]
    return statistics.median(costs) if costs else None
