"""The load of planners by new drafts of orders. Pure; the load of operators by alarms is in
`policies.statistics.alarm_board`, and the two are never added up."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Final

from domain.model import Model, Moment

SHIFT: Final = timedelta(hours=8)
SHIFT_BEGINS: Final = time(6, tzinfo=UTC)
"""Shifts begin at 06:00, 14:00 and 22:00 UTC."""
_SHIFTS_A_WEEK: Final = 21


class PlannerLoad(Model):
    """The new drafts of one site.

    Args:
        capacity_a_shift: the new orders a week of its crews that a policy version bounds, over 21 shifts; None where no
            version states a bound.
        above: how many shifts had more; None without a bound.
        fullest_at: when the shift with the most drafts began; None without drafts.
    """

    site: str
    drafts: int
    shifts: int
    a_shift: float
    most: int
    fullest_at: Moment | None
    capacity_a_shift: float | None
    above: int | None


def shift_of(at: datetime) -> datetime:
    """When the shift of a time began."""
    first = datetime.combine(at.astimezone(UTC).date() - timedelta(days=1), SHIFT_BEGINS)
    return first + (at - first) // SHIFT * SHIFT


def planner_load(
    site: str, drafted: Iterable[datetime], since: datetime, until: datetime, orders_a_week: int | None
) -> PlannerLoad:
    """The load of one site.

    Args:
        drafted: when its drafts went to the CMMS.
        orders_a_week: what its bounded crews get; None without a bound.
    """
    by_shift = Counter(map(shift_of, drafted))
    shifts = max(1, (shift_of(until) - shift_of(since)) // SHIFT + 1)
    capacity = None if orders_a_week is None else round(orders_a_week / _SHIFTS_A_WEEK, 3)
    fullest = max(by_shift, key=lambda begun: (by_shift[begun], begun), default=None)
    return PlannerLoad(
        site=site,
        drafts=by_shift.total(),
        shifts=shifts,
        a_shift=round(by_shift.total() / shifts, 3),
        most=max(by_shift.values(), default=0),
        fullest_at=fullest,
        capacity_a_shift=capacity,
        above=None if capacity is None else sum(count > capacity for count in by_shift.values()),
    )
