"""Proves the properties of a version, or refutes them by a situation in which the engine breaks them.

`proved` means that no situation breaks it: the solver showed that the opposite contradicts the conditions and the
axioms of `policies.proof.situation`. `refuted` means that a situation was found and turned into events, and that the
real engine judged them and broke the property. Everything else is `unknown`, including the solver's own "unknown" and a
timeout.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import z3

from domain.errors import Rejected
from domain.model import Model
from domain.verdict import Rung, Verdict
from policies.engine.judging import CompiledPolicy, facts_of, judge, look
from policies.engine.trial import Situation, remembered
from policies.language.expressions import Chain
from policies.language.schema import MonotoneClaim, Property, RungClaim
from policies.language.variables import RULE_VARIABLES, Value
from policies.proof.policy_variables import Terms, moved_along, shared, variables_of
from policies.proof.search import TIMEOUT_MS, Answer, Search, judgement
from policies.proof.situation import (
    OF_MAINTENANCE,
    OF_MEMORY_TERMS,
    OF_OPERATING,
    OF_VERDICTS,
    SHAPED_BY,
    axioms,
    beside,
    longer,
    raised,
    situation,
)
from policies.proof.translation import NotTranslated, Translation, literal
from policies.proof.witness import attempts

Result = Literal["proved", "refuted", "unknown"]

ORDERS: Mapping[str, tuple[str, ...]] = {
    "asset.criticality": ("", "D", "C", "B", "A"),
    "anomaly.risk": ("", "Low", "Medium", "High"),
    "memory.risk": ("", "Low", "Medium", "High"),
    "anomaly.quality": ("bad", "uncertain", "good"),
}
"""The words with an order, the lowest first."""


class Proof(Model):
    """The result for one property.

    `why` is the reason for an unknown result. `witness` has the situations in which the engine breaks the property:
    one, or for a monotone property two, of which the second has the value raised (or lowered).
    """

    property: str
    says: str
    result: Result
    why: str | None = None
    witness: tuple[Situation, ...] = ()


@dataclass(frozen=True)
class Seen:
    """A situation as judged by the engine: the values of all names, and the verdict on the last event."""

    values: Mapping[str, Value]
    verdict: Verdict


def seen(policy: CompiledPolicy, made: Situation) -> Seen:
    """The engine's judgement of a situation."""
    before, _ = remembered(policy, made.events[:-1], made.context)
    last = made.events[-1]
    observed, _ = look(policy, before, last, made.context)
    document = policy.document
    facts = facts_of(document, last, made.context, observed, before)
    verdict, _ = judge(policy, before, last, made.context)
    return Seen({name: read(facts) for name, read in policy.names.readers.items()}, verdict)


@dataclass(frozen=True)
class _Question:
    """The negation of a property: the statements that a counterexample fulfils, and the check of it by the engine.

    `policies` gives, for each of `situations`, the version whose memory it has. With `one_history` the second
    situation differs from the first only in its asset or its last event.
    """

    statements: Sequence["z3.BoolRef"]
    situations: Sequence[Terms]
    policies: Sequence[CompiledPolicy]
    broken: Callable[[Sequence[Situation]], bool]
    one_history: bool = False
    other: CompiledPolicy | None = None


class Prover:
    """Proves the properties of one version.

    Args:
        policy: the version.
        version: finds another version of the same policy by its number, for properties that name one; raises
            `Rejected` if there is none.
        timeout_ms: maximum duration of one question to the solver.
    """

    def __init__(
        self, policy: CompiledPolicy, version: Callable[[str], CompiledPolicy], timeout_ms: int = TIMEOUT_MS
    ) -> None:
        self._policy = policy
        self._version = version
        self._timeout = timeout_ms

    def prove(self, properties: Sequence[Property]) -> Iterator[Proof]:
        """The result for each property, in turn."""
        for promise in properties:
            yield self._prove(promise)

    def _prove(self, promise: Property) -> Proof:
        try:
            question = self._question(promise)
        except Rejected as error:
            # No translation, an unknown name, or a missing version: the result is unknown, with the reason.
            return Proof(property=promise.id, says=promise.says, result="unknown", why=str(error))
        search = Search(question.statements, question.situations, self._timeout)
        answer = search.ask()
        if answer is Answer.NONE:
            return Proof(property=promise.id, says=promise.says, result="proved")
        if answer is Answer.UNKNOWN:
            why = f"the solver did not come to an end within {self._timeout / 1000:g} s"
            return Proof(property=promise.id, says=promise.says, result="unknown", why=why)
        witness = confirmed(
            search, question.policies, question.broken, one_history=question.one_history, other=question.other
        )
        if witness is not None:
            return Proof(property=promise.id, says=promise.says, result="refuted", witness=witness)
        why = "the solver found values that would break it, but no events were found that lead to them"
        return Proof(property=promise.id, says=promise.says, result="unknown", why=why)

    def _question(self, promise: Property) -> _Question:
        if promise.always is not None:
            return self._bounded(promise.always, reached=True)
        if promise.never is not None:
            return self._bounded(promise.never, reached=False)
        if promise.monotone is not None:
            return self._monotone(promise.monotone)
        return self._superset(self._version(str(promise.acts_superset_of)))

    def _bounded(self, bound: RungClaim, *, reached: bool) -> _Question:
        conditions = self._policy.names.rules
        condition = conditions.condition(bound.when)
        terms = situation("", self._policy)
        verdict = judgement(self._policy, terms)
        below = verdict.rung < int(bound.rung_at_least)
        chain = Chain(conditions, [condition])

        def broken(made: Sequence[Situation]) -> bool:
            shown = seen(self._policy, made[0])
            met = chain.answer(0, shown.values).held
            return met and (shown.verdict.rung < bound.rung_at_least) == reached

        statements = [
            *self._always(terms),
            Translation(terms).condition(condition),
            below if reached else z3.Not(below),
        ]
        return _Question(statements, (terms,), (self._policy,), broken)

    def _monotone(self, promise: MonotoneClaim) -> _Question:
        name = promise.variable
        if name not in RULE_VARIABLES:
            raise NotTranslated(name, "only what is seen and remembered of an asset can be raised alone")
        moved = {name, *SHAPED_BY.get(name, ()), *moved_along(self._policy, name)}
        first = situation("", self._policy)
        second = beside(first, moved, "changed ", self._policy)
        less, more = (first, second) if promise.direction == "up" else (second, first)
        statements = [
            *self._always(first),
            *self._always(second),
            *(axiom.term for axiom in raised(name, less, more, self._policy.document.memory)),
            _below(name, less[name], more[name]),
            judgement(self._policy, second).rung < judgement(self._policy, first).rung,
        ]

        def broken(made: Sequence[Situation]) -> bool:
            before, after = (seen(self._policy, each) for each in made)
            lower, higher = (before, after) if promise.direction == "up" else (after, before)
            return (
                all(before.values[each] == after.values[each] for each in before.values if each not in moved)
                and _rank(name, lower.values[name]) < _rank(name, higher.values[name])
                and after.verdict.rung < before.verdict.rung
            )

        one_history = not name.startswith("memory.")
        return _Question(statements, (first, second), (self._policy, self._policy), broken, one_history)

    def _superset(self, other: CompiledPolicy) -> _Question:
        terms, others, statements = side_by_side(self._policy, other)
        own, theirs = judgement(self._policy, terms), judgement(other, others)
        draft = int(Rung.DRAFT)

        def broken(made: Sequence[Situation]) -> bool:
            example = made[0]
            return seen(other, example).verdict.rung.orders and not seen(self._policy, example).verdict.rung.orders

        shown, by, more = narrower((terms, self._policy), (others, other))
        opposite = [*statements, theirs.rung >= draft, own.rung < draft]
        return _Question(opposite, (shown,), (by,), broken, other=more)

    def _always(self, terms: Terms) -> list["z3.BoolRef"]:
        return [axiom.term for axiom in axioms(terms, self._policy)]


def side_by_side(
    policy: CompiledPolicy, other: CompiledPolicy
) -> tuple[dict[str, "z3.ExprRef"], dict[str, "z3.ExprRef"], list["z3.BoolRef"]]:
    """One history in the memories of two versions, with its axioms.

    Values that depend on a version's own verdicts are separate; those that depend on the memory settings are separate
    if the settings differ, and so do those of a reading of the machine and of the work on the asset.
    """
    mine, theirs = policy.document.memory, other.document.memory
    alike = (mine.window, mine.evidence_above) == (theirs.window, theirs.evidence_above)
    as_fresh = policy.document.operating == other.document.operating
    terms = situation("", policy)
    own = {name for name in variables_of(policy) if name not in RULE_VARIABLES} - shared(policy, other)
    as_counted = policy.document.maintenance == other.document.maintenance
    separate = {*OF_VERDICTS, *(() if alike else OF_MEMORY_TERMS), *(() if as_fresh else OF_OPERATING)}
    separate |= {*(() if as_counted else OF_MAINTENANCE), *own}
    others = beside(terms, separate, "other ", other)
    # A witness is made from the terms of either version, and is to tell what was read if one of them uses it.
    read = (*OF_OPERATING, *OF_MAINTENANCE)
    terms = {**{name: others[name] for name in read if name in others}, **terms}
    others = {**{name: terms[name] for name in read if name in terms}, **others}
    statements = [axiom.term for axiom in (*axioms(terms, policy), *axioms(others, other))]
    if not alike and mine.window >= theirs.window and mine.evidence_above <= theirs.evidence_above:
        statements += [axiom.term for axiom in longer(others, terms)]
    if not alike and theirs.window >= mine.window and theirs.evidence_above <= mine.evidence_above:
        statements += [axiom.term for axiom in longer(terms, others)]
    return terms, others, statements


def narrower(
    first: tuple[Terms, CompiledPolicy], two: tuple[Terms, CompiledPolicy]
) -> tuple[Terms, CompiledPolicy, CompiledPolicy]:
    """The version of the two that remembers less, with its terms; then the other."""
    mine, theirs = first[1].document.memory, two[1].document.memory
    if (mine.window, -mine.evidence_above) <= (theirs.window, -theirs.evidence_above):
        return *first, two[1]
    return *two, first[1]


def confirmed(
    search: Search,
    policies: Sequence[CompiledPolicy],
    broken: Callable[[Sequence[Situation]], bool],
    *statements: "z3.BoolRef",
    one_history: bool = False,
    other: CompiledPolicy | None = None,
) -> tuple[Situation, ...] | None:
    """Situations that the solver found, turned into events and confirmed by the engine.

    Args:
        search: the search by the solver.
        policies: for each situation, the version whose memory it has.
        broken: checks them with the engine.
        statements: further statements that must hold.
        one_history: whether they share the events before the last.
        other: another version, which should remember more.
    """
    names = ("witness",) if len(policies) == 1 else ("before the change", "after the change")
    for found in search.models(*statements):
        made = [attempts(*each, other) for each in zip(names, found, policies, strict=True)]
        for whole in zip(*made, strict=False):
            if one_history:
                history = whole[0].events[:-1]
                whole = tuple(shown.model_copy(update={"events": (*history, shown.events[-1])}) for shown in whole)
            if broken(whole):
                return whole
    return None


def _below(name: str, less: "z3.ExprRef", more: "z3.ExprRef") -> "z3.BoolRef":
    if z3.is_fp(less):
        return z3.fpLT(less, more)
    if z3.is_int(less):
        return less < more
    if z3.is_bool(less):
        return z3.And(z3.Not(less), more)
    if name not in ORDERS:
        raise NotTranslated(name, "it has no order in which it could be raised")
    return _place(name, less) < _place(name, more)


def _place(name: str, term: "z3.ExprRef") -> "z3.ArithRef":
    place = z3.IntVal(0)
    for number, word in enumerate(ORDERS[name]):
        place = z3.If(term == literal(word), z3.IntVal(number), place)
    return place


def _rank(name: str, value: Value) -> float:
    return ORDERS[name].index(str(value)) if isinstance(value, str) else float(value)
