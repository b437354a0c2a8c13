"""Prices the times for the work by a policy's terms, and writes the exact numbers down as decimal text."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from domain.dependents import Dependents
from domain.pricing import (
    InputSensitivity,
    PricedLeadTime,
    PricedTime,
    TimedFault,
    TimeNotOffered,
    TimingPrices,
    WorkTime,
)
from domain.production import ProductionContext
from policies.engine.prices import ExactPrice, PriceInputs, cheapest, prices
from policies.engine.sensitivity import Flip, sensitivity
from policies.language.calendars import within
from policies.language.price_terms import PriceTerms
from policies.language.schema import Calendar, PolicyDocument
from policies.language.variables import Value

_HOUR = 3_600_000_000
"""In microseconds."""
_MICROSECOND = timedelta(microseconds=1)
_MONEY, _PROBABILITY, _FACTOR = 2, 6, 4
"""Decimal places."""


def why_unknown(terms: PriceTerms, production: ProductionContext | None, now: datetime) -> str | None:
    """Why production is not known well enough to price anything, in words; None if it is."""
    if production is None:
        return "the MES does not answer"
    if production.doubt is not None:
        return f"the MES is in doubt: {production.doubt}"
    age = abs(now - production.read_at)
    if age > terms.unknown_production.oldest:
        minutes = age // timedelta(minutes=1)
        return f"what the MES says was read at another time, {minutes} minutes apart"
    if production.job_end(now) is None and production.stop_from(now) is None:
        job = "the end of the running job" if production.running else "a running job"
        return f"the MES knows neither {job} nor a planned stop"
    return None


def priced(
    document: PolicyDocument,
    terms: PriceTerms,
    fault: TimedFault,
    production: ProductionContext,
    now: datetime,
    values: Mapping[str, Value],
    dependents: Dependents | None = None,
) -> TimingPrices:
    """The price of each time, the choice, and how wrong each input must be to change it.

    Args:
        document: the policy, for its calendars.
        production: what `why_unknown` finds good enough.
        now: the plant's time.
        values: the values of the policy's parameters for the asset, by `param.…`.
        dependents: where a standby runs, no production is lost while the machine stands.
    """
    source, shortest, longest = _lead_time(terms, fault)
    batch_end, stop = production.job_end(now), production.stop_from(now)
    instants = {
        WorkTime.NOW: now,
        WorkTime.AFTER_BATCH: batch_end or now,
        WorkTime.PLANNED_STOP: stop or now,
        WorkTime.DERATED: stop or now,
    }
    replaced = dependents is not None and dependents.standby is not None
    amounts = {name: _amount(amount, values) for name, amount in terms.amounts().items()}
    regular = next((each for each in document.calendars if each.id == terms.crew.regular), None)
    inputs = PriceInputs(
        lost_production=Fraction(0) if replaced else amounts["lost_production_per_hour",],
        changeover=amounts["changeover",],
        scrap=amounts["scrap",],
        crew=amounts["crew", "per_hour"],
        crew_otherwise=amounts["crew", "otherwise_per_hour"],
        repair=_hours(terms.repair.planned),
        repair_after_failure=_hours(terms.repair.after_failure),
        stop_lasts=_hours(terms.stop_lasts),
        damage=amounts["damage",],
        shortest=_hours(shortest),
        longest=_hours(longest),
        elapsed=max(_hours(now - fault.seen_at), Fraction(0)),
        breaks_job=production.running,
        to_batch_end=None if batch_end is None else _hours(batch_end - now),
        to_stop=None if stop is None else _hours(stop - now),
        derating=amounts.get(("derating", "lost_production_per_hour")),
        stretches_life=amounts.get(("derating", "stretches_life"), Fraction(1)),
        regular={time: _regular(regular, at) for time, at in instants.items()},
    )
    offered = prices(inputs)
    chosen = cheapest(offered)
    others = [price for price in offered if price is not chosen]
    return TimingPrices(
        currency=terms.currency,
        lead_time=PricedLeadTime(
            distribution=terms.lead_time.distribution,
            source=source,
            since=fault.seen_at,
            shortest=_text(inputs.shortest, _PROBABILITY),
            longest=_text(inputs.longest, _PROBABILITY),
        ),
        failure=_text(inputs.failure, _MONEY),
        times=tuple(_told(price, instants[price.time]) for price in offered),
        not_offered=tuple(_not_offered(inputs, {price.time for price in offered})),
        chosen=chosen.time,
        margin=_text(cheapest(tuple(others)).total - chosen.total, _MONEY),
        sensitivity=tuple(_sensitive(flip, terms.currency) for flip in sensitivity(inputs)),
    )


def _lead_time(terms: PriceTerms, fault: TimedFault) -> tuple[Literal["detector", "policy"], timedelta, timedelta]:
    """Whose interval it is, and its ends. A detector's is taken if it has two ends in their order."""
    low, high = fault.lead_low, fault.lead_high
    if low is not None and high is not None and timedelta(0) <= low <= high and high > timedelta(0):
        return "detector", low, high
    return "policy", terms.lead_time.shortest, terms.lead_time.longest


def _regular(calendar: Calendar | None, at: datetime) -> bool:
    return calendar is None or within(calendar, at)


def _amount(amount: Decimal | str, values: Mapping[str, Value]) -> Fraction:
    """An amount, exact. A parameter that is a decimal number means the shortest decimal that is read as it."""
    return Fraction(amount) if isinstance(amount, Decimal) else Fraction(str(values[amount]))


def _hours(span: timedelta) -> Fraction:
    return Fraction(span // _MICROSECOND, _HOUR)


def _text(value: Fraction, places: int) -> str:
    """A rational as decimal text, rounded half to even: the same on every machine."""
    whole, part = divmod(round(value * 10**places), 10**places)
    return f"{whole}.{part:0{places}d}"


def _told(price: ExactPrice, at: datetime) -> PricedTime:
    money = {
        name: _text(getattr(price, name), _MONEY)
        for name in ("failure", "lost_production", "changeover", "scrap", "crew", "derating", "total")
    }
    return PricedTime(
        time=price.time,
        at=at,
        wait=_text(price.wait, _PROBABILITY),
        probability=_text(price.probability, _PROBABILITY),
        **money,
    )


def _not_offered(inputs: PriceInputs, offered: set[WorkTime]) -> list[TimeNotOffered]:
    why = {
        WorkTime.AFTER_BATCH: "the end of the job is not known" if inputs.breaks_job else "no job is running",
        WorkTime.PLANNED_STOP: "the MES knows no planned stop",
        WorkTime.DERATED: (
            "the policy states no derating" if inputs.derating is None else "the MES knows no planned stop"
        ),
    }
    return [TimeNotOffered(time=time, why=words) for time, words in why.items() if time not in offered]


def _sensitive(flip: Flip, currency: str) -> InputSensitivity:
    name, unit = _NAMED[flip.input]
    return InputSensitivity(
        input=name,
        unit=unit.replace("$", currency),
        value=_text(flip.value, _FACTOR),
        falls_to=None if flip.falls_to is None else _text(flip.falls_to, _FACTOR),
        rises_to=None if flip.rises_to is None else _text(flip.rises_to, _FACTOR),
    )


_NAMED: Mapping[str, tuple[str, str]] = {
    "lost_production": ("lost_production_per_hour", "$/h"),
    "changeover": ("changeover", "$"),
    "scrap": ("scrap", "$"),
    "crew": ("crew.per_hour", "$/h"),
    "crew_otherwise": ("crew.otherwise_per_hour", "$/h"),
    "repair": ("repair.planned", "h"),
    "repair_after_failure": ("repair.after_failure", "h"),
    "stop_lasts": ("stop_lasts", "h"),
    "damage": ("damage", "$"),
    "lead_time": ("lead_time", "h"),
    "to_batch_end": ("time to the end of the job", "h"),
    "to_stop": ("time to the planned stop", "h"),
    "derating": ("derating.lost_production_per_hour", "$/h"),
    "stretches_life": ("derating.stretches_life", "1"),
}
"""Each input as a policy writes it, or in words where the MES gives it, and its unit; `$` is the currency."""
