"""A timing rule that asks for the least cost: what it decides, what it records, and when it prices nothing."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.canonical import canonical
from domain.dependents import Dependents
from domain.pricing import PricedTime, TimedFault, WorkTime
from domain.production import Job, JobState, ProductionContext
from domain.verdict import Context, Rung, Severity, Urgency, UrgencyDecision, Verdict
from policies.engine.judging import compile_policy
from policies.engine.timing import urgency
from tests.support.drafts import T0, about
from tests.support.priced_policy import priced_text

POLICY = compile_policy(priced_text(), "draft.yaml")
HOUR = timedelta(hours=1)
VERDICT = Verdict(
    policy="drafts",
    version="1.0.0",
    digest=POLICY.digest,
    rule="high",
    rung=Rung.DRAFT,
    severity=Severity.S4,
    priority=4,
    due_within=12 * HOUR,
)
FAULT = TimedFault(failure_mode="VIB", seen_at=T0 - 2 * HOUR)


def production(
    job: float | None = 3, stop: float | None = 14, *, ago: float = 0, doubt: str | None = None, ends: bool = True
) -> ProductionContext:
    ends_at = T0 + job * HOUR if job is not None and ends else None
    return ProductionContext(
        equipment="m1",
        read_at=T0 - ago * HOUR,
        job=None if job is None else Job(id="j", state=JobState.RUNNING, ends_at=ends_at),
        next_stop_at=None if stop is None else T0 + stop * HOUR,
        doubt=doubt,
    )


def decide(
    made: ProductionContext | None, fault: TimedFault = FAULT, context: Context | None = None, now: datetime = T0
) -> UrgencyDecision:
    return urgency(POLICY, VERDICT, fault, context or about(), made, now)


def price(decision: UrgencyDecision, time: WorkTime) -> PricedTime:
    found = decision.prices.of(time) if decision.prices is not None else None
    assert found is not None
    return found


def test_the_least_cost_is_taken_and_recorded_with_its_numbers() -> None:
    decision = decide(production())
    assert decision.prices is not None

    assert (decision.urgency, decision.rule, decision.work_at) == (Urgency.PLANNED_STOP, "ordinary", T0 + 14 * HOUR)
    assert (decision.decided_at, decision.fault, decision.not_priced) == (T0, FAULT, None)
    assert decision.prices.chosen is WorkTime.DERATED
    assert decision.prices.failure == "17060.00"
    assert {each.time.value: each.total for each in decision.prices.times} == {
        "now": "4890.00",
        "after_batch": "4502.29",
        "planned_stop": "3860.00",
        "derated": "3610.00",
    }
    assert decision.prices.margin == "250.00"
    assert (price(decision, WorkTime.PLANNED_STOP).probability, price(decision, WorkTime.DERATED).wait) == (
        "0.200000",
        "14.000000",
    )
    assert decision == UrgencyDecision.model_validate_json(canonical(decision))


def test_the_words_give_the_choice_the_others_and_the_nearest_change() -> None:
    decision = decide(production())
    assert decision.prices is not None

    assert decision.prices.words == (
        "Running derated until the planned stop (2026-01-06 02:00 UTC) costs about 3,610 EUR, of which 1,706 EUR is "
        "expected failure (probability 10 %). The alternatives cost: stopping now 4,890 EUR, waiting for the end of "
        "the running job 4,502 EUR, waiting until the planned stop 3,860 EUR. The choice changes at 0.87 times the "
        "life that derating gives."
    )


def test_an_override_sets_the_amount_for_its_machine() -> None:
    bottleneck = decide(production(), context=about(machine="M9"))

    assert price(bottleneck, WorkTime.NOW).lost_production == "6000.00"


def test_the_interval_of_the_detector_goes_before_that_of_the_policy() -> None:
    predicted = FAULT.model_copy(update={"lead_low": 20 * HOUR, "lead_high": 30 * HOUR})
    odd = FAULT.model_copy(update={"lead_low": 30 * HOUR, "lead_high": 20 * HOUR})

    decision, told = decide(production(), predicted), decide(production(), odd)
    assert decision.prices is not None
    assert told.prices is not None

    assert (decision.prices.lead_time.source, decision.prices.lead_time.longest) == ("detector", "30.000000")
    assert price(decision, WorkTime.PLANNED_STOP).probability == "0.000000"
    assert decision.prices.chosen is WorkTime.PLANNED_STOP
    assert (told.prices.lead_time.source, told.prices.lead_time.longest) == ("policy", "72.000000")


def test_what_cannot_be_priced_is_named() -> None:
    idle, endless = decide(production(job=None)), decide(production(ends=False))
    assert idle.prices is not None
    assert endless.prices is not None

    assert [(each.time, each.why) for each in idle.prices.not_offered] == [(WorkTime.AFTER_BATCH, "no job is running")]
    assert [each.why for each in endless.prices.not_offered] == ["the end of the job is not known"]
    assert price(idle, WorkTime.NOW).changeover == "0.00"


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (None, "the MES does not answer"),
        (production(ago=0.3), "what the MES says was read at another time, 18 minutes apart"),
        (production(ago=-0.3), "what the MES says was read at another time, 18 minutes apart"),
        (production(doubt="two jobs run"), "the MES is in doubt: two jobs run"),
        (production(job=None, stop=None), "the MES knows neither a running job nor a planned stop"),
        (production(stop=-1, ends=False), "the MES knows neither the end of the running job nor a planned stop"),
    ],
)
def test_without_production_the_policy_says_what_is_done_and_the_decision_says_why(
    made: ProductionContext | None, why: str
) -> None:
    decision = decide(made)

    assert decision.urgency is Urgency.AFTER_BATCH
    assert decision.prices is None
    assert decision.not_priced == f"{why}; The shift leader decides."


@pytest.mark.parametrize("mode", ["LEA", "GRD"])
def test_a_declared_fault_is_done_now_and_never_priced(mode: str) -> None:
    decision = decide(production(), FAULT.model_copy(update={"failure_mode": mode}))

    assert (decision.urgency, decision.rule, decision.prices) == (Urgency.NOW, "endangers", None)
    assert decision.not_priced is not None
    assert decision.not_priced.startswith("its consequence is ")


def test_a_declared_fault_is_not_priced_either_where_a_rule_would_have_it_priced() -> None:
    careless = compile_policy(priced_text(endangers="verdict.severity == 'S1'"), "draft.yaml")
    leak = FAULT.model_copy(update={"failure_mode": "LEA"})

    decision = urgency(careless, VERDICT, leak, about(), production(), T0)

    assert (decision.rule, decision.urgency, decision.work_at, decision.prices) == ("ordinary", Urgency.NOW, T0, None)
    assert decision.not_priced == "its consequence is environment: Coolant reaches the drain."


def test_the_crew_costs_more_at_night_and_at_the_weekend() -> None:
    noon, night = decide(production(job=None, stop=3)), decide(production(job=None, stop=8))

    assert price(noon, WorkTime.PLANNED_STOP).crew == f"{Decimal(4 * 85 * 67) / 70:.2f}"
    assert price(night, WorkTime.PLANNED_STOP).crew == f"{Decimal(4 * 140 * 62) / 70:.2f}"


def test_a_standby_that_runs_loses_no_production() -> None:
    alone, relieved = (
        urgency(POLICY, VERDICT, FAULT, about(), production(), T0, dependents)
        for dependents in (Dependents(stops=("M2", "M3")), Dependents(standby="M5", stops=("M2", "M3")))
    )

    assert price(alone, WorkTime.NOW) == price(decide(production()), WorkTime.NOW)
    assert price(relieved, WorkTime.NOW).lost_production == "0.00"
    # By hand: the new set-up, the scrap and the crew; a failure is 14 h of the crew and its damage.
    assert price(relieved, WorkTime.NOW).total == "1290.00"
    assert relieved.prices is not None
    assert relieved.prices.failure == "4460.00"
    assert relieved.prices.chosen is WorkTime.AFTER_BATCH
    assert alone.depends == ("If the machine stops, these stop with it: M2, M3.",)
    assert relieved.depends == (
        *alone.depends,
        "M5 stands in for it and runs, so that no production is lost while it stands.",
    )


MOMENTS = st.none() | st.timedeltas(timedelta(days=-400), timedelta(days=400)).map(lambda span: T0 + span)
PRODUCTION = st.none() | st.builds(
    ProductionContext,
    equipment=st.just("m1"),
    read_at=st.timedeltas(-HOUR, HOUR).map(lambda span: T0 + span),
    job=st.none() | st.builds(Job, id=st.just("j"), state=st.sampled_from(JobState), ends_at=MOMENTS),
    next_stop_at=MOMENTS,
    doubt=st.none() | st.just("two jobs run"),
)
SPANS = st.none() | st.timedeltas(timedelta(days=-400), timedelta(days=400))
FAULTS = st.builds(
    TimedFault,
    failure_mode=st.sampled_from(["VIB", "LEA"]),
    seen_at=st.timedeltas(timedelta(days=-400), timedelta(days=400)).map(lambda span: T0 + span),
    lead_low=SPANS,
    lead_high=SPANS,
)


@given(PRODUCTION, FAULTS)
def test_whatever_the_mes_and_the_detector_say_there_is_one_decision(
    made: ProductionContext | None, fault: TimedFault
) -> None:
    decision = decide(made, fault)

    assert decision == decide(made, fault)
    assert decision.work_at >= T0
    assert (decision.prices is None) == (decision.not_priced is not None)
    if decision.prices is not None:
        totals = [Decimal(each.total) for each in decision.prices.times]
        assert price(decision, decision.prices.chosen).total == f"{min(totals):.2f}"
        assert decision.prices.words
