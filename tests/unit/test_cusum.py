"""The cumulative sums on precision and lead time: they notice a lasting fall, and little else."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.statistics.cusum import THRESHOLD, cusum_of_findings, cusum_of_leads


def test_the_tabular_sum_is_that_of_the_definition() -> None:
    told = cusum_of_leads(10.0, 2.0, [10.0, 6.0, 4.0, 2.0])
    assert (told.value, told.alarm_after) == (1.5 + 2.5 + 3.5, 4)


@pytest.mark.parametrize("usual", [0.5, 0.8, 0.9, 0.99, 1.0])
def test_findings_that_are_all_right_give_no_alarm_and_those_that_are_all_wrong_soon_do(usual: float) -> None:
    assert cusum_of_findings(usual, [True] * 1000).value == 0.0
    after = cusum_of_findings(usual, [False] * 50).alarm_after
    assert after is not None
    assert after <= 8


@given(st.floats(0.5, 0.99), st.lists(st.booleans(), max_size=200))
def test_the_sum_is_never_below_zero_and_an_alarm_means_that_it_reached_the_threshold(
    usual: float, found: list[bool]
) -> None:
    told = cusum_of_findings(usual, found)
    assert told.value >= 0
    assert (told.alarm_after is None) or cusum_of_findings(usual, found[: told.alarm_after]).value >= THRESHOLD - 1e-4


def test_old_good_results_do_not_hide_new_bad_ones() -> None:
    assert cusum_of_findings(0.9, [True] * 500 + [False] * 8).alarm_after is not None


def test_the_usual_precision_seldom_gives_an_alarm_within_a_hundred_findings() -> None:
    chance = random.Random(18)
    alarms = sum(
        cusum_of_findings(0.8, [chance.random() < 0.8 for _ in range(100)]).alarm_after is not None for _ in range(500)
    )
    assert alarms < 50


def test_half_the_usual_precision_is_noticed_within_forty_findings() -> None:
    chance = random.Random(18)
    alarms = sum(
        cusum_of_findings(0.8, [chance.random() < 0.4 for _ in range(40)]).alarm_after is not None for _ in range(500)
    )
    assert alarms > 450
