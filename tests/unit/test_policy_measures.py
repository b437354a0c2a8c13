"""What orders were worth where findings are missing, called off or prevented."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from domain.outcomes import OutcomeClass
from domain.verdict import Rung
from policies.evaluation.comparison import ComparisonResult, compare_measures, standing
from policies.evaluation.crew_load import crew_load
from policies.evaluation.episodes import Episode
from policies.evaluation.measures import Measures, Outcomes, PastCase, measure
from policies.evaluation.scoring import Failure, FailureRegister, Period
from policies.language.schema import CostTerms

START = datetime(2026, 1, 1, tzinfo=UTC)
PERIOD = Period(START, START + timedelta(weeks=10))
REARM = timedelta(hours=24)
COSTS = CostTerms.model_validate({"failure": "PT8H", "interruption": "PT2H"})


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


def episode(at: float, asset: str = "p", rung: Rung = Rung.WORK_ORDER) -> Episode:
    return Episode(version="v", asset=asset, failure_mode="PDE", opened_at=hour(at), last_at=hour(at + 1), rung=rung)


def case(at: float, outcome: OutcomeClass | None, *, cancelled: bool = False, hours: float | None = None) -> PastCase:
    return PastCase(f"case-{at}", "p", "PDE", hour(at), hour(at + 10), outcome, cancelled, hours)


def measured(
    episodes: Sequence[Episode], cases: Sequence[PastCase], failures: Sequence[Failure] | None = None
) -> Measures:
    register = None if failures is None else FailureRegister(failures, PERIOD)
    return measure(episodes, Outcomes(cases, PERIOD, register), {"p": "pump", "m": "motor"}, COSTS, REARM)[0]


def test_each_finding_counts_for_what_it_says() -> None:
    cases = [
        case(100, OutcomeClass.CONFIRMED),
        case(200, OutcomeClass.NOTHING_FOUND),
        case(300, OutcomeClass.PREVENTED),
        case(400, OutcomeClass.UNKNOWN),
        case(500, OutcomeClass.DEFERRED, cancelled=True),
        case(600, None),
    ]
    found = measured([episode(at) for at in (100, 200, 300, 400, 500, 600, 700)], cases)
    assert (found.orders, found.right, found.wrong, found.prevented, found.unlabelled) == (7, 1, 1, 1, 4)
    assert found.cancelled == 1


def test_another_defect_is_neither_right_nor_wrong_and_is_counted_by_itself() -> None:
    cases = [
        case(100, OutcomeClass.CONFIRMED),
        case(200, OutcomeClass.OTHER_DEFECT),
        case(300, OutcomeClass.NOT_INSPECTED),
        case(400, OutcomeClass.NOTHING_FOUND),
    ]
    found = measured([episode(at) for at in (100, 200, 300, 400)], cases)
    assert (found.right, found.wrong, found.other_defects, found.unlabelled) == (1, 1, 1, 1)
    assert (found.precision.part, found.precision.whole) == (1, 2)
    assert (found.precision_bounds.least, found.precision_bounds.most) == (0.25, 0.75)


def test_a_register_without_a_failure_leaves_another_defect_neither_right_nor_wrong() -> None:
    found = measured([episode(100)], [case(100, OutcomeClass.OTHER_DEFECT)], [])
    assert (found.right, found.wrong, found.other_defects) == (0, 0, 1)


def test_what_nobody_knows_widens_precision_and_is_never_a_false_alarm() -> None:
    cases = [case(100, OutcomeClass.CONFIRMED), case(300, OutcomeClass.PREVENTED)]
    found = measured([episode(at) for at in (100, 300, 700)], cases)
    assert (found.precision.part, found.precision.whole) == (1, 1)
    assert (found.precision_bounds.least, found.precision_bounds.most) == (0.3333, 1.0)


def test_an_order_takes_its_finding_from_the_case_with_which_it_shares_time() -> None:
    cases = [case(100, OutcomeClass.CONFIRMED)]
    assert measured([episode(80)], cases).right == 1
    assert measured([episode(74)], cases).right == 0
    assert measured([episode(111)], cases).unlabelled == 1
    assert measured([episode(100, asset="m")], cases).unlabelled == 1


def test_a_register_says_right_and_wrong_and_a_prevented_failure_is_neither() -> None:
    cases = [case(300, OutcomeClass.PREVENTED)]
    found = measured([episode(at) for at in (100, 300, 700)], cases, [Failure(hour(130), "p")])
    assert (found.right, found.wrong, found.prevented) == (1, 1, 1)
    assert (found.precision.part, found.precision.whole) == (1, 3)
    assert found.precision_bounds.most == 0.6667
    assert (found.lead_hours.median, found.recall.share) == (30.0, 1.0)


def test_an_order_whose_failure_may_still_come_is_not_yet_wrong() -> None:
    late = PERIOD.last - START - timedelta(hours=71)
    found = measured([episode(late / timedelta(hours=1))], [], [])
    assert (found.wrong, found.unlabelled) == (0, 1)


def test_false_alarms_cost_crew_hours_and_missed_failures_production() -> None:
    cases = [case(100, OutcomeClass.NOTHING_FOUND, hours=1.5), case(200, OutcomeClass.CONFIRMED, hours=6.0)]
    wrong = [episode(100, rung=Rung.WORK_ORDER_AND_HOLD), episode(700)]
    found = measured(wrong, cases, [Failure(hour(500), "p")]).false_alarms
    assert (found.orders, found.crew_hours, found.interruption_hours) == (2, 3.0, 2.0)
    assert found.missed_failure_hours == 8.0


def confirmed(number: int, of: int) -> tuple[list[Episode], list[PastCase]]:
    outcomes = [OutcomeClass.CONFIRMED] * number + [OutcomeClass.NOTHING_FOUND] * (of - number)
    cases = [case(100 + 50 * place, outcome) for place, outcome in enumerate(outcomes)]
    return [episode(100 + 50 * place) for place in range(of)], cases


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (slice(None), ComparisonResult.ALIKE),
        (slice(0, 10), ComparisonResult.BETTER),
        (slice(10, None), ComparisonResult.WORSE),
    ],
)
def test_a_candidate_stands_by_more_than_chance_or_not_at_all(kept: slice, expected: ComparisonResult) -> None:
    episodes, cases = confirmed(10, 30)
    figures = compare_measures(measured(episodes[kept], cases), measured(episodes, cases))
    assert standing(figures) is expected


def test_orders_that_nobody_ever_looked_at_cannot_pass_for_good_ones() -> None:
    episodes, cases = confirmed(20, 20)
    many = [*episodes, *(episode(1200 + 30 * place) for place in range(15))]
    figures = compare_measures(measured(many, cases), measured(episodes, cases))
    assert [figure.standing for figure in figures] == [ComparisonResult.UNKNOWN, ComparisonResult.ALIKE]
    assert standing(figures) is ComparisonResult.UNKNOWN


def test_without_any_finding_nothing_can_be_said() -> None:
    nothing = measured([episode(100)], [])
    assert standing(compare_measures(nothing, nothing)) is ComparisonResult.UNKNOWN


def test_a_crews_load_is_drawn_alike_every_time_and_knows_overtime() -> None:
    many = [episode(1 + place) for place in range(0, 1600, 4)]
    load = crew_load(many, PERIOD, [4.0], 1)
    assert load == crew_load(many, PERIOD, [4.0], 1)
    assert load is not None
    assert 38 < load.orders_per_week < 42
    assert load.overtime_share > 0.6
    shared = crew_load(many, PERIOD, [4.0], 5)
    assert shared is not None
    assert (shared.overtime_share, shared.orders_per_week < 9) == (0.0, True)


def test_a_load_that_no_order_was_ever_worked_for_is_unknown() -> None:
    assert crew_load([episode(1)], PERIOD, [], 1) is None
    assert crew_load([episode(1)], Period(START, hour(5)), [4.0], 1) is None
