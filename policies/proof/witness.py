"""Builds events from a solver's model, so that the real engine can judge the situation.

A model has the values that conditions should read. A witness is a short sequence of anomalies that leads to these
values. It is only an attempt; judging it decides whether it is a witness.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from domain.anomaly import Anomaly, AnomalyKind, Quality, Risk
from domain.assets import Criticality
from domain.maintenance_history import MaintenanceHistory, WorkDone, WorkKind, newest
from domain.operating import MachineState, OperatingState
from domain.verdict import Context
from policies.engine.judging import CompiledPolicy, CompiledState
from policies.engine.trial import MAX_EVENTS, Situation
from policies.language.schema import MemoryTerms
from policies.language.variables import NEVER, Value
from policies.proof.policy_variables import moment
from policies.proof.search import Search
from policies.proof.situation import axioms, situation
from policies.proof.translation import NotTranslated, Translation, literal

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
"""The default time. Without calendars and waivers any time gives the same result."""

_STEP = timedelta(seconds=1)
_SAME = ("asset.", "anomaly.failure_mode", "calendar.", "param.")
_LONGEST_MINUTES = 60 * 24 * 3650.0


def attempts(
    name: str, values: Mapping[str, Value], policy: CompiledPolicy, other: CompiledPolicy | None = None
) -> Iterator[Situation]:
    """Situations in which conditions may have these values, the simplest first; none if no attempt is possible.

    Args:
        name: the name of the situations.
        values: the values of all names that the version's rules may use.
        policy: the version.
        other: another version, which should remember more.
    """
    try:
        context = _context(values)
        last = _anomaly(values, moment(policy, values, context, NOW))
        read = {"operating": _operating(values, last.at), "maintenance": _maintenance(values, policy, last)}
        context = context.model_copy(update=read)
        history = _History(values, policy.document.memory, last)
        history.make()
        more = [] if other is None else _remembered_by(other, policy, last)
        for echoes in ((), *more, *_echoes(policy, last, values)):
            events = (*sorted((*echoes, *history.events), key=lambda event: event.at), last)
            if len(events) <= MAX_EVENTS:
                yield Situation(name=name, context=context, events=events)
    except (ValidationError, OverflowError, ValueError):
        # The model needs a value that cannot be written: a time before the calendar, or a text without a literal.
        return


def _remembered_by(other: CompiledPolicy, policy: CompiledPolicy, last: Anomaly) -> Iterator[tuple[Anomaly, ...]]:
    """Anomalies that the other version remembers and this one does not, because they are too old or too weak for it."""
    mine, theirs = policy.document.memory, other.document.memory
    plain = {"asset": last.asset, "failure_mode": last.failure_mode, "detector": "older detector"}
    if theirs.window > mine.window:
        at = last.at - mine.window - _STEP
        strong = max(mine.evidence_above, theirs.evidence_above) + 1.0
        codes = [Anomaly(kind=AnomalyKind.CODE, at=at, code=f"older code {number}", **plain) for number in (1, 2, 3)]
        shift = Anomaly(kind=AnomalyKind.DEVIATION, at=at, score=strong, **plain)
        for number in (1, 2, 3):
            yield tuple(codes[:number])
        yield (shift,)
        yield (*codes[:1], shift)
    if theirs.evidence_above < mine.evidence_above:
        weak = (mine.evidence_above + theirs.evidence_above) / 2
        yield (Anomaly(kind=AnomalyKind.DEVIATION, at=last.at - _STEP, score=weak, **plain),)


def _echoes(policy: CompiledPolicy, last: Anomaly, values: Mapping[str, Value]) -> Iterator[tuple[Anomaly, ...]]:
    """Observations before the last anomaly, enough and far enough apart to raise a state."""
    for state in policy.states:
        observation = _observation(policy, state, last, values)
        delays = {_STEP, *(delay + _STEP for delay in (state.terms.on_delay, state.terms.off_delay) if delay)}
        for delay in sorted(delays):
            for number in (1, state.terms.of - 1):
                yield tuple(
                    observation.model_copy(update={"at": last.at - delay * each}) for each in range(number, 0, -1)
                )


def _observation(policy: CompiledPolicy, state: CompiledState, last: Anomaly, values: Mapping[str, Value]) -> Anomaly:
    """An anomaly on the same asset that fulfils `raise_when` of a state; the last one if none was found."""
    terms = situation("", policy)
    translation = Translation(terms)
    about = [terms[name] == literal(value) for name, value in values.items() if name.startswith(_SAME)]
    try:
        met = [translation.condition(condition) for condition in state.chain.conditions[:2]]
    except NotTranslated:
        return last
    good = terms["anomaly.quality"] == literal(Quality.GOOD)
    search = Search([*(axiom.term for axiom in axioms(terms, policy)), *about, *met, good], [terms])
    return next((_anomaly(found, last.at) for (found,) in search.models()), last)


def _text(values: Mapping[str, Value], name: str) -> str:
    return str(values[name])


def _number(values: Mapping[str, Value], name: str) -> float:
    return float(values[name])


def _context(values: Mapping[str, Value]) -> Context:
    criticality = _text(values, "asset.criticality")
    return Context(
        asset=_text(values, "asset.id"),
        asset_class=_text(values, "asset.class"),
        criticality=Criticality(criticality) if criticality else None,
        machine=_text(values, "asset.machine"),
        line=_text(values, "asset.line"),
        codes=int(values["asset.codes"]),
    )


def _operating(values: Mapping[str, Value], at: datetime) -> OperatingState | None:
    """What the machine does at the last anomaly; None if nothing was read, or the version does not use it."""
    age = float(values.get("operating.age_minutes", NEVER))
    if age >= NEVER:
        return None
    state = MachineState(_text(values, "operating.state"))
    since = None if state is not MachineState.RUNNING else at - _minutes(values, "operating.steady_minutes")
    return OperatingState(
        state=state,
        word=state.value,
        read_at=at - _minutes(values, "operating.age_minutes"),
        since=since,
        mode=_text(values, "operating.mode") or None,
        recipe=_text(values, "operating.recipe") or None,
        speed=_number(values, "operating.speed"),
    )


def _maintenance(values: Mapping[str, Value], policy: CompiledPolicy, last: Anomaly) -> MaintenanceHistory | None:
    """The work on the asset at the last anomaly; None if nothing was read, or the version does not use it."""
    if float(values.get("maintenance.age_minutes", NEVER)) >= NEVER:
        return None
    read_at = last.at - _minutes(values, "maintenance.age_minutes")
    if not values["maintenance.known"]:
        fresh = last.at - read_at <= policy.document.maintenance.stale_after
        return MaintenanceHistory(read_at=read_at, complete=not fresh)
    work: list[WorkDone] = []
    if (since := _number(values, "maintenance.since_work_hours")) < NEVER:
        kinds = [WorkKind.CORRECTIVE] * int(values["maintenance.breakdowns"]) or [WorkKind.UNKNOWN]
        at = last.at - timedelta(hours=since)
        work += [WorkDone(record=f"work {number + 1}", done_at=at, kind=kind) for number, kind in enumerate(kinds)]
    if (same := _number(values, "maintenance.since_same_fault_hours")) < NEVER:
        at = last.at - timedelta(hours=same)
        work.append(WorkDone(record="same fault", done_at=at, failure_mode=last.failure_mode))
    return MaintenanceHistory(read_at=read_at, work=newest(work))


def _minutes(values: Mapping[str, Value], name: str) -> timedelta:
    minutes = _number(values, name)
    if minutes > _LONGEST_MINUTES:
        raise OverflowError(name)
    return timedelta(minutes=minutes)


def _anomaly(values: Mapping[str, Value], at: datetime) -> Anomaly:
    risk = _text(values, "anomaly.risk")
    return Anomaly(
        kind=AnomalyKind(_text(values, "anomaly.kind")),
        asset=_text(values, "asset.id"),
        failure_mode=_text(values, "anomaly.failure_mode"),
        at=at,
        detector=_text(values, "anomaly.detector"),
        signal=_text(values, "anomaly.signal") or None,
        code=_text(values, "anomaly.code") or None,
        risk=Risk(risk) if risk else None,
        quality=Quality(_text(values, "anomaly.quality")),
        value=_number(values, "anomaly.value") or None,
        baseline=_number(values, "anomaly.baseline") or None,
        score=_number(values, "anomaly.score"),
        confidence=_number(values, "anomaly.confidence") or None,
        lead_low=_lead(_number(values, "anomaly.lead_low_hours")),
        lead_high=_lead(_number(values, "anomaly.lead_high_hours")),
    )


def _lead(hours: float) -> timedelta | None:
    return None if hours == NEVER else timedelta(hours=hours)


@dataclass
class _History:
    """The anomalies before the last one: a run of deviations, error codes, detectors, a risk, and anomalies that only
    count."""

    values: Mapping[str, Value]
    memory: MemoryTerms
    last: Anomaly
    events: list[Anomaly] = field(default_factory=list)

    def make(self) -> None:
        self._deviate()
        self._risk()
        good, last = self.last.quality is Quality.GOOD, self.last
        own_code = good and last.kind is AnomalyKind.CODE and last.code is not None
        for number in range(int(self.values["memory.codes"]) - own_code):
            self._add(_STEP, AnomalyKind.CODE, code=self._other(last.code or "", "code", number))
        counted = {event.detector for event in self.events if self._counts(event)}
        if good and self._counts(last):
            counted.add(last.detector)
        number = 0
        while len(counted) < int(self.values["memory.detectors"]):
            person = self._other(last.detector, "person", number)
            self._add(_STEP, AnomalyKind.MANUAL, detector=person)
            counted.add(person)
            number += 1
        earliest = min((event.at for event in self.events), default=self.last.at)
        for _ in range(int(self.values["memory.seen"]) - 1 - len(self.events)):
            self._add(self.last.at - earliest, AnomalyKind.MANUAL, quality=Quality.UNCERTAIN)
            if len(self.events) > MAX_EVENTS:
                return

    def _counts(self, event: Anomaly) -> bool:
        """Whether an event's detector is remembered at the last one."""
        if self.last.at - event.at > self.memory.window:
            return False
        match event.kind:
            case AnomalyKind.DEVIATION:
                return event is not self.last or self._is_evidence
            case AnomalyKind.RISK:
                return event.risk is Risk.HIGH
            case AnomalyKind.CODE:
                return event.code is None
        return True

    @property
    def _is_evidence(self) -> bool:
        """Whether the last anomaly is itself the last deviation of the run."""
        good = self.last.quality is Quality.GOOD and self.last.kind is AnomalyKind.DEVIATION
        return good and (self.last.score or 0.0) > self.memory.evidence_above

    def _deviate(self) -> None:
        if not self.values["memory.deviating"]:
            return
        number = int(self.values["memory.deviations"]) - self._is_evidence
        if number < 1:
            return
        began = self._ago("memory.deviating_minutes")
        ended = timedelta(0) if self._is_evidence else self._ago("memory.deviation_age_minutes")
        places = number if self._is_evidence else number - 1
        worst = _number(self.values, "memory.worst_score")
        detector = self.last.detector if self._is_evidence else "detector"
        for position in range(number):
            ago = began - (began - ended) * position / places if places else ended
            self._add(ago, AnomalyKind.DEVIATION, detector=detector, score=worst)

    def _risk(self) -> None:
        state, last = _text(self.values, "memory.risk"), self.last
        told = last.kind is AnomalyKind.RISK and last.quality is Quality.GOOD and last.risk is not None
        if told and self.values["memory.risk_changed"]:
            if state == Risk.LOW:
                self._add(_STEP * 2, AnomalyKind.RISK, risk=Risk.MEDIUM, detector="model")
        elif state:
            self._add(self._ago("memory.risk_minutes"), AnomalyKind.RISK, risk=Risk(state), detector=self._model())

    def _model(self) -> str:
        """The detector of an earlier risk. A High risk counts as a detector, so a detector that counts anyway is used
        if there is one."""
        return next((event.detector for event in self.events if self._counts(event)), self.last.detector)

    def _ago(self, name: str) -> timedelta:
        return _minutes(self.values, name)

    def _add(
        self,
        ago: timedelta,
        kind: AnomalyKind,
        *,
        detector: str = "detector",
        code: str | None = None,
        score: float | None = None,
        risk: Risk | None = None,
        quality: Quality = Quality.GOOD,
    ) -> None:
        self.events.append(
            Anomaly(
                kind=kind,
                asset=self.last.asset,
                failure_mode=self.last.failure_mode,
                at=self.last.at - ago,
                detector=detector,
                code=code,
                score=score,
                risk=risk,
                quality=quality,
            )
        )

    def _other(self, taken: str, word: str, number: int) -> str:
        """A unique name."""
        return f"{word}-{number + 1}" + ("'" if taken == f"{word}-{number + 1}" else "")
