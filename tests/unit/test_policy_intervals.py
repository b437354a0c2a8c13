"""Intervals against published figures and against what must hold of any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.statistics.intervals import difference, middle, share, wilson

COUNTS = st.integers(1, 400).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole)))


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_that_of_newcombes_table(part: int, whole: int, low: float, high: float) -> None:
    found = share(part, whole)
    assert (found.low, found.high) == (low, high)


def test_newcombes_difference_is_that_of_his_paper() -> None:
    found = difference(share(56, 70), share(48, 80))
    assert found is not None
    assert (found.difference, found.low, found.high) == (0.2, 0.0524, 0.3339)


@given(COUNTS)
def test_a_share_lies_within_its_interval(counts: tuple[int, int]) -> None:
    low, high = wilson(*counts)
    assert 0 <= low <= counts[0] / counts[1] + 1e-12
    assert counts[0] / counts[1] - 1e-12 <= high <= 1


def test_nothing_has_no_share_no_median_and_no_difference() -> None:
    nothing = share(0, 0)
    assert (nothing.share, nothing.low, nothing.high) == (None, None, None)
    assert difference(nothing, share(1, 2)) is None
    assert middle([]).median is None


@pytest.mark.parametrize(("n", "rank"), [(6, 0), (8, 0), (9, 1), (12, 2), (20, 5), (25, 7), (50, 17), (2000, 955)])
def test_the_medians_interval_stands_at_conovers_ranks(n: int, rank: int) -> None:
    found = middle(list(range(n)))
    assert (found.low, found.high) == (rank, n - 1 - rank)


def test_five_values_are_too_few_for_an_interval_of_their_median() -> None:
    found = middle([1, 2, 3, 4, 5])
    assert (found.median, found.low, found.high) == (3, None, None)
