"""The objective of freshness: the share of time that was inside the window, its error budget, and how fast it burns."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.assets import Criticality
from domain.objectives import FAST, PERIOD, SLOW, FreshnessObjective, Stretch, WatchTime, objectives
from tests.support.plant import START

TARGET = 0.999
NOW = START + timedelta(days=40)


def ago(since: timedelta, until: timedelta = timedelta()) -> Stretch:
    return Stretch(NOW - since, NOW - until)


def watch(*blind: Stretch, criticality: Criticality = Criticality.A, monitored: timedelta = PERIOD) -> WatchTime:
    return WatchTime(criticality, ago(monitored), blind)


def of(*times: WatchTime, criticality: Criticality = Criticality.A) -> FreshnessObjective:
    [found] = [each for each in objectives(times, TARGET, NOW) if each.criticality is criticality]
    return found


def test_the_share_is_of_the_monitored_time_of_all_watches() -> None:
    found = of(watch(ago(timedelta(hours=36), timedelta(hours=20))), watch(monitored=timedelta(days=10)))
    assert found.watches == 2
    assert found.share == pytest.approx(1 - 16 / (40 * 24))
    assert found.budget_left == pytest.approx(1 - (16 / (40 * 24)) / 0.001)


def test_what_nobody_monitors_has_no_share_and_burns_nothing() -> None:
    found = of(watch(), criticality=Criticality.B)
    assert (found.watches, found.share, found.budget_left) == (0, None, None)
    assert not found.fast_burn
    assert not found.slow_burn


def test_time_before_the_period_does_not_count() -> None:
    assert of(watch(ago(timedelta(days=35), timedelta(days=31)), monitored=timedelta(days=40))).share == 1


@pytest.mark.parametrize(
    ("blind", "fast", "slow"),
    [
        pytest.param((), False, False, id="nothing"),
        pytest.param((ago(timedelta(minutes=1)),), True, False, id="the last minute: 1/60 of the hour is 16.7 budgets"),
        pytest.param((ago(timedelta(seconds=50)),), False, False, id="50 seconds: 13.9 budgets"),
        pytest.param((ago(timedelta(minutes=30), timedelta(minutes=10)),), False, True, id="it is over"),
        pytest.param((ago(timedelta(hours=2)),), True, True, id="it lasts"),
        pytest.param((ago(timedelta(hours=30), timedelta(hours=20)),), False, False, id="it is long over"),
    ],
)
def test_a_budget_burns_fast_or_slowly_only_while_it_goes_on(
    blind: tuple[Stretch, ...], *, fast: bool, slow: bool
) -> None:
    found = of(watch(*blind))
    assert (found.fast_burn, found.slow_burn) == (fast, slow)


def test_the_alerts_are_those_of_the_workbook() -> None:
    """Site Reliability Workbook, chapter 5, table 5-8: shares of the budget of 30 days."""
    assert FAST.rate * (FAST.long / PERIOD) == pytest.approx(0.02)
    assert SLOW.rate * (SLOW.long / PERIOD) == pytest.approx(0.10)
    assert FAST.long / FAST.short == SLOW.long / SLOW.short == 12


@given(st.lists(st.tuples(st.integers(0, 700), st.integers(0, 60)), max_size=5))
def test_a_share_is_between_0_and_1_and_falls_with_blind_time(spans: list[tuple[int, int]]) -> None:
    hours = [(since, max(0, since - length)) for since, length in spans]
    blind = [ago(timedelta(hours=since), timedelta(hours=until)) for since, until in hours]
    shares = [of(watch(each)).share for each in blind]
    assert all(share is not None and 0 <= share <= 1 for share in shares)
    assert all((share == 1) == (span.since == span.until) for share, span in zip(shares, blind, strict=True))
