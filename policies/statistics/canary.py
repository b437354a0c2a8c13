"""Decides when a canary has left its band, by sequential tests that may be evaluated at any number of times.

Each test is a likelihood ratio of the observations, between twice as bad as the band's edge and the edge itself
(A. Wald, *Sequential Tests of Statistical Hypotheses*, Ann. Math. Statist. 16, 1945). Within the band
such a ratio is a nonnegative supermartingale beginning at one. So by Ville's inequality (1939) it ever reaches 1/α with
a probability of at most α: a good canary is halted by one of the four tests in at most four of a hundred cases, even
if they are evaluated very often. Orders and floods are counted as a Poisson process, findings as independent trials.

A good beginning hides a later fall from the test of precision. So a cumulative sum (`policies.statistics.cusum`)
follows precision too. Exactly at the edge it gives a false alarm about once in 148 findings or more seldom (Lorden
1971), and within the band far more seldom.
"""

import math
from collections.abc import Iterator

from domain.model import Model
from policies.statistics.cusum import cusum_of_findings

ALPHA = 0.01
"""Maximum probability that one test ever halts a canary that is within its band."""
LEAST_FOLLOWED = 0.5
"""The least minimum of precision that is followed by a cumulative sum too: of a lower one, twice as many wrong results
are no share."""
TIMES = 2.0
"""The factor between the edge and the alternative."""
_LIMIT = math.log(1 / ALPHA)
_SURE = 0.999


class Band(Model):
    """The band of a canary. Orders are per machine and day, floods per line and day.

    `precision` is the minimum share of finished work with a finding; `orders_from` the minimum of orders, if too
    few would mean that it detects nothing.
    """

    precision: float
    orders_from: float
    orders_to: float
    floods_to: float


class Seen(Model):
    """The counts of a canary since it began. `found` and `nothing` count finished work with and without a finding, and
    `findings` says it of each, in the order of time."""

    found: int
    nothing: int
    findings: tuple[bool, ...] = ()
    orders: int
    machine_days: float
    floods: int
    line_days: float


def leaves(band: Band, seen: Seen) -> tuple[str, ...]:
    """The reason for halting a canary; None while no test has decided against it."""
    return tuple(_leaves(band, seen))


def _leaves(band: Band, seen: Seen) -> Iterator[str]:
    finished = seen.found + seen.nothing
    if precision_ratio(band.precision, seen.found, seen.nothing) >= _LIMIT:
        yield f"precision is below {band.precision:.2g}: {seen.found} of {finished} finished orders found something"
    fell = cusum_of_findings(band.precision, seen.findings).alarm_after if band.precision >= LEAST_FOLLOWED else None
    if fell is not None:
        yield f"precision fell below {band.precision:.2g} for long, by the cumulative sum of the first {fell} findings"
    if above_ratio(band.orders_to, seen.orders, seen.machine_days) >= _LIMIT:
        yield f"more than {band.orders_to:.2g} orders per machine and day: {_count(seen.orders, seen.machine_days)}"
    if below_ratio(band.orders_from, seen.orders, seen.machine_days) >= _LIMIT:
        yield f"fewer than {band.orders_from:.2g} orders per machine and day: {_count(seen.orders, seen.machine_days)}"
    if above_ratio(band.floods_to, seen.floods, seen.line_days) >= _LIMIT:
        yield f"more than {band.floods_to:.2g} alarm floods per line and day: {_count(seen.floods, seen.line_days)}"


def _count(number: int, days: float) -> str:
    return f"{number} in {days:.1f}"


def precision_ratio(at_least: float, found: int, nothing: int) -> float:
    """The log likelihood ratio of the findings at half the precision and at the minimum."""
    edge = min(at_least, _SURE)
    if edge <= 0:
        return -math.inf
    worse = edge / TIMES
    return found * math.log(worse / edge) + nothing * math.log((1 - worse) / (1 - edge))


def above_ratio(at_most: float, count: int, exposure: float) -> float:
    """The log likelihood ratio of a count at twice the rate and at the maximum."""
    return count * math.log(TIMES) - (TIMES - 1) * at_most * exposure


def below_ratio(at_least: float, count: int, exposure: float) -> float:
    """The log likelihood ratio of a count at half the rate and at the minimum."""
    return (1 - 1 / TIMES) * at_least * exposure - count * math.log(TIMES)
