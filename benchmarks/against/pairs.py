"""What runs of two builds say of each other: ratios, and what they settle."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from benchmarks.rig.machine import percentile

PAIRS: Final = 5
"""Fewer pairs than this settle nothing."""
TOLERANCE: Final = 0.05
"""How far above 1 a ratio may lie and still count as not slower: about what two runs of one build differ by."""
STAND_INS: Final = ("load", "sandbox")
"""The processes that are no part of a build: what sends the events, and what stands for other companies' systems."""


class Word(StrEnum):
    """What the ratios of all pairs say about a limit."""

    WITHIN = "within"
    OVER = "over"
    UNSETTLED = "unsettled"


@dataclass(frozen=True)
class Run:
    """One run of one build."""

    count: int
    """How many events, or cases, were worked on."""
    rate: float
    """How many of them a second."""
    cpu: Mapping[str, float]
    """CPU seconds by process."""
    others: float
    """Cores that were busy with something else meanwhile."""
    latencies: Sequence[float]
    """Seconds each."""


def cpu_of_build(run: Run) -> float:
    """CPU seconds of all processes of the build for each event or case."""
    return sum(seconds for name, seconds in run.cpu.items() if name not in STAND_INS) / run.count


def cpu_of_workers(run: Run) -> float:
    """CPU seconds of the workers for each event or case, however many processes they are."""
    return sum(seconds for name, seconds in run.cpu.items() if name.startswith("worker")) / run.count


def ratios(old: Sequence[Run], new: Sequence[Run], figure: Callable[[Run], float]) -> list[float]:
    """The figure of each new run, divided by that of the old run before it."""
    return [figure(after) / figure(before) for before, after in zip(old, new, strict=True)]


def settled(values: Sequence[float], limit: float) -> Word:
    """What the ratios of all pairs say about a limit.

    Every ratio at or under the limit: within. Every ratio above it: over. Anything else, or too few pairs: unsettled.
    """
    if len(values) < PAIRS:
        return Word.UNSETTLED
    if max(values) <= limit:
        return Word.WITHIN
    return Word.OVER if min(values) > limit else Word.UNSETTLED


def settled_percentile(latencies: Sequence[float], share: float, limit: float, least: int) -> Word:
    """Whether a percentile lies under a limit; of fewer values than `least`, that is unsettled."""
    if len(latencies) < least:
        return Word.UNSETTLED
    return Word.WITHIN if percentile(latencies, share) < limit else Word.OVER


def by_process(old: Sequence[Run], new: Sequence[Run]) -> list[tuple[str, float | None, float | None]]:
    """Each process with the medians of its CPU seconds an event or case in the old and the new build.

    None stands for a process that the build does not have.
    """
    names = list(dict.fromkeys(name for run in (*old, *new) for name in run.cpu))
    return [(name, _median_of(name, old), _median_of(name, new)) for name in names]


def _median_of(name: str, runs: Sequence[Run]) -> float | None:
    costs = [run.cpu[name] / run.count for run in runs if name in run.cpu]
    return statistics.median(costs) if costs else None
