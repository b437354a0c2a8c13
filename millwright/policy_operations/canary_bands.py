"""Computes a canary's band from earlier counts, and its counts for the tests."""

from datetime import datetime

from domain.assigning import Scope
from millwright.storage.policies.canaries import BEFORE, CanaryCounts, Counted
from policies.statistics.canary import Band, Seen
from policies.statistics.floods import floods

_ENOUGH_FINDINGS = 5
_LEAST_PRECISION = 0.1
_LEAST_ORDERS = 0.02
_LEAST_FLOODS = 1.0
_WIDE = 2.0


async def usual_band(counts: CanaryCounts, scope: Scope, now: datetime) -> Band:
    """The default band of a scope from the thirty days before: half the precision, twice the orders and floods.

    With too few events, the edges are an order per machine in fifty days, a flood per line and day, and
    one finding in ten orders. Without a minimum of orders a canary that orders nothing is not halted.
    """
    seen = seen_of(await counts.count(scope, now - BEFORE, now, None), now)
    finished = seen.found + seen.nothing
    precision = seen.found / finished / _WIDE if finished >= _ENOUGH_FINDINGS else _LEAST_PRECISION
    return Band(
        precision=round(max(precision, _LEAST_PRECISION), 4),
        orders_from=0.0,
        orders_to=round(max(_WIDE * _rate(seen.orders, seen.machine_days), _LEAST_ORDERS), 4),
        floods_to=round(max(_WIDE * _rate(seen.floods, seen.line_days), _LEAST_FLOODS), 4),
    )


def seen_of(counted: Counted, until: datetime) -> Seen:
    """The counts in the form for the tests."""
    return Seen(
        found=counted.found,
        nothing=counted.nothing,
        findings=counted.findings,
        orders=counted.orders,
        machine_days=counted.machines * counted.days,
        floods=sum(len(floods(line, alarms, until)) for line, alarms in counted.alarms.items()),
        line_days=counted.lines * counted.days,
    )


def _rate(count: int, exposure: float) -> float:
    return count / exposure if exposure > 0 else 0.0
