"""What a check finds in rules together: each finding with its place, and an anomaly on which the engine shows it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from policies.checks.check import check, documents
from policies.checks.findings import Finding, Kind
from policies.checks.reachability import Reachability
from policies.engine.judging import CompiledPolicy
from policies.engine.trial import Situation, try_situation
from policies.language.text import read_text
from tests.support.drafts import draft, row, rule, table, text


def found(policy: CompiledPolicy, *kinds: Kind) -> list[Finding]:
    findings = Reachability(policy, read_text(policy.text, "draft.yaml")).findings()
    return [finding for finding in findings if finding.kind in (kinds or tuple(Kind)) and (kinds or finding.blocks)]


def deciding(policy: CompiledPolicy, witness: Situation | None) -> str:
    assert witness is not None
    return try_situation(policy, witness).explanation.verdict.rule


@pytest.mark.parametrize(
    ("condition", "kind"),
    [
        ("anomaly.score > 5.0 && anomaly.score < 4.0", Kind.UNREACHABLE),
        ("memory.codes >= 1 && memory.confirming < 1", Kind.UNREACHABLE),
        ("anomaly.confidence > 1.0", Kind.UNREACHABLE),
        ("asset.class == 'conveyor'", Kind.SHADOWED),
        ("anomaly.quality == 'bad' && anomaly.score > 1.0", Kind.SHADOWED),
        ("anomaly.score > 9.0 && memory.codes >= 2", Kind.SHADOWED),
    ],
)
def test_a_rule_that_can_never_decide_blocks(condition: str, kind: Kind) -> None:
    policy = draft(rule("high", "anomaly.score > 5.0", "inspect"), rule("never", condition))

    (finding,) = found(policy)

    assert (finding.kind, finding.rules[0], finding.complaint.field) == (kind, "never", "rules.1.when")
    if kind is Kind.SHADOWED:
        assert deciding(policy, finding.witness) == finding.rules[1] != "never"


def test_a_rule_hidden_by_several_together_blocks_too() -> None:
    policy = draft(
        rule("low", "anomaly.score <= 5.0"), rule("high", "anomaly.score > 4.0"), rule("never", "memory.codes >= 1")
    )

    (finding,) = found(policy)

    assert "the rules before it together" in finding.complaint.problem
    assert deciding(policy, finding.witness) in ("low", "high")


def test_a_rule_that_all_assets_replace_can_never_decide() -> None:
    more = """\
    parameters: { limit: 5.0 }
    overrides:
      - for: { class: pump }
        because: So.
        off: [high]
      - for: { class: motor }
        because: So.
        off: [high]
    """
    (finding,) = found(draft(rule("high", "anomaly.score > param.limit"), more=more))

    assert (finding.kind, finding.rules) == (Kind.SHADOWED, ("high", "applies-to"))


def test_what_a_parameter_is_for_an_asset_is_known() -> None:
    more = """\
    parameters: { limit: 5.0 }
    overrides: [{ for: { class: pump }, because: So., parameters: { limit: 9.0 } }]
    """
    pumps = rule("pumps", "asset.class == 'pump' && anomaly.score > param.limit && anomaly.score < 8.0")
    motors = rule("motors", "asset.class == 'motor' && anomaly.score > param.limit && anomaly.score < 8.0")

    (finding,) = found(draft(pumps, motors, more=more))

    assert finding.rules == ("pumps",)


COMPLETE = [
    ("asset.criticality", ["[A, B]", "[C, D]"], False),  # an asset may have no criticality
    ("asset.criticality", ["[A, B]", "'!= A'"], True),
    ("anomaly.score", ["'< 5'", "'> 5'"], False),
    ("anomaly.score", ["'< 5'", "'>= 5'"], True),
    ("anomaly.confidence", ["'< 0.5'", "'>= 0.5, <= 1'"], True),
    ("memory.codes", ["0", "'>= 1'"], True),
    ("memory.codes", ["0", "'>= 2'"], False),
    ("memory.deviating", ["true"], False),
    ("memory.deviating", ["true", "false"], True),
    ("asset.class", ["pump", "motor"], True),  # the policy is for no others
    ("anomaly.kind", ["[code, deviation, risk]"], False),
]


@pytest.mark.parametrize(("name", "cells", "complete"), COMPLETE)
def test_a_table_said_to_be_complete_is_proved_to_be(name: str, cells: Sequence[str], complete: bool) -> None:
    rows = [row(f"r{number}", f"{{ {name}: {cell} }}") for number, cell in enumerate(cells)]
    policy = draft(table("t", "first", *rows, complete=True))

    gaps = found(policy, Kind.GAP)

    assert [gap.blocks for gap in gaps if gap.complaint.field == "rules.0.complete"] == ([] if complete else [True])
    if not complete:
        assert deciding(policy, gaps[0].witness) == "nothing"


def test_the_open_cells_of_a_table_that_is_not_said_to_be_complete_are_noted() -> None:
    policy = draft(table("t", "first", row("r", "{ anomaly.score: '> 5' }"), when="anomaly.kind == 'deviation'"))

    gap = found(policy, Kind.GAP)[0]

    assert not gap.blocks
    assert deciding(policy, gap.witness) == "nothing"


def test_rows_of_a_unique_table_must_not_overlap() -> None:
    rows = (row("low", "{ anomaly.score: '<= 5' }"), row("high", "{ anomaly.score: '>= 5' }"))

    (finding,) = found(draft(table("t", "unique", *rows)))

    assert (finding.kind, finding.rules) == (Kind.OVERLAP, ("low", "high"))
    assert finding.witness is not None
    assert finding.witness.events[-1].score == 5.0
    apart = (row("low", "{ anomaly.score: '< 5' }"), row("high", "{ anomaly.score: '>= 5' }"))
    assert found(draft(table("t", "unique", *apart))) == []


def _tied(due: str) -> str:
    then = f"{{ rung: inspect, severity: S3, priority: 3, due_within: {due} }}"
    return f"      - {{ id: other, when: {{ memory.codes: '>= 1' }}, then: {then}, because: So., response: Look. }}\n"


def test_equally_high_rows_that_ask_for_different_things_contradict_each_other() -> None:
    first = _tied("PT4H").replace("id: other", "id: one").replace("memory.codes: '>= 1'", "anomaly.score: '>= 5'")

    (finding,) = found(draft(table("t", "highest", first, _tied("PT8H"))))

    assert (finding.kind, finding.rules) == (Kind.CONTRADICTION, ("one", "other"))
    assert found(draft(table("t", "highest", first, _tied("PT4H")))) == []


def test_a_hold_at_once_contradicts_a_review_that_another_row_wants() -> None:
    held = row("held", "{ anomaly.score: '>= 5' }", "work_order_and_hold").replace(", review: planner", "")
    reviewed = row("reviewed", "{ memory.codes: '>= 1' }", "draft")

    (finding,) = found(draft(table("t", "highest", held, reviewed)))

    assert finding.kind is Kind.CONTRADICTION
    assert "wants a review first" in finding.complaint.problem


def test_a_review_of_what_is_released_at_once_is_no_review() -> None:
    (finding,) = found(draft(rule("high", "anomaly.score > 5.0", "work_order")))

    assert (finding.kind, finding.complaint.field) == (Kind.CONTRADICTION, "rules.0.then.review")


def test_an_overlap_in_a_list_is_noted_with_an_anomaly_that_the_first_of_the_two_decides() -> None:
    policy = draft(rule("high", "anomaly.score > 5.0", "inspect"), rule("code", "memory.codes >= 1"))

    (overlap,) = found(policy, Kind.OVERLAP)

    assert (overlap.blocks, overlap.rules) == (False, ("high", "code"))
    assert deciding(policy, overlap.witness) == "high"


def test_what_cannot_be_translated_is_said_and_nothing_is_claimed_of_it() -> None:
    odd = "anomaly.code + 'x' in ['ax'] && double('1') > 0.5"
    policy = draft(rule("odd", odd), rule("behind", "memory.codes >= 1"))

    findings = found(policy, Kind.UNKNOWN)

    assert [finding.rules for finding in findings] == [("odd",)]
    assert not any(finding.blocks for finding in findings)


def test_a_last_rule_that_nothing_is_left_to_needs_no_case(tmp_path: Path) -> None:
    whole = text(rule("low", "anomaly.score <= 5.0"), rule("high", "anomaly.score > 5.0", "inspect"))
    (tmp_path / "1.0.0.yaml").write_text(whole, "utf-8")
    (tmp_path / "1.0.0-cases.yaml").write_text(_CASES, "utf-8")

    report = check(tmp_path / "1.0.0.yaml")

    assert report.publishable, (report.cases, [str(finding.complaint) for finding in report.findings])


_CASES = """\
cases:
  - name: Low
    asset: { class: pump }
    now: 2026-02-01T12:00:00Z
    sequence: [{ kind: deviation, score: 4.0 }]
    expect: { rule: low, rung: watch, severity: S4, timing: ordinary }
  - name: High
    asset: { class: pump, id: M1/comp1, machine: M1, line: LINE-1 }
    sequence: [{ kind: deviation, score: 6.0 }]
    expect: { rule: high, rung: inspect, severity: S4 }
  - name: Another
    asset: { class: robot }
    sequence: [{ kind: deviation, score: 6.0 }]
    expect: { rule: applies-to, rung: ignore, severity: S4 }
  - name: Bad
    asset: { class: pump }
    sequence: [{ kind: deviation, score: 6.0, quality: bad }]
    expect: { rule: bad-quality, rung: inspect, severity: S4 }
"""


def test_a_row_that_no_case_covers_blocks(tmp_path: Path) -> None:
    rows = (row("low", "{ anomaly.score: '<= 5' }"), row("high", "{ anomaly.score: '> 5' }", "inspect"))
    (tmp_path / "1.0.0.yaml").write_text(text(table("t", "first", *rows)), "utf-8")
    old = "score: 6.0 }]\n    expect: { rule: high, rung: inspect"
    cases = _CASES.replace(old, "score: 4.5 }]\n    expect: { rule: low, rung: watch")
    (tmp_path / "1.0.0-cases.yaml").write_text(cases, "utf-8")

    report = check(tmp_path / "1.0.0.yaml")

    assert report.cases is not None
    assert all(result.passed for result in report.cases.results)
    assert report.cases.uncovered_rules == ("high",)
    assert not report.publishable


def test_a_folder_is_checked_document_by_document(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/1.0.0.yaml", "a/1.0.0-cases.yaml", "b.yaml", "c.txt"):
        (tmp_path / name).write_text("", "utf-8")

    assert [path.relative_to(tmp_path).as_posix() for path in documents(tmp_path)] == ["a/1.0.0.yaml", "b.yaml"]
