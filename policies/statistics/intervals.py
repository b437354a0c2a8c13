"""Confidence intervals of counts, at 95 %. No random numbers are used: the same counts give the same interval.

Shares: Wilson's score interval (Wilson 1927; Brown, Cai and DasGupta 2001 advise it for small samples). Differences of
shares: Newcombe's hybrid score interval (Newcombe 1998, method 10). Medians: the exact distribution-free interval of
order statistics (Conover, Practical Nonparametric Statistics, 3.2).
"""

from collections.abc import Sequence
from math import comb, sqrt
from statistics import NormalDist, median

from domain.model import Model

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


class Share(Model):
    """A share with its interval; a share of zero cases is None."""

    part: int
    whole: int
    share: float | None
    low: float | None
    high: float | None


class Median(Model):
    """The median of some values with its interval; None if there are no values, or too few for an interval."""

    n: int
    median: float | None
    low: float | None
    high: float | None


class Difference(Model):
    """The difference of two shares, with its interval."""

    difference: float
    low: float
    high: float


def share(part: int, whole: int) -> Share:
    """A share with Wilson's interval."""
    if whole == 0:
        return Share(part=0, whole=0, share=None, low=None, high=None)
    low, high = wilson(part, whole)
    return Share(part=part, whole=whole, share=round(part / whole, 4), low=round(low, 4), high=round(high, 4))


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The score interval of a share.

    Args:
        whole: at least 1.
    """
    observed, z2 = part / whole, _Z * _Z
    middle = (observed + z2 / (2 * whole)) / (1 + z2 / whole)
    half = _Z * sqrt(observed * (1 - observed) / whole + z2 / (4 * whole * whole)) / (1 + z2 / whole)
    return max(0.0, middle - half), min(1.0, middle + half)


def difference(first: Share, other: Share) -> Difference | None:
    """One share minus the other; None if either has zero cases."""
    if first.whole == 0 or other.whole == 0:
        return None
    p1, p2 = first.part / first.whole, other.part / other.whole
    (l1, u1), (l2, u2) = wilson(first.part, first.whole), wilson(other.part, other.whole)
    return Difference(
        difference=round(p1 - p2, 4),
        low=round(p1 - p2 - sqrt((p1 - l1) ** 2 + (u2 - p2) ** 2), 4),
        high=round(p1 - p2 + sqrt((u1 - p1) ** 2 + (p2 - l2) ** 2), 4),
    )


def middle(values: Sequence[float]) -> Median:
    """The median with the narrowest symmetric pair of order statistics that covers it in 95 of 100 samples.

    Fewer than six values have no such pair.
    """
    ordered = sorted(values)
    n = len(ordered)
    rank = _rank(n)
    return Median(
        n=n,
        median=round(median(ordered), 2) if ordered else None,
        low=round(ordered[rank], 2) if rank is not None else None,
        high=round(ordered[n - 1 - rank], 2) if rank is not None else None,
    )


def _rank(n: int) -> int | None:
    """The largest k for which the probability of fewer than k+1 heads in n fair coin tosses is at most 2.5 %; None for
    fewer than six."""
    tail, rank = 0.0, None
    if n > 1000:
        # The exact sum underflows. The normal approximation of the bound is off by less than one rank here.
        return int(n / 2 - _Z * sqrt(n) / 2) - 1
    for k in range(n // 2):
        tail += comb(n, k) / 2**n
        if tail > (1 - CONFIDENCE) / 2:
            break
        rank = k
    return rank
