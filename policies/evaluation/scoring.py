"""The score of a version's orders against a failure register. Summary and backtest share it.

An order is right if its component fails within `HORIZON` after the episode's first ordering verdict. Precision is the
share of episodes that are right; recall the share of failures (those with `SETTLING` of telemetry before them, no
later than its end) that an episode preceded; lead time is from an episode's first ordering verdict to the first
failure that it preceded.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from domain.model import Model
from policies.evaluation.episodes import Episode

HORIZON = timedelta(hours=72)
"""Maximum time from an order to its failure for the order to be right."""
SETTLING = timedelta(hours=48)
"""Minimum telemetry before a failure for the failure to count in recall."""


@dataclass(frozen=True, slots=True, order=True)
class Failure:
    """A failure of a component, from a failure register."""

    at: datetime
    asset: str


@dataclass(frozen=True, slots=True)
class Period:
    """From the first to the last reading, both inclusive; aware UTC."""

    first: datetime
    last: datetime

    @property
    def weeks(self) -> float:
        return (self.last - self.first) / timedelta(weeks=1)


class ScoreLine(Model):
    """The figures of a policy version's ordering verdicts; a share without cases is None."""

    precision: float | None
    recall: float | None
    median_lead_hours: float | None
    orders: int
    right: int
    failures: int
    caught: int


class VersionScore(ScoreLine):
    """A version's figures for the plant and by asset class."""

    by_class: dict[str, ScoreLine]


class FailureRegister:
    """A plant's failures, by asset and time.

    Args:
        failures: in any order.
        period: of the telemetry; failures outside it count for precision, but not for recall.
    """

    def __init__(self, failures: Iterable[Failure], period: Period) -> None:
        self.failures: tuple[Failure, ...] = tuple(sorted(failures))
        self.period = period
        self._times: dict[str, list[datetime]] = defaultdict(list)
        for failure in self.failures:
            self._times[failure.asset].append(failure.at)

    @property
    def to_announce(self) -> tuple[Failure, ...]:
        """The failures that count in recall."""
        first, last = self.period.first + SETTLING, self.period.last
        return tuple(failure for failure in self.failures if first <= failure.at <= last)

    def announced(self, episode: Episode) -> Sequence[Failure]:
        """The failures that an episode preceded, ascending."""
        return self.after(episode.asset, episode.opened_at)

    def after(self, asset: str, at: datetime) -> Sequence[Failure]:
        """The failures of an asset after a time, by no more than `HORIZON`, ascending."""
        times = self._times.get(asset, ())
        begin, end = bisect_right(times, at), bisect_right(times, at + HORIZON)
        return [Failure(each, asset) for each in times[begin:end]]


def score(episodes: Sequence[Episode], register: FailureRegister, classes: Mapping[str, str]) -> VersionScore:
    """The figures of one version.

    Args:
        episodes: its would-be cases.
        register: the failures.
        classes: the class of each asset that may fail; the figures are also split by class.
    """
    to_announce = register.to_announce
    total = _line(episodes, to_announce, register)
    return VersionScore(
        **dict(total),
        by_class={
            name: _line(
                [episode for episode in episodes if classes.get(episode.asset) == name],
                [failure for failure in to_announce if classes.get(failure.asset) == name],
                register,
            )
            for name in sorted(set(classes.values()))
        },
    )


def leads(episodes: Iterable[Episode], register: FailureRegister) -> list[timedelta]:
    """The lead time of each right episode, in their order."""
    return [found[0].at - episode.opened_at for episode in episodes if (found := register.announced(episode))]


def _line(episodes: Sequence[Episode], to_announce: Sequence[Failure], register: FailureRegister) -> ScoreLine:
    announced = {failure for episode in episodes for failure in register.announced(episode)}
    hours = [lead / timedelta(hours=1) for lead in leads(episodes, register)]
    caught = sum(failure in announced for failure in to_announce)
    return ScoreLine(
        precision=_share(len(hours), len(episodes)),
        recall=_share(caught, len(to_announce)),
        median_lead_hours=round(median(hours), 2) if hours else None,
        orders=len(episodes),
        right=len(hours),
        failures=len(to_announce),
        caught=caught,
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
