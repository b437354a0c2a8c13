"""How wrong one input of a price must be to change the choice: exact factors. Pure and total.

With one input multiplied by a factor, the difference of two prices, multiplied by the weight below, is a straight line
between known breaks. So two points of a piece give its line, and where the line is 0, two times cost the same. The
pieces are looked at from 1 outwards.
"""

from collections.abc import Iterator
from fractions import Fraction
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
    chosen = cheapest(prices(inputs)).time
    found = [(name, _value(inputs, name)) for name in INPUTS]
    return tuple(
        _flip(inputs, name, value, chosen)
        for name, value in found
        if value is not None and (name != "stretches_life" or inputs.derating is not None)
    )


def _value(inputs: PriceInputs, name: str) -> Fraction | None:
    value: Fraction | None = inputs.longest if name == "lead_time" else getattr(inputs, name)
    return value


class _Line(NamedTuple):
    """By how much another time is dearer than the chosen one, weighed: a straight line in the factor."""

    value: Fraction
    at: Fraction
    slope: Fraction
    goes_first: bool
    """Whether the other time is taken where both cost the same."""

    def sign_beside(self, factor: Fraction, side: int) -> Fraction:
        """What has the sign of the line just above a factor (`side` 1) or just below it (-1)."""
        here = self.value + (factor - self.at) * self.slope
        return here or side * self.slope or Fraction(-self.goes_first)


class _Piece(NamedTuple):
    """The factors between two breaks, with the line of each other time; `high` is None for all that are above."""

    low: Fraction
    high: Fraction | None
    lines: tuple[_Line, ...]


def _flip(inputs: PriceInputs, name: str, value: Fraction, chosen: WorkTime) -> Flip:
    if value == 0:
        return Flip(name, value, None, None)
    breaks = sorted({ZERO, *(each for each in _breaks(inputs, name) if each > 0)})
    pieces = [_piece(inputs, name, chosen, low, high) for low, high in zip(breaks, [*breaks[1:], None], strict=True)]
    rising = (_rises(piece) for piece in pieces if piece.high is None or piece.high > ONE)
    falling = (_falls(piece) for piece in reversed(pieces) if piece.low < ONE)
    return Flip(
        name,
        value,
        falls_to=next((factor for factor in falling if factor is not None), None),
        rises_to=next((factor for factor in rising if factor is not None), None),
    )


def _rises(piece: _Piece) -> Fraction | None:
    """The lowest factor of a piece, not below 1, above which another time costs less than the chosen one."""
    begin = max(piece.low, ONE)
    if any(line.sign_beside(begin, 1) < 0 for line in piece.lines):
        return begin
    found = (line.at - line.value / line.slope for line in piece.lines if line.slope < 0)
    return min((each for each in found if piece.high is None or each < piece.high), default=None)


def _falls(piece: _Piece) -> Fraction | None:
    """The highest factor of a piece, not above 1, below which another time costs less than the chosen one."""
    end = ONE if piece.high is None else min(piece.high, ONE)
    if any(line.sign_beside(end, -1) < 0 for line in piece.lines):
        return end
    found = (line.at - line.value / line.slope for line in piece.lines if line.slope > 0)
    return max((each for each in found if each > piece.low), default=None)


def _piece(inputs: PriceInputs, name: str, chosen: WorkTime, low: Fraction, high: Fraction | None) -> _Piece:
    width = ONE if high is None else high - low
    first, second = low + width / 3, low + width * 2 / 3
    here, there = (_differences(inputs, name, factor, chosen) for factor in (first, second))
    order = list(WorkTime)

    def line(time: WorkTime) -> _Line:
        slope = (there[time] - here[time]) / (second - first)
        return _Line(here[time], first, slope, order.index(time) < order.index(chosen))

    return _Piece(low, high, tuple(line(time) for time in here))


def _differences(inputs: PriceInputs, name: str, factor: Fraction, chosen: WorkTime) -> dict[WorkTime, Fraction]:
    """By how much each other time is dearer, weighed so that it is a straight line in the factor."""
    scaled = inputs.scaled(name, factor)
    totals = {price.time: price.total for price in prices(scaled)}
    weight = _weight(scaled, name, factor)
    return {time: (total - totals[chosen]) * weight for time, total in totals.items() if time is not chosen}


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
