"""The precision, recall and costs of a version's would-be orders, with bounds for unknown outcomes.

An order is *right* (its failure occurred, or its work confirmed it), *wrong* (the work found no such fault),
*prevented* (the part was replaced before it failed: neither a hit nor a false alarm), *other_defect* (the work found
another defect than the suspected one: neither as well) or *unlabelled* (no work was done, the work was called off, its
finding is unknown, nobody looked, or the time in which the failure may occur is not over). The last three widen the
bounds of precision and are never counted as wrong.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.model import Model
from domain.outcomes import OutcomeClass, Worth
from domain.verdict import Rung
from policies.evaluation.episodes import Episode
from policies.evaluation.scoring import HORIZON, FailureRegister, Period
from policies.language.schema import CostTerms
from policies.statistics.intervals import Median, Share, middle, share

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PastCase:
    """A real case with the finding of its work.

    `until` is the time of its finding, or of its last event if there is none; `crew_hours` are the hours that its
    technicians recorded, None if there are none.
    """

    id: str
    asset: str
    failure_mode: str
    begun: datetime
    until: datetime
    outcome: OutcomeClass | None
    cancelled: bool
    crew_hours: float | None

    @property
    def worth(self) -> Worth:
        if self.outcome is None or self.cancelled:
            return Worth.UNLABELLED
        return self.outcome.worth


class Bounds(Model):
    """Precision if every order with an unknown outcome was wrong, and if every one was right."""

    least: float | None
    most: float | None


class FalseAlarmCost(Model):
    """The cost of the wrong orders, and of the failures without a preceding order.

    Crew hours are the mean of the hours that technicians recorded on orders that found nothing (on all orders, if none
    did); None if nobody recorded any. Production hours are the policy's own `costs`.
    """

    orders: int
    crew_hours: float | None
    interruption_hours: float
    missed_failure_hours: float


class Measures(Model):
    """A version's figures, for the plant or for one asset class."""

    orders: int
    right: int
    wrong: int
    prevented: int
    other_defects: int
    unlabelled: int
    cancelled: int
    """The number of unlabelled orders whose work was called off."""
    failures: int
    precision: Share
    precision_bounds: Bounds
    recall: Share
    lead_hours: Median
    orders_per_week: float
    false_alarms: FalseAlarmCost


class Outcomes:
    """The known outcomes: cases with their findings, and a failure register if there is one.

    With a register an order is right by `policies.evaluation.scoring`, and precision is a share of all orders. Without
    one only the findings decide, and precision is a share of the orders with a finding.
    """

    def __init__(self, cases: Iterable[PastCase], period: Period, register: FailureRegister | None) -> None:
        self.cases = tuple(sorted(cases, key=lambda case: (case.begun, case.id)))
        self.period = period
        self.register = register
        self._of: dict[tuple[str, str], list[PastCase]] = defaultdict(list)
        for case in self.cases:
            self._of[case.asset, case.failure_mode].append(case)
        worked = [case for case in self.cases if case.crew_hours is not None and not case.cancelled]
        wasted = [case for case in worked if case.worth is Worth.WRONG]
        hours = [case.crew_hours for case in wasted or worked if case.crew_hours is not None]
        self.crew_hours_of_a_false_order = sum(hours) / len(hours) if hours else None
        self.crew_hours = tuple(case.crew_hours for case in worked if case.crew_hours is not None)

    def case_of(self, episode: Episode, rearm: timedelta) -> PastCase | None:
        """The first real case that overlaps in time with a would-be case."""
        for case in self._of.get((episode.asset, episode.failure_mode), ()):
            if case.begun <= episode.last_at + rearm and episode.opened_at <= case.until:
                return case
        return None

    def worth(self, episode: Episode, case: PastCase | None) -> Worth:
        """The outcome of a would-be order."""
        found = case.worth if case is not None else Worth.UNLABELLED
        if self.register is None:
            return found
        if self.register.announced(episode):
            return Worth.RIGHT
        if found in (Worth.PREVENTED, Worth.OTHER_DEFECT):
            return found
        return Worth.UNLABELLED if episode.opened_at + HORIZON > self.period.last else Worth.WRONG


def measure(
    episodes: Sequence[Episode], outcomes: Outcomes, classes: Mapping[str, str], costs: CostTerms, rearm: timedelta
) -> tuple[Measures, dict[str, Measures]]:
    """The figures of one version over the plant, and by asset class.

    Args:
        classes: the class of each asset that may fail.
        costs: the policy's own.
        rearm: the policy's own.
    """
    joined = [(episode, outcomes.case_of(episode, rearm)) for episode in episodes]
    by_class = {
        name: _measure(
            [(episode, case) for episode, case in joined if classes.get(episode.asset) == name],
            outcomes,
            {asset for asset, each in classes.items() if each == name},
            costs,
        )
        for name in sorted(set(classes.values()))
    }
    return _measure(joined, outcomes, None, costs), by_class


def _measure(
    joined: Sequence[tuple[Episode, PastCase | None]], outcomes: Outcomes, assets: set[str] | None, costs: CostTerms
) -> Measures:
    worths = [outcomes.worth(episode, case) for episode, case in joined]
    counts = Counter(worths)
    right, orders = counts[Worth.RIGHT], len(joined)
    open_question = counts[Worth.PREVENTED] + counts[Worth.OTHER_DEFECT] + counts[Worth.UNLABELLED]
    known = orders - open_question
    caught, failures, leads = _caught(joined, worths, outcomes, assets)
    wrong = [episode for (episode, _), worth in zip(joined, worths, strict=True) if worth is Worth.WRONG]
    held = sum(episode.rung is Rung.WORK_ORDER_AND_HOLD for episode in wrong)
    each = outcomes.crew_hours_of_a_false_order
    return Measures(
        orders=orders,
        right=right,
        wrong=len(wrong),
        prevented=counts[Worth.PREVENTED],
        other_defects=counts[Worth.OTHER_DEFECT],
        unlabelled=counts[Worth.UNLABELLED],
        cancelled=sum(1 for _, case in joined if case is not None and case.cancelled),
        failures=failures,
        precision=share(right, orders if outcomes.register is not None else known),
        precision_bounds=Bounds(
            least=round(right / orders, 4) if orders else None,
            most=round((right + open_question) / orders, 4) if orders else None,
        ),
        recall=share(caught, failures),
        lead_hours=middle(leads),
        orders_per_week=round(orders / outcomes.period.weeks, 3) if outcomes.period.weeks else 0.0,
        false_alarms=FalseAlarmCost(
            orders=len(wrong),
            crew_hours=None if each is None else round(len(wrong) * each, 2),
            interruption_hours=round(held * (costs.interruption / _HOUR), 2),
            missed_failure_hours=round((failures - caught) * (costs.failure / _HOUR), 2),
        ),
    )


def _caught(
    joined: Sequence[tuple[Episode, PastCase | None]],
    worths: Sequence[Worth],
    outcomes: Outcomes,
    assets: set[str] | None,
) -> tuple[int, int, list[float]]:
    """The number of failures that an order preceded, of how many, and the lead time of each right order in hours."""
    register, period = outcomes.register, outcomes.period
    if register is not None:
        to_announce = [failure for failure in register.to_announce if assets is None or failure.asset in assets]
        announced = [register.announced(episode) for episode, _ in joined]
        told = {failure for found in announced for failure in found}
        leads = [
            (found[0].at - episode.opened_at) / _HOUR
            for (episode, _), found in zip(joined, announced, strict=True)
            if found
        ]
        return sum(failure in told for failure in to_announce), len(to_announce), leads
    confirmed = {
        case.id
        for case in outcomes.cases
        if case.worth is Worth.RIGHT
        and period.first <= case.until <= period.last
        and (assets is None or case.asset in assets)
    }
    hits = [
        (episode, case)
        for (episode, case), worth in zip(joined, worths, strict=True)
        if worth is Worth.RIGHT and case is not None
    ]
    caught = {case.id for _, case in hits} & confirmed
    return len(caught), len(confirmed), [(case.until - episode.opened_at) / _HOUR for episode, case in hits]
