"""Conditions: what the language takes and refuses, and that one native call answers as rule by rule does."""

import contextlib
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.language.expressions import Chain, Environment
from policies.language.grammar import MAX_NESTING, ConditionRejected, parse
from policies.language.variables import ASSET_READERS, RULE_READERS, RULE_VARIABLES, VARIABLES, Value

ENVIRONMENT = Environment(RULE_VARIABLES)

VALUES: Mapping[str, Value] = {
    "asset.criticality": "A",
    "asset.codes": 2,
    "anomaly.kind": "deviation",
    "anomaly.code": "error2",
    "anomaly.score": 5.0,
    "anomaly.confidence": 0.0,
    "memory.codes": 1,
    "memory.confirming": 2,
    "memory.deviating": True,
}


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("true", True),
        ("memory.deviating", True),
        ("!memory.deviating", False),
        ("!(memory.deviating && asset.codes == 1)", True),
        ("anomaly.score > 4.0 && anomaly.score <= 5.0", True),
        ("anomaly.score * 2.0 - 1.0 == 9.0", True),
        ("-anomaly.score < 0.0", True),
        ("asset.criticality in ['A', \"B\"]", True),
        ("anomaly.code.startsWith('error') && !anomaly.code.endsWith('3')", True),
        ("double(asset.codes) < anomaly.score", True),
        ("memory.codes >= 1 && memory.codes >= asset.codes", False),
        ("memory.codes + 1 >= asset.codes || anomaly.confidence > 0.5", True),
        ("anomaly.score > 4.0\n&& asset.codes == 2", True),
    ],
)
def test_a_condition_means_what_it_says(text: str, held: bool) -> None:
    chain = Chain(ENVIRONMENT, [ENVIRONMENT.condition(text), ENVIRONMENT.condition("true")])

    assert chain.answer(0, VALUES).held is held


@pytest.mark.parametrize(
    ("text", "problem", "offset"),
    [
        ("", "the end does not belong here", 0),
        ("anomaly.score >", "the end does not belong here", 15),
        ("anomaly.score > 4.0)", ") does not belong here", 19),
        ("(true", "the end does not belong here", 5),
        ("true // remark", "/ does not belong here", 6),
        ("anomaly.score ? true : false", "'?' is not understood here", 14),
        ("[1, 2].all(x, x > 0)", "'.' is not understood here", 6),
        ("anomaly.code.matches('(a+)+$')", "matches is no function", 13),
        ("size(anomaly.code) > 3", "size is no function", 0),
        ("anomaly.code == null", "null does not belong here", 16),
        ("anomaly.code == 'a\\'", '"\'" is not understood here', 16),
        ("anomaly.score > 1e9", "'1' is not understood here", 16),
        ("asset.codes == 5u", "'5' is not understood here", 15),
        ("asset.codes == 99999999999999999999", "invalid int literal", 15),
        ("anomaly.kind == 'x'", "anomaly.kind is never 'x'", 16),
        ("anomaly.kind in ['code', 'x']", "anomaly.kind is never 'x'", 25),
        ("'x' != asset.criticality", "asset.criticality is never 'x'", 0),
        ("asset.criticality > 'A'", "> does not order texts", 0),
        ("anomaly.score == 'x'", "== cannot take double and string", 14),
        ("anomaly.score && true", "cannot take double and bool", 14),
        ("anomaly.score", "is neither true nor false", 0),
        ("--anomaly.score > 1.0", "- does not belong here", 1),
        ("true ) || (true", ") does not belong here", 5),
        ("a" * 1001, "is longer than 1000 characters", 1000),
        ("(" * (MAX_NESTING + 1) + "true" + ")" * (MAX_NESTING + 1), "is nested deeper", 10),
        ("1" + "+1" * 150 + " > 0", "has more than 200 parts", 0),
        ("true\x00", "'\\x00' is not understood here", 4),
        ("anomaly.score > 4.0 and true", "and does not belong here", 20),
    ],
)
def test_what_is_outside_the_language_is_refused_at_its_character(text: str, problem: str, offset: int) -> None:
    with pytest.raises(ConditionRejected) as refused:
        ENVIRONMENT.condition(text)

    assert problem in refused.value.problem
    assert refused.value.offset == offset


@given(st.text(max_size=60))
def test_any_text_is_taken_or_refused_and_nothing_else_is_raised(text: str) -> None:
    with contextlib.suppress(ConditionRejected):
        ENVIRONMENT.condition(text)


def test_the_deepest_condition_allowed_compiles_at_any_place_of_a_long_chain() -> None:
    deepest = "(" * (MAX_NESTING - 1) + "anomaly.score > 100.0" + ")" * (MAX_NESTING - 1)
    conditions = [ENVIRONMENT.condition(deepest) for _ in range(40)] + [ENVIRONMENT.condition("true")]

    assert Chain(ENVIRONMENT, conditions).first(VALUES) == 40


@pytest.mark.parametrize(
    "failing",
    ["asset.codes / (asset.codes - 2) > 1", "asset.codes * 9223372036854775807 > 1"],
)
def test_a_condition_that_cannot_be_evaluated_counts_as_not_met_and_says_why(failing: str) -> None:
    conditions = [ENVIRONMENT.condition(text) for text in (failing, "anomaly.score > 4.0", "true")]
    chain = Chain(ENVIRONMENT, conditions)

    answer = chain.answer(0, VALUES)

    assert (chain.first(VALUES), answer.held) == (1, False)
    assert answer.error


def test_a_text_that_has_no_utf_8_form_never_raises() -> None:
    chain = Chain(ENVIRONMENT, [ENVIRONMENT.condition("anomaly.code == 'x'"), ENVIRONMENT.condition("true")])

    assert chain.first({**VALUES, "anomaly.code": "\ud800"}) == 1
    assert chain.answer(0, {**VALUES, "anomaly.code": "\ud800"}).error


RULES = [
    "asset.criticality == 'A' && anomaly.confidence >= 0.9 && memory.confirming >= 2",
    "memory.codes / (memory.codes - 1) > 2",
    "memory.codes >= asset.codes && anomaly.score > 4.0",
    "anomaly.kind == 'code' || memory.deviating",
    "anomaly.code.contains('rror') && asset.codes / memory.codes == 1",
    *[f"anomaly.score > {number}.0" for number in range(30, 10, -1)],
    "anomaly.kind in ['risk', 'manual']",
    "true",
]
CHAIN = Chain(ENVIRONMENT, [ENVIRONMENT.condition(text) for text in RULES])


@given(
    st.fixed_dictionaries(
        {
            "asset.criticality": st.sampled_from(["A", "B", ""]),
            "asset.codes": st.integers(0, 2),
            "anomaly.kind": st.sampled_from(["code", "deviation", "risk", "manual"]),
            "anomaly.code": st.text(max_size=8),
            "anomaly.score": st.floats(0, 40),
            "anomaly.confidence": st.floats(0, 1),
            "memory.codes": st.integers(0, 2),
            "memory.confirming": st.integers(0, 3),
            "memory.deviating": st.booleans(),
        }
    )
)
def test_one_native_call_answers_as_rule_by_rule_does(values: dict[str, Value]) -> None:
    assert CHAIN.first(values) == CHAIN.first_of_each(values)


def test_the_parts_of_a_condition_know_their_places() -> None:
    text = "(anomaly.score > 4.0 || memory.deviating) && !(asset.codes in [1, 2])"

    atoms = [text[atom.start : atom.end] for atom in parse(text).atoms()]

    assert atoms == ["anomaly.score > 4.0", "memory.deviating", "(asset.codes in [1, 2])"]


def test_every_variable_has_a_reader_and_a_meaning() -> None:
    assert set(RULE_READERS) == set(RULE_VARIABLES)
    assert set(ASSET_READERS) == {name for name in VARIABLES if name.startswith("asset.")}
    assert all(variable.meaning for variable in VARIABLES.values())
