"""The load of a version's orders on a crew: a quarter simulated many times by a bootstrap of the period's weeks.

Each week of the quarter takes its number of orders from a past week, and each order its hours from an order that was
worked. Both are drawn with replacement. A bootstrap models no season and no trend. It is seeded, so that the same data
gives the same figures.
"""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from statistics import mean, quantiles

from domain.model import Model
from policies.evaluation.episodes import Episode
from policies.evaluation.scoring import Period

CREW_WEEK_HOURS = 40.0
"""The working hours of a crew's week."""
QUARTER_WEEKS = 13
_DRAWS = 1000
_SEED = 5


class CrewLoad(Model):
    """The load per crew and week. `overtime_share` is the share of the hours beyond the regular hours of the week."""

    orders_per_week: float
    orders_per_week_low: float
    orders_per_week_high: float
    hours_per_week: float
    overtime_share: float
    crews: int


def crew_load(episodes: Sequence[Episode], period: Period, hours: Sequence[float], crews: int) -> CrewLoad | None:
    """The load over a quarter; None if the period is shorter than a week, or no order was ever worked.

    Args:
        hours: the hours of the orders that were worked.
        crews: the number of crews that share the orders.
    """
    weeks = int(period.weeks)
    if weeks < 1 or not hours:
        return None
    of_week = Counter((episode.opened_at - period.first) // timedelta(weeks=1) for episode in episodes)
    counts = [of_week[week] for week in range(weeks)]
    chance = random.Random(_SEED)  # noqa: S311 - a simulation, no secret
    capacity = CREW_WEEK_HOURS * crews
    orders, worked, beyond = [], 0.0, 0.0
    for _ in range(_DRAWS):
        drawn = chance.choices(counts, k=QUARTER_WEEKS)
        orders.append(sum(drawn) / QUARTER_WEEKS / crews)
        for count in drawn:
            load = sum(chance.choices(hours, k=count)) if count else 0.0
            worked += load
            beyond += max(0.0, load - capacity)
    cuts = quantiles(orders, n=40)
    return CrewLoad(
        orders_per_week=round(mean(orders), 3),
        orders_per_week_low=round(cuts[0], 3),
        orders_per_week_high=round(cuts[-1], 3),
        hours_per_week=round(worked / _DRAWS / QUARTER_WEEKS / crews, 2),
        overtime_share=round(beyond / worked, 4) if worked else 0.0,
        crews=crews,
    )
