"""Judges two ways of alerting by the same failures, and gives their difference with an interval."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from examples.train_on_labels.dataset import Part

EPISODE_GAP = timedelta(hours=24)
HORIZON = timedelta(hours=72)
"""An episode is right if its component fails within this time after the episode began."""
RESAMPLES = 2000
SEED = 7


@dataclass(frozen=True)
class Counts:
    """Figures of one machine, or of all."""

    orders: int
    right: int
    failures: int
    caught: int

    @property
    def f1(self) -> float:
        """The harmonic mean of precision (right / orders) and recall (caught / failures); 0 if one of them is 0."""
        return float(f1_of(np.array([[self.orders, self.right, self.failures, self.caught]]))[0])

    @property
    def words(self) -> str:
        """The counts for people."""
        orders = f"{self.right} of {self.orders} orders right"
        return f"{orders}, {self.caught} of {self.failures} failures caught, F1 {self.f1:.3f}"


@dataclass(frozen=True)
class Difference:
    """The F1 of the trained detector less that of the shipped policy, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def words(self) -> str:
        """What can be said of it."""
        said = f"{self.value:+.3f} (95 % from {self.low:+.3f} to {self.high:+.3f})"
        if self.low > 0:
            return f"{said}: the trained detector is better"
        if self.high < 0:
            return f"{said}: the shipped policy is better"
        return f"{said}: no difference can be shown"


def episodes(times: Iterable[datetime]) -> list[datetime]:
    """The beginnings of the series of alerts that are not more than a day apart."""
    begun: list[datetime] = []
    previous: datetime | None = None
    for at in sorted(times):
        if previous is None or at - previous > EPISODE_GAP:
            begun.append(at)
        previous = at
    return begun


def judge(
    begun: Mapping[Part, Sequence[datetime]],
    failures: Mapping[Part, Sequence[datetime]],
    since: datetime,
    until: datetime,
) -> dict[int, Counts]:
    """The figures of each machine.

    Episodes count that begin in the time. Failures count from the horizon after its beginning on, so that an episode
    that caught one is in the time too.
    """
    sums: defaultdict[int, NDArray[np.int64]] = defaultdict(lambda: np.zeros(4, dtype=np.int64))
    for part in {*begun, *failures}:
        failed = failures.get(part, ())
        starts = [at for at in begun.get(part, ()) if since <= at <= until]
        counted = [at for at in failed if since + HORIZON <= at <= until]
        sums[part[0]] += (
            len(starts),
            sum(any(at < fail <= at + HORIZON for fail in failed) for at in starts),
            len(counted),
            sum(any(at < fail <= at + HORIZON for at in starts) for fail in counted),
        )
    return {machine: Counts(*(int(value) for value in row)) for machine, row in sums.items()}


def total(by_machine: Mapping[int, Counts]) -> Counts:
    """The figures of all machines."""
    rows = [(each.orders, each.right, each.failures, each.caught) for each in by_machine.values()]
    return Counts(*(sum(column) for column in zip(*rows, strict=True))) if rows else Counts(0, 0, 0, 0)


def difference(trained: Mapping[int, Counts], shipped: Mapping[int, Counts]) -> Difference:
    """The difference with the percentile interval of a bootstrap over machines: what happens to one machine is not
    independent, so machines are drawn whole, and both ways of alerting are judged on the same draw."""
    machines = sorted({*trained, *shipped})
    nothing = Counts(0, 0, 0, 0)
    arrays = [
        np.array([[c.orders, c.right, c.failures, c.caught] for c in (each.get(m, nothing) for m in machines)])
        for each in (trained, shipped)
    ]
    drawn = np.random.default_rng(SEED).integers(0, len(machines), size=(RESAMPLES, len(machines)))
    sampled = f1_of(arrays[0][drawn].sum(axis=1)) - f1_of(arrays[1][drawn].sum(axis=1))
    low, high = np.percentile(sampled, [2.5, 97.5])
    return Difference(total(trained).f1 - total(shipped).f1, float(low), float(high))


def f1_of(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """F1 of rows of orders, right, failures and caught."""
    orders, right, failures, caught = counts.astype(np.float64).T
    precision = np.divide(right, orders, out=np.zeros_like(right), where=orders > 0)
    recall = np.divide(caught, failures, out=np.zeros_like(caught), where=failures > 0)
    both = precision + recall
    found: NDArray[np.float64] = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    return found
