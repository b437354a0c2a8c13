"""What the times for the work cost in sum: as decided, at the least cost, always now, and always at the planned stop.

All costs are expected costs, from what was known when each time was decided. Nobody knows what the times that were not
taken would have cost.
"""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from domain.cases import DecidedTime
from domain.errors import Rejected
from domain.model import Model
from domain.pricing import DecimalText, TimingPrices, WorkTime
from domain.production import ProductionContext
from domain.verdict import Urgency, UrgencyDecision
from policies.engine.judging import CompiledPolicy
from policies.engine.pricing import priced, why_unknown
from policies.engine.timing import unpriced_consequence, values_of
from policies.language.price_terms import PriceTerms

BY_RULE = "a rule named the time, so nothing was priced"
NOT_PRICED = "it was not priced, for a reason that is recorded"
EARLIER = "an earlier build did not record what it was decided from"
CONSEQUENCE = "its consequence has no price"
UNKNOWN = "production was not known well enough"
NO_STOP = "no planned stop was known"
NOT_OFFERED = "the time that was decided could not be priced"


class CostSums(Model):
    """Sums of expected costs over the same cases, in one currency."""

    as_decided: DecimalText
    least_cost: DecimalText
    always_now: DecimalText
    always_planned_stop: DecimalText


class TimingCosts(Model):
    """The comparison. `decided` is the number of decisions, `compared` that of those whose costs are all known.

    Args:
        left_out: the number of the others by reason.
        costs: the sums by currency.
    """

    decided: int
    compared: int
    left_out: dict[str, int]
    costs: dict[str, CostSums]


class _Costs(NamedTuple):
    currency: str
    as_decided: Decimal
    least_cost: Decimal
    always_now: Decimal
    always_planned_stop: Decimal


def recorded_costs(decisions: Iterable[UrgencyDecision]) -> TimingCosts:
    """The comparison by the prices that were recorded with the decisions."""
    return _summed(_recorded(decision) for decision in decisions)


def repriced_costs(policy: CompiledPolicy, decisions: Iterable[DecidedTime]) -> TimingCosts:
    """The comparison by the prices of a version, of times that were decided under any version.

    `least_cost` is what its prices would take, and `as_decided` what was decided.

    Raises:
        Rejected: the version has no prices.
    """
    terms = policy.document.prices
    if terms is None:
        problem = f"{policy.document.policy} {policy.document.version} has no prices"
        raise Rejected(problem, field="version", fix="name a version or a draft with `prices`")
    return _summed(_repriced(policy, terms, decided) for decided in decisions)


def _recorded(decision: UrgencyDecision) -> _Costs | str:
    if decision.prices is None:
        return NOT_PRICED if decision.not_priced is not None else BY_RULE
    return _costs(decision.prices.chosen, decision.prices)


def _repriced(policy: CompiledPolicy, terms: PriceTerms, decided: DecidedTime) -> _Costs | str:
    now, fault, production = decided.decision.decided_at, decided.decision.fault, decided.production
    if now is None or fault is None:
        return EARLIER
    values = values_of(policy, decided.verdict, fault, decided.context, production, now)
    if unpriced_consequence(policy, values) is not None:
        return CONSEQUENCE
    if production is None or why_unknown(terms, production, now) is not None:
        return UNKNOWN
    prices = priced(policy.document, terms, fault, production, now, values, decided.decision.dependents)
    return _costs(_taken(decided.decision.urgency, production), prices)


def _taken(urgency: Urgency, production: ProductionContext) -> WorkTime:
    """The time that was decided. After the batch is at once where no job runs."""
    return WorkTime.NOW if urgency is Urgency.AFTER_BATCH and not production.running else WorkTime(urgency.value)


def _costs(taken: WorkTime, prices: TimingPrices) -> _Costs | str:
    known = {each.time: Decimal(each.total) for each in prices.times}
    if WorkTime.PLANNED_STOP not in known:
        return NO_STOP
    if taken not in known:
        return NOT_OFFERED
    return _Costs(
        prices.currency, known[taken], known[prices.chosen], known[WorkTime.NOW], known[WorkTime.PLANNED_STOP]
    )


def _summed(found: Iterable[_Costs | str]) -> TimingCosts:
    left_out: Counter[str] = Counter()
    by_currency: dict[str, list[_Costs]] = {}
    for each in found:
        if isinstance(each, str):
            left_out[each] += 1
        else:
            by_currency.setdefault(each.currency, []).append(each)
    compared = sum(len(costs) for costs in by_currency.values())
    return TimingCosts(
        decided=compared + left_out.total(),
        compared=compared,
        left_out=dict(sorted(left_out.items())),
        costs={
            currency: CostSums(
                as_decided=_sum(each.as_decided for each in costs),
                least_cost=_sum(each.least_cost for each in costs),
                always_now=_sum(each.always_now for each in costs),
                always_planned_stop=_sum(each.always_planned_stop for each in costs),
            )
            for currency, costs in sorted(by_currency.items())
        },
    )


def _sum(amounts: Iterable[Decimal]) -> str:
    return f"{sum(amounts, Decimal(0)):.2f}"
