"""What proofs take for granted of situations, held against what memory and the readers really give."""

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
import z3

from policies.engine.catalogue import Catalogue
from policies.engine.judging import CompiledPolicy
from policies.engine.trial import Situation
from policies.language.schema import MemoryTerms
from policies.language.variables import Value
from policies.proof.prover import seen
from policies.proof.search import plain
from policies.proof.situation import OF_MEMORY_TERMS, SHAPED_BY, Axiom, axioms, longer, raised, situation
from policies.proof.translation import literal
from tests.support.random_situations import OWN_NAMES, random_situation

POLICY = Catalogue.published().find("rotating-equipment", "1.1.0")
ONE, OTHER = situation("one ", OWN_NAMES), situation("other ", OWN_NAMES)
TERMS = POLICY.document.memory


def values_of(made: Situation, policy: CompiledPolicy = POLICY) -> dict[str, Value]:
    return dict(seen(policy, made).values)


def broken(claims: list[Axiom], *situations: dict[str, Value]) -> list[str]:
    """Which of some axioms do not hold in these situations."""
    pairs = [
        (terms[name], literal(value))
        for terms, values in zip((ONE, OTHER), situations, strict=False)
        for name, value in values.items()
    ]
    together = z3.substitute(z3.And([claim.term for claim in claims]), *pairs)
    if plain(z3.simplify(together)) is True:
        return []
    return [claim.says for claim in claims if plain(z3.simplify(z3.substitute(claim.term, *pairs))) is not True]


def random_situations(seed: int, number: int) -> Iterator[Situation]:
    chance = random.Random(seed)
    return (random_situation(chance) for _ in range(number))


@pytest.mark.parametrize("policy", [POLICY, OWN_NAMES], ids=["1.1.0", "own names"])
def test_every_axiom_holds_of_what_memory_really_gives(policy: CompiledPolicy) -> None:
    claims = axioms(ONE, policy)
    assert [broken(claims, values_of(made, policy)) for made in random_situations(1, 300)] == [[]] * 300


def test_an_axiom_that_is_wrong_would_be_found() -> None:
    wrong = [Axiom("no run has two deviations", ONE["memory.deviations"] <= 1)]
    assert any(broken(wrong, values_of(made)) for made in random_situations(1, 100))


@pytest.mark.parametrize(
    "name", sorted({"anomaly.score", "anomaly.confidence", "anomaly.value", "anomaly.lead_low_hours"})
)
def test_a_value_of_an_anomaly_moves_only_what_it_is_said_to_move(name: str) -> None:
    field = name.removeprefix("anomaly.").replace("_hours", "")
    higher = timedelta(hours=9) if field.startswith("lead") else 1.0 if field == "confidence" else 8.0
    claims = raised(name, ONE, OTHER, TERMS)
    moved = {name, *SHAPED_BY.get(name, ())}
    for made in random_situations(2, 150):
        last = made.events[-1].model_copy(update={field: higher})
        before, after = values_of(made), values_of(made.model_copy(update={"events": (*made.events[:-1], last)}))
        assert {each for each in before if before[each] != after[each]} <= moved
        assert broken(claims, before, after) == []


@pytest.mark.parametrize(
    ("field", "value"), [("kind", "code"), ("quality", "good"), ("risk", "High"), ("detector", "d9")]
)
def test_a_word_of_an_anomaly_moves_only_what_it_is_said_to_move(field: str, value: str) -> None:
    moved = {f"anomaly.{field}", *SHAPED_BY[f"anomaly.{field}"]}
    for made in random_situations(3, 150):
        last = type(made.events[-1]).model_validate({**dict(made.events[-1]), field: value})
        before, after = values_of(made), values_of(made.model_copy(update={"events": (*made.events[:-1], last)}))
        assert {each for each in before if before[each] != after[each]} <= moved


@pytest.mark.parametrize(("window", "evidence_above"), [(timedelta(hours=48), 4.0), (timedelta(hours=24), 2.0)])
def test_who_remembers_longer_or_takes_more_for_evidence_remembers_no_less(
    window: timedelta, evidence_above: float
) -> None:
    wider = MemoryTerms.model_construct(**{**dict(TERMS), "window": window, "evidence_above": evidence_above})
    document = POLICY.document.model_copy(update={"memory": wider})
    other = CompiledPolicy(**{**vars(POLICY), "document": document})
    claims = longer(ONE, OTHER)
    for made in random_situations(4, 200):
        less, more = values_of(made), values_of(made, other)
        assert broken(claims, less, more) == []
        # What a version asked for before depends on its verdicts, which are its own.
        differs = {name for name in less if less[name] != more[name]} - {"memory.order_age_minutes"}
        assert differs <= set(OF_MEMORY_TERMS)
