"""The smallest change of each input that gives another rung. It is exact, and each was judged by the engine."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.anomaly import Anomaly
from domain.counterfactuals import Change, Counterfactual, Counterfactuals
from domain.verdict import Context, Memory, Rung, Verdict
from policies.engine.changed_inputs import Inputs, editable, edited
from policies.engine.judging import CompiledPolicy, look, verdict_on
from policies.engine.thresholds import Thresholds, beside, thresholds
from policies.language.display_names import LABELS
from policies.language.variables import NEVER, RULE_VARIABLES, Value, shown

_MICROSECOND = 1 / 60e6
"""The resolution of event times, in minutes."""
_ORDERS: Mapping[str, Sequence[str]] = {
    "asset.criticality": ("", "D", "C", "B", "A"),
    "anomaly.risk": ("", "Low", "Medium", "High"),
    "memory.risk": ("", "Low", "Medium", "High"),
    "anomaly.quality": ("bad", "uncertain", "good"),
}
_FOLDED: Mapping[str, Sequence[str]] = {"anomaly.score": ("memory.worst_score",)}
"""Names whose value follows another name upwards, so that their thresholds are also those of that name."""
_WOULD: Mapping[Rung, str] = {
    Rung.IGNORE: "have been ignored",
    Rung.WATCH: "only have been watched",
    Rung.INSPECT: "have asked for an inspection",
    Rung.DRAFT: "have drafted a work order",
    Rung.WORK_ORDER: "have ordered work",
    Rung.WORK_ORDER_AND_HOLD: "have ordered work and a hold",
}
_ONE_MORE: Mapping[str, str] = {
    "memory.codes": "if a matching error code had come (codes {now} → {then})",
    "memory.detectors": "if another detector had seen it (detectors {now} → {then})",
    "memory.confirming": "if another detector or error code had confirmed it ({now} → {then})",
}


@dataclass(frozen=True)
class _Flip:
    """Another value of an input, and the verdict on it."""

    value: Value
    side: int
    threshold: Value
    verdict: Verdict


def counterfactuals(policy: CompiledPolicy, memory: Memory, anomaly: Anomaly, context: Context) -> Counterfactuals:
    """For each input that the version's conditions use, the smallest change that gives another rung.

    Args:
        memory: the memory before the anomaly, as it was given to `judge`.
    """
    _, values = look(policy, memory, anomaly, context)
    verdict = verdict_on(policy, values)
    document = policy.document
    inputs = Inputs(memory, anomaly, context, document)
    found = [_of(policy, inputs, name, values, verdict) for name in policy.chain.names if editable(name)]
    return Counterfactuals(
        rung=verdict.rung.word,
        inputs=tuple(sorted(found, key=_telling)),
    )


def _telling(counterfactual: Counterfactual) -> tuple[bool, bool, int, str]:
    """The sort key, the most useful first: changes that would have ordered work, then numbers before words."""
    words = RULE_VARIABLES[counterfactual.variable].type == "STRING"
    return (
        counterfactual.ordering is None,
        counterfactual.nearest is None,
        2 if words else not counterfactual.variable.startswith("memory."),
        counterfactual.variable,
    )


def _of(
    policy: CompiledPolicy, inputs: Inputs, name: str, values: Mapping[str, Value], verdict: Verdict
) -> Counterfactual:
    found = thresholds(policy.chain, name, values)
    for follower in _FOLDED.get(name, ()):
        if follower in policy.chain.names:
            followed = thresholds(policy.chain, follower, values)
            found = Thresholds(found.values | followed.values, found.exact and followed.exact)
    if name in ("memory.codes", "memory.detectors") and "memory.confirming" in values:
        others = int(values["memory.confirming"]) - int(values[name])
        together = thresholds(policy.chain, "memory.confirming", values)
        found.values.update(int(count) - others for count in together.values)
    if name == "anomaly.score":
        found.values.add(float(policy.document.memory.evidence_above))
    nearest: _Flip | None = None
    ordering: _Flip | None = None
    for flip in _flips(policy, inputs, name, values[name], found):
        if flip.verdict.rung != verdict.rung and nearest is None:
            nearest = flip
        if flip.verdict.rung.orders and not verdict.rung.orders and ordering is None:
            ordering = flip
        if nearest is not None and (ordering is not None or verdict.rung.orders):
            break
    return Counterfactual(
        variable=name,
        nearest=_change(policy, inputs, name, values[name], nearest),
        ordering=_change(policy, inputs, name, values[name], ordering),
        exact=found.exact,
    )


def _flips(policy: CompiledPolicy, inputs: Inputs, name: str, now: Value, found: Thresholds) -> Iterator[_Flip]:
    """The verdict at each threshold and beside it, the nearest to the present value first."""
    for value, side, threshold in _candidates(name, now, found):
        flip = _judged(policy, inputs, name, value, side, threshold)
        if flip is not None:
            yield flip


def _judged(
    policy: CompiledPolicy, inputs: Inputs, name: str, value: Value, side: int, threshold: Value
) -> _Flip | None:
    other = edited(inputs, name, value)
    if other is None:
        return None
    _, values = look(policy, other.memory, other.anomaly, other.context)
    if not _is(name, values[name], value):
        return None
    return _Flip(value, side, threshold, verdict_on(policy, values))


def _is(name: str, read: Value, wanted: Value) -> bool:
    if _of_time(name) and isinstance(read, float):
        return math.isclose(read, float(wanted), rel_tol=1e-12, abs_tol=_MICROSECOND)
    return read == wanted


def _of_time(name: str) -> bool:
    return name.endswith(("_minutes", "_hours"))


def _candidates(name: str, now: Value, found: Thresholds) -> list[tuple[Value, int, Value]]:
    """Value, side of its threshold (-1 below, 0 at it, 1 above) and threshold, the nearest first."""
    if isinstance(now, str):
        order = _ORDERS.get(name)
        texts = sorted((str(value) for value in found.values if value != now), key=lambda text: (text == "", text))
        if order is not None and now in order:
            here = order.index(now)
            texts.sort(key=lambda text: abs(order.index(text) - here) if text in order else len(order))
        return [(text, 0, text) for text in texts]
    near: list[tuple[Value, int, Value]] = []
    for threshold in found.values:
        if isinstance(threshold, (bool, str)):
            near.append((threshold, 0, threshold))
        elif isinstance(now, float):
            near.extend(
                (value, side, threshold)
                for side, value in zip((-1, 0, 1), _around(name, float(threshold)), strict=True)
            )
        else:
            near.extend((threshold + side, side, threshold) for side in (-1, 0, 1))
    near = [candidate for candidate in near if candidate[0] != now]
    return sorted(near, key=lambda candidate: (abs(float(candidate[0]) - float(now)), abs(candidate[1])))


def _around(name: str, threshold: float) -> tuple[float, float, float]:
    if not _of_time(name):
        return beside(threshold)
    step = _MICROSECOND if name.endswith("_minutes") else _MICROSECOND / 60
    return threshold - step, threshold, threshold + step


def _change(policy: CompiledPolicy, inputs: Inputs, name: str, now: Value, flip: _Flip | None) -> Change | None:
    if flip is None:
        return None
    then = _then(policy, inputs, name, now, flip)
    return Change(
        now=shown(now),
        then=then,
        rung=flip.verdict.rung.word,
        rule=flip.verdict.rule,
        words=f"It would {_WOULD[flip.verdict.rung]} {_if(name, now, flip, then)}.",
    )


def _then(policy: CompiledPolicy, inputs: Inputs, name: str, now: Value, flip: _Flip) -> str:
    threshold = shown(flip.threshold)
    if not isinstance(now, float) or isinstance(flip.threshold, str):
        return shown(flip.value)
    if flip.side:
        return f"{'more' if flip.side > 0 else 'less'} than {threshold}"
    if flip.threshold >= NEVER:
        return threshold
    side = 1 if float(flip.threshold) > now else -1
    beyond = _around(name, float(flip.threshold))[1 + side]
    further = _judged(policy, inputs, name, beyond, side, flip.threshold)
    if further is None or further.verdict.rung != flip.verdict.rung:
        return f"exactly {threshold}"
    return f"{'at least' if side > 0 else 'at most'} {threshold}"


def _if(name: str, now: Value, flip: _Flip, then: str) -> str:
    if isinstance(now, bool):
        return f"if it were {'so' if flip.value else 'not so'} that {LABELS[name]}"
    if name in _ONE_MORE and isinstance(now, int) and flip.value == now + 1:
        return _ONE_MORE[name].format(now=now, then=flip.value)
    if RULE_VARIABLES[name].type == "INT":
        return f"with {then} {LABELS[name]} (there are {shown(now)})"
    return f"if {LABELS[name]} were {then} (it is {shown(now)})"
