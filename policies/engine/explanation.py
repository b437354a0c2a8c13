"""A judgement with its trace: every evaluated rule in order, and each value with its threshold."""

from collections.abc import Mapping

from domain.anomaly import Anomaly
from domain.verdict import Comparison, Context, Explanation, Memory, RuleTrace
from policies.engine.judging import CompiledPolicy, look
from policies.language.expressions import Answer
from policies.language.grammar import Node, Part
from policies.language.variables import Value, shown


def explain(policy: CompiledPolicy, memory: Memory, anomaly: Anomaly, context: Context) -> Explanation:
    """The same judgement as `policies.engine.judging.judge`, with its trace.

    Args:
        memory: the memory before the anomaly, as it was given to `judge`.

    Returns:
        The verdict, and a trace of each evaluated rule, up to the one that matched; the two guards of every version
            come
        first. `values` has every name that the version's conditions use.
    """
    _, values = look(policy, memory, anomaly, context)
    decided = policy.chain.first(values)
    rule = policy.rules[decided]
    return Explanation(
        verdict=rule.verdict,
        because=rule.because,
        response=rule.response,
        traces=tuple(_trace(policy, position, values, decided) for position in range(decided + 1)),
        values={name: shown(value) for name, value in values.items()},
    )


def _trace(policy: CompiledPolicy, position: int, values: Mapping[str, Value], decided: int) -> RuleTrace:
    rule, condition = policy.rules[position], policy.chain.conditions[position]
    answer = policy.chain.answer(position, values)
    return RuleTrace(
        rule=rule.id,
        when=rule.when,
        matched=position == decided,
        because=rule.because,
        comparisons=tuple(
            _comparison(condition.text, atom, given, values) for atom, given in policy.chain.atoms(position, values)
        ),
        error=answer.error,
    )


def _comparison(text: str, atom: Node, answer: Answer, values: Mapping[str, Value]) -> Comparison:
    return Comparison(expression=text[atom.start : atom.end], value=_seen(text, atom, values), held=answer.held)


def _seen(text: str, atom: Node, values: Mapping[str, Value]) -> str:
    """The values of the names in a statement: one value alone, or `3 against 2` if two names are compared."""
    sides = atom.parts if atom.part is Part.COMPARISON else (atom,)
    told = [_side(side, values) for side in sides if _names(side)]
    return " against ".join(told) if told else text[atom.start : atom.end]


def _side(side: Node, values: Mapping[str, Value]) -> str:
    if side.part is Part.NAME:
        return shown(values[side.word])
    return ", ".join(f"{name} {shown(values[name])}" for name in _names(side))


def _names(part: Node) -> list[str]:
    return list(dict.fromkeys(each.word for each in part.walk() if each.part is Part.NAME))
