"""The price of each time for the work, and how wrong an input must be to change the choice."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.pricing import WorkTime
from policies.engine.prices import PriceInputs, cheapest, failure_probability, prices
from policies.engine.sensitivity import INPUTS, Flip, sensitivity
from tests.support.urgency_chart import EXAMPLE

REGULAR = dict.fromkeys(WorkTime, True)
INPUT = EXAMPLE
MARGIN = Fraction(1, 10**9)


def _chosen(inputs: PriceInputs) -> WorkTime:
    return cheapest(prices(inputs)).time


def _amounts(most: int = 5_000) -> st.SearchStrategy[Fraction]:
    return st.one_of(st.just(Fraction(0)), st.fractions(min_value=0, max_value=most, max_denominator=100).map(Fraction))


def _hours(least: int = 0, most: int = 100) -> st.SearchStrategy[Fraction]:
    return st.fractions(min_value=least, max_value=most, max_denominator=60).map(Fraction)


@st.composite
def situations(draw: st.DrawFn) -> PriceInputs:
    shortest = draw(_hours())
    return PriceInputs(
        lost_production=draw(_amounts()),
        changeover=draw(_amounts()),
        scrap=draw(_amounts()),
        crew=draw(_amounts(200)),
        crew_otherwise=draw(_amounts(300)),
        repair=draw(_hours(1, 24)),
        repair_after_failure=draw(_hours(1, 96)),
        stop_lasts=draw(_hours(0, 24)),
        damage=draw(_amounts(100_000)),
        shortest=shortest,
        longest=shortest + draw(_hours()),
        elapsed=draw(_hours()),
        breaks_job=draw(st.booleans()),
        to_batch_end=draw(st.none() | _hours()),
        to_stop=draw(st.none() | _hours()),
        derating=draw(st.none() | _amounts(1_000)),
        stretches_life=1 + draw(_hours(1, 5)),
        regular=draw(st.fixed_dictionaries({time: st.booleans() for time in WorkTime})),
    )


@pytest.mark.parametrize(
    ("shortest", "longest", "elapsed", "wait", "probability"),
    [
        (0, 72, 0, 0, 0),
        (0, 72, 0, 18, Fraction(1, 4)),
        (0, 72, 36, 18, Fraction(1, 2)),
        (0, 72, 0, 72, 1),
        (0, 72, 0, 500, 1),
        (24, 72, 0, 24, 0),
        (24, 72, 0, 36, Fraction(1, 4)),
        (24, 72, 48, 12, Fraction(1, 2)),
        (0, 72, 72, 0, 0),
        (0, 72, 80, Fraction(1, 60), 1),
        (24, 24, 0, 24, 0),
        (24, 24, 0, 25, 1),
    ],
)
def test_the_probability_is_that_of_a_failure_in_the_wait_given_none_yet(
    shortest: int, longest: int, elapsed: int, wait: Fraction, probability: Fraction
) -> None:
    inputs = replace(INPUT, shortest=Fraction(shortest), longest=Fraction(longest), elapsed=Fraction(elapsed))

    assert failure_probability(inputs, Fraction(wait)) == probability


def test_each_time_costs_its_risk_and_its_work() -> None:
    now, batch, stop, derated = prices(INPUT)
    failure = (900 + 140) * 14 + 2500

    assert now.total == 4 * 900 + 350 + 600 + 4 * 85
    assert now.probability == 0
    assert batch.total == Fraction(3, 70) * failure + Fraction(67, 70) * (4 * 900 + 4 * 85)
    assert stop.total == Fraction(14, 70) * failure + Fraction(56, 70) * 4 * 140
    assert derated.total == Fraction(7, 70) * failure + Fraction(63, 70) * 4 * 140 + 14 * 100
    assert _chosen(INPUT) is WorkTime.DERATED


def test_a_repair_longer_than_the_stop_loses_the_rest() -> None:
    longer = replace(INPUT, repair=Fraction(10))

    assert prices(longer)[2].lost_production == Fraction(56, 70) * 900 * 2


def test_a_machine_without_a_job_breaks_nothing_off() -> None:
    now = prices(replace(INPUT, breaks_job=False, to_batch_end=None))[0]

    assert now.changeover + now.scrap == 0


def test_of_equal_prices_the_earliest_time_is_taken() -> None:
    none = Fraction(0)
    free = replace(
        INPUT, lost_production=none, crew=none, crew_otherwise=none, damage=none, changeover=none, scrap=none
    )

    assert _chosen(free) is WorkTime.NOW


@given(situations())
def test_the_chosen_time_costs_least_and_every_probability_is_one(inputs: PriceInputs) -> None:
    offered = prices(inputs)

    assert cheapest(offered).total == min(price.total for price in offered)
    assert all(0 <= price.probability <= 1 and price.total >= 0 for price in offered)
    assert offered[0].probability == 0


@given(situations(), _amounts(10_000))
def test_a_dearer_failure_never_makes_waiting_cheaper(inputs: PriceInputs, more: Fraction) -> None:
    dearer = replace(inputs, damage=inputs.damage + more)

    for before, after in zip(prices(inputs), prices(dearer), strict=True):
        assert after.total - before.total == before.probability * more


@given(situations(), _hours(), _hours())
def test_a_longer_wait_is_never_safer_and_a_longer_lead_time_never_more_dangerous(
    inputs: PriceInputs, wait: Fraction, more: Fraction
) -> None:
    risk = failure_probability(inputs, wait)

    assert failure_probability(inputs, wait + more) >= risk
    assert failure_probability(replace(inputs, longest=inputs.longest + more), wait) <= risk


@given(situations())
def test_the_factors_change_the_choice_beyond_them_and_not_before(inputs: PriceInputs) -> None:
    chosen = _chosen(inputs)

    for flip in sensitivity(inputs):
        for factor, beyond in ((flip.falls_to, -MARGIN), (flip.rises_to, MARGIN)):
            if factor is not None:
                assert _chosen(inputs.scaled(flip.input, factor + beyond)) is not chosen, flip
                for part in range(1, 12):
                    within = 1 + (factor - 1) * Fraction(part, 12)
                    assert _chosen(inputs.scaled(flip.input, within)) is chosen, flip


@given(situations())
def test_where_no_factor_is_given_none_changes_the_choice(inputs: PriceInputs) -> None:
    chosen = _chosen(inputs)
    beyond = {"falls_to": [Fraction(1, n) for n in (2, 9, 10**6)], "rises_to": [Fraction(n) for n in (2, 9, 10**6)]}

    for flip in sensitivity(inputs):
        for side, factors in beyond.items():
            if getattr(flip, side) is None:
                assert all(_chosen(inputs.scaled(flip.input, factor)) is chosen for factor in factors), flip


@given(situations())
def test_an_input_of_nothing_has_no_factor(inputs: PriceInputs) -> None:
    assume(inputs.damage == 0)
    assert next(flip for flip in sensitivity(inputs) if flip.input == "damage") == Flip(
        "damage", Fraction(0), None, None
    )


# What follows is calculated in another way: a failure is put into every cell of a fine grid, and the costs are counted.

_CELLS = 700


def _counted(inputs: PriceInputs, wait: Fraction, planned: Fraction) -> Fraction:
    """The mean cost over equally likely failures, one in the middle of each cell of what is left of the lead time."""
    begin, end = max(inputs.shortest, inputs.elapsed), inputs.longest
    failing = 14 * 900 + 14 * 140 + 2500
    total = Fraction(0)
    for cell in range(_CELLS):
        fails_at = begin + (end - begin) * Fraction(2 * cell + 1, 2 * _CELLS)
        total += failing if fails_at - inputs.elapsed <= wait else planned
    return total / _CELLS


@pytest.mark.parametrize(("elapsed", "shortest"), [(2, 0), (0, 2), (37, 0)])
def test_counting_failures_on_a_grid_gives_the_same_prices(elapsed: int, shortest: int) -> None:
    inputs = replace(INPUT, elapsed=Fraction(elapsed), shortest=Fraction(shortest))
    _, batch, stop, derated = prices(inputs)

    assert batch.total == _counted(inputs, Fraction(3), Fraction(4 * 900 + 4 * 85))
    assert stop.total == _counted(inputs, Fraction(14), Fraction(4 * 140))
    assert derated.total == _counted(inputs, Fraction(7), Fraction(4 * 140)) + 14 * 100


@pytest.mark.parametrize("name", INPUTS)
def test_trying_factors_one_by_one_finds_the_same_changes(name: str) -> None:
    chosen, steps = _chosen(INPUT), [Fraction(step, 64) for step in range(1, 640)]
    changed = [
        (low, high)
        for low, high in pairwise(steps)
        if (_chosen(INPUT.scaled(name, low)) is chosen) != (_chosen(INPUT.scaled(name, high)) is chosen)
    ]
    flip = next(flip for flip in sensitivity(INPUT) if flip.input == name)
    falls, rises = [each for each in changed if each[1] <= 1], [each for each in changed if each[0] >= 1]

    for factor, found in ((flip.falls_to, falls[-1:]), (flip.rises_to, rises[:1])):
        assert [low <= factor <= high for low, high in found if factor is not None] == [True] * len(found)
        assert (factor is None or not steps[0] < factor < steps[-1]) == (not found)
