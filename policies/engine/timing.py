"""The timing of the work, decided from a new reading of the MES."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from domain.dependents import Dependents
from domain.pricing import UNPRICED_CONSEQUENCE, TimedFault, TimingPrices, WorkTime
from domain.production import ProductionContext
from domain.verdict import Context, Rung, Urgency, UrgencyDecision, Verdict
from policies.engine.judging import CompiledPolicy
from policies.engine.pricing import priced, why_unknown
from policies.language.price_terms import UnpricedFaults
from policies.language.schema import CostTerms, TimingWord
from policies.language.variables import ASSET_READERS, NEVER, Value

_MINUTE = timedelta(minutes=1)


def urgency(
    policy: CompiledPolicy,
    verdict: Verdict,
    fault: TimedFault,
    context: Context,
    production: ProductionContext | None,
    now: datetime,
    dependents: Dependents | None = None,
) -> UrgencyDecision:
    """The time for the work of a verdict. Pure and total.

    `work_at` is now, the end of the running job (now if none runs), or the next planned stop. If the MES does
    not know that time, it is the time by which the work is due. A hold is due at the same time, and only for a
    verdict that asks for one.

    A rule that asks for the least cost gets it if production is known well enough, else what the policy states for
    that. A fault that the policy declares unpriced is never priced: then the work is done now.

    Args:
        fault: when it was seen, and the time to failure that its detector predicts.
        production: the state of the machine, or None if the MES does not answer; the policy decides in both cases.
        now: the plant's time.
        dependents: a standby that runs takes over, so that no production is lost while the machine stands.
    """
    values = values_of(policy, verdict, fault, context, production, now)
    rule = policy.document.timing[policy.timing.first(values)]
    prices, not_priced = None, unpriced_consequence(policy, values)
    if rule.urgency is not TimingWord.LEAST_COST:
        when = Urgency(rule.urgency.value)
    elif not_priced is not None:
        when = Urgency.NOW
    else:
        when, prices, not_priced = _least_cost(policy, fault, production, now, values, dependents)
    work_at = _work_at(when, verdict, production, now)
    return UrgencyDecision(
        urgency=when,
        rule=rule.id,
        because=rule.because,
        hold_at=work_at if verdict.rung is Rung.WORK_ORDER_AND_HOLD else None,
        work_at=work_at,
        decided_at=now,
        fault=fault,
        prices=prices,
        not_priced=not_priced,
        site_rule=rule.site_rule,
        dependents=dependents,
    )


def unpriced_consequence(policy: CompiledPolicy, values: Mapping[str, Value]) -> str | None:
    """The consequence for which the policy declares a fault unpriced, in words; None if it does not."""
    terms = policy.document.prices
    place = 0 if terms is None else policy.unpriced.first(values)
    if terms is None or place == len(terms.unpriced):
        return None
    return _consequence_words(terms.unpriced[place])


def has_unpriced_consequence(policy: CompiledPolicy, decision: UrgencyDecision) -> bool:
    """Whether a decision says that the policy declares its fault unpriced."""
    terms = policy.document.prices
    return terms is not None and decision.not_priced in [_consequence_words(each) for each in terms.unpriced]


def _consequence_words(declared: UnpricedFaults) -> str:
    return f"{UNPRICED_CONSEQUENCE} {declared.consequence}: {declared.says}"


def _least_cost(
    policy: CompiledPolicy,
    fault: TimedFault,
    production: ProductionContext | None,
    now: datetime,
    values: Mapping[str, Value],
    dependents: Dependents | None,
) -> tuple[Urgency, TimingPrices | None, str | None]:
    """The time that costs least with its prices; or what the policy states if it cannot be priced, and why."""
    terms = policy.document.prices
    if terms is None:
        raise ValueError(f"{policy.document.policy} asks for the least cost and has no prices")
    unknown = why_unknown(terms, production, now)
    if unknown is not None or production is None:
        return terms.unknown_production.urgency, None, f"{unknown}; {terms.unknown_production.because}"
    found = priced(policy.document, terms, fault, production, now, values, dependents)
    return _URGENCY[found.chosen], found, None


_URGENCY: Mapping[WorkTime, Urgency] = {
    WorkTime.NOW: Urgency.NOW,
    WorkTime.AFTER_BATCH: Urgency.AFTER_BATCH,
    WorkTime.PLANNED_STOP: Urgency.PLANNED_STOP,
    WorkTime.DERATED: Urgency.PLANNED_STOP,
}


def values_of(
    policy: CompiledPolicy,
    verdict: Verdict,
    fault: TimedFault,
    context: Context,
    production: ProductionContext | None,
    now: datetime,
) -> Mapping[str, Value]:
    """The value of each name that the timing rules and the prices of a policy use."""
    own = {name: read(context, now) for name, read in policy.timing_readers}
    return {**timing_values(verdict, fault, context, production, now, policy.document.costs), **own}


def timing_values(
    verdict: Verdict,
    fault: TimedFault,
    context: Context,
    production: ProductionContext | None,
    now: datetime,
    costs: CostTerms,
) -> Mapping[str, Value]:
    """The value of each name that a timing rule may use (`policies.language.variables.TIMING_VARIABLES`)."""
    due = NEVER if verdict.due_within is None else verdict.due_within / _MINUTE
    running = production is not None and production.running
    job_end, stop = (None, None) if production is None else (production.job_end(now), production.stop_from(now))
    remaining = 0.0 if not running else NEVER if job_end is None else (job_end - now) / _MINUTE
    to_stop = NEVER if stop is None else (stop - now) / _MINUTE
    return {
        **{name: read(context) for name, read in ASSET_READERS.items()},
        "anomaly.failure_mode": fault.failure_mode,
        "verdict.severity": verdict.severity.value,
        "verdict.rung": verdict.rung.word,
        "verdict.priority": verdict.priority,
        "verdict.due_minutes": due,
        "production.known": production is not None,
        "production.running": running,
        "production.job_remaining_minutes": remaining,
        "production.minutes_to_stop": to_stop,
        "cost.waiting": costs.failure / _MINUTE * min(1.0, to_stop / due),
        "cost.interrupting": costs.interruption / _MINUTE if running else 0.0,
    }


def _work_at(when: Urgency, verdict: Verdict, production: ProductionContext | None, now: datetime) -> datetime:
    due = now + (verdict.due_within or timedelta(0))
    match when:
        case Urgency.NOW:
            return now
        case Urgency.AFTER_BATCH:
            if production is not None and not production.running:
                return now
            return (production and production.job_end(now)) or due
        case Urgency.PLANNED_STOP:
            return (production and production.stop_from(now)) or due
