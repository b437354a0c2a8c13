"""Which completed work tells of a failure, and which failures an alert preceded."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.maintenance_history import WorkDone, WorkKind
from domain.missed_failures import (
    SAME_FAILURE,
    Alert,
    AssetWork,
    Detection,
    DoubtfulWork,
    FailureStatement,
    FoundBy,
    JudgedFailure,
    SeenFailure,
    blind_spots,
    failures_of_people,
    judge_failures,
    recall_of,
)
from tests.support.ingress import NOW

CMMS = "maximo"
MACHINE, PUMP, MOTOR = "machine-1", "machine-1-pump", "machine-1-motor"
OBSERVED = {(PUMP, "VIB"), (PUMP, "LOO"), (MOTOR, "LOO")}
HOUR = timedelta(hours=1)
BREAKDOWN = WorkDone(record="77", done_at=NOW, kind=WorkKind.CORRECTIVE, failure_mode="VIB")


def work(done: WorkDone, *assets: str) -> list[AssetWork]:
    return [AssetWork(CMMS, asset, MACHINE, done) for asset in assets]


def statement(*, failed: bool, asset: str | None = None, mode: str | None = None) -> FailureStatement:
    return FailureStatement(
        system=CMMS,
        record="77",
        machine=MACHINE,
        failed=failed,
        asset=asset,
        failure_mode=mode,
        by="paul",
        reason="seen",
        at=NOW,
    )


def read(
    seen: list[AssetWork], said: FailureStatement | None = None, ours: frozenset[tuple[str, str]] = frozenset()
) -> tuple[SeenFailure | DoubtfulWork, ...]:
    stated = {} if said is None else {said.key: said}
    found = failures_of_people(seen, ours=ours, observed=OBSERVED, stated=stated)
    return (*found.failures, *found.doubtful)


def failure(hours: float = 0.0, *, record: str = "77", case: str | None = None, mode: str = "VIB") -> SeenFailure:
    found_by = FoundBy.BREAKDOWN if case is None else FoundBy.CASE
    at = NOW + hours * HOUR
    return SeenFailure(system=CMMS, record=record, asset=PUMP, failure_mode=mode, at=at, found_by=found_by, case=case)


def alert(
    first: float,
    until: float | None = None,
    *,
    case: str = "MW1",
    rejected: bool = False,
    withdrawn: bool = False,
    before: frozenset[tuple[str, str]] = frozenset(),
) -> Alert:
    ended = None if until is None else NOW + until * HOUR
    return Alert(case, PUMP, "VIB", NOW + first * HOUR, ended, rejected, withdrawn, before)


def judged(failures: list[SeenFailure], *alerts: Alert) -> tuple[JudgedFailure, ...]:
    return judge_failures(failures, alerts, lambda asset, mode, at: (asset, mode) in OBSERVED)


@pytest.mark.parametrize(
    ("kind", "found_by"), [(WorkKind.CORRECTIVE, FoundBy.BREAKDOWN), (WorkKind.PREVENTIVE, FoundBy.ROUND)]
)
def test_codes_that_name_a_failure_mode_tell_of_a_failure_found_at_a_breakdown_or_on_a_round(
    kind: WorkKind, found_by: FoundBy
) -> None:
    [found] = read(work(BREAKDOWN.model_copy(update={"kind": kind}), PUMP))
    assert isinstance(found, SeenFailure)
    assert (found.asset, found.failure_mode, found.found_by, found.at) == (PUMP, "VIB", found_by, NOW)


@pytest.mark.parametrize(
    ("kind", "mode", "why"),
    [
        (WorkKind.UNKNOWN, "VIB", "the CMMS does not say whether something had failed"),
        (WorkKind.UNKNOWN, None, "the CMMS does not say whether something had failed"),
        (WorkKind.CORRECTIVE, None, "its codes name no failure mode"),
    ],
)
def test_work_of_which_the_cmms_says_too_little_is_doubtful(kind: WorkKind, mode: str | None, why: str) -> None:
    [found] = read(work(BREAKDOWN.model_copy(update={"kind": kind, "failure_mode": mode}), PUMP))
    assert isinstance(found, DoubtfulWork)
    assert found.why == why


def test_planned_work_that_names_no_failure_mode_and_orders_of_cases_are_no_failures() -> None:
    planned = BREAKDOWN.model_copy(update={"kind": WorkKind.PREVENTIVE, "failure_mode": None})
    assert read(work(planned, PUMP)) == ()
    assert read(work(BREAKDOWN, PUMP), ours=frozenset({(CMMS, "77")})) == ()


@pytest.mark.parametrize(("mode", "asset"), [("VIB", PUMP), ("BRD", MACHINE)])
def test_an_order_on_a_machine_is_of_its_one_part_with_that_failure_mode_or_of_the_machine(
    mode: str, asset: str
) -> None:
    [found] = read(work(BREAKDOWN.model_copy(update={"failure_mode": mode}), PUMP, MOTOR, MACHINE))
    assert isinstance(found, SeenFailure)
    assert found.asset == asset


def test_an_order_on_a_machine_is_doubtful_where_two_parts_have_the_failure_mode() -> None:
    [found] = read(work(BREAKDOWN.model_copy(update={"failure_mode": "LOO"}), PUMP, MOTOR, MACHINE))
    assert isinstance(found, DoubtfulWork)
    assert found.assets == (MACHINE, MOTOR, PUMP)
    assert found.why == "2 parts of the machine may have this failure mode"


def test_a_persons_word_goes_before_the_codes() -> None:
    doubtful = work(BREAKDOWN.model_copy(update={"failure_mode": "LOO"}), PUMP, MOTOR, MACHINE)
    [found] = read(doubtful, statement(failed=True, asset=MOTOR, mode="LOO"))
    assert isinstance(found, SeenFailure)
    assert (found.asset, found.failure_mode) == (MOTOR, "LOO")
    assert read(doubtful, statement(failed=False)) == ()


def test_a_word_on_one_of_two_orders_with_the_same_number_says_nothing_of_the_other_one() -> None:
    other = AssetWork(CMMS, "machine-2", "machine-2", BREAKDOWN.model_copy(update={"failure_mode": None}))
    found = read([*work(BREAKDOWN, PUMP), other], statement(failed=True, asset=PUMP, mode="VIB"))
    assert [each.record for each in found if isinstance(each, DoubtfulWork)] == ["77"]


@pytest.mark.parametrize(
    ("alerts", "detection"),
    [
        ([], Detection.MISSED),
        ([alert(-5)], Detection.ALERTED),
        ([alert(0)], Detection.MISSED),
        ([alert(-50, 0)], Detection.ALERTED),
        ([alert(-50, -1)], Detection.MISSED),
        ([alert(-5, rejected=True)], Detection.REJECTED),
        ([alert(-9, rejected=True), alert(-5, case="MW2")], Detection.ALERTED),
        ([alert(-5, withdrawn=True)], Detection.MISSED),
        ([alert(-5, before=frozenset({(CMMS, "77")}))], Detection.MISSED),
        ([alert(-5)._replace(failure_mode="LOO")], Detection.MISSED),
    ],
)
def test_only_an_alert_of_the_same_fault_that_came_first_and_stood_precedes_a_failure(
    alerts: list[Alert], detection: Detection
) -> None:
    [found] = judged([failure()], *alerts)
    assert found.detection is detection


def test_a_case_whose_order_confirmed_it_is_an_alert_unless_a_person_had_reported_the_failure_before() -> None:
    [found] = judged([failure(case="MW1")], alert(3))
    assert (found.detection, found.alert) == (Detection.ALERTED, "MW1")
    [late] = judged([failure(case="MW1")], alert(-3, before=frozenset({(CMMS, "77")})))
    assert (late.detection, late.alert) == (Detection.MISSED, None)


def test_orders_for_one_fault_within_a_day_are_one_failure() -> None:
    day = SAME_FAILURE / HOUR
    found = judged([failure(), failure(day, record="78"), failure(day + 1, record="79")])
    assert [each.record for each in found] == ["79", "77"]


def test_recall_counts_monitored_failures_only_and_the_rest_are_blind_spots() -> None:
    found = judged(
        [failure(-40), failure(record="78"), failure(record="79", mode="BRD"), failure(100, record="80", mode="BRD")],
        alert(-50, -30),
    )
    recall = recall_of(found, doubtful=2)
    assert (recall.alerted, recall.missed, recall.rejected) == (1, 1, 0)
    assert (recall.monitored, recall.failures, recall.doubtful) == (2, 4, 2)
    assert (recall.recall, recall.coverage) == (0.5, 0.5)
    [spot] = blind_spots(found)
    assert (spot.failure_mode, spot.failures, spot.last_at) == ("BRD", 2, NOW + 100 * HOUR)


def test_without_failures_there_is_no_share() -> None:
    assert (recall_of([]).recall, recall_of([]).coverage) == (None, None)


FAILURES = st.lists(
    st.builds(
        failure,
        st.integers(-200, 200),
        record=st.integers(0, 20).map(str),
        case=st.sampled_from([None, "MW1", "MW2"]),
        mode=st.sampled_from(["VIB", "LOO", "BRD"]),
    ),
    max_size=12,
)
ALERTS = st.lists(
    st.builds(
        alert,
        st.integers(-300, 200),
        st.none() | st.integers(-300, 300),
        case=st.sampled_from(["MW1", "MW2", "MW3"]),
        rejected=st.booleans(),
        withdrawn=st.booleans(),
    ),
    max_size=6,
)


@given(FAILURES, ALERTS)
def test_every_monitored_failure_is_alerted_rejected_or_missed_and_the_order_of_reading_changes_nothing(
    failures: list[SeenFailure], alerts: list[Alert]
) -> None:
    found = judged(failures, *alerts)
    recall = recall_of(found)
    assert recall.alerted + recall.rejected + recall.missed == recall.monitored
    assert recall.monitored <= recall.failures <= len(failures)
    assert recall_of(judged(failures[::-1], *alerts[::-1])) == recall
    assert sum(spot.failures for spot in blind_spots(found)) == recall.failures - recall.monitored


@given(FAILURES, ALERTS, st.integers(-300, 200))
def test_a_further_alert_makes_no_failure_a_miss(failures: list[SeenFailure], alerts: list[Alert], at: int) -> None:
    before = recall_of(judged(failures, *alerts))
    after = recall_of(judged(failures, *alerts, alert(at, case="MW9")))
    assert after.alerted >= before.alerted
    assert after.missed <= before.missed


@given(FAILURES)
def test_without_alerts_no_failure_of_a_person_is_alerted(failures: list[SeenFailure]) -> None:
    assert recall_of(judged(failures)).alerted == 0
