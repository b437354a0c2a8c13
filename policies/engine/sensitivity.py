"""How wrong one input of a price must be to change the choice: exact factors. Pure and total.

With one input multiplied by a factor, the difference of two prices is a straight line between known breaks, where it is
multiplied by the weight below. So each factor at which two prices are equal is solved exactly. The factors at which the
choice changes are found by walking from 1 over all breaks and solutions, outwards.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from domain.pricing import WorkTime
from policies.engine.prices import ZERO, ExactPrice, PriceInputs, cheapest, prices

ONE = Fraction(1)
INPUTS = (
    "lost_production",
    "changeover",
    "scrap",
    "crew",
    "crew_otherwise",
    "repair",
    "repair_after_failure",
    "stop_lasts",
    "damage",
    "lead_time",
    "to_batch_end",
    "to_stop",
    "derating",
    "stretches_life",
)


class Flip(NamedTuple):
    """The factors nearest to 1 beyond which the choice is another one: below 1 and above 1; None if there is none.

    Between them the choice stays. At the factor itself two times cost the same, or a time becomes certain to fail.
    """

    input: str
    value: Fraction
    falls_to: Fraction | None
    rises_to: Fraction | None


def sensitivity(inputs: PriceInputs) -> tuple[Flip, ...]:
    """The flips of every input that has a value. An input of 0 has no factors: multiplying it changes nothing.

    The lead time is multiplied as a whole, and its value is its longest end. The regular hours of the crew stay as they
    are when a wait is multiplied.
    """
    offered = prices(inputs)
    chosen = cheapest(offered)
    found = [(name, _value(inputs, name)) for name in INPUTS]
    return tuple(
        _flip(inputs, name, value, chosen.time, [price.time for price in offered])
        for name, value in found
        if value is not None and (name != "stretches_life" or inputs.derating is not None)
    )


def _value(inputs: PriceInputs, name: str) -> Fraction | None:
    value: Fraction | None = inputs.longest if name == "lead_time" else getattr(inputs, name)
    return value


def _flip(inputs: PriceInputs, name: str, value: Fraction, chosen: WorkTime, times: list[WorkTime]) -> Flip:
    if value == 0:
        return Flip(name, value, None, None)
    breaks = sorted({ZERO, ONE, *(each for each in _breaks(inputs, name) if each > 0)})
    solved = {*breaks}
    for low, high in (*pairwise(breaks), (breaks[-1], breaks[-1] + 2)):
        last = low == breaks[-1]
        for time in times:
            if time is not chosen:
                solved.update(
                    each
                    for each in _equal(inputs, name, chosen, time, low, high)
                    if low < each and (last or each < high)
                )
    above = sorted(each for each in solved if each >= ONE)
    below = sorted((each for each in solved if each <= ONE), reverse=True)
    return Flip(
        name,
        value,
        falls_to=_first(inputs, name, chosen, pairwise(below)),
        rises_to=_first(inputs, name, chosen, pairwise([*above, above[-1] + 2])),
    )


def _first(
    inputs: PriceInputs, name: str, chosen: WorkTime, steps: Iterable[tuple[Fraction, Fraction]]
) -> Fraction | None:
    """The nearer end of the first step in which the choice is another one."""
    for near, far in steps:
        if cheapest(prices(inputs.scaled(name, (near + far) / 2))).time is not chosen:
            return near
    return None


def _equal(
    inputs: PriceInputs, name: str, chosen: WorkTime, other: WorkTime, low: Fraction, high: Fraction
) -> Iterator[Fraction]:
    """The factor between two breaks at which two times cost the same: where the line through two points is 0."""
    first, second = low + (high - low) / 3, low + (high - low) * 2 / 3
    here, there = (_weighed(inputs, name, factor, chosen, other) for factor in (first, second))
    if here != there:
        yield first - here * (second - first) / (there - here)


def _weighed(inputs: PriceInputs, name: str, factor: Fraction, chosen: WorkTime, other: WorkTime) -> Fraction:
    scaled = inputs.scaled(name, factor)
    by_time = {price.time: price for price in prices(scaled)}
    difference = by_time[other].total - by_time[chosen].total
    return difference * _weight(scaled, name, factor)


def _weight(scaled: PriceInputs, name: str, factor: Fraction) -> Fraction:
    """What makes the difference of two prices a straight line in the factor: the denominator of the probability."""
    if name == "lead_time":
        left = scaled.longest - scaled.certain_from
        return left if left > 0 else ONE
    return factor if name == "stretches_life" else ONE


def _breaks(inputs: PriceInputs, name: str) -> Iterator[Fraction]:
    """The factors at which the formula of a price changes."""
    waits = [price for price in prices(inputs) if price.wait > 0]
    lives = {price.time: _life(inputs, price) for price in waits}
    if name == "repair":
        yield inputs.stop_lasts / inputs.repair
    elif name == "stop_lasts":
        yield inputs.repair / inputs.stop_lasts
    elif name == "lead_time":
        for end in (inputs.shortest, inputs.longest):
            if end > 0:
                yield from ((inputs.elapsed + life) / end for life in (ZERO, *lives.values()))
    elif name in ("to_batch_end", "to_stop"):
        for end in (inputs.certain_from, inputs.longest):
            yield from ((end - inputs.elapsed) / life for life in lives.values())
    elif name == "stretches_life" and WorkTime.DERATED in lives:
        for end in (inputs.certain_from, inputs.longest):
            if end > inputs.elapsed:
                yield lives[WorkTime.DERATED] / (end - inputs.elapsed)


def _life(inputs: PriceInputs, price: ExactPrice) -> Fraction:
    """The hours of life that a wait uses."""
    return price.wait / inputs.stretches_life if price.time is WorkTime.DERATED else price.wait
