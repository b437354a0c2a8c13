"""The prices of the times at which work can be done, as they are recorded with a decision.

All numbers are decimal text, rounded half to even from exact rationals: money to 0.01 of its currency, probabilities to
six places, factors to four. So the record is the same on every machine. The decision itself uses the exact numbers.
"""

from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from domain.anomaly import Anomaly
from domain.model import Model, Moment
from domain.wording import ENGLISH, Wording, message

UNPRICED_CONSEQUENCE: Final = "its consequence is"
"""How the reason begins why a fault is not priced whose consequence is safety or environment."""
DecimalText = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]


class WorkTime(StrEnum):
    """A time at which work can be done. Of two that cost the same, the first in this order is taken."""

    NOW = "now"
    AFTER_BATCH = "after_batch"
    PLANNED_STOP = "planned_stop"
    DERATED = "derated"
    """At the planned stop, and derated until then."""


class TimedFault(Model):
    """The fault whose work is timed, as its anomaly tells of it: when it was seen, and when it is predicted to fail."""

    failure_mode: str
    seen_at: Moment
    lead_low: timedelta | None = None
    lead_high: timedelta | None = None

    @classmethod
    def of(cls, anomaly: Anomaly) -> "TimedFault":
        return cls(
            failure_mode=anomaly.failure_mode,
            seen_at=anomaly.at,
            lead_low=anomaly.lead_low,
            lead_high=anomaly.lead_high,
        )


class PricedLeadTime(Model):
    """The interval in which the failure is expected, as times after `since`.

    Args:
        source: the detector that saw the fault, or the policy where the detector gave no interval.
        longest: `longest` and `shortest` are in hours (UCUM `h`), as decimal text of six places.
    """

    distribution: Literal["uniform"]
    source: Literal["detector", "policy"]
    since: Moment
    shortest: DecimalText
    longest: DecimalText


class PricedTime(Model):
    """The expected cost of one time, in the currency of its `TimingPrices`; the parts add up to the total.

    Args:
        wait: from the decision to the work, in hours (UCUM `h`).
        probability: that the fault becomes a failure during the wait, given no failure yet.
        failure: the probability times the cost of a failure.
        lost_production: while the planned work is done; like the three after it, times the probability of no failure.
        derating: production lost by running derated during the wait.
    """

    time: WorkTime
    at: Moment
    wait: DecimalText
    probability: DecimalText
    failure: DecimalText
    lost_production: DecimalText
    changeover: DecimalText
    scrap: DecimalText
    crew: DecimalText
    derating: DecimalText
    total: DecimalText


class TimeNotOffered(Model):
    """A time that could not be priced, and why."""

    time: WorkTime
    why: str


class InputSensitivity(Model):
    """How wrong one input must be to change the choice, if all others are right.

    Args:
        unit: a currency, a currency per hour, or a UCUM unit; `1` for a plain number.
        falls_to: the factor below 1 under which the choice is another one; None if there is none.
        rises_to: the factor above 1 over which the choice is another one; None if there is none.
    """

    input: str
    unit: str
    value: DecimalText
    falls_to: DecimalText | None
    rises_to: DecimalText | None


class TimingPrices(Model):
    """What each time for the work costs, and which costs least.

    Args:
        currency: an ISO 4217 code.
        failure: what one failure costs.
        margin: how much more the second cheapest time costs.
    """

    currency: str
    lead_time: PricedLeadTime
    failure: DecimalText
    times: tuple[PricedTime, ...]
    not_offered: tuple[TimeNotOffered, ...]
    chosen: WorkTime
    margin: DecimalText
    sensitivity: tuple[InputSensitivity, ...]

    def of(self, time: WorkTime) -> PricedTime | None:
        """The price of a time; None if it was not offered."""
        return next((each for each in self.times if each.time is time), None)

    @property
    def words(self) -> str:
        """The prices in English sentences."""
        return self.words_in(ENGLISH)

    def words_in(self, say: Wording) -> str:
        """The prices in sentences for a planner: the choice, the others, and the nearest change of one input."""
        chosen = next(each for each in self.times if each.time is self.chosen)
        what, at, total = say(_DOING[chosen.time]), f"{chosen.at:%Y-%m-%d %H:%M}", self._money(say, chosen.total)
        what = what[:1].upper() + what[1:]
        if Decimal(chosen.failure):
            told = say(
                "{what} ({at} UTC) costs about {total}, of which {failure} is expected failure "
                "(probability {share} %).",
                what=what,
                at=at,
                total=total,
                failure=self._money(say, chosen.failure),
                share=say.number(Decimal(chosen.probability) * 100, 0),
            )
        else:
            told = say("{what} ({at} UTC) costs about {total}.", what=what, at=at, total=total)
        others = ", ".join(
            f"{say(_DOING[each.time])} {self._money(say, each.total)}" for each in self.times if each != chosen
        )
        return f"{told} {say('The alternatives cost: {others}.', others=others)} {self._nearest(say)}"

    def _nearest(self, say: Wording) -> str:
        """The smallest relative change of one input that would change the choice."""
        found = [
            (say(_MEANT[each.input]) if each.input in _MEANT else say.recorded(each.input), Decimal(factor))
            for each in self.sensitivity
            for factor in (each.falls_to, each.rises_to)
            if factor is not None and Decimal(factor) > 0
        ]
        if not found:
            return say("No change of one input alone would change the choice.")
        name, factor = min(found, key=lambda each: max(each[1], 1 / each[1]))
        return say("The choice changes at {factor} times {name}.", factor=say.number(factor, 2), name=name)

    def _money(self, say: Wording, amount: str) -> str:
        return f"{say.number(Decimal(amount), 0)} {self.currency}"


_DOING = {
    WorkTime.NOW: message("stopping now"),
    WorkTime.AFTER_BATCH: message("waiting for the end of the running job"),
    WorkTime.PLANNED_STOP: message("waiting until the planned stop"),
    WorkTime.DERATED: message("running derated until the planned stop"),
}
_MEANT = {
    "lost_production_per_hour": message("the production lost per hour"),
    "changeover": message("the changeover"),
    "scrap": message("the scrap"),
    "crew.per_hour": message("the crew's rate"),
    "crew.otherwise_per_hour": message("the crew's rate outside regular hours"),
    "repair.planned": message("the length of the planned work"),
    "repair.after_failure": message("the length of the repair after a failure"),
    "stop_lasts": message("the length of the stop"),
    "damage": message("the damage of a failure"),
    "lead_time": message("the lead time"),
    "derating.lost_production_per_hour": message("the loss of running derated"),
    "derating.stretches_life": message("the life that derating gives"),
}
"""Each input in words; the others are in words already."""
