"""Tries a version on given situations: the input of `policy try`, and the witness of a proof."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from domain.anomaly import Anomaly
from domain.errors import Rejected
from domain.model import Model
from domain.verdict import Context, Explanation, Memory
from policies.engine.explanation import explain
from policies.engine.judging import CompiledPolicy, judge

MAX_EVENTS = 1_000


class Situation(Model):
    """An asset and the anomalies of one of its failure modes, in event order; the result is the verdict on the last
    one."""

    name: str = "situation"
    context: Context
    events: Annotated[tuple[Anomaly, ...], Field(min_length=1, max_length=MAX_EVENTS)]


class Trial(Model):
    """A version's result for a situation: each event's rung, and the judgement of the last event with its trace."""

    name: str
    rungs: tuple[str, ...]
    before: Memory
    explanation: Explanation


_Several = Annotated[tuple[Situation, ...], Field(min_length=1, max_length=100)]


class _Situations(Model):
    situations: _Several


_READ: TypeAdapter[Situation | _Situations | tuple[Situation, ...]] = TypeAdapter(Situation | _Situations | _Several)


def read_situations(text: str | bytes, file: str) -> tuple[Situation, ...]:
    """The situations of a JSON text: one situation, a list, or an object with `situations`.

    Raises:
        Rejected: it is no JSON, or has another shape.
    """
    try:
        read = _READ.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        shapes = ("Situation", "_Situations", "tuple[Situation,...]", "function-after", "constrained")
        field = ".".join(str(part) for part in first["loc"] if not str(part).startswith(shapes))
        fix = "give {context: …, events: [anomaly, …]}, or a list of these"
        raise Rejected(f"{file} holds no situation: {first['msg']}", field=field or None, fix=fix) from error
    if isinstance(read, Situation):
        return (read,)
    return read.situations if isinstance(read, _Situations) else read


def try_situation(policy: CompiledPolicy, situation: Situation) -> Trial:
    """Judges the events in turn, each with the memory after the one before, and explains the last."""
    memory, rungs = remembered(policy, situation.events[:-1], situation.context)
    last = situation.events[-1]
    explanation = explain(policy, memory, last, situation.context)
    return Trial(
        name=situation.name,
        rungs=(*rungs, explanation.verdict.rung.word),
        before=memory,
        explanation=explanation,
    )


def remembered(policy: CompiledPolicy, events: Sequence[Anomaly], context: Context) -> tuple[Memory, tuple[str, ...]]:
    """The memory after some events, and the rung of each."""
    memory = Memory()
    rungs = []
    for event in events:
        verdict, memory = judge(policy, memory, event, context)
        rungs.append(verdict.rung.word)
    return memory, tuple(rungs)
