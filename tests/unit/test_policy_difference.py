"""Two versions side by side: what an author changed, and what is decided otherwise, proved to be all."""

from datetime import timedelta
from pathlib import Path

import pytest

from policies.checks.changes import duration
from policies.checks.difference import Difference, asks_for_no_more, difference
from policies.engine.catalogue import Catalogue
from policies.engine.judging import compile_policy
from policies.proof.prover import seen
from tests.support.drafts import draft, rule

DRAFTS = Path(__file__).parents[2] / "policies" / "drafts" / "rotating-equipment"
OLD, NEW, ENFORCED = Catalogue.published().versions


def changed(*pairs: tuple[str, str]) -> Difference:
    """1.1.0 against a draft in which some words stand in the place of others."""
    text = NEW.text
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return difference(NEW, compile_policy(text, "draft.yaml"))


def told(found: Difference) -> list[str]:
    return [f"{change.about}: {change.says}" for change in found.changes]


def test_a_version_is_proved_to_be_like_itself() -> None:
    found = difference(NEW, NEW)
    assert found.alike
    assert (found.changes, found.effects) == ((), ())


def test_1_2_0_decides_all_that_1_1_0_decides_and_lets_the_planner_release_it() -> None:
    found = difference(NEW, ENFORCED)
    assert (found.effects, found.timing, found.unsettled) == ((), False, ())
    assert found.terms
    assert told(found) == [
        "autonomy: enforced: an order waits for the planner unless its asset class and failure mode are automatic"
    ]
    assert asks_for_no_more(NEW, ENFORCED) is False
    assert told(difference(ENFORCED, NEW)) == [
        "autonomy: no longer enforced: every order at work order or above is released at once"
    ]


def test_other_words_and_another_order_of_statements_decide_nothing_otherwise() -> None:
    found = changed(
        ("Look at the machine with the person", "Go to the machine with the person"),
        ("anomaly.kind == 'deviation' && anomaly.score <= 4.0", "anomaly.score <= 4.0 && anomaly.kind == 'deviation'"),
    )
    assert found.alike
    assert "rule raised-by-person: its words are changed" in told(found)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "anomaly.confidence >= 0.9",
            "anomaly.confidence >= 0.7",
            "rule critical-certain (criticality A): the detector's confidence: at least 0.9 → at least 0.7",
        ),
        (
            "&& anomaly.confidence >= 0.9 ",
            "",
            "rule critical-certain (criticality A): no longer requires anomaly.confidence >= 0.9",
        ),
        ("'robot', 'conveyor'", "'robot'", "applies to: the asset's class: conveyor is left out"),
        ("window: PT24H", "window: PT30M", "memory: window 24 h → 30 min"),
        ("on_bad: inspect", "on_bad: watch", "quality: a bad signal leads to inspect → watch"),
        ("interruption: PT2H", "interruption: PT3H", "costs: interruption 2 h → 3 h of production"),
        (
            "rung: work_order_and_hold, severity: S1, priority: 1, due_within: PT4H }\n    because: The signal has",
            "rung: work_order, severity: S2, priority: 1, due_within: PT4H }\n    because: The signal has",
            ("rule critical-confirmed (criticality A): work order and hold → work order; a hold is no longer proposed"),
        ),
        (
            "job_remaining_minutes <= 60.0",
            "job_remaining_minutes <= 90.0",
            "timing critical-batch-nearly-done: production.job_remaining_minutes: at most 60.0 → at most 90.0",
        ),
    ],
)
def test_a_change_is_told_in_terms_of_rules(old: str, new: str, says: str) -> None:
    found = changed((old, new))
    assert says in told(found)
    assert not found.alike


def test_each_changed_rung_has_its_situation_and_the_assets_it_is_for() -> None:
    found = difference(OLD, NEW)
    assert [(each.before, each.after) for each in found.effects] == [
        ("work_order_and_hold", "watch"),
        ("work_order", "watch"),
        ("draft", "watch"),
        ("watch", "watch"),
    ]
    assert found.effects[0].where == "for criticality A; kind deviation; quality good"
    assert found.unsettled == ()
    for effect in found.effects:
        assert effect.witness is not None
        verdicts = [seen(policy, effect.witness).verdict for policy in (OLD, NEW)]
        assert [verdict.rung.word for verdict in verdicts] == [effect.before, effect.after]


def test_a_longer_memory_is_shown_by_what_only_it_remembers() -> None:
    found = changed(("window: PT24H", "window: PT48H"))
    assert found.unsettled == ()
    assert {(each.before, each.after) for each in found.effects} >= {("watch", "work_order")}
    for effect in found.effects:
        assert effect.witness is not None
        assert effect.witness.events[-1].at - effect.witness.events[0].at > timedelta(hours=24)


def test_rules_that_change_places_are_counted_and_their_effect_is_shown() -> None:
    first, second = rule("first", "asset.codes > 1", "inspect"), rule("second", "asset.codes > 2", "watch")
    found = difference(draft(first, second), draft(second, first))
    assert told(found) == ["order: 1 rule reordered: first"]
    assert [(each.before, each.after) for each in found.effects] == [("inspect", "watch")]


def test_rules_that_change_places_without_effect_are_proved_to_have_none() -> None:
    first, second = rule("first", "asset.codes > 1", "inspect"), rule("second", "asset.codes < 1", "watch")
    found = difference(draft(first, second), draft(second, first))
    assert told(found) == ["order: 1 rule reordered: first"]
    assert found.alike


def test_what_cannot_be_translated_is_not_settled() -> None:
    odd = draft(rule("odd", "double(asset.id) > 1.0", "inspect"))
    found = difference(odd, draft())
    assert not found.alike
    assert found.unsettled[0].startswith("`double(asset.id)` cannot be translated")


def test_parameters_and_the_rest_of_what_a_policy_brings_are_told() -> None:
    high = rule("high", "anomaly.score > param.least", "inspect")
    found = difference(
        draft(high, more="parameters: { least: 4.0 }\n"), draft(high, more="parameters: { least: 5.0 }\n")
    )
    assert told(found) == ["parameter least: 4 → 5"]
    assert [(each.before, each.after) for each in found.effects] == [("inspect", "ignore")]


def test_a_duration_is_told_in_hours_or_minutes() -> None:
    assert [duration(each) for each in (timedelta(hours=36), timedelta(minutes=45), None)] == ["36 h", "45 min", "none"]


def test_a_version_that_orders_in_fewer_situations_is_proved_to_ask_for_no_more() -> None:
    more = compile_policy((DRAFTS / "1.3.0.yaml").read_text("utf-8"), "draft.yaml")
    assert asks_for_no_more(more, ENFORCED)
    assert not asks_for_no_more(ENFORCED, more)
    assert asks_for_no_more(NEW, NEW)


def test_another_length_of_an_episode_counts_as_more() -> None:
    other = compile_policy(NEW.text.replace("rearm: PT24H", "rearm: PT12H"), "draft.yaml")
    assert not asks_for_no_more(NEW, other)
