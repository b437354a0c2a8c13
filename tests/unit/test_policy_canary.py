"""Halting a canary: seldom without reason, soon with one."""

import random

import pytest

from policies.statistics.canary import ALPHA, Band, Seen, above_ratio, below_ratio, leaves, precision_ratio

BAND = Band(precision=0.6, orders_from=0.01, orders_to=0.05, floods_to=1.0)
CALM = Seen(found=12, nothing=4, orders=20, machine_days=1000.0, floods=0, line_days=10.0)
LIMIT = 4.60517


def test_a_canary_within_its_band_goes_on() -> None:
    assert leaves(BAND, CALM) == ()


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ({"found": 0, "nothing": 9}, "precision is below 0.6: 0 of 9 finished orders found something"),
        ({"orders": 200}, "more than 0.05 orders per machine and day: 200 in 1000.0"),
        ({"orders": 0}, "fewer than 0.01 orders per machine and day: 0 in 1000.0"),
        ({"floods": 25}, "more than 1 alarm floods per line and day: 25 in 10.0"),
    ],
)
def test_one_that_left_it_is_halted_with_the_reason(seen: dict[str, int], why: str) -> None:
    assert leaves(BAND, CALM.model_copy(update=seen)) == (why,)


def test_a_fall_of_precision_after_a_good_beginning_halts_though_the_whole_is_within_the_band() -> None:
    good, bad = (True,) * 200, (False,) * 8
    seen = CALM.model_copy(update={"found": 200, "nothing": 8, "findings": good + bad})
    assert leaves(BAND, seen) == ("precision fell below 0.6 for long, by the cumulative sum of the first 208 findings",)
    assert leaves(BAND, seen.model_copy(update={"findings": good})) == ()


def test_a_minimum_below_one_half_is_followed_by_the_sequential_test_alone() -> None:
    seen = CALM.model_copy(update={"findings": (False,) * 50})
    assert leaves(BAND.model_copy(update={"precision": 0.4}), seen) == ()


def test_nothing_seen_yet_says_nothing() -> None:
    assert leaves(BAND, Seen(found=0, nothing=0, orders=0, machine_days=0, floods=0, line_days=0)) == ()


def test_a_canary_at_the_edge_of_its_band_is_halted_no_oftener_than_stated() -> None:
    halted = {"precision": 0, "above": 0, "below": 0}
    lives, steps = 800, 400
    dice = random.Random(11)
    for _ in range(lives):
        found = nothing = orders = 0
        worst = dict.fromkeys(halted, -1e9)
        for step in range(1, steps + 1):
            if dice.random() < BAND.precision:
                found += 1
            else:
                nothing += 1
            orders += dice.random() < 0.05
            worst["precision"] = max(worst["precision"], precision_ratio(BAND.precision, found, nothing))
            worst["above"] = max(worst["above"], above_ratio(0.05, orders, step))
            worst["below"] = max(worst["below"], below_ratio(0.05, orders, step))
        for name, ratio in worst.items():
            halted[name] += ratio >= LIMIT
    # Three standard errors above the stated rate.
    most = lives * ALPHA + 3 * (lives * ALPHA) ** 0.5
    assert all(count <= most for count in halted.values()), halted


def test_one_twice_as_bad_is_halted_within_weeks() -> None:
    dice = random.Random(3)
    days = []
    for _ in range(200):
        orders = day = 0
        while above_ratio(0.05, orders, 100 * day) < LIMIT:
            day += 1
            orders += sum(dice.random() < 0.1 for _ in range(100))
        days.append(day)
    assert sorted(days)[190] < 14
