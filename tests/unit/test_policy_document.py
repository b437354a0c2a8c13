"""A policy document is refused with file, line, column, field and fix, or read whole."""

from pathlib import Path

import pytest

from domain.errors import PolicyRejected
from policies.engine.catalogue import PUBLISHED
from policies.engine.judging import compile_policy
from policies.language.document import document_digest, read_document
from policies.language.schema import Rule
from policies.language.text import MAX_CHARACTERS, TextRejected, read_text

TEXT = (PUBLISHED / "rotating-equipment" / "1.1.0.yaml").read_text(encoding="utf-8")

# What is replaced in the published document, by what, and the complaint: its line and column, its field, words of
# the problem, words of the fix.
BROKEN = [
    ("version: 1.1.0", "version: 1.1", "5:10", "version", "must be text", "quotes"),
    ("version: 1.1.0", "version: v1", "5:10", "version", "cannot be 'v1'", "three numbers"),
    ("policy: rotating-equipment", "policy: Rotating Equipment", "4:9", "policy", "cannot be", "hyphens"),
    ("version: 1.1.0", "version: 1.1.0\ntitel: x", "6:1", "titel", "no field here", "`title`"),
    ("  window: PT24H ", "  window: 24h ", "12:11", "memory.window", "'24h' is no duration", "PT24H"),
    ("  window: PT24H ", "  window: P1M ", "12:11", "memory.window", "no duration", "PT24H"),
    ("  window: PT24H ", "  window: P400D ", "12:11", "memory.window", "longer than 366 days", "shorten"),
    ("  rearm: PT24H ", "  rearm: PT0S ", "14:10", "memory.rearm", "longer than nothing", "PT24H"),
    ("  rearm: PT24H ", "  rearm: -PT1H ", "14:10", "memory.rearm", "longer than nothing", "PT24H"),
    (
        "  evidence_above: 4.0",
        "  evidence_above: -1",
        "15:19",
        "memory.evidence_above",
        "greater than or equal to 0",
        None,
    ),
    ("  on_bad: inspect", "  on_bad: draft", "18:11", "quality.on_bad", "cannot lead to draft", "at most inspect"),
    ("then: { rung: inspect", "then: { rung: inspekt", "25:19", "rules.0.then.rung", "no rung", "watch, inspect"),
    (
        "severity: S3, priority: 3, due_within: PT24H",
        "severity: S9, priority: 3",
        "25:38",
        "rules.0.then.severity",
        "S9",
        "S1",
    ),
    ("S3, priority: 3, due", "S3, priority: 7, due", "25:52", "rules.0.then.priority", "less than or equal to 4", None),
    ("S3, priority: 3, due", 'S3, priority: "3", due', "25:52", "rules.0.then.priority", "whole number", None),
    ("    response: None.\n", "", "35:5", "rules.2.response", "is missing", "ISA-18.2"),
    ("  - id: uncertain-signal", "  - id: raised-by-person", "29:9", "rules.1.id", "two rules", "another"),
    ("  - id: uncertain-signal", "  - id: bad-quality", "29:9", "rules.1.id", "engine uses itself", "another"),
    (
        "S1, priority: 1, due_within: PT4H }",
        "S1, priority: 1 }",
        "47:11",
        "rules.3.then.due_within",
        "is missing",
        "PT24H",
    ),
    (
        "PT24H, review: planner }\n    because: The",
        "PT24H }\n    because: The",
        "73:11",
        "rules.6.then.review",
        "waits for",
        "planner",
    ),
    (
        "then: { rung: ignore }",
        "then: { rung: ignore, review: planner }",
        "37:35",
        "rules.2.then.review",
        "reviewed",
        "leave",
    ),
    (
        "when: true\n    then",
        "when: anomaly.kind == 'risk'\n    then",
        "110:11",
        "rules.12.when",
        "must always hold",
        "true",
    ),
    ("when: anomaly.kind == 'manual'", "when: true", "30:11", "rules.1.when", "raised-by-person always", "move it"),
    (
        "when: anomaly.quality == 'uncertain'",
        "when: anomaly.kind == 'manual'",
        "30:11",
        "rules.1.when",
        "asks the same",
        "remove",
    ),
    ("urgency: planned_stop", "urgency: someday", "148:14", "timing.6.urgency", "cannot be 'someday'", "planned_stop"),
    ("cases: 1.1.0-cases.yaml", "cases: ../../etc/passwd", "188:8", "cases", "cannot be", "same folder"),
    ("cases: 1.1.0-cases.yaml", "cases: [a]", "188:8", "cases", "must be text", "quotes"),
    ("  default: review", "  default: never", "156:12", "autonomy.default", "cannot be 'never'", "review"),
    ("asset.class in [", "asset.clas in [", "9:13", "applies_to", "asset.clas does not exist", "asset.class"),
    (
        "when: anomaly.kind == 'manual'",
        "when: anomaly.knd == 'manual'",
        "24:11",
        "rules.0.when",
        "does not exist",
        "anomaly.kind",
    ),
    (
        "when: anomaly.kind == 'manual'",
        "when: anomaly.kind == 'manuel'",
        "24:27",
        "rules.0.when",
        "never 'manuel'",
        "'manual'",
    ),
    (
        "&& anomaly.score <= 4.0",
        "&& anomaly.score <= 4",
        "36:56",
        "rules.2.when",
        "<= cannot take double and int",
        "1.0",
    ),
    (
        "when: anomaly.kind == 'manual'",
        "when: anomaly.kind",
        "24:11",
        "rules.0.when",
        "neither true nor false",
        "compare",
    ),
    ("when: anomaly.kind == 'manual'", "when: asset.criticality <= 'B'", "24:11", "rules.0.when", "order texts", "in"),
    ("when: anomaly.kind == 'manual'", "when: verdict.priority == 1", "24:11", "rules.0.when", "does not exist", None),
    ("author: Reliability", "author: &a Reliability", "7:9", None, "anchors", "write"),
    ("author: Reliability", "author: !x Reliability", "7:9", None, "tags", "leave"),
    ("author: Reliability engineering", "author: ''", "7:9", "author", "must not be empty", None),
    ("author: Reliability engineering", "version: 2.0.0", "7:1", None, "there twice", "one of the two"),
]


@pytest.mark.parametrize(("old", "new", "place", "field", "problem", "fix"), BROKEN)
def test_a_broken_document_is_refused_at_its_place_with_a_fix(
    old: str, new: str, place: str, field: str | None, problem: str, fix: str | None
) -> None:
    assert old in TEXT

    with pytest.raises(PolicyRejected) as refused:
        compile_policy(TEXT.replace(old, new, 1), "draft.yaml")

    error = refused.value
    assert isinstance(error, TextRejected)
    assert problem in error.problem
    assert error.field == field
    assert (fix is None) or (fix in (error.fix or ""))
    assert str(error).startswith(f"draft.yaml:{place}: {field or ''}")


def test_all_complaints_come_at_once_in_the_order_of_lines() -> None:
    broken = TEXT.replace("version: 1.1.0", "version: x", 1).replace("rung: watch", "rung: look").replace("PT6H", "6h")

    with pytest.raises(TextRejected) as refused:
        compile_policy(broken, "draft.yaml")

    fields = [refused.value.field, *(other.field for other in refused.value.others)]
    assert fields[:3] == ["version", "memory.lateness", "rules.1.then.rung"]
    assert len(fields) > 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "[1, 2]",
        "a: [1,",
        "a: b: c",
        "\ta: 1",
        "a: \x00",
        "%YAML 9.9\n---\na: 1",
        "a: 'x",
        "a: 1\n---\nb: 2",
        "[" * 3000,
        "{a: " * 500,
        "? [a]\n: b",
        "? {a: b}\n: c",
        "a: &x [1]\nb: *x",
        "- " * 5000,
        "a: 1\n" * 3,
        "a: 99999999999999999999999999",
        "a: " + "x" * MAX_CHARACTERS,
        "a: [" + "1," * 9000 + "1]",
        "\ufeffpolicy: a",
        "policy: \ud800",
    ],
)
def test_what_is_no_policy_is_refused_and_nothing_else_is_raised(text: str) -> None:
    with pytest.raises(TextRejected) as refused:
        compile_policy(text, "draft.yaml")

    assert str(refused.value).startswith("draft.yaml:")


def test_a_published_document_reads_whole() -> None:
    document, _ = read_document(TEXT, "1.1.0.yaml")

    assert (document.policy, document.version) == ("rotating-equipment", "1.1.0")
    assert document.memory.window == document.memory.rearm
    assert all(isinstance(rule, Rule) and rule.because and rule.response for rule in document.rules)


def test_the_digest_follows_the_meaning_and_not_the_layout() -> None:
    digest = document_digest(read_text(TEXT, "a"))

    assert document_digest(read_text(TEXT + "\n# a remark\n", "b")) == digest
    assert document_digest(read_text(TEXT.replace("PT6H  ", "PT6H "), "c")) == digest
    assert document_digest(read_text(TEXT.replace("4.0", "4.1", 1), "d")) != digest


def test_plain_words_are_read_as_yaml_1_2_has_them() -> None:
    text = "a: yes\nb: true\nc: 010\nd: 10\ne: 1.50\nf: '10'\ng: null\nh: 1.0.0\ni: 2026-01-01\nj: NaN"

    assert read_text(text, Path("x").name).data == {
        "a": "yes",
        "b": True,
        "c": "010",
        "d": 10,
        "e": 1.5,
        "f": "10",
        "g": None,
        "h": "1.0.0",
        "i": "2026-01-01",
        "j": "NaN",
    }
