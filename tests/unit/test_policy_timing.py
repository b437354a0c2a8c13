"""When production lets the work happen: the published timing by table, and the instants it leads to."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.assets import Criticality
from domain.pricing import TimedFault
from domain.production import Job, JobState, ProductionContext
from domain.verdict import Context, Rung, Severity, Urgency, Verdict
from policies.engine.catalogue import Catalogue
from policies.engine.timing import timing_values, urgency
from policies.language.variables import NEVER, TIMING_VARIABLES

POLICY = Catalogue.published().find("rotating-equipment", "1.1.0")
NOW = datetime(2026, 1, 10, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ASSET = Context(asset="m1/comp2", asset_class="pump", criticality=Criticality.A, machine="m1", line="L1", codes=1)
FAULT = TimedFault(failure_mode="VIB", seen_at=NOW)
RULES = {
    "S1": (Rung.WORK_ORDER_AND_HOLD, 240),
    "S2": (Rung.WORK_ORDER, 720),
    "S3": (Rung.DRAFT, 1440),
    "S4": (Rung.DRAFT, 2880),
}


def verdict(severity: str, due: timedelta | None = None) -> Verdict:
    rung, minutes = RULES[severity]
    return Verdict(
        policy="p",
        version="1.0.0",
        digest="d",
        rule="r",
        rung=rung,
        severity=Severity(severity),
        priority=1,
        due_within=due or minutes * MINUTE,
    )


def production(
    ends_in: float | None = None, stop_in: float | None = None, state: JobState | None = JobState.RUNNING
) -> ProductionContext:
    return ProductionContext(
        equipment="m1",
        read_at=NOW,
        job=None if state is None else Job(id="j", state=state, ends_at=_in(ends_in)),
        next_stop_at=_in(stop_in),
    )


def _in(minutes: float | None) -> datetime | None:
    return None if minutes is None else NOW + minutes * MINUTE


@pytest.mark.parametrize(
    ("severity", "made", "rule", "when", "work_in"),
    [
        ("S1", None, "critical-and-mes-silent", Urgency.NOW, 0),
        ("S1", production(300), "critical", Urgency.NOW, 0),
        ("S1", production(60), "critical-batch-nearly-done", Urgency.AFTER_BATCH, 60),
        ("S1", production(60.1), "critical", Urgency.NOW, 0),
        ("S1", production(-5), "critical-batch-nearly-done", Urgency.AFTER_BATCH, 0),
        ("S1", production(None), "critical", Urgency.NOW, 0),
        ("S1", production(state=None), "critical", Urgency.NOW, 0),
        ("S2", None, "important", Urgency.AFTER_BATCH, 720),
        ("S2", production(300), "important", Urgency.AFTER_BATCH, 300),
        ("S2", production(721), "important-batch-too-long", Urgency.NOW, 0),
        ("S2", production(state=None), "important", Urgency.AFTER_BATCH, 0),
        ("S2", production(30, state=JobState.INTERRUPTED), "important", Urgency.AFTER_BATCH, 0),
        ("S3", None, "ordinary", Urgency.PLANNED_STOP, 1440),
        ("S3", production(300, 1200), "ordinary", Urgency.PLANNED_STOP, 1200),
        ("S3", production(300, 1500), "stop-too-far", Urgency.AFTER_BATCH, 300),
        ("S3", production(300, -10), "stop-too-far", Urgency.AFTER_BATCH, 300),
        ("S4", production(300, 1500), "ordinary", Urgency.PLANNED_STOP, 1500),
        ("S4", production(state=None, stop_in=90), "ordinary", Urgency.PLANNED_STOP, 90),
    ],
)
def test_the_published_timing_says_when(
    severity: str, made: ProductionContext | None, rule: str, when: Urgency, work_in: float
) -> None:
    asked = verdict(severity)

    decision = urgency(POLICY, asked, FAULT, ASSET, made, NOW)

    assert (decision.rule, decision.urgency, decision.work_at) == (rule, when, NOW + work_in * MINUTE)
    assert decision.hold_at == (decision.work_at if severity == "S1" else None)
    assert decision.because
    assert decision == urgency(POLICY, asked, FAULT, ASSET, made, NOW)


@pytest.mark.parametrize(
    ("made", "due", "remaining", "stop", "waiting", "interrupting"),
    [
        (None, 240, 0.0, NEVER, 480.0, 0.0),
        (production(30, 60), 240, 30.0, 60.0, 120.0, 120.0),
        (production(None, 480), 240, NEVER, 480.0, 480.0, 120.0),
        (production(30, 0), 240, 30.0, 0.0, 0.0, 120.0),
        (production(state=None, stop_in=120), 480, 0.0, 120.0, 120.0, 0.0),
        (production(30, 60, JobState.ENDED), 240, 0.0, 60.0, 120.0, 0.0),
    ],
)
def test_costs_follow_their_formula(
    made: ProductionContext | None, due: float, remaining: float, stop: float, waiting: float, interrupting: float
) -> None:
    values = timing_values(verdict("S1", due * MINUTE), FAULT, ASSET, made, NOW, POLICY.document.costs)

    assert values["production.job_remaining_minutes"] == remaining
    assert values["production.minutes_to_stop"] == stop
    assert (values["cost.waiting"], values["cost.interrupting"]) == (waiting, interrupting)
    assert set(values) == set(TIMING_VARIABLES)


def test_a_verdict_without_a_due_time_has_all_the_time_there_is() -> None:
    endless = verdict("S3").model_copy(update={"due_within": None})

    decision = urgency(POLICY, endless, FAULT, ASSET, None, NOW)

    assert (decision.urgency, decision.work_at) == (Urgency.PLANNED_STOP, NOW)
