"""Conditions as the solver understands them are the conditions that the engine asks: ten thousand inputs, seeded."""

import random
from collections.abc import Mapping

import pytest
import z3

from policies.engine.catalogue import Catalogue
from policies.engine.judging import CompiledPolicy
from policies.language.expressions import Chain, Environment
from policies.language.grammar import ConditionRejected
from policies.language.variables import RULE_VARIABLES, Value
from policies.proof.prover import seen
from policies.proof.search import judgement, plain
from policies.proof.situation import situation
from policies.proof.translation import NotTranslated, Translation, literal
from tests.support.random_situations import OWN_NAMES, RandomConditions, random_situation, random_value

pytestmark = pytest.mark.thorough

VERSIONS = Catalogue.published().versions
POLICIES = (*VERSIONS, OWN_NAMES)
TERMS = situation("", OWN_NAMES)
CONDITIONS = Environment(RULE_VARIABLES)


def given(term: z3.ExprRef, values: Mapping[str, Value]) -> object:
    """What a term is where the names have these values."""
    pairs = [(TERMS[name], literal(value)) for name, value in values.items()]
    return plain(z3.simplify(z3.substitute(term, *pairs)))


@pytest.mark.parametrize("policy", POLICIES, ids=[*(each.document.version for each in VERSIONS), "own names"])
def test_a_version_decides_for_the_solver_as_it_does_for_the_engine(policy: CompiledPolicy) -> None:
    chance = random.Random(policy.document.title)
    rung = judgement(policy, TERMS).rung
    rules = set()
    for _ in range(1_500):
        judged = seen(policy, random_situation(chance))
        assert given(rung, judged.values) == judged.verdict.rung
        rules.add(judged.verdict.rule)
    assert rules == {rule.id for rule in policy.rules}


def test_any_condition_holds_or_fails_for_the_solver_as_it_does_for_the_engine() -> None:
    chance = random.Random(5)
    random_conditions = RandomConditions(chance, RULE_VARIABLES)
    seen_outcomes = {(True, False): 0, (False, False): 0, (False, True): 0}
    asked = 0
    while asked < 5_500:
        try:
            condition = CONDITIONS.condition(random_conditions.condition())
        except ConditionRejected:
            continue
        chain, stated = Chain(CONDITIONS, [condition]), Translation(TERMS).stated(condition)
        for _ in range(10):
            values = {name: random_value(chance, RULE_VARIABLES[name]) for name in condition.names}
            answer = chain.answer(0, values)
            told = (given(stated.holds, values), given(stated.error, values))
            assert told == (answer.held, answer.error is not None), (condition.text, values)
            seen_outcomes[(answer.held, answer.error is not None)] += 1
            asked += 1
    assert min(seen_outcomes.values()) > 200


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("double(asset.id) > 1.0", "double(asset.id)"),
        ("asset.codes in [1, 2.0]", "asset.codes in [1, 2.0]"),
        ("memory.seen > 1 && [asset.id] == ['a']", "[asset.id]"),
        ("memory.deviating < true", "memory.deviating < true"),
        ("asset.id == '\U00030000'", "\U00030000"),
    ],
)
def test_what_has_no_form_is_named(text: str, part: str) -> None:
    with pytest.raises(NotTranslated) as refused:
        Translation(TERMS).condition(CONDITIONS.condition(text))
    assert refused.value.text == part
