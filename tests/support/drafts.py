"""Drafts of policies for tests: the published document with an addition, and a document that uses the whole
language."""

from datetime import UTC, datetime, timedelta
from textwrap import dedent

from domain.anomaly import Anomaly, AnomalyKind, Quality
from domain.assets import Criticality
from domain.verdict import Context, Memory, Verdict
from policies.engine.judging import CompiledPolicy, compile_policy, judge

T0 = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""A Monday noon."""
_HEAD = """\
policy: drafts
version: 1.0.0
title: A draft of a test.
author: Reliability engineering
applies_to: asset.class in ['pump', 'motor']
memory: { window: PT24H, lateness: PT6H, rearm: PT24H, evidence_above: 0.0 }
quality: { on_bad: inspect, because: The signal is bad., response: Check the sensor. }
timing:
  - { id: ordinary, when: true, urgency: after_batch, because: There is time. }
costs: { failure: PT8H, interruption: PT2H }
autonomy: { default: review, promote_at: { precision_lower_bound: 0.9, confirmed: 20 } }
cases: 1.0.0-cases.yaml
"""


def rule(name: str, when: str, rung: str = "watch") -> str:
    """One rule of a list, in YAML."""
    more = ", due_within: PT12H, review: planner" if rung in ("draft", "work_order", "work_order_and_hold") else ""
    said = "because: It is so., response: Look."
    return f'  - {{ id: {name}, when: "{when}", then: {{ rung: {rung}{more} }}, {said} }}\n'


def row(name: str, when: str, rung: str = "watch") -> str:
    """One row of a table, in YAML; `when` is a flow mapping."""
    more = ", due_within: PT12H, review: planner" if rung in ("draft", "work_order", "work_order_and_hold") else ""
    said = "because: It is so., response: Look."
    return f"      - {{ id: {name}, when: {when}, then: {{ rung: {rung}{more} }}, {said} }}\n"


def table(name: str, hit: str, *rows: str, complete: bool = False, when: str = "true") -> str:
    """A table of a list, in YAML."""
    head = f'  - table: {name}\n    when: "{when}"\n    hit: {hit}\n    complete: {str(complete).lower()}\n    rows:\n'
    return head + "".join(rows)


def text(*rules: str, more: str = "") -> str:
    """A whole document: these rules, a last rule that is always true, and further text."""
    return f"{_HEAD}{dedent(more)}rules:\n{''.join(rules)}{rule('nothing', 'true', 'ignore')}"


def draft(*rules: str, more: str = "") -> CompiledPolicy:
    """The same, compiled."""
    return compile_policy(text(*rules, more=more), "draft.yaml")


def about(
    asset: str = "M1/comp1", machine: str = "M1", asset_class: str = "pump", criticality: Criticality = Criticality.A
) -> Context:
    return Context(
        asset=asset, asset_class=asset_class, criticality=criticality, machine=machine, line="LINE-1", codes=1
    )


def deviation(
    minutes: float = 0, score: float = 6.0, signal: str = "vibration", quality: Quality = Quality.GOOD
) -> Anomaly:
    return Anomaly(
        kind=AnomalyKind.DEVIATION,
        asset="M1/comp1",
        failure_mode="VIB",
        at=T0 + timedelta(minutes=minutes),
        detector="DetectAnomalies",
        signal=signal,
        score=score,
        quality=quality,
    )


def judged(policy: CompiledPolicy, *anomalies: Anomaly, context: Context | None = None) -> tuple[list[Verdict], Memory]:
    """The verdicts on a sequence, and the memory after it."""
    memory, verdicts = Memory(), []
    for anomaly in anomalies:
        verdict, memory = judge(policy, memory, anomaly, context or about())
        verdicts.append(verdict)
    return verdicts, memory


def decided(policy: CompiledPolicy, *anomalies: Anomaly, context: Context | None = None) -> list[str]:
    """The rules that decided a sequence."""
    return [verdict.rule for verdict in judged(policy, *anomalies, context=context)[0]]
