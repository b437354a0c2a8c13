"""The score: precision and recall of a policy version's ordering verdicts, measured against the true failures.

An *episode* is a run of one component's ordering verdicts not more than 24 h apart. It is right if that component
fails within 72 h after its start. Precision is the share of episodes that are right, recall the share of component
failures (those with 48 h of telemetry before them) that a right episode preceded, lead time the time from an
episode's first ordering verdict to the failure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from sandbox.plant.dataset import Dataset
from sandbox.plant.signals import SHIFT_LEAD

EPISODE_GAP: Final = timedelta(hours=24)
HORIZON: Final = timedelta(hours=72)

Part = tuple[int, str]


@dataclass(frozen=True)
class Ordering:
    """One verdict that asked for work: which policy version, of which machine's component, at which event time."""

    version: str
    machine: int
    component: str
    time: datetime


@dataclass(frozen=True)
class Score:
    """A version's figures; a share without cases is None.

    Attributes:
        orders: episodes, each of which would have been one order.
        right: episodes followed by the failure.
        failures: component failures that count in recall.
        caught: those of them that an episode preceded.
    """

    orders: int
    right: int
    failures: int
    caught: int
    median_lead_hours: float | None

    @property
    def precision(self) -> float | None:
        """right / orders, to four digits."""
        return _share(self.right, self.orders)

    @property
    def recall(self) -> float | None:
        """caught / failures, to four digits."""
        return _share(self.caught, self.failures)


@dataclass(frozen=True)
class VersionScore:
    """A version's figures over the plant, and by asset class."""

    total: Score
    by_class: dict[str, Score]


@dataclass(frozen=True)
class _Episode:
    part: Part
    failures: tuple[datetime, ...]
    lead: timedelta | None


def score(
    ordering: Iterable[Ordering], dataset: Dataset, asset_class_of: Callable[[int], str]
) -> dict[str, VersionScore]:
    """The figures of each version in `ordering`, versions ascending.

    Args:
        asset_class_of: the class of a machine, by which the figures are split as well.
    """
    by_version: dict[str, dict[Part, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    for verdict in ordering:
        by_version[verdict.version][verdict.machine, verdict.component].append(verdict.time)
    failures = [
        ((failure.machine, failure.component), failure.time)
        for failure in dataset.failures
        if dataset.first + SHIFT_LEAD <= failure.time <= dataset.last
    ]
    classes = {machine.id: asset_class_of(machine.id) for machine in dataset.machines}
    result = {}
    for version, parts in sorted(by_version.items()):
        found = [episode for part, times in parts.items() for episode in _episodes(part, times, dataset)]
        result[version] = VersionScore(
            _figures(found, failures),
            {
                name: _figures(
                    [episode for episode in found if classes.get(episode.part[0]) == name],
                    [failure for failure in failures if classes[failure[0][0]] == name],
                )
                for name in sorted(set(classes.values()))
            },
        )
    return result


def _episodes(part: Part, times: Sequence[datetime], dataset: Dataset) -> list[_Episode]:
    failures = dataset.failures_of(*part)
    episodes = []
    previous: datetime | None = None
    for time in sorted(times):
        if previous is None or time - previous > EPISODE_GAP:
            announced = tuple(failure for failure in failures if time < failure <= time + HORIZON)
            episodes.append(_Episode(part, announced, announced[0] - time if announced else None))
        previous = time
    return episodes


def _figures(episodes: Sequence[_Episode], failures: Sequence[tuple[Part, datetime]]) -> Score:
    announced = {(episode.part, failure) for episode in episodes for failure in episode.failures}
    leads = [episode.lead / timedelta(hours=1) for episode in episodes if episode.lead is not None]
    return Score(
        orders=len(episodes),
        right=len(leads),
        failures=len(failures),
        caught=sum(failure in announced for failure in failures),
        median_lead_hours=round(median(leads), 2) if leads else None,
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
