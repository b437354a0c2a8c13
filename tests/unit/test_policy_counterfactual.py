"""What would have had to be otherwise: the nearest change of each input, judged again by the engine."""

import math
import random
from datetime import UTC, datetime, timedelta

import pytest

from domain.anomaly import Anomaly, AnomalyKind, Quality
from domain.assets import Criticality
from domain.counterfactuals import Counterfactual
from domain.verdict import Context, Memory
from policies.engine.catalogue import Catalogue
from policies.engine.changed_inputs import Inputs, edited
from policies.engine.counterfactual import counterfactuals
from policies.engine.judging import CompiledPolicy, judge, look
from policies.engine.trial import remembered
from tests.support.drafts import draft, rule
from tests.support.random_situations import random_situation

POLICY = Catalogue.published().find("rotating-equipment", "1.1.0")
NOW = datetime(2026, 1, 10, tzinfo=UTC)
ABOUT = Context(asset="m1/comp2", asset_class="pump", criticality=Criticality.B, machine="m1", line="L1", codes=1)
SHIFT = Anomaly(
    kind=AnomalyKind.DEVIATION, asset="m1/comp2", failure_mode="LOO", at=NOW, detector="adx", score=5.25, confidence=0.8
)


def inputs_of(
    policy: CompiledPolicy = POLICY, memory: Memory | None = None, anomaly: Anomaly = SHIFT, context: Context = ABOUT
) -> dict[str, Counterfactual]:
    told = counterfactuals(policy, memory or Memory(), anomaly, context)
    return {change.variable: change for change in told.inputs}


def test_it_tells_why_there_was_no_order_by_what_would_have_made_one() -> None:
    told = counterfactuals(POLICY, Memory(), SHIFT, ABOUT)
    assert told.rung == "watch"
    assert told.told == ("It would have ordered work if a matching error code had come (codes 0 → 1).",)


def test_a_threshold_is_named_and_not_the_double_beside_it() -> None:
    critical = ABOUT.model_copy(update={"criticality": Criticality.A, "codes": 3})
    confirmed = Memory(seen=1, last_at=NOW, codes={"error1": NOW})
    change = inputs_of(memory=confirmed, context=critical)["anomaly.confidence"].ordering
    assert change is not None
    assert (change.now, change.then, change.rung) == ("0.8", "at least 0.9", "work_order_and_hold")
    certain = SHIFT.model_copy(update={"confidence": 0.95})
    back = inputs_of(memory=confirmed, anomaly=certain, context=critical)["anomaly.confidence"].nearest
    assert back is not None
    assert (back.then, back.rung) == ("less than 0.9", "watch")


def test_the_nearest_of_several_changes_is_told() -> None:
    policy = draft(
        rule("high", "anomaly.score > 9.0", "work_order"),
        rule("middle", "anomaly.score >= 6.0", "inspect"),
        rule("low", "anomaly.score > 5.0", "watch"),
    )
    change = inputs_of(policy)["anomaly.score"]
    assert change.nearest is not None
    assert (change.nearest.then, change.nearest.rung) == ("at most 5", "ignore")
    assert change.ordering is not None
    assert (change.ordering.then, change.ordering.rung) == ("more than 9", "work_order")


@pytest.mark.parametrize(
    ("condition", "then"),
    [
        ("anomaly.value - 3.0 > 2.5", "more than 5.5"),
        ("anomaly.value * -2.0 < -1.0", "more than 0.5"),
        ("1.0 / anomaly.value < 0.25 && anomaly.value > 0.0", "more than 4"),
        ("anomaly.value in [7.0, 9.0]", "exactly 7"),
        ("double(asset.codes) + 0.5 < anomaly.value", "more than 1.5"),
        ("anomaly.value > anomaly.score", "more than 5.25"),
    ],
)
def test_thresholds_are_found_in_arithmetic_and_against_other_values(condition: str, then: str) -> None:
    change = inputs_of(draft(rule("it", condition, "inspect")))["anomaly.value"].nearest
    assert change is not None
    assert change.then == then


def test_what_cannot_be_searched_through_is_said_not_to_be_exact() -> None:
    policy = draft(rule("it", "anomaly.value * anomaly.value > 4.0", "inspect"))
    assert not inputs_of(policy)["anomaly.value"].exact


def test_an_input_that_changes_nothing_alone_is_said_to() -> None:
    change = inputs_of()["asset.criticality"]
    assert (change.nearest, change.ordering, change.exact) == (None, None, True)


def test_words_are_changed_to_the_nearest_in_their_order() -> None:
    confirmed = Memory(seen=1, last_at=NOW, codes={"error1": NOW})
    change = inputs_of(memory=confirmed)["asset.criticality"].nearest
    assert change is not None
    assert (change.now, change.then, change.rung) == ("B", "A", "work_order_and_hold")


def test_a_change_that_memory_cannot_hold_is_not_told() -> None:
    policy = draft(rule("old", "memory.deviation_age_minutes > 10.0 && memory.deviating", "inspect"))
    assert inputs_of(policy)["memory.deviation_age_minutes"].nearest is None
    later = SHIFT.model_copy(update={"quality": Quality.UNCERTAIN})
    run = Memory(deviating_since=NOW, deviation_at=NOW, deviations=1, worst_score=5.0)
    change = inputs_of(policy, run, later)["memory.deviation_age_minutes"].nearest
    assert change is not None
    assert change.then == "more than 10"


def grid(name: str, now: object) -> list[object]:
    """Many values of a name, for a search without any cleverness."""
    if isinstance(now, bool):
        return [not now]
    if isinstance(now, float):
        return [*(step / 20 for step in range(201)), math.nextafter(0.9, 0), math.nextafter(4.0, 9)]
    if isinstance(now, int):
        return list(range(12))
    return ["A", "B", "C", "D", "", "pump", "press", "deviation", "code", "risk", "manual", "good", "uncertain", "bad"]


def test_no_value_of_a_fine_grid_changes_the_rung_at_a_smaller_distance() -> None:
    chance = random.Random(11)
    compared = 0
    for _ in range(25):
        made = random_situation(chance)
        last, (memory, _) = made.events[-1], remembered(POLICY, made.events[:-1], made.context)
        verdict, _ = judge(POLICY, memory, last, made.context)
        _, values = look(POLICY, memory, last, made.context)
        told = {change.variable: change for change in counterfactuals(POLICY, memory, last, made.context).inputs}
        for name, change in told.items():
            for value in grid(name, values[name]):
                other = edited(Inputs(memory, last, made.context, POLICY.document), name, value)  # type: ignore[arg-type]
                if other is None or look(POLICY, other.memory, other.anomaly, other.context)[1][name] != value:
                    continue
                changed, _ = judge(POLICY, other.memory, other.anomaly, other.context)
                compared += 1
                assert change.nearest is not None or changed.rung == verdict.rung, (name, value)
    assert compared > 2_000


def test_every_change_told_is_what_the_engine_says() -> None:
    words = {"memory.codes": 1, "memory.confirming": 2}
    for name, value in words.items():
        policy = draft(rule("it", f"{name} >= {value}", "inspect"))
        change = inputs_of(policy)[name].nearest
        assert change is not None
        assert change.then == str(value)
        other = edited(Inputs(Memory(), SHIFT, ABOUT, policy.document), name, value)
        assert other is not None
        assert judge(policy, other.memory, other.anomaly, other.context)[0].rung.word == change.rung


def test_evidence_older_than_the_window_is_nothing_to_begin_with() -> None:
    old = Memory(seen=1, last_at=NOW, codes={"error1": NOW - timedelta(hours=30)})
    change = inputs_of(memory=old)["memory.codes"].ordering
    assert change is not None
    assert (change.now, change.then) == ("0", "1")
