"""The formulas on alert quality: precision with both bounds, lead time, cost, calibration and the funnel."""

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.alerts import Confident, Tally
from domain.outcomes import Worth
from millwright.alert_quality.report import Changes, changes
from millwright.storage.quality.reading import InOrder
from policies.statistics.alert_quality import (
    ENOUGH,
    Money,
    Price,
    calibration,
    funnel,
    quality,
    shown,
)
from policies.statistics.intervals import wilson
from tests.support.independent_quality import score_interval

_COUNTS = st.dictionaries(st.sampled_from(list(Worth)), st.integers(0, 500))


def test_below_the_least_number_an_interval_may_cover_more_than_half_of_all_values_and_from_it_never() -> None:
    def widest(whole: int) -> float:
        return max(high - low for low, high in (wilson(part, whole) for part in range(whole + 1)))

    assert widest(ENOUGH - 1) > 0.5 > widest(ENOUGH)


@pytest.mark.parametrize(("whole", "hidden"), [(0, True), (ENOUGH - 1, True), (ENOUGH, False)])
def test_a_share_of_few_cases_is_hidden_and_its_counts_are_not(whole: int, hidden: bool) -> None:
    told = shown(whole, whole)
    assert (told.hidden, told.share is None, told.whole) == (hidden, hidden, whole)


@given(_COUNTS)
def test_precision_lies_between_its_bounds_and_every_alert_has_one_place(counts: dict[Worth, int]) -> None:
    told = quality(Tally(worths=Counter(counts)), {})
    assert told.right + told.wrong + told.prevented + told.other_defects + told.unlabelled == told.alerts
    least, most, share = told.bounds.least, told.bounds.most, told.precision.share
    assert told.alerts == 0 or (least is not None and most is not None and 0 <= least <= most <= 1)
    assert share is None or (least is not None and most is not None and least - 1e-4 <= share <= most + 1e-4)


@given(_COUNTS, _COUNTS)
def test_the_figures_of_two_groups_add_up(first: dict[Worth, int], other: dict[Worth, int]) -> None:
    total = Tally(worths=Counter(first))
    total.add(Tally(worths=Counter(other)))
    assert quality(total, {}).alerts == sum(first.values()) + sum(other.values())


def test_a_lead_time_of_less_than_a_day_is_too_short_to_plan_in() -> None:
    leads = [3600.0 * hours for hours in (1, 23.9, 24, 30, *range(40, 48))]
    told = quality(Tally(worths=Counter({Worth.RIGHT: len(leads)}), lead_s=leads), {})
    assert (told.too_short.part, told.too_short.whole) == (2, 12)
    assert told.lead_hours.median == 41.5


def test_money_of_two_currencies_is_never_added_and_hours_without_a_price_are_shown() -> None:
    tally = Tally(
        worths=Counter({Worth.WRONG: 4}),
        wrong_with_labor=3,
        wrong_hours={"euro": 2.0, "dollar": 1.5, "unpriced": 4.0},
        wrong_parts={"SEAL": 2.0},
    )
    prices = {"euro": Price("EUR", Decimal("60.50")), "dollar": Price("USD", Decimal(80))}
    cost = quality(tally, prices).false_alarms
    assert cost.money == (
        Money(currency="EUR", amount=Decimal("121.00")),
        Money(currency="USD", amount=Decimal("120.00")),
    )
    assert (cost.orders, cost.with_labor, cost.crew_hours, cost.unpriced_hours) == (4, 3, 7.5, 4.0)
    assert cost.parts == {"SEAL": 2.0}


def test_calibration_compares_what_was_stated_with_what_was_right() -> None:
    told = calibration([Confident(9, 20, 18, 19.0, 1.9), Confident(5, 4, 1, 2.2, 1.1)])
    assert [each.least for each in told.bins] == [0.5, 0.9]
    assert (told.alerts, told.brier) == (24, 0.125)
    assert (told.bins[1].stated, told.bins[1].right.share, told.bins[0].right.hidden) == (0.95, 0.9, True)
    assert calibration([]).brier is None


def test_the_funnel_has_a_time_for_each_stage_that_has_both_times() -> None:
    first, second = funnel([("events judged", 10, None), ("cases", 2, 5400.0)])
    assert (first.hours, second.hours) == (None, 1.5)


@pytest.mark.parametrize(("part", "whole"), [(0, 12), (1, 12), (31, 31), (17, 40), (399, 400)])
def test_the_interval_is_that_of_an_independent_search_for_its_limits(part: int, whole: int) -> None:
    told = shown(part, whole)
    assert (told.share, told.low, told.high) == score_interval(part, whole)


def test_a_change_is_told_only_against_a_period_before_with_enough_cases() -> None:
    enough, leads = InOrder([True, False] * 10, [20.0, 30.0] * 10), [1.0] * 8
    told = changes(enough, InOrder([False] * 12, leads))
    assert told.precision is not None
    assert told.precision.alarm_after is not None
    assert told.lead_time is not None
    assert told.lead_time.alarm_after is not None
    assert changes(InOrder(None, None), InOrder([False] * 12, leads)) == Changes(precision=None, lead_time=None)
    assert changes(InOrder([True] * 20, [24.0] * 20), InOrder(None, leads)).lead_time is None
