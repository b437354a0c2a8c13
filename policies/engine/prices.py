"""The expected cost of each time at which work can be done, in exact rationals. Pure and total.

The time to failure has a stated distribution over the lead time; as shipped it is uniform. The probability of a
failure during a wait is conditional on no failure yet: P(T <= a + w | T > a) = (F(a + w) - F(a)) / (1 - F(a)). It is
the complement of the conditional survivor function (Rausand and Hoyland, System Reliability Theory, 2nd edition, Wiley
2004). The lead time is the estimated time to failure of ISO 13381-1.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from domain.pricing import WorkTime

ZERO = Fraction(0)


@dataclass(frozen=True)
class PriceInputs:
    """All inputs of a price. Money is in one currency, times are in hours, all exact and none negative.

    Args:
        lost_production: per hour for which the machine stands.
        changeover: the new set-up after a running job was broken off.
        scrap: the part of a job that is lost when it is broken off.
        crew: per hour of planned work within the regular hours.
        crew_otherwise: per hour of all other work; of the repair after a failure too, because a failure keeps no hours.
        repair: hours of the planned work.
        repair_after_failure: hours of the repair after a failure.
        stop_lasts: hours of a planned stop, in which no production is lost by the work.
        damage: what else a failure costs.
        shortest: `shortest` and `longest` are the lead time, from the time at which the fault was seen.
        elapsed: hours since the fault was seen.
        breaks_job: whether a stop now breaks a running job off.
        to_batch_end: hours to the end of the running job; None if it is not known, or no job runs.
        to_stop: hours to the next planned stop; None if it is not known.
        derating: production lost per hour of running derated; None if the machine cannot be derated.
        stretches_life: by how much derating stretches the time to failure, more than 1.
        regular: whether work at a time begins within the regular hours.
    """

    lost_production: Fraction
    changeover: Fraction
    scrap: Fraction
    crew: Fraction
    crew_otherwise: Fraction
    repair: Fraction
    repair_after_failure: Fraction
    stop_lasts: Fraction
    damage: Fraction
    shortest: Fraction
    longest: Fraction
    elapsed: Fraction
    breaks_job: bool
    to_batch_end: Fraction | None
    to_stop: Fraction | None
    derating: Fraction | None
    stretches_life: Fraction
    regular: Mapping[WorkTime, bool]

    @property
    def failure(self) -> Fraction:
        """The cost of one failure: production and crew for the repair, and what else it costs."""
        return (self.lost_production + self.crew_otherwise) * self.repair_after_failure + self.damage

    @property
    def certain_from(self) -> Fraction:
        """Hours after the fault was seen at which a failure can begin: not before now, nor before the lead time."""
        return max(self.shortest, self.elapsed)

    def scaled(self, name: str, factor: Fraction) -> "PriceInputs":
        """The same inputs with one of them multiplied. `lead_time` is both ends of the interval together."""
        if name == "lead_time":
            return replace(self, shortest=self.shortest * factor, longest=self.longest * factor)
        return replace(self, **{name: getattr(self, name) * factor})


@dataclass(frozen=True)
class ExactPrice:
    """The expected cost of one time; see `domain.pricing.PricedTime` for its parts."""

    time: WorkTime
    wait: Fraction
    probability: Fraction
    failure: Fraction
    lost_production: Fraction
    changeover: Fraction
    scrap: Fraction
    crew: Fraction
    derating: Fraction

    @property
    def total(self) -> Fraction:
        return self.failure + self.lost_production + self.changeover + self.scrap + self.crew + self.derating


def failure_probability(inputs: PriceInputs, wait: Fraction) -> Fraction:
    """The probability, 0 to 1, that the machine fails within `wait` hours from now, given no failure yet.

    Uniform over the lead time. Once the whole lead time has passed without a failure, the interval says nothing more;
    then any wait counts as a sure failure.
    """
    begin, at = inputs.certain_from, inputs.elapsed + wait
    if at <= begin:
        return ZERO
    left = inputs.longest - begin
    return Fraction(1) if at >= inputs.longest else (at - begin) / left


def prices(inputs: PriceInputs) -> tuple[ExactPrice, ...]:
    """The expected cost of each time that is offered, in the order of `WorkTime`.

    With the probability P of a failure during the wait, it is P times the cost of a failure, plus 1 - P times the cost
    of the planned work, plus the derating during the wait. The whole wait is charged as derated, also where a failure
    would end it.
    """
    return tuple(_price(inputs, time, wait) for time, wait in _waits(inputs))


def cheapest(offered: tuple[ExactPrice, ...]) -> ExactPrice:
    """The time that costs least; of equals the first.

    Raises:
        ValueError: no time is offered.
    """
    return min(offered, key=lambda price: price.total)


def _waits(inputs: PriceInputs) -> Iterator[tuple[WorkTime, Fraction]]:
    yield WorkTime.NOW, ZERO
    if inputs.to_batch_end is not None:
        yield WorkTime.AFTER_BATCH, inputs.to_batch_end
    if inputs.to_stop is not None:
        yield WorkTime.PLANNED_STOP, inputs.to_stop
        if inputs.derating is not None:
            yield WorkTime.DERATED, inputs.to_stop


def _price(inputs: PriceInputs, time: WorkTime, wait: Fraction) -> ExactPrice:
    derated = time is WorkTime.DERATED
    stopped = time in (WorkTime.PLANNED_STOP, WorkTime.DERATED)
    breaks = time is WorkTime.NOW and inputs.breaks_job
    probability = failure_probability(inputs, wait / inputs.stretches_life if derated else wait)
    planned = 1 - probability
    lost = max(inputs.repair - inputs.stop_lasts, ZERO) if stopped else inputs.repair
    rate = inputs.crew if inputs.regular[time] else inputs.crew_otherwise
    return ExactPrice(
        time=time,
        wait=wait,
        probability=probability,
        failure=probability * inputs.failure,
        lost_production=planned * inputs.lost_production * lost,
        changeover=planned * inputs.changeover if breaks else ZERO,
        scrap=planned * inputs.scrap if breaks else ZERO,
        crew=planned * rate * inputs.repair,
        derating=inputs.derating * wait if derated and inputs.derating is not None else ZERO,
    )
