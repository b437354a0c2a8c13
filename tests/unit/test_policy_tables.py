"""Decision tables: cells, hit policies, and complaints that name the cell."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.assets import Criticality
from policies.engine.judging import compile_policy
from policies.language.text import TextRejected
from tests.support.drafts import about, decided, deviation, draft, judged, row, table, text


def test_the_first_row_that_holds_decides_a_first_hit_table() -> None:
    rows = (row("mild", "{ anomaly.score: '>= 2' }"), row("severe", "{ anomaly.score: '>= 8' }", "draft"))

    assert decided(draft(table("t", "first", *rows)), deviation(score=9.0)) == ["mild"]


def test_the_highest_of_all_rows_that_hold_decides_a_highest_hit_table() -> None:
    rows = (
        row("mild", "{ anomaly.score: '>= 2' }"),
        row("severe", "{ anomaly.score: '>= 8' }", "draft"),
        row("also-severe", "{ anomaly.score: '>= 7' }", "draft"),
    )
    policy = draft(table("t", "highest", *rows))

    assert decided(policy, deviation(score=9.0), deviation(score=7.5), deviation(score=3.0)) == [
        "severe",
        "also-severe",
        "mild",
    ]


def test_a_table_is_asked_only_where_its_condition_holds() -> None:
    policy = draft(table("t", "first", row("any", "{}"), when="anomaly.signal == 'vibration'"))

    assert decided(policy, deviation(), deviation(signal="heat")) == ["any", "nothing"]


@pytest.mark.parametrize(
    ("cell", "score", "holds"),
    [
        ("'>= 5, < 8'", 5.0, True),
        ("'>= 5, < 8'", 8.0, False),
        ("5", 5.0, True),
        ("5.0", 5.0, True),
        ("[5, 6.5]", 6.5, True),
        ("[5, 6.5]", 6.0, False),
        ("'!= 5'", 6.0, True),
        ("'> anomaly.baseline'", 6.0, True),
    ],
)
def test_a_cell_tests_a_number(cell: str, score: float, holds: bool) -> None:
    policy = draft(table("t", "first", row("hit", f"{{ anomaly.score: {cell} }}")))

    assert decided(policy, deviation(score=score)) == ["hit" if holds else "nothing"]


@pytest.mark.parametrize(
    ("cell", "holds"), [("A", True), ("B", False), ("[A, B]", True), ("'!= A'", False), ("'!= B'", True)]
)
def test_a_cell_tests_a_text(cell: str, holds: bool) -> None:
    policy = draft(table("t", "first", row("hit", f"{{ asset.criticality: {cell} }}")))

    assert decided(policy, deviation(), context=about(criticality=Criticality.A)) == ["hit" if holds else "nothing"]


@pytest.mark.parametrize("cell", ["true", "false"])
def test_a_cell_tests_a_truth(cell: str) -> None:
    policy = draft(table("t", "first", row("hit", f"{{ memory.deviating: {cell} }}")))

    assert decided(policy, deviation()) == ["hit" if cell == "true" else "nothing"]


@pytest.mark.parametrize(
    ("cells", "field", "problem"),
    [
        ("{ anomaly.scor: 4 }", "anomaly.scor", "does not exist"),
        ("{ anomaly.score: '> high' }", "anomaly.score", "no test of a number"),
        ("{ anomaly.score: true }", "anomaly.score", "not a number"),
        ("{ anomaly.score: [] }", "anomaly.score", "no cell"),
        ("{ anomaly.score: { a: 1 } }", "anomaly.score", "no cell"),
        ("{ anomaly.score: null }", "anomaly.score", "no cell"),
        ("{ anomaly.score: '> anomaly.kind' }", "anomaly.score", "does not order texts"),
        ("{ asset.codes: 1.5 }", "asset.codes", "no whole number"),
        ("{ asset.criticality: E }", "asset.criticality", "never 'E'"),
        ("{ asset.criticality: 1 }", "asset.criticality", "not a text"),
        ("{ memory.deviating: [true] }", "memory.deviating", "a list"),
        ("{ memory.deviating: yes }", "memory.deviating", "neither true nor false"),
        ('{ asset.id: "a\'b\\"c" }', "asset.id", "cannot be written"),
    ],
)
def test_a_broken_cell_is_refused_at_its_place(cells: str, field: str, problem: str) -> None:
    with pytest.raises(TextRejected) as refused:
        compile_policy(text(table("t", "first", row("hit", cells))), "draft.yaml")

    assert problem in refused.value.problem
    assert refused.value.field == f"rules.0.rows.0.when.{field}"
    assert refused.value.line > 1


@pytest.mark.parametrize(
    ("old", "new", "field", "problem"),
    [
        ("hit: first", "hit: any", "rules.0.hit", "cannot be 'any'"),
        ("complete: false", "complete: maybe", "rules.0.complete", "true or false"),
        ("    complete: false\n", "", "rules.0.complete", "is missing"),
        ("id: hit", "id: nothing", "rules.1.id", "two rules are called nothing"),
        ("id: hit", "id: bad-quality", "rules.0.rows.0.id", "engine uses itself"),
        ("rung: watch", "rung: work_order", "rules.0.rows.0.then.due_within", "is missing"),
        ("because: It is so., ", "", "rules.0.rows.0.because", "is missing"),
        ('when: "true"', 'when: "anomaly.scor > 1.0"', "rules.0.when", "does not exist"),
    ],
)
def test_a_broken_table_is_refused_at_its_place(old: str, new: str, field: str, problem: str) -> None:
    whole = text(table("t", "first", row("hit", "{ anomaly.score: 4 }")))
    assert old in whole

    with pytest.raises(TextRejected) as refused:
        compile_policy(whole.replace(old, new, 1), "draft.yaml")

    assert (refused.value.field, problem in refused.value.problem) == (field, True), str(refused.value)


def test_a_table_cannot_be_the_last_word() -> None:
    whole = text(table("t", "first", row("hit", "{}"))).replace(
        'when: "true", then: { rung: ignore }', 'when: "memory.deviating", then: { rung: ignore }'
    )

    with pytest.raises(TextRejected, match="must always hold"):
        compile_policy(whole, "draft.yaml")


TESTS = st.sampled_from(["{}", "{ anomaly.score: '>= 3' }", "{ anomaly.score: '< 8' }", "{ memory.codes: 0 }"])
ROWS = st.lists(st.tuples(TESTS, st.sampled_from(["ignore", "watch", "inspect", "draft"])), min_size=1, max_size=5)


@given(ROWS, st.floats(0, 12))
@settings(max_examples=60)
def test_what_decides_a_highest_hit_table_is_the_highest_of_what_each_row_says_alone(
    rows: list[tuple[str, str]], score: float
) -> None:
    named = [row(f"r{number}", when, rung) for number, (when, rung) in enumerate(rows)]
    (together,), _ = judged(draft(table("t", "highest", *named)), deviation(score=score))
    alone = [judged(draft(table("t", "first", each)), deviation(score=score))[0][0] for each in named]
    held = [verdict for verdict in alone if verdict.rule != "nothing"]

    assert together.rung == max((verdict.rung for verdict in held), default=together.rung)
    assert (together.rule == "nothing") == (not held)
    if held:
        assert together.rule == next(verdict.rule for verdict in held if verdict.rung == together.rung)
