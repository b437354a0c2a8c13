"""How good the alerts were: the formulas, on counts. Pure; docs/alert-quality.md has each with its source.

An alert is a case. What its work found says whether it was right or wrong; everything else is neither, is shown by
itself, and widens the bounds of precision (`domain.outcomes.EFFECTS`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from domain.alerts import BINS, Confident, Tally
from domain.model import Model
from domain.outcomes import Worth
from policies.statistics.intervals import Median, Share, middle, share

ENOUGH: Final = 12
"""The least number of cases of a share that is shown: below it Wilson's interval at 95 % may cover more than half of
all possible values."""
PLANNABLE: Final = timedelta(days=1)
"""A shorter lead time is too short to plan in: the work cannot enter the schedule of the next day."""
_HOUR: Final = 3600.0


class ShownShare(Model):
    """A share of cases.

    Args:
        low: the interval at 95 % (Wilson). It, and the share, are None below `ENOUGH` cases.
    """

    part: int
    whole: int
    share: float | None
    low: float | None
    high: float | None
    hidden: bool


class PrecisionBounds(Model):
    """Precision if every alert that is neither right nor wrong had been wrong, and if every one had been right."""

    least: float | None
    most: float | None


class Money(Model):
    """An amount in one currency. Amounts of different currencies are never added."""

    currency: str
    amount: Decimal


class FalseAlarms(Model):
    """What false alarms cost, by the reports on their own orders.

    Args:
        orders: the number of false alarms.
        with_labor: how many of them have hours on their order. The rest cost something that nobody reported.
        parts: quantities by item number, in the item's own unit. A CMMS reports no price of them.
        money: hours times the price of an hour that the policy version states, by currency.
        unpriced_hours: hours under versions that state no price.
    """

    orders: int
    with_labor: int
    crew_hours: float
    downtime_hours: float
    parts: dict[str, float]
    money: tuple[Money, ...]
    unpriced_hours: float


class Quality(Model):
    """The figures of a group of alerts.

    Args:
        rejected: the alerts that people rejected before there was work; they are among the unlabelled.
        open: the alerts whose case is not closed; they are among the unlabelled.
        lead_hours: from the first evidence to the end of the work that confirmed the defect.
        too_short: how many of these were too short to plan in.
    """

    alerts: int
    right: int
    wrong: int
    prevented: int
    other_defects: int
    unlabelled: int
    rejected: int
    open: int
    precision: ShownShare
    bounds: PrecisionBounds
    lead_hours: Median
    too_short: ShownShare
    false_alarms: FalseAlarms


class CalibrationBin(Model):
    """The alerts whose detector stated a confidence in one bin, and the share that was right.

    Args:
        stated: the mean of what was stated.
    """

    least: float
    most: float
    stated: float
    right: ShownShare


class Calibration(Model):
    """How far the stated confidence is what came true.

    Args:
        brier: the mean squared difference between stated confidence and result (Brier 1950); None without alerts.
    """

    alerts: int
    brier: float | None
    bins: tuple[CalibrationBin, ...]


class FunnelStage(Model):
    """A stage from event to outcome.

    Args:
        hours: from the stage before, the median; None where one of the two has no time.
    """

    stage: str
    count: int
    hours: float | None


@dataclass(frozen=True, slots=True)
class Price:
    """What an hour of the crew costs, as a policy version states it."""

    currency: str
    per_hour: Decimal


def shown(part: int, whole: int) -> ShownShare:
    """A share with its interval, hidden below `ENOUGH` cases."""
    told: Share = share(part, whole)
    if whole < ENOUGH:
        return ShownShare(part=part, whole=whole, share=None, low=None, high=None, hidden=True)
    return ShownShare(part=part, whole=whole, share=told.share, low=told.low, high=told.high, hidden=False)


def bounds(right: int, open_question: int, alerts: int) -> PrecisionBounds:
    """Both bounds of precision over all alerts."""
    if not alerts:
        return PrecisionBounds(least=None, most=None)
    return PrecisionBounds(least=round(right / alerts, 4), most=round((right + open_question) / alerts, 4))


def quality(tally: Tally, prices: Mapping[str, Price]) -> Quality:
    """The figures of a group.

    Args:
        prices: what an hour of the crew costs, by the digest of the policy version; one without a price is missing.
    """
    counts = tally.worths
    right, wrong = counts[Worth.RIGHT], counts[Worth.WRONG]
    alerts = counts.total()
    short = sum(lead < PLANNABLE.total_seconds() for lead in tally.lead_s)
    return Quality(
        alerts=alerts,
        right=right,
        wrong=wrong,
        prevented=counts[Worth.PREVENTED],
        other_defects=counts[Worth.OTHER_DEFECT],
        unlabelled=counts[Worth.UNLABELLED],
        rejected=tally.rejected,
        open=tally.open,
        precision=shown(right, right + wrong),
        bounds=bounds(right, alerts - right - wrong, alerts),
        lead_hours=middle([lead / _HOUR for lead in tally.lead_s]),
        too_short=shown(short, len(tally.lead_s)),
        false_alarms=_false_alarms(tally, prices),
    )


def _false_alarms(tally: Tally, prices: Mapping[str, Price]) -> FalseAlarms:
    money: dict[str, Decimal] = {}
    unpriced = 0.0
    for version, hours in tally.wrong_hours.items():
        price = prices.get(version)
        if price is None:
            unpriced += hours
        else:
            worth = Decimal(str(round(hours, 4))) * price.per_hour
            money[price.currency] = money.get(price.currency, Decimal(0)) + worth
    return FalseAlarms(
        orders=tally.worths[Worth.WRONG],
        with_labor=tally.wrong_with_labor,
        crew_hours=round(sum(tally.wrong_hours.values()), 2),
        downtime_hours=round(tally.wrong_downtime_s / _HOUR, 2),
        parts=dict(sorted(tally.wrong_parts.items())),
        money=tuple(Money(currency=name, amount=round(money[name], 2)) for name in sorted(money)),
        unpriced_hours=round(unpriced, 2),
    )


def calibration(counted: Iterable[Confident]) -> Calibration:
    """The curve of alerts that were right or wrong, by the confidence that the opening event stated."""
    known = sorted(counted, key=lambda each: each.bin)
    alerts = sum(each.alerts for each in known)
    return Calibration(
        alerts=alerts,
        brier=round(sum(each.squared_error for each in known) / alerts, 4) if alerts else None,
        bins=tuple(
            CalibrationBin(
                least=each.bin / BINS,
                most=(each.bin + 1) / BINS,
                stated=round(each.stated / each.alerts, 4),
                right=shown(each.right, each.alerts),
            )
            for each in known
        ),
    )


def funnel(stages: Sequence[tuple[str, int, float | None]]) -> tuple[FunnelStage, ...]:
    """The stages in their order.

    Args:
        stages: the name, the count, and the median of the seconds since the stage before.
    """
    return tuple(
        FunnelStage(
            stage=name,
            count=count,
            hours=None if seconds is None else round(seconds / _HOUR, 2),
        )
        for name, count, seconds in stages
    )
