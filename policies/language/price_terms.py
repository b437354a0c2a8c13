"""What a policy states for pricing the times at which work can be done: amounts of money, spans, and what has no price.

An amount is exact: a whole number, a decimal in quotes, or a parameter of the policy, so that overrides can set it for
a class, a cohort, a machine or an asset. It is in the policy's currency; the name of a field says if it is for an hour.
"""

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, StrictStr, WithJsonSchema
from pydantic_core import PydanticCustomError

from domain.model import Model
from domain.verdict import Urgency
from policies.language.fields import Condition, Delay, Duration, Identifier, Name, Words

MOST = 10**12
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
_PARAMETER = re.compile(r"param\.[a-z][a-z0-9_]{0,39}")
_FIX = "write a whole number, a decimal in quotes such as '12.50', or a parameter such as param.loss"
CURRENCY = r"^[A-Z]{3}$"


def parse_amount(value: object) -> Decimal | str:
    """An amount that is not negative, or the name of a parameter. Numbers with a binary fraction are not exact, and are
    refused."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST:
        return Decimal(value)
    if isinstance(value, str) and _PARAMETER.fullmatch(value):
        return value
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    raise PydanticCustomError("amount", "{value} is no amount", {"value": repr(value), "fix": _FIX})


Amount = Annotated[
    Decimal | str,
    PlainValidator(parse_amount),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": MOST},
                {"type": "string", "pattern": f"^({_DECIMAL.pattern}|{_PARAMETER.pattern})$"},
            ],
            "description": "a whole number, a decimal in quotes, or a parameter",
        }
    ),
]


class CrewPrices(Model):
    """What an hour of the crew costs: within the hours of a calendar, and at all other times.

    Without `regular` every hour of planned work is regular. After a failure no hour is.
    """

    per_hour: Amount
    otherwise_per_hour: Amount
    regular: Name | None = None


class RepairSpans(Model):
    """How long the work takes: as planned, and after a failure."""

    planned: Duration
    after_failure: Duration


class LeadTimeTerms(Model):
    """When the failure is expected after the fault was seen, where the detector gives no interval of its own."""

    distribution: Literal["uniform"]
    shortest: Delay
    longest: Duration


class DeratingTerms(Model):
    """What it costs to run the machine derated, and by how much that stretches the time to its failure."""

    lost_production_per_hour: Amount
    stretches_life: Amount


class UnknownProduction(Model):
    """When the work is done if it cannot be priced: the MES is silent, in doubt, was read longer ago than `oldest`, or
    knows neither the end of a running job nor a planned stop."""

    oldest: Duration
    urgency: Urgency
    because: Words


class UnpricedFaults(Model):
    """Faults whose consequence is never priced. Their work is done now, or by a written rule of the site."""

    id: Identifier
    consequence: Literal["safety", "environment"]
    when: Condition
    says: Words


class PriceTerms(Model):
    """The inputs of the expected cost of each time for the work; `policies.engine.prices` has the formula.

    `unpriced` must be written even if it is empty: then the author states that no fault of the policy endangers people
    or the environment.
    """

    currency: Annotated[StrictStr, Field(pattern=CURRENCY)]
    lost_production_per_hour: Amount
    changeover: Amount
    scrap: Amount
    crew: CrewPrices
    repair: RepairSpans
    stop_lasts: Delay
    damage: Amount
    lead_time: LeadTimeTerms
    derating: DeratingTerms | None = None
    unknown_production: UnknownProduction
    unpriced: Annotated[tuple[UnpricedFaults, ...], Field(max_length=50)]

    def amounts(self) -> dict[tuple[str, ...], Decimal | str]:
        """Each amount by its place below `prices`."""
        derating = self.derating
        more: dict[tuple[str, ...], Decimal | str] = {}
        if derating is not None:
            more[("derating", "lost_production_per_hour")] = derating.lost_production_per_hour
            more[("derating", "stretches_life")] = derating.stretches_life
        return {
            ("lost_production_per_hour",): self.lost_production_per_hour,
            ("changeover",): self.changeover,
            ("scrap",): self.scrap,
            ("crew", "per_hour"): self.crew.per_hour,
            ("crew", "otherwise_per_hour"): self.crew.otherwise_per_hour,
            ("damage",): self.damage,
            **more,
        }
