"""The inputs of a judgement with one value changed and all others unchanged as far as possible."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from pydantic import ValidationError

from domain.anomaly import Anomaly, AnomalyKind, Quality, Risk
from domain.assets import Criticality
from domain.maintenance_history import MOST_WORK, MaintenanceHistory, WorkDone, WorkKind, newest
from domain.operating import MachineState, OperatingState
from domain.verdict import Context, Memory
from policies.language.schema import MemoryTerms, PolicyDocument
from policies.language.variables import NEVER, Value

_ANOTHER: Final = "another"
"""The number of work that was not done."""


class Inputs(NamedTuple):
    """The inputs of a judgement, and the document of the policy with its terms for them."""

    memory: Memory
    anomaly: Anomaly
    context: Context
    document: PolicyDocument

    @property
    def terms(self) -> MemoryTerms:
        """The terms of the policy for the memory."""
        return self.document.memory

    @property
    def is_evidence(self) -> bool:
        """Whether the anomaly is a deviation that counts."""
        score = self.anomaly.score or 0.0
        return self._good(AnomalyKind.DEVIATION) and score > self.terms.evidence_above

    @property
    def brings_code(self) -> bool:
        """Whether the anomaly is itself an error code that is remembered."""
        return self._good(AnomalyKind.CODE) and bool(self.anomaly.code)

    def _good(self, kind: AnomalyKind) -> bool:
        return self.anomaly.quality is Quality.GOOD and self.anomaly.kind is kind


def edited(inputs: Inputs, name: str, value: Value) -> Inputs | None:
    """The inputs with another value for a name; None if there can be no such value.

    The caller must read the value again, because memory may not be able to represent it.
    """
    try:
        return _EDITS[name](inputs, value)
    except (ValidationError, ValueError, OverflowError):
        return None


def editable(name: str) -> bool:
    """Whether a name stands for an input that can be changed alone."""
    return name in _EDITS


_Edit = Callable[[Inputs, Value], Inputs | None]


def _of_anomaly(field: str) -> _Edit:
    def edit(inputs: Inputs, value: Value) -> Inputs:
        # Validated, unlike a plain copy, so that a confidence of 1.2 is refused.
        plain = {**dict(inputs.anomaly), field: None if value == "" else value}
        return inputs._replace(anomaly=Anomaly.model_validate(plain))

    return edit


def _lead(field: str) -> _Edit:
    def edit(inputs: Inputs, value: Value) -> Inputs:
        hours = float(value)
        lead = None if hours == NEVER else timedelta(hours=hours)
        return inputs._replace(anomaly=inputs.anomaly.model_copy(update={field: lead}))

    return edit


def _of_context(field: str) -> _Edit:
    def edit(inputs: Inputs, value: Value) -> Inputs:
        if isinstance(value, int) and value < 0:
            raise ValueError(field)
        said = (Criticality(str(value)) if value else None) if field == "criticality" else value
        return inputs._replace(context=inputs.context.model_copy(update={field: said}))

    return edit


def _with_memory(inputs: Inputs, **update: object) -> Inputs:
    return inputs._replace(memory=inputs.memory.model_copy(update=update))


def _current(inputs: Inputs, held: Mapping[str, datetime]) -> dict[str, datetime]:
    at = inputs.anomaly.at
    return {name: seen for name, seen in held.items() if seen <= at and at - seen <= inputs.terms.window}


def _counted(inputs: Inputs, held: Mapping[str, datetime], own: str | None, wanted: int) -> dict[str, datetime] | None:
    """So many current names, with the anomaly's own if it has one; the oldest are removed first."""
    current = {name: seen for name, seen in _current(inputs, held).items() if name != own}
    wanted -= own is not None
    if wanted < 0:
        return None
    kept = sorted(current, key=lambda name: (current[name], name), reverse=True)[:wanted]
    names = {name: current[name] for name in kept}
    for number in range(wanted - len(names)):
        names[f"another {number + 1}"] = inputs.anomaly.at
    return names


def _codes(inputs: Inputs, value: Value) -> Inputs | None:
    own = inputs.anomaly.code if inputs.brings_code else None
    codes = _counted(inputs, inputs.memory.codes, own, int(value))
    return None if codes is None else _with_memory(inputs, codes=codes)


def _detectors(inputs: Inputs, value: Value) -> Inputs | None:
    anomaly = inputs.anomaly
    seen = anomaly.quality is Quality.GOOD and (
        anomaly.kind is AnomalyKind.MANUAL
        or (anomaly.kind is AnomalyKind.CODE and not anomaly.code)
        or (anomaly.kind is AnomalyKind.RISK and anomaly.risk is Risk.HIGH)
        or inputs.is_evidence
    )
    names = _counted(inputs, inputs.memory.detectors, anomaly.detector if seen else None, int(value))
    return None if names is None else _with_memory(inputs, detectors=names)


def _confirming(inputs: Inputs, value: Value) -> Inputs | None:
    """Changes the number of detectors, and the number of codes if no detector is left to remove."""
    current = set(_current(inputs, inputs.memory.codes)) | ({inputs.anomaly.code} if inputs.brings_code else set())
    wanted = int(value) - len(current)
    least = next((number for number in range(2) if _detectors(inputs, number) is not None), 0)
    if wanted >= least:
        return _detectors(inputs, wanted)
    fewer = _detectors(inputs, least)
    return None if fewer is None else _codes(fewer, int(value) - least)


def _seen(inputs: Inputs, value: Value) -> Inputs | None:
    return _with_memory(inputs, seen=int(value) - 1) if int(value) >= 1 else None


_NO_RUN: Mapping[str, object] = {"deviating_since": None, "deviation_at": None, "deviations": 0, "worst_score": 0.0}


def _run(inputs: Inputs, **update: object) -> Inputs:
    """The run at the anomaly, or a run that begins with it, with changes."""
    memory, at = inputs.memory, inputs.anomaly.at
    last = memory.deviation_at
    if last is None or memory.deviating_since is None or at - last > inputs.terms.window:
        score = max(inputs.anomaly.score or 0.0, float(inputs.terms.evidence_above) + 1.0)
        fresh = {"deviating_since": at, "deviation_at": at, "deviations": 1, "worst_score": score}
        return _with_memory(inputs, **{**fresh, **update})
    return _with_memory(inputs, **update)


def _deviating(inputs: Inputs, value: Value) -> Inputs:
    return _run(inputs) if value else _with_memory(inputs, **_NO_RUN)


def _deviations(inputs: Inputs, value: Value) -> Inputs | None:
    before = int(value) - inputs.is_evidence
    if before < 0:
        return None
    return _run(inputs, deviations=before) if before else _with_memory(inputs, **_NO_RUN)


def _worst(inputs: Inputs, value: Value) -> Inputs | None:
    return _run(inputs, worst_score=float(value)) if float(value) > inputs.terms.evidence_above else None


def _ago(inputs: Inputs, value: Value) -> datetime:
    return inputs.anomaly.at - timedelta(minutes=float(value))


def _age(inputs: Inputs, value: Value) -> Inputs | None:
    if value == NEVER:
        return _with_memory(inputs, **_NO_RUN)
    at = _ago(inputs, value)
    since = inputs.memory.deviating_since
    return _run(inputs, deviation_at=at, deviating_since=at if since is None else min(since, at))


def _minutes(inputs: Inputs, value: Value) -> Inputs | None:
    since = _ago(inputs, value)
    run = _run(inputs, deviating_since=since)
    last = run.memory.deviation_at
    return _with_memory(run, deviation_at=max(since, last or since))


def _risk(inputs: Inputs, value: Value) -> Inputs:
    since = inputs.memory.risk_since or inputs.anomaly.at
    return _with_memory(inputs, risk=str(value) or None, risk_since=since if value else None)


def _risk_changed(inputs: Inputs, value: Value) -> Inputs | None:
    told = inputs.anomaly.risk
    if told is None:
        return None
    before = (Risk.MEDIUM if told is not Risk.MEDIUM else Risk.LOW) if value else told
    return _with_memory(inputs, risk=before.value, risk_since=inputs.memory.risk_since or inputs.anomaly.at)


def _risk_minutes(inputs: Inputs, value: Value) -> Inputs | None:
    return _with_memory(inputs, risk_since=_ago(inputs, value)) if inputs.memory.risk else None


def _order_age(inputs: Inputs, value: Value) -> Inputs:
    if value == NEVER:
        return _with_memory(inputs, ordered_at=None, episode_at=None)
    at = _ago(inputs, value)
    return _with_memory(inputs, ordered_at=at, episode_at=inputs.memory.episode_at or at)


def _reading(inputs: Inputs) -> OperatingState:
    """The reading of the machine, or one that was made at the anomaly."""
    at = inputs.anomaly.at
    fresh = OperatingState(state=MachineState.UNKNOWN, word="", read_at=at, since=at)
    said = inputs.context.operating
    return said if said is not None and said.known_at(at, inputs.document.operating.stale_after) else fresh


def _with_reading(inputs: Inputs, said: OperatingState | None) -> Inputs:
    return inputs._replace(context=inputs.context.model_copy(update={"operating": said}))


def _known(inputs: Inputs, value: Value) -> Inputs | None:
    """A reading that is too old counts as made at the anomaly. Without one there is no state to be known."""
    said = inputs.context.operating
    if not value or said is None:
        return None if value else _with_reading(inputs, None)
    return _with_reading(inputs, said.model_copy(update={"read_at": inputs.anomaly.at, "said_at": None}))


def _state(inputs: Inputs, value: Value) -> Inputs:
    return _with_reading(inputs, _reading(inputs).model_copy(update={"state": MachineState(str(value))}))


def _steady(inputs: Inputs, value: Value) -> Inputs:
    running = {"state": MachineState.RUNNING, "since": _ago(inputs, value)}
    return _with_reading(inputs, _reading(inputs).model_copy(update=running))


def _of_reading(field: str) -> _Edit:
    def edit(inputs: Inputs, value: Value) -> Inputs:
        return _with_reading(inputs, _reading(inputs).model_copy(update={field: None if value == "" else value}))

    return edit


def _reading_age(inputs: Inputs, value: Value) -> Inputs | None:
    said = inputs.context.operating
    if value == NEVER or said is None:
        return _with_reading(inputs, None) if value == NEVER else None
    return _with_reading(inputs, said.model_copy(update={"read_at": _ago(inputs, value), "said_at": None}))


def _history(inputs: Inputs) -> MaintenanceHistory | None:
    """The work on the asset, if it is known. None is made up."""
    said, at = inputs.context.maintenance, inputs.anomaly.at
    known = said is not None and said.known_at(at, inputs.document.maintenance.stale_after)
    return said if known else None


def _with_history(inputs: Inputs, said: MaintenanceHistory | None) -> Inputs:
    return inputs._replace(context=inputs.context.model_copy(update={"maintenance": said}))


def _with_work(inputs: Inputs, said: MaintenanceHistory, work: Sequence[WorkDone]) -> Inputs:
    return _with_history(inputs, said.model_copy(update={"work": newest(work)}))


def _history_known(inputs: Inputs, value: Value) -> Inputs | None:
    said = inputs.context.maintenance
    if not value or said is None:
        return None if value else _with_history(inputs, None)
    return _with_history(inputs, said.model_copy(update={"read_at": inputs.anomaly.at}))


def _since_work(inputs: Inputs, value: Value) -> Inputs | None:
    """With the last work done at another time. What was done later than that is removed."""
    return _last_done(inputs, value, lambda _: True, None)


def _since_same_fault(inputs: Inputs, value: Value) -> Inputs | None:
    mode = inputs.anomaly.failure_mode
    return _last_done(inputs, value, lambda done: done.failure_mode == mode, mode)


def _last_done(
    inputs: Inputs, value: Value, counts: Callable[[WorkDone], bool], failure_mode: str | None
) -> Inputs | None:
    said = _history(inputs)
    if said is None:
        return None
    others, mine = ([done for done in said.work if counts(done) is each] for each in (False, True))
    if value == NEVER:
        return _with_work(inputs, said, others)
    at = inputs.anomaly.at - timedelta(hours=float(value))
    if at > inputs.anomaly.at:
        return None
    moved = mine[0] if mine else WorkDone(record=_ANOTHER, done_at=at, failure_mode=failure_mode)
    earlier = [done for done in mine[1:] if done.done_at <= at]
    return _with_work(inputs, said, [*others, *earlier, moved.model_copy(update={"done_at": at})])


def _breakdowns(inputs: Inputs, value: Value) -> Inputs | None:
    """With so many breakdowns in the window; the oldest are removed first."""
    said, wanted = _history(inputs), int(value)
    if said is None or not 0 <= wanted <= MOST_WORK:
        return None
    earliest = inputs.anomaly.at - inputs.document.maintenance.window
    corrective = [
        done for done in said.before(inputs.anomaly.at) if done.kind is WorkKind.CORRECTIVE and done.done_at >= earliest
    ]
    others = [done for done in said.work if done not in corrective]
    more = [
        WorkDone(record=f"{_ANOTHER} {number + 1}", done_at=earliest, kind=WorkKind.CORRECTIVE)
        for number in range(wanted - len(corrective))
    ]
    return _with_work(inputs, said, [*others, *corrective[:wanted], *more])


def _history_age(inputs: Inputs, value: Value) -> Inputs | None:
    said = inputs.context.maintenance
    if value == NEVER or said is None:
        return _with_history(inputs, None) if value == NEVER else None
    return _with_history(inputs, said.model_copy(update={"read_at": _ago(inputs, value)}))


_EDITS: Mapping[str, _Edit] = {
    "asset.id": _of_context("asset"),
    "asset.class": _of_context("asset_class"),
    "asset.criticality": _of_context("criticality"),
    "asset.machine": _of_context("machine"),
    "asset.line": _of_context("line"),
    "asset.codes": _of_context("codes"),
    **{
        f"anomaly.{field}": _of_anomaly(field)
        for field in ("kind", "failure_mode", "detector", "signal", "code", "risk", "quality", "value", "baseline")
    },
    "anomaly.score": _of_anomaly("score"),
    "anomaly.confidence": _of_anomaly("confidence"),
    "anomaly.lead_low_hours": _lead("lead_low"),
    "anomaly.lead_high_hours": _lead("lead_high"),
    "memory.seen": _seen,
    "memory.deviating": _deviating,
    "memory.deviations": _deviations,
    "memory.deviation_age_minutes": _age,
    "memory.deviating_minutes": _minutes,
    "memory.worst_score": _worst,
    "memory.codes": _codes,
    "memory.detectors": _detectors,
    "memory.confirming": _confirming,
    "memory.risk": _risk,
    "memory.risk_changed": _risk_changed,
    "memory.risk_minutes": _risk_minutes,
    "memory.order_age_minutes": _order_age,
    "operating.known": _known,
    "operating.state": _state,
    "operating.steady_minutes": _steady,
    "operating.mode": _of_reading("mode"),
    "operating.recipe": _of_reading("recipe"),
    "operating.speed": _of_reading("speed"),
    "operating.age_minutes": _reading_age,
    "maintenance.known": _history_known,
    "maintenance.since_work_hours": _since_work,
    "maintenance.since_same_fault_hours": _since_same_fault,
    "maintenance.breakdowns": _breakdowns,
    "maintenance.age_minutes": _history_age,
}
