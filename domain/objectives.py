"""The objective of freshness: the share of time in which what is monitored was looked at in time, and its error budget.

The terms and the alerts are those of the Site Reliability Workbook, chapter 5, "Alerting on SLOs".
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from domain.assets import Criticality
from domain.model import Model

PERIOD: Final = timedelta(days=30)
"""The time of which the objective and its budget are."""


class Stretch(NamedTuple):
    """A time from one moment to another."""

    since: datetime
    until: datetime

    def within(self, since: datetime, until: datetime) -> timedelta:
        """How much of it lies in a time."""
        return max(min(self.until, until) - max(self.since, since), timedelta())


class WatchTime(NamedTuple):
    """The time of one watch.

    Attributes:
        monitored: since when it is monitored, until now.
        blind: the times in which it was blind while its machine ran, without overlaps.
    """

    criticality: Criticality
    monitored: Stretch
    blind: Sequence[Stretch]


class BurnAlert(NamedTuple):
    """An alert on a burn rate: it sounds while the rate is reached over both times. The long one shows that it counts,
    and the short one that it still goes on."""

    long: timedelta
    short: timedelta
    rate: float


FAST: Final = BurnAlert(timedelta(hours=1), timedelta(minutes=5), 14.4)
"""2 % of the budget of 30 days in an hour."""
SLOW: Final = BurnAlert(timedelta(days=3), timedelta(hours=6), 1.0)
"""10 % of the budget of 30 days in three days."""


class FreshnessObjective(Model):
    """How a criticality meets the objective in the last 30 days.

    Args:
        watches: how many watches there are.
        target: the share of the monitored time that must be inside the window.
        share: the share that was; None if nothing was monitored.
        budget_left: the share of the error budget that is left, below 0 if it is overdrawn; None as for `share`.
        fast_burn: whether the budget burns fast: somebody must look now.
        slow_burn: whether it burns slowly: somebody must look within some days.
    """

    criticality: Criticality
    watches: int
    target: float
    share: float | None
    budget_left: float | None
    fast_burn: bool
    slow_burn: bool


def objectives(times: Sequence[WatchTime], target: float, now: datetime) -> list[FreshnessObjective]:
    """How each criticality meets the objective.

    Args:
        target: a share, above 0 and below 1.
    """
    by_criticality = {each: [time for time in times if time.criticality is each] for each in Criticality}
    return [_objective(criticality, own, target, now) for criticality, own in by_criticality.items()]


def _objective(
    criticality: Criticality, times: Sequence[WatchTime], target: float, now: datetime
) -> FreshnessObjective:
    missed = _missed(times, PERIOD, now)
    return FreshnessObjective(
        criticality=criticality,
        watches=len(times),
        target=target,
        share=None if missed is None else 1 - missed,
        budget_left=None if missed is None else 1 - missed / (1 - target),
        fast_burn=_burns(times, FAST, target, now),
        slow_burn=_burns(times, SLOW, target, now),
    )


def _burns(times: Sequence[WatchTime], alert: BurnAlert, target: float, now: datetime) -> bool:
    missed = [_missed(times, length, now) for length in (alert.long, alert.short)]
    return all(each is not None and each / (1 - target) >= alert.rate for each in missed)


def _missed(times: Iterable[WatchTime], length: timedelta, now: datetime) -> float | None:
    """The share of the monitored time before now that was blind; None if nothing was monitored."""
    monitored = blind = timedelta()
    for time in times:
        monitored += time.monitored.within(now - length, now)
        blind += sum((span.within(now - length, now) for span in time.blind), timedelta())
    return blind / monitored if monitored else None
