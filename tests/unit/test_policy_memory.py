"""The memory fold: deterministic, bounded, evicting by event time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.anomaly import Anomaly, AnomalyKind, Quality, Risk
from domain.canonical import canonical
from domain.verdict import Memory
from policies.engine.memory import MAX_DISTINCT, observe, order

T0 = datetime(2026, 1, 10, tzinfo=UTC)
WINDOW = timedelta(hours=24)
REARM = timedelta(hours=24)
HOUR = timedelta(hours=1)

ANOMALIES = st.builds(
    Anomaly,
    kind=st.sampled_from(AnomalyKind),
    asset=st.just("m1/comp1"),
    failure_mode=st.just("VIB"),
    at=st.integers(0, 100).map(lambda hours: T0 + hours * HOUR),
    detector=st.sampled_from(["a", "b", "c"]),
    score=st.none() | st.floats(0, 20),
    code=st.none() | st.sampled_from(["error1", "error2"]),
    risk=st.none() | st.sampled_from(Risk),
    quality=st.sampled_from(Quality),
)


def deviation(hours: float, score: float = 6.0, quality: Quality = Quality.GOOD, detector: str = "d") -> Anomaly:
    return Anomaly(
        kind=AnomalyKind.DEVIATION,
        asset="m1/comp1",
        failure_mode="VIB",
        at=T0 + hours * HOUR,
        detector=detector,
        score=score,
        quality=quality,
    )


def code(hours: float, name: str | None = "error1") -> Anomaly:
    return Anomaly(
        kind=AnomalyKind.CODE, asset="m1/comp1", failure_mode="VIB", at=T0 + hours * HOUR, detector="device", code=name
    )


def risk(hours: float, state: Risk) -> Anomaly:
    return Anomaly(
        kind=AnomalyKind.RISK, asset="m1", failure_mode="VIB", at=T0 + hours * HOUR, detector="model", risk=state
    )


def folded(*anomalies: Anomaly, memory: Memory | None = None) -> Memory:
    memory = memory or Memory()
    for anomaly in anomalies:
        memory = observe(memory, anomaly, WINDOW, 4.0)
    return memory


def test_a_run_of_deviations_knows_its_beginning_its_length_and_its_worst() -> None:
    memory = folded(deviation(0, 5.0), deviation(1, 9.0), deviation(25, 7.0))

    assert memory.deviating_since == T0
    assert memory.deviation_at == T0 + 25 * HOUR
    assert (memory.deviations, memory.worst_score) == (3, 9.0)


def test_a_gap_longer_than_the_window_begins_a_new_run() -> None:
    memory = folded(deviation(0, 9.0), deviation(24.1, 5.0))

    assert memory.deviating_since == T0 + 24.1 * HOUR
    assert (memory.deviations, memory.worst_score) == (1, 5.0)


@pytest.mark.parametrize(
    "weak", [deviation(1, 4.0), deviation(1, 0.0), deviation(1, 9.0, Quality.BAD), deviation(1, 9.0, Quality.UNCERTAIN)]
)
def test_what_is_no_evidence_is_seen_and_nothing_more(weak: Anomaly) -> None:
    assert folded(weak) == Memory(seen=1, last_at=weak.at)


def test_evidence_leaves_when_it_is_older_than_the_window_and_not_before() -> None:
    held = folded(code(0), deviation(0), risk(24, Risk.LOW))
    gone = folded(code(0), deviation(0), risk(24.01, Risk.LOW))

    assert (set(held.codes), set(held.detectors), held.deviations) == ({"error1"}, {"d"}, 1)
    assert (gone.codes, gone.detectors, gone.deviating_since, gone.deviation_at) == ({}, {}, None, None)
    assert (gone.deviations, gone.worst_score) == (0, 0.0)


def test_a_repeated_code_is_one_code_at_its_latest_time() -> None:
    memory = folded(code(0), code(2), code(1))

    assert memory.codes == {"error1": T0 + 2 * HOUR}
    assert memory.detectors == {}


def test_a_code_without_a_name_confirms_by_its_detector() -> None:
    assert folded(code(0, None)).detectors == {"device": T0}


def test_a_risk_keeps_its_state_and_the_time_of_its_edge() -> None:
    memory = folded(risk(0, Risk.HIGH), risk(1, Risk.HIGH), risk(2, Risk.MEDIUM), risk(1.5, Risk.HIGH))

    assert (memory.risk, memory.risk_since) == ("Medium", T0 + 2 * HOUR)


def test_only_a_high_risk_confirms() -> None:
    assert folded(risk(0, Risk.MEDIUM), risk(1, Risk.LOW)).detectors == {}
    assert set(folded(risk(0, Risk.HIGH)).detectors) == {"model"}


def test_a_late_deviation_of_the_run_moves_its_beginning_back() -> None:
    memory = folded(deviation(5), deviation(3))

    assert (memory.deviating_since, memory.deviation_at) == (T0 + 3 * HOUR, T0 + 5 * HOUR)
    assert memory.last_at == T0 + 5 * HOUR


def test_evidence_that_comes_later_than_the_window_is_only_seen() -> None:
    before = folded(deviation(30))

    assert folded(code(5), memory=before) == before.model_copy(update={"seen": 2})


def test_distinct_names_are_capped_and_the_oldest_goes_first() -> None:
    memory = folded(*[code(number / 100, f"e{number:03d}") for number in range(100)])

    assert sorted(memory.codes) == [f"e{number:03d}" for number in range(100 - MAX_DISTINCT, 100)]


def test_of_names_equally_old_the_first_of_the_alphabet_goes() -> None:
    names = [f"e{number:03d}" for number in range(MAX_DISTINCT + 1)]

    forwards = folded(*[code(0, name) for name in names])
    backwards = folded(*[code(0, name) for name in names[:0:-1]], code(0, "zzz"))

    assert sorted(forwards.codes) == names[1:]
    assert "e001" not in backwards.codes


@given(st.lists(ANOMALIES, max_size=60))
def test_the_fold_is_deterministic_bounded_and_leaves_its_input_alone(anomalies: list[Anomaly]) -> None:
    memory = Memory()
    for anomaly in anomalies:
        kept = canonical(memory)
        once, again = observe(memory, anomaly, WINDOW, 4.0), observe(memory, anomaly, WINDOW, 4.0)
        assert canonical(once) == canonical(again)
        assert canonical(memory) == kept
        memory = once
    assert memory == Memory.model_validate(memory.model_dump())
    assert Memory.model_validate_json(canonical(memory)) == memory
    assert memory.seen == len(anomalies)
    assert len(memory.codes) + len(memory.detectors) <= 2 * MAX_DISTINCT


@given(st.lists(ANOMALIES, min_size=1, max_size=30))
def test_a_doubled_anomaly_adds_to_the_counts_and_to_nothing_else(anomalies: list[Anomaly]) -> None:
    once = folded(*anomalies)
    twice = folded(anomalies[-1], memory=once)

    counted = {"seen": twice.seen, "deviations": twice.deviations}
    assert twice == once.model_copy(update=counted)


@given(st.lists(ANOMALIES, max_size=30))
def test_nothing_held_is_older_than_the_window(anomalies: list[Anomaly]) -> None:
    memory = folded(*anomalies)

    held = [*memory.codes.values(), *memory.detectors.values(), *filter(None, [memory.deviation_at])]
    assert all(memory.last_at is not None and memory.last_at - at <= WINDOW for at in held)


@given(st.permutations([code(0), code(3, "error2"), deviation(1, 5.0), deviation(6, 9.0, detector="e")]))
def test_within_one_window_evidence_does_not_depend_on_the_order_of_arrival(anomalies: list[Anomaly]) -> None:
    assert canonical(folded(*anomalies)) == canonical(folded(*sorted(anomalies, key=lambda each: each.at)))


@pytest.mark.parametrize(
    ("hours", "episode", "ordered"),
    [
        ((0,), 0, 0),
        ((0, 24), 0, 24),
        ((0, 24.01), 24.01, 24.01),
        ((0, 20, 40, 60), 0, 60),
        ((10, 8), 8, 10),
        ((50, 10), 50, 50),
    ],
)
def test_an_ordering_verdict_feeds_its_episode_or_begins_one(
    hours: tuple[float, ...], episode: float, ordered: float
) -> None:
    memory = Memory()
    for each in hours:
        memory = order(memory, T0 + each * HOUR, REARM)

    assert (memory.episode_at, memory.ordered_at) == (T0 + episode * HOUR, T0 + ordered * HOUR)
