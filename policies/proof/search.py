"""Searches for a situation: a bounded question to the solver, and its answer as plain values."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import z3

from policies.engine.judging import CompiledPolicy
from policies.language.variables import NEVER, Value
from policies.proof.policy_variables import Terms
from policies.proof.translation import Translation, literal

TIMEOUT_MS = 20_000
"""Maximum duration of one question; after that the answer is unknown."""
ATTEMPTS = 6
"""Maximum number of models that are tried for a witness."""

_PREFERENCE_COST = 1_000_000
"""Maximum cost of one preference, in the solver's own steps, so that a busy machine finds the same witness."""
_UNSETTLED = 5
"""Number of preferences without an answer after which the others are skipped."""
_ESCAPE_OPEN, _ESCAPE_CLOSE = "\\u{", "}"


class Answer(StrEnum):
    """The answer: whether there is such a situation."""

    NONE = "none"
    FOUND = "found"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Judgement:
    """A version as terms: when each of its rules decides, and the resulting rung."""

    decides: tuple["z3.BoolRef", ...]
    rung: "z3.ArithRef"


def judgement(policy: CompiledPolicy, terms: Terms) -> Judgement:
    """A version's judgement of a situation: the first rule whose condition is true decides; the last is always true.

    Raises:
        NotTranslated: a condition cannot be translated.
    """
    translation = Translation(terms)
    met = [translation.condition(condition) for condition in policy.chain.conditions[:-1]]
    last = len(met)
    decides = []
    before: list[z3.BoolRef] = []
    for condition in [*met, z3.BoolVal(True)]:
        decides.append(z3.And([condition, *(z3.Not(earlier) for earlier in before)]))
        before.append(condition)
    rung = z3.IntVal(int(policy.rules[last].verdict.rung))
    for position in reversed(range(last)):
        rung = z3.If(met[position], z3.IntVal(int(policy.rules[position].verdict.rung)), rung)
    return Judgement(tuple(decides), rung)


class Search:
    """Searches for situations that fulfil some statements.

    Args:
        statements: what must hold.
        situations: the terms whose values are wanted, one mapping for each situation.
        timeout_ms: maximum duration of one question.
    """

    def __init__(
        self, statements: Sequence["z3.BoolRef"], situations: Sequence[Terms], timeout_ms: int = TIMEOUT_MS
    ) -> None:
        self._solver = z3.Solver()
        self._solver.set(timeout=timeout_ms)
        self._solver.add(*statements)
        self._situations = tuple(situations)

    def ask(self, *statements: "z3.BoolRef") -> Answer:
        """Whether there is a situation that also fulfils these."""
        self._solver.set(rlimit=0)
        return _answer(self._solver.check(*statements))

    def models(self, *statements: "z3.BoolRef") -> Iterator[tuple[Mapping[str, Value], ...]]:
        """Some situations that also fulfil these, the simplest first, each different from those before."""
        self._solver.push()
        self._solver.add(*statements)
        try:
            for _ in range(ATTEMPTS):
                self._solver.set(rlimit=0)
                if self._solver.check() != z3.sat:
                    return
                found = self._plainest()
                yield found
                self._solver.add(z3.Not(z3.And(list(_shape(self._situations, found)))))
        finally:
            self._solver.pop()

    def _plainest(self) -> tuple[Mapping[str, Value], ...]:
        model = self._solver.model()
        kept: list[z3.BoolRef] = []
        unsettled = 0
        self._solver.set(rlimit=_PREFERENCE_COST)
        for preference in _preferences(self._situations):
            if z3.is_true(model.eval(preference, model_completion=True)):
                kept.append(preference)
                continue
            answer = self._solver.check(*kept, preference)
            if answer == z3.sat:
                kept.append(preference)
                model = self._solver.model()
            unsettled += answer == z3.unknown
            if unsettled > _UNSETTLED:
                break  # The next ones would take as long, and a simpler witness is not worth it.
        return tuple({name: _value(model, term) for name, term in terms.items()} for terms in self._situations)


def _answer(result: "z3.CheckSatResult") -> Answer:
    if result == z3.unsat:
        return Answer.NONE
    return Answer.FOUND if result == z3.sat else Answer.UNKNOWN


_COUNTS = ("memory.deviations", "memory.detectors", "memory.codes", "asset.codes")
_FEW = (4, 2, 1)
_AT_MOST = {
    "memory.deviating_minutes": 120.0,
    "memory.risk_minutes": 1440.0,
    "memory.worst_score": 20.0,
    "anomaly.score": 20.0,
    "anomaly.value": 1000.0,
    "anomaly.baseline": 1000.0,
}
_PLAIN: Mapping[str, tuple[Value, ...]] = {
    "memory.order_age_minutes": (NEVER,),
    "anomaly.lead_low_hours": (NEVER,),
    "anomaly.lead_high_hours": (NEVER,),
    "anomaly.kind": ("deviation",),
    "anomaly.quality": ("good",),
    "anomaly.risk": ("",),
    "memory.risk": ("",),
    "asset.id": ("M-100-bearing",),
    "asset.machine": ("M-100",),
    "asset.line": ("LINE-1",),
    "asset.class": ("pump",),
    "anomaly.failure_mode": ("VIB",),
    "anomaly.detector": ("detector",),
    "anomaly.signal": ("vibration", ""),
    "anomaly.code": ("", "error1"),
    "anomaly.value": (0.0,),
    "anomaly.baseline": (0.0,),
    "anomaly.confidence": (0.95, 0.9, 0.5, 0.0, 1.0),
    "anomaly.score": (6.0, 5.0, 10.0, 3.0, 0.0),
    "memory.worst_score": (6.0, 10.0, 20.0),
    "memory.deviating_minutes": (0.0, 60.0),
    "memory.deviation_age_minutes": (0.0, 60.0),
    "memory.risk_minutes": (0.0, 60.0),
    "operating.state": ("running", "startup", "unknown"),
    "operating.steady_minutes": (0.0, 60.0),
    "operating.age_minutes": (0.0, NEVER),
    "operating.mode": ("",),
    "operating.recipe": ("",),
    "operating.speed": (0.0,),
    "maintenance.age_minutes": (0.0, NEVER),
    "maintenance.since_work_hours": (NEVER, 24.0),
    "maintenance.since_same_fault_hours": (NEVER, 24.0),
    "maintenance.breakdowns": (0, 1, 2),
}


def _preferences(situations: Sequence[Terms]) -> Iterator["z3.BoolRef"]:
    """Preferences that make a situation simple to read and easy to construct; the most important first."""
    for terms in situations:
        for most in _FEW:
            for name in _COUNTS:
                yield terms[name] <= most
        yield terms["memory.seen"] == z3.If(
            terms["memory.deviating"],
            terms["memory.deviations"] + terms["memory.codes"] + terms["memory.detectors"] - 1,
            terms["memory.codes"] + terms["memory.detectors"],
        )
    for name, values in _PLAIN.items():
        for terms in situations:
            if name in terms:
                yield z3.Or([_is(terms[name], value) for value in values])
    for name, bound in _AT_MOST.items():
        for terms in situations:
            yield z3.fpLEQ(terms[name], literal(bound))
            yield z3.fpGEQ(terms[name], literal(-bound))


def _shape(situations: Sequence[Terms], found: Sequence[Mapping[str, Value]]) -> Iterator["z3.BoolRef"]:
    """The values in which two models must differ: words, booleans and counts."""
    for terms, values in zip(situations, found, strict=True):
        for name, value in values.items():
            if not isinstance(value, (float, str)) or name in ("anomaly.kind", "anomaly.quality", "asset.criticality"):
                yield _is(terms[name], value)


def _is(term: "z3.ExprRef", value: Value) -> "z3.BoolRef":
    # Compare by identity of the double, because -0.0 and 0.0 are equal by value.
    return term == literal(value)


def _value(model: "z3.ModelRef", term: "z3.ExprRef") -> Value:
    return plain(model.eval(term, model_completion=True))


def plain(term: "z3.ExprRef") -> Value:
    """A term without names as a value."""
    if z3.is_bool(term):
        return bool(z3.is_true(z3.simplify(term)))
    if z3.is_fp(term):
        bits = z3.simplify(z3.fpToIEEEBV(term)).as_long()
        return float(struct.unpack("<d", struct.pack("<Q", bits))[0])
    if z3.is_int(term):
        return int(z3.simplify(term).as_long())
    return _unescaped(str(z3.simplify(term).as_string()))


def _unescaped(text: str) -> str:
    """A text in the solver's syntax: other characters than printable ASCII as their numbers."""
    head, found, rest = text.partition(_ESCAPE_OPEN)
    if not found:
        return head
    number, _, tail = rest.partition(_ESCAPE_CLOSE)
    return head + chr(int(number, 16)) + _unescaped(tail)
