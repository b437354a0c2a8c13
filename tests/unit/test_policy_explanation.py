"""Explanations: the verdict of `judge`, every rule asked, each value against its threshold."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.anomaly import Anomaly, AnomalyKind
from domain.assets import Criticality
from domain.verdict import Comparison, Context, Memory
from policies.engine.catalogue import PUBLISHED, Catalogue
from policies.engine.explanation import explain
from policies.engine.judging import compile_policy, judge
from policies.language.variables import NEVER, Value, shown

POLICY = Catalogue.published().find("rotating-equipment", "1.1.0")
NOW = datetime(2026, 1, 10, tzinfo=UTC)
ABOUT = Context(asset="m1/comp2", asset_class="pump", criticality=Criticality.A, machine="m1", line="L1", codes=2)
SHIFT = Anomaly(
    kind=AnomalyKind.DEVIATION, asset="m1/comp2", failure_mode="LOO", at=NOW, detector="DetectAnomalies", score=5.25
)
MEMORY = Memory(seen=1, last_at=NOW, codes={"error2": NOW - timedelta(hours=3)})


def test_it_explains_why_there_was_no_order() -> None:
    told = explain(POLICY, MEMORY, SHIFT, ABOUT)

    assert told.verdict == judge(POLICY, MEMORY, SHIFT, ABOUT)[0]
    assert [trace.rule for trace in told.traces] == [rule.id for rule in POLICY.rules[: len(told.traces)]]
    assert [trace.rule for trace in told.traces if trace.matched] == ["single-shift"]
    missed = next(trace for trace in told.traces if trace.rule == "critical-confirmed")
    assert missed.comparisons == (
        Comparison(expression="asset.criticality == 'A'", value="A", held=True),
        Comparison(expression="anomaly.kind == 'deviation'", value="deviation", held=True),
        Comparison(expression="memory.codes >= 1", value="1", held=True),
        Comparison(expression="memory.codes >= asset.codes", value="1 against 2", held=False),
    )
    assert told.because.startswith("Most shifts end")
    assert told.response


def test_it_gives_every_value_that_the_version_looks_at() -> None:
    values = explain(POLICY, MEMORY, SHIFT, ABOUT).values

    assert set(values) == set(POLICY.chain.names)
    assert (values["anomaly.score"], values["anomaly.confidence"], values["memory.confirming"]) == ("5.25", "0", "2")


def test_the_guards_are_asked_first_and_shown() -> None:
    told = explain(POLICY, MEMORY, SHIFT, ABOUT.model_copy(update={"asset_class": "transformer"}))

    assert [(trace.rule, trace.matched) for trace in told.traces] == [("applies-to", True)]
    assert told.traces[0].comparisons[0].value == "transformer"
    assert not told.traces[0].comparisons[0].held


def test_a_condition_that_could_not_be_evaluated_is_flagged_with_its_error() -> None:
    text = (PUBLISHED / "rotating-equipment" / "1.1.0.yaml").read_text(encoding="utf-8")
    failing = "when: asset.codes / (asset.codes - 2) > 1 || memory.deviating == false"
    policy = compile_policy(text.replace("when: anomaly.kind == 'manual'", failing, 1), "draft.yaml")

    told = explain(policy, MEMORY, SHIFT, ABOUT)

    assert told.verdict.rule == "single-shift"
    flagged = [trace for trace in told.traces if trace.error]
    assert [(trace.rule, trace.matched) for trace in flagged] == [("raised-by-person", False)]
    assert "divide by zero" in (flagged[0].error or "")
    assert flagged[0].comparisons[0].value == "asset.codes 2"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (4.0, "4"),
        (0.95, "0.95"),
        (NEVER, "never"),
        ("", "none"),
        ("A", "A"),
    ],
)
def test_values_are_written_as_a_person_reads_them(value: Value, text: str) -> None:
    assert shown(value) == text
