"""Judging: the published rules by table, totality and purity."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.anomaly import Anomaly, AnomalyKind, Quality, Risk
from domain.assets import Criticality
from domain.canonical import canonical
from domain.verdict import Context, Memory, Rung, Verdict
from policies.engine.catalogue import PUBLISHED, Catalogue
from policies.engine.judging import CompiledPolicy, compile_policy, judge

CATALOGUE = Catalogue.published()
SINGLE = CATALOGUE.find("rotating-equipment", "1.0.0")
CONFIRMED = CATALOGUE.find("rotating-equipment", "1.1.0")
TEXT = (PUBLISHED / "rotating-equipment" / "1.1.0.yaml").read_text(encoding="utf-8")

T0 = datetime(2026, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def context(criticality: Criticality | None = Criticality.A, codes: int = 1, asset_class: str = "pump") -> Context:
    return Context(
        asset="m1/comp2", asset_class=asset_class, criticality=criticality, machine="m1", line="LINE-1", codes=codes
    )


def deviation(hours: float = 0, score: float | None = 6.0, confidence: float | None = None) -> Anomaly:
    return Anomaly(
        kind=AnomalyKind.DEVIATION,
        asset="m1/comp2",
        failure_mode="LOO",
        at=T0 + hours * HOUR,
        detector="DetectAnomalies",
        signal="rotate",
        score=score,
        confidence=confidence,
    )


def code(hours: float, name: str = "error2") -> Anomaly:
    return Anomaly(
        kind=AnomalyKind.CODE, asset="m1/comp2", failure_mode="LOO", at=T0 + hours * HOUR, detector="device", code=name
    )


def judged(policy: CompiledPolicy, about: Context, *anomalies: Anomaly) -> tuple[list[Verdict], Memory]:
    memory, verdicts = Memory(), []
    for anomaly in anomalies:
        verdict, memory = judge(policy, memory, anomaly, about)
        verdicts.append(verdict)
    return verdicts, memory


@pytest.mark.parametrize(
    ("policy", "criticality", "rung", "rule"),
    [
        (SINGLE, Criticality.A, Rung.WORK_ORDER_AND_HOLD, "critical-shift"),
        (SINGLE, Criticality.B, Rung.WORK_ORDER, "important-shift"),
        (SINGLE, Criticality.C, Rung.DRAFT, "standard-shift"),
        (SINGLE, Criticality.D, Rung.DRAFT, "minor-shift"),
        (SINGLE, None, Rung.DRAFT, "minor-shift"),
        (CONFIRMED, Criticality.A, Rung.WATCH, "single-shift"),
        (CONFIRMED, None, Rung.WATCH, "single-shift"),
    ],
)
def test_a_single_shift_orders_by_1_0_0_and_is_watched_by_1_1_0(
    policy: CompiledPolicy, criticality: Criticality | None, rung: Rung, rule: str
) -> None:
    (verdict,), _ = judged(policy, context(criticality), deviation())

    assert (verdict.rung, verdict.rule) == (rung, rule)
    assert (verdict.policy, verdict.version, verdict.digest) == (
        "rotating-equipment",
        policy.document.version,
        policy.digest,
    )


@pytest.mark.parametrize(
    ("codes", "sequence", "rung"),
    [
        (1, (code(-24), deviation()), Rung.WORK_ORDER_AND_HOLD),
        (1, (code(0), deviation()), Rung.WORK_ORDER_AND_HOLD),
        (1, (code(-24.01), deviation()), Rung.WATCH),
        (1, (deviation(-1), code(0)), Rung.WATCH),
        (2, (code(-2), code(-1), deviation()), Rung.WATCH),
        (2, (code(-2), code(-1, "error3"), deviation()), Rung.WORK_ORDER_AND_HOLD),
        (2, (code(-25), code(-1, "error3"), deviation()), Rung.WATCH),
        (2, (code(-2), deviation(0, 6.0, 0.95)), Rung.WORK_ORDER_AND_HOLD),
        (0, (deviation(),), Rung.WATCH),
        (1, (code(-1), deviation(0, 4.0)), Rung.IGNORE),
        (1, (code(-1), deviation(0, None)), Rung.IGNORE),
        (1, (code(1), deviation()), Rung.WATCH),
    ],
)
def test_1_1_0_orders_when_every_matching_code_is_at_most_a_day_old(
    codes: int, sequence: tuple[Anomaly, ...], rung: Rung
) -> None:
    verdicts, _ = judged(CONFIRMED, context(codes=codes), *sequence)

    assert verdicts[-1].rung is rung


def test_a_repeated_risk_is_acted_on_at_its_edge_only() -> None:
    risks = [
        deviation(hours).model_copy(update={"kind": AnomalyKind.RISK, "risk": risk, "score": None})
        for hours, risk in enumerate([Risk.LOW, Risk.HIGH, Risk.HIGH, Risk.MEDIUM, Risk.MEDIUM])
    ]

    verdicts, _ = judged(CONFIRMED, context(), *risks)

    assert [verdict.rung.word for verdict in verdicts] == ["ignore", "watch", "ignore", "watch", "ignore"]


def test_a_bad_signal_is_inspected_and_leaves_no_evidence() -> None:
    bad = deviation(0, 9.0, 0.99).model_copy(update={"quality": Quality.BAD})

    (_, verdict), memory = judged(CONFIRMED, context(), code(-1), bad)

    assert (verdict.rung, verdict.rule) == (Rung.INSPECT, "bad-quality")
    assert memory.deviating_since is None


def test_an_asset_that_the_policy_does_not_cover_is_ignored() -> None:
    (verdict,), _ = judged(SINGLE, context(asset_class="transformer"), deviation())

    assert (verdict.rung, verdict.rule) == (Rung.IGNORE, "applies-to")


def test_only_ordering_verdicts_move_the_episode() -> None:
    watched = judged(CONFIRMED, context(), deviation(0), deviation(1))[1]
    ordered = judged(CONFIRMED, context(), deviation(0), code(1), deviation(1), deviation(20), deviation(44.1))[1]

    assert (watched.ordered_at, watched.episode_at) == (None, None)
    assert (ordered.ordered_at, ordered.episode_at) == (T0 + 20 * HOUR, T0 + HOUR)


MOMENTS = st.datetimes(timezones=st.just(UTC))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
SPANS = st.none() | st.timedeltas(timedelta(0), timedelta(days=400))
ANY_ANOMALY = st.builds(
    Anomaly,
    kind=st.sampled_from(AnomalyKind),
    asset=TEXTS,
    failure_mode=TEXTS,
    at=MOMENTS,
    detector=TEXTS,
    signal=st.none() | TEXTS,
    value=NUMBERS,
    score=st.none() | st.floats(0, allow_nan=False, allow_infinity=False),
    baseline=NUMBERS,
    confidence=st.none() | st.floats(0, 1),
    code=st.none() | TEXTS,
    risk=st.none() | st.sampled_from(Risk),
    quality=st.sampled_from(Quality),
    lead_low=SPANS,
    lead_high=SPANS,
)
ANY_CONTEXT = st.builds(
    Context,
    asset=TEXTS,
    asset_class=st.sampled_from(["pump", "cnc", "other", ""]),
    criticality=st.none() | st.sampled_from(Criticality),
    machine=TEXTS,
    line=TEXTS,
    codes=st.integers(0, 5),
)

# A version whose conditions ask for every name there is, each in a way that some values cannot answer.
ODD = compile_policy(
    TEXT.replace(
        "when: anomaly.kind == 'manual'",
        "when: anomaly.value / anomaly.baseline > 1.0 && asset.codes / memory.codes > memory.seen"
        " && anomaly.lead_low_hours + anomaly.lead_high_hours < memory.risk_minutes * memory.worst_score"
        " && memory.deviation_age_minutes - memory.deviating_minutes > memory.order_age_minutes"
        " && anomaly.signal.contains(anomaly.code) && memory.detectors < memory.deviations"
        " && memory.risk == 'High' && asset.id != asset.machine + asset.line + anomaly.failure_mode",
        1,
    ),
    "odd.yaml",
)


@given(st.sampled_from([SINGLE, CONFIRMED, ODD]), st.lists(ANY_ANOMALY, min_size=1, max_size=8), ANY_CONTEXT)
def test_every_anomaly_gets_a_verdict_twice_the_same_and_nothing_is_changed(
    policy: CompiledPolicy, anomalies: list[Anomaly], about: Context
) -> None:
    memory = Memory()
    for anomaly in anomalies:
        before = canonical([memory, anomaly, about])
        first, second = judge(policy, memory, anomaly, about), judge(policy, memory, anomaly, about)
        assert canonical(list(first)) == canonical(list(second))
        assert canonical([memory, anomaly, about]) == before
        memory = first[1]


@given(st.lists(ANY_ANOMALY, min_size=1, max_size=6), ANY_CONTEXT)
def test_a_memory_that_was_stored_and_read_judges_as_the_one_in_hand(anomalies: list[Anomaly], about: Context) -> None:
    held, stored = Memory(), Memory()
    for anomaly in anomalies:
        verdict, held = judge(CONFIRMED, held, anomaly, about)
        again, stored = judge(
            CONFIRMED,
            Memory.model_validate_json(stored.model_dump_json()),
            Anomaly.model_validate_json(anomaly.model_dump_json()),
            Context.model_validate_json(about.model_dump_json()),
        )
        assert (verdict, held) == (again, stored)


@given(ANY_ANOMALY, ANY_CONTEXT)
def test_a_bad_signal_never_becomes_a_repair_order(anomaly: Anomaly, about: Context) -> None:
    bad = anomaly.model_copy(update={"quality": Quality.BAD})

    verdict, _ = judge(SINGLE, Memory(), bad, about)

    assert verdict.rung <= Rung.INSPECT
