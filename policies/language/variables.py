"""Every name that a condition may use: its type, its meaning, and its reader. The reference page has this table.

An absent value is 0 for a number and the empty text for a text. The age of something absent, or the time to it, is
`NEVER`. Times are differences of event times, because judging has no clock.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.anomaly import Anomaly, AnomalyKind, Quality, Risk
from domain.assets import Criticality
from domain.maintenance_history import WorkDone, WorkKind
from domain.operating import MachineState, OperatingState
from domain.verdict import Context, Memory, Rung, Severity
from policies.language.schema import MaintenanceTerms

Value = bool | int | float | str

NEVER = 1e9
"""Minutes or hours until or since something that never happens."""

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)


class Variable(NamedTuple):
    """A name's CEL type, its meaning, and the words of an enumeration."""

    type: str
    meaning: str
    words: tuple[str, ...] = ()


class Facts(NamedTuple):
    """All inputs of a judgement. `memory` includes the anomaly, `before` does not."""

    anomaly: Anomaly
    context: Context
    memory: Memory
    before: Memory
    window: timedelta
    stale_after: timedelta
    maintenance: MaintenanceTerms


ASSET: Mapping[str, Variable] = {
    "asset.id": Variable("STRING", "the asset the anomaly tells of, usually a component"),
    "asset.class": Variable("STRING", "the class of its machine (pump, motor, cnc, robot, conveyor, …)"),
    "asset.criticality": Variable(
        "STRING", "what a stop costs the plant, A the most", (*(level.value for level in Criticality), "")
    ),
    "asset.machine": Variable("STRING", "its machine"),
    "asset.line": Variable("STRING", "its production line"),
    "asset.codes": Variable("INT", "how many different error codes of the machine tell of this failure mode"),
}

ANOMALY: Mapping[str, Variable] = {
    "anomaly.kind": Variable("STRING", "what sort of evidence it is", tuple(kind.value for kind in AnomalyKind)),
    "anomaly.failure_mode": Variable("STRING", "the failure mode it tells of (ISO 14224 annex B)"),
    "anomaly.detector": Variable("STRING", "who saw it"),
    "anomaly.signal": Variable("STRING", "the signal that deviates"),
    "anomaly.code": Variable("STRING", "the error code"),
    "anomaly.risk": Variable("STRING", "the state of a risk", (*(risk.value for risk in Risk), "")),
    "anomaly.quality": Variable("STRING", "how far the signal may be believed", tuple(item.value for item in Quality)),
    "anomaly.value": Variable("DOUBLE", "the signal's value, in its own unit"),
    "anomaly.baseline": Variable("DOUBLE", "what the value should be, in the same unit"),
    "anomaly.score": Variable("DOUBLE", "the distance from the baseline, in standard errors"),
    "anomaly.confidence": Variable("DOUBLE", "the detector's own confidence, 0 to 1; 0 where it gave none"),
    "anomaly.lead_low_hours": Variable("DOUBLE", "the shortest predicted time to functional failure, in hours"),
    "anomaly.lead_high_hours": Variable("DOUBLE", "the longest predicted time to functional failure, in hours"),
}

MEMORY: Mapping[str, Variable] = {
    "memory.seen": Variable("INT", "anomalies of this asset's failure mode so far, this one included"),
    "memory.deviating": Variable("BOOL", "whether the last deviation that counts is at most a window old"),
    "memory.deviations": Variable("INT", "deviations in the present run: no gap in it is longer than the window"),
    "memory.deviation_age_minutes": Variable("DOUBLE", "minutes since the last deviation of the present run"),
    "memory.deviating_minutes": Variable("DOUBLE", "minutes since the first deviation of the present run"),
    "memory.worst_score": Variable("DOUBLE", "the highest score in the present run"),
    "memory.codes": Variable("INT", "distinct error codes of this failure mode within the window"),
    "memory.detectors": Variable("INT", "distinct detectors, models and people that saw it within the window"),
    "memory.confirming": Variable("INT", "`memory.codes` and `memory.detectors` together; repeated rows count once"),
    "memory.risk": Variable("STRING", "the last known state of the risk", (*(risk.value for risk in Risk), "")),
    "memory.risk_changed": Variable("BOOL", "whether this anomaly changed that state; a first Low changes nothing"),
    "memory.risk_minutes": Variable("DOUBLE", "minutes for which the risk has had its state"),
    "memory.order_age_minutes": Variable("DOUBLE", "minutes since this version's last ordering verdict on it"),
}

OPERATING: Mapping[str, Variable] = {
    "operating.known": Variable("BOOL", "whether a reading that is not stale says what the machine does"),
    "operating.state": Variable(
        "STRING", "what the machine does; unknown if no reading says it", tuple(state.value for state in MachineState)
    ),
    "operating.steady_minutes": Variable(
        "DOUBLE", "minutes for which the machine has been running without a break; 0 if it does not run"
    ),
    "operating.mode": Variable("STRING", "the MES's own word for the mode; empty if it gives none"),
    "operating.recipe": Variable("STRING", "the name of the recipe or program; empty if the MES gives none"),
    "operating.speed": Variable("DOUBLE", "the speed, in the MES's own unit; 0 if it gives none"),
    "operating.age_minutes": Variable("DOUBLE", "minutes since the last reading of the machine"),
}

MAINTENANCE: Mapping[str, Variable] = {
    "maintenance.known": Variable("BOOL", "whether a reading that is not stale says which work was done on the asset"),
    "maintenance.since_work_hours": Variable(
        "DOUBLE", "hours since work was last done on the asset or its machine; never if none is known"
    ),
    "maintenance.since_same_fault_hours": Variable(
        "DOUBLE", "hours since work was last done whose codes name the anomaly's failure mode; never if none is known"
    ),
    "maintenance.breakdowns": Variable("INT", "how much corrective work was done within `maintenance.window`"),
    "maintenance.age_minutes": Variable("DOUBLE", "minutes since the CMMS was last asked for this work"),
}

VERDICT: Mapping[str, Variable] = {
    "verdict.severity": Variable("STRING", "how bad it is, S1 the worst", tuple(item.value for item in Severity)),
    "verdict.rung": Variable("STRING", "what the verdict asks for", tuple(rung.word for rung in Rung)),
    "verdict.priority": Variable("INT", "1 to 4, 1 the highest"),
    "verdict.due_minutes": Variable("DOUBLE", "minutes within which the work is due"),
}

PRODUCTION: Mapping[str, Variable] = {
    "production.known": Variable("BOOL", "whether the MES answered"),
    "production.running": Variable("BOOL", "whether a job is running on the machine"),
    "production.job_remaining_minutes": Variable(
        "DOUBLE", "minutes to the end of the running job; 0 where none runs, never-ending where its end is unknown"
    ),
    "production.minutes_to_stop": Variable("DOUBLE", "minutes to the next planned stop"),
    "cost.waiting": Variable(
        "DOUBLE",
        "expected minutes of production lost by waiting for the planned stop: costs.failure × "
        "min(1, minutes_to_stop / due_minutes), taking failure as equally likely at any time until the work is due",
    ),
    "cost.interrupting": Variable(
        "DOUBLE", "minutes of production lost by stopping now: costs.interruption while a job runs, else 0"
    ),
}

RULE_VARIABLES: Mapping[str, Variable] = {**ASSET, **ANOMALY, **MEMORY, **OPERATING, **MAINTENANCE}
TIMING_VARIABLES: Mapping[str, Variable] = {
    **ASSET,
    "anomaly.failure_mode": ANOMALY["anomaly.failure_mode"],
    **VERDICT,
    **PRODUCTION,
}
VARIABLES: Mapping[str, Variable] = {**RULE_VARIABLES, **TIMING_VARIABLES}
"""All names, for the reference."""

ASSET_READERS: Mapping[str, Callable[[Context], Value]] = {
    "asset.id": lambda context: context.asset,
    "asset.class": lambda context: context.asset_class,
    "asset.criticality": lambda context: context.criticality or "",
    "asset.machine": lambda context: context.machine,
    "asset.line": lambda context: context.line,
    "asset.codes": lambda context: context.codes,
}


def _hours(span: timedelta | None) -> float:
    return NEVER if span is None else span / _HOUR


def _run_is_current(facts: Facts) -> bool:
    memory, at = facts.memory, facts.anomaly.at
    if memory.deviating_since is None or memory.deviation_at is None:
        return False
    return memory.deviating_since <= at and at - memory.deviation_at <= facts.window


def _deviation_age(facts: Facts) -> float:
    if not _run_is_current(facts) or facts.memory.deviation_at is None:
        return NEVER
    # A late anomaly may lie within the run; then its time counts as the run's present.
    return max((facts.anomaly.at - facts.memory.deviation_at) / _MINUTE, 0.0)


def _deviating_minutes(facts: Facts) -> float:
    if not _run_is_current(facts) or facts.memory.deviating_since is None:
        return 0.0
    return (facts.anomaly.at - facts.memory.deviating_since) / _MINUTE


def _current(held: Mapping[str, datetime], facts: Facts) -> int:
    at, window, number = facts.anomaly.at, facts.window, 0
    for seen in held.values():
        if seen <= at and at - seen <= window:
            number += 1
    return number


def _codes(facts: Facts) -> int:
    return _current(facts.memory.codes, facts)


def _detectors(facts: Facts) -> int:
    return _current(facts.memory.detectors, facts)


def _risk_changed(facts: Facts) -> bool:
    before, after = facts.before.risk, facts.memory.risk
    return before != after and not (before is None and after == Risk.LOW)


def _risk_minutes(facts: Facts) -> float:
    since = facts.memory.risk_since
    return 0.0 if since is None else max((facts.anomaly.at - since) / _MINUTE, 0.0)


def _order_age(facts: Facts) -> float:
    ordered = facts.before.ordered_at
    return NEVER if ordered is None else max((facts.anomaly.at - ordered) / _MINUTE, 0.0)


def _operating(facts: Facts) -> OperatingState | None:
    """What the machine did; None if no reading says it. An unknown state has no other value either."""
    said = facts.context.operating
    return said if said is not None and said.known_at(facts.anomaly.at, facts.stale_after) else None


def _machine_state(facts: Facts) -> MachineState:
    said = _operating(facts)
    return MachineState.UNKNOWN if said is None else said.state


def _steady_minutes(facts: Facts) -> float:
    said = _operating(facts)
    if said is None or not said.state.steady or said.since is None:
        return 0.0
    return max((facts.anomaly.at - said.since) / _MINUTE, 0.0)


def _text_of_operating(read: Callable[[OperatingState], str | None]) -> Callable[[Facts], Value]:
    def read_text(facts: Facts) -> Value:
        said = _operating(facts)
        return "" if said is None else read(said) or ""

    return read_text


def _speed(facts: Facts) -> float:
    said = _operating(facts)
    return 0.0 if said is None or said.speed is None else said.speed


def _operating_age(facts: Facts) -> float:
    said = facts.context.operating
    return NEVER if said is None else max(said.age(facts.anomaly.at) / _MINUTE, 0.0)


def _work(facts: Facts) -> tuple[WorkDone, ...] | None:
    """The work that was done on the asset before the anomaly, newest first; None if that is not known."""
    said, at = facts.context.maintenance, facts.anomaly.at
    return said.before(at) if said is not None and said.known_at(at, facts.maintenance.stale_after) else None


def _since(done: WorkDone | None, facts: Facts) -> float:
    return NEVER if done is None else (facts.anomaly.at - done.done_at) / _HOUR


def _since_work(facts: Facts) -> float:
    return _since(next(iter(_work(facts) or ()), None), facts)


def _since_same_fault(facts: Facts) -> float:
    mode = facts.anomaly.failure_mode
    return _since(next((done for done in _work(facts) or () if done.failure_mode == mode), None), facts)


def _breakdowns(facts: Facts) -> int:
    earliest = facts.anomaly.at - facts.maintenance.window
    return sum(done.kind is WorkKind.CORRECTIVE and done.done_at >= earliest for done in _work(facts) or ())


def _history_age(facts: Facts) -> float:
    said = facts.context.maintenance
    return NEVER if said is None else max((facts.anomaly.at - said.read_at) / _MINUTE, 0.0)


def _of_asset(read: Callable[[Context], Value]) -> Callable[[Facts], Value]:
    return lambda facts: read(facts.context)


RULE_READERS: Mapping[str, Callable[[Facts], Value]] = {
    **{name: _of_asset(read) for name, read in ASSET_READERS.items()},
    "anomaly.kind": lambda facts: facts.anomaly.kind,
    "anomaly.failure_mode": lambda facts: facts.anomaly.failure_mode,
    "anomaly.detector": lambda facts: facts.anomaly.detector,
    "anomaly.signal": lambda facts: facts.anomaly.signal or "",
    "anomaly.code": lambda facts: facts.anomaly.code or "",
    "anomaly.risk": lambda facts: facts.anomaly.risk or "",
    "anomaly.quality": lambda facts: facts.anomaly.quality,
    "anomaly.value": lambda facts: facts.anomaly.value or 0.0,
    "anomaly.baseline": lambda facts: facts.anomaly.baseline or 0.0,
    "anomaly.score": lambda facts: facts.anomaly.score or 0.0,
    "anomaly.confidence": lambda facts: facts.anomaly.confidence or 0.0,
    "anomaly.lead_low_hours": lambda facts: _hours(facts.anomaly.lead_low),
    "anomaly.lead_high_hours": lambda facts: _hours(facts.anomaly.lead_high),
    "memory.seen": lambda facts: facts.memory.seen,
    "memory.deviating": _run_is_current,
    "memory.deviations": lambda facts: facts.memory.deviations if _run_is_current(facts) else 0,
    "memory.deviation_age_minutes": _deviation_age,
    "memory.deviating_minutes": _deviating_minutes,
    "memory.worst_score": lambda facts: facts.memory.worst_score if _run_is_current(facts) else 0.0,
    "memory.codes": _codes,
    "memory.detectors": _detectors,
    "memory.confirming": lambda facts: _codes(facts) + _detectors(facts),
    "memory.risk": lambda facts: facts.memory.risk or "",
    "memory.risk_changed": _risk_changed,
    "memory.risk_minutes": _risk_minutes,
    "memory.order_age_minutes": _order_age,
    "operating.known": lambda facts: _operating(facts) is not None,
    "operating.state": lambda facts: _machine_state(facts).value,
    "operating.steady_minutes": _steady_minutes,
    "operating.mode": _text_of_operating(lambda said: said.mode),
    "operating.recipe": _text_of_operating(lambda said: said.recipe),
    "operating.speed": _speed,
    "operating.age_minutes": _operating_age,
    "maintenance.known": lambda facts: _work(facts) is not None,
    "maintenance.since_work_hours": _since_work,
    "maintenance.since_same_fault_hours": _since_same_fault,
    "maintenance.breakdowns": _breakdowns,
    "maintenance.age_minutes": _history_age,
}


def shown(value: Value) -> str:
    """A value as a person reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "never" if value >= NEVER else f"{value:.6g}"
    return str(value) if value != "" else "none"
