"""A test run is proved only by readings that were received while the machine ran, and never by silence."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.anomaly import AnomalyKind, Quality
from domain.machine_test_runs import JudgedReading, MachineTestRun, RunStanding, RunTerms, standing_of
from domain.verdict import Rung
from tests.support.baseline_readings import after, reading
from tests.support.plant import START

TERMS = RunTerms(within=timedelta(hours=2), steady=timedelta(minutes=30), score=2.0)
FAULT = ("pump", "PDE")


def run(*read: float | None, terms: RunTerms = TERMS) -> MachineTestRun:
    """A test run of which the MES was read at these minutes; it stood still at those below 0."""
    found = MachineTestRun(terms=terms, version="0" * 64, begun_at=START)
    for minutes in read:
        if minutes is not None:
            found = found.after_reading(after(abs(minutes)), running=minutes >= 0)
    return found


RAN = run(0, 10, 20, 30, 40)
STEADY = (reading(1), reading(11), reading(21), reading(31))


def standing(test_run: MachineTestRun = RAN, readings: Sequence[JudgedReading] = STEADY, at: float = 40) -> RunStanding:
    return standing_of(test_run, {FAULT: readings}, (), after(at))


def test_a_signal_at_its_baseline_for_the_whole_time_while_the_machine_runs_proves_the_repair() -> None:
    proof = standing().proof
    assert proof is not None
    [fault] = proof.faults
    assert (fault.since, fault.until, fault.readings) == (after(1), after(31), 4)
    assert proof.running_since <= fault.since
    assert fault.until <= proof.read_at


@pytest.mark.parametrize(
    ("test_run", "readings"),
    [
        pytest.param(RAN, (), id="silence"),
        pytest.param(RAN, STEADY[:3], id="too short"),
        pytest.param(RAN, (reading(1), reading(31)), id="a gap between readings"),
        pytest.param(RAN, (*STEADY[:2], reading(21, 2.5), reading(31)), id="a score above the limit"),
        pytest.param(RAN, (*STEADY[:2], reading(21, rung=Rung.WATCH), reading(31)), id="one that is watched"),
        pytest.param(RAN, (*STEADY[:2], reading(21, quality=Quality.UNCERTAIN), reading(31)), id="a doubtful one"),
        pytest.param(RAN, (*STEADY[:2], reading(21, kind=AnomalyKind.CODE, code="E1"), reading(31)), id="a code"),
        pytest.param(RAN, (*STEADY[:2], reading(21, score=None), reading(31)), id="one without a score"),
        pytest.param(run(), STEADY, id="the MES said nothing"),
        pytest.param(run(0, 10, -20, 30, 40), STEADY, id="the machine stood still"),
        pytest.param(run(0, 10, 40), STEADY, id="a gap between readings of the MES"),
        pytest.param(run(0, 10, 20), STEADY, id="the last reading of the MES is older"),
        pytest.param(run(0, 10, 20, 30, -40), STEADY, id="it stands still by now"),
        pytest.param(RAN, tuple(reading(each - 60) for each in (1, 11, 21, 31)), id="readings of before"),
    ],
)
def test_nothing_less_proves_it_and_nobody_is_asked_while_there_is_time(
    test_run: MachineTestRun, readings: Sequence[JudgedReading]
) -> None:
    found = standing(test_run, readings)
    assert (found.proof, found.asks) == (None, None)
    assert found.missing


def test_each_fault_that_the_machine_was_held_for_must_be_at_its_baseline() -> None:
    found = standing_of(RAN, {FAULT: STEADY, ("motor", "VIB"): ()}, (), after(40))
    assert (found.proof, found.fault) == (None, ("motor", "VIB"))
    assert found.missing == "no reading shows VIB of motor at its baseline"


def test_production_is_asked_when_the_time_is_over_and_is_told_what_is_missing() -> None:
    found = standing(readings=STEADY[:2], at=120)
    assert found.proof is None
    assert found.asks is not None
    assert "is at its baseline only since" in found.asks


def test_proof_that_comes_after_the_time_is_for_production_to_judge() -> None:
    assert standing(at=120).proof is None


@pytest.mark.parametrize("rung", [rung for rung in Rung if rung.opens_case])
def test_an_anomaly_that_the_version_acts_on_asks_production_whatever_else_was_received(rung: Rung) -> None:
    found = standing(readings=(*STEADY, reading(35, 9.0, rung)))
    assert found.proof is None
    assert found.asks is not None
    assert f"volt at 9.0 standard errors on pump at 2015-01-10 06:35 UTC, judged as {rung.word}" in found.asks
    assert found.fault == FAULT


def test_an_order_that_is_opened_again_asks_production() -> None:
    found = standing_of(RAN, {FAULT: STEADY}, ("1002",), after(40))
    assert (found.proof, found.asks) == (None, "order 1002 was opened again")


def test_a_reading_of_the_mes_that_is_old_says_nothing() -> None:
    assert run(0, 10).after_reading(after(5), running=False) == run(0, 10)
    assert run().after_reading(after(-60), running=True) == run()


GAPS = st.lists(st.sampled_from([9, 12, 14, 15, 15, 16]), min_size=6, max_size=8).map(lambda gaps: [*accumulate(gaps)])


@given(GAPS, GAPS, st.lists(st.sampled_from([*[0.5] * 9, 3.0]), min_size=8, max_size=8))
def test_a_proof_always_spans_the_steady_time_without_a_longer_gap_and_only_with_readings_at_the_baseline(
    read: list[int], seen: list[int], scores: list[float]
) -> None:
    readings = [reading(minutes, score) for minutes, score in zip(seen, scores, strict=False)]
    proof = standing(run(*read), readings, 119).proof
    assume(proof is not None)
    assert proof is not None
    [fault] = proof.faults
    within = [each for each in readings if fault.since <= each.anomaly.at <= fault.until]
    asked = [after(each) for each in read if proof.running_since <= after(each) <= proof.read_at]
    assert fault.until - fault.since >= TERMS.steady
    assert all(each.is_normal(TERMS) for each in within)
    assert all(b.anomaly.at - a.anomaly.at <= TERMS.longest_gap for a, b in pairwise(within))
    assert all(later - earlier <= TERMS.longest_gap for earlier, later in pairwise(asked))
