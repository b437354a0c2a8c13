"""The cases of a version: what it must and must not do, written by its author. All must pass before publication."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

from domain.anomaly import Anomaly, AnomalyKind, Number, Quality, Risk, Score, Share
from domain.assets import Criticality
from domain.maintenance_history import MOST_WORK, MaintenanceHistory, WorkDone, WorkKind, newest
from domain.model import Model
from domain.operating import MachineState, OperatingState
from domain.pricing import TimedFault
from domain.production import Job, JobState, ProductionContext
from domain.verdict import Context, Memory, Severity, Urgency, Verdict
from policies.engine.judging import CompiledPolicy, judge
from policies.engine.timing import urgency
from policies.language.document import shaped
from policies.language.fields import (
    UNCONDITIONAL,
    Delay,
    Duration,
    Identifier,
    RungWord,
    SpelledMoment,
    Text,
    Words,
    parse_duration,
)
from policies.language.schema import APPLIES_TO
from policies.language.text import read_text

_NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
"""The default time of a case. Without calendars and waivers any time gives the same result."""
_DETECTORS = {
    AnomalyKind.CODE: "device",
    AnomalyKind.DEVIATION: "DetectAnomalies",
    AnomalyKind.RISK: "PredictMaintenance",
    AnomalyKind.MANUAL: "operator",
}


class CaseAsset(Model):
    """The asset of a case."""

    asset_class: Annotated[str, Field(alias="class")]
    id: Text = "case/component"
    machine: Text = "case"
    line: Text = "case"
    criticality: Criticality | None = None
    codes: Annotated[int, Field(ge=0, le=100)] = 1
    failure_mode: str = "any"


class CaseOperating(Model):
    """What the machine does at an anomaly, as the MES said `read_ago`; `since` is how long it has been so."""

    state: MachineState
    since: Delay = timedelta(0)
    read_ago: Delay = timedelta(0)
    mode: Text | None = None
    recipe: Text | None = None
    speed: Number | None = None


class CaseWork(Model):
    """Work that was done on the asset `ago`; `failure_mode` is what its codes name."""

    ago: Delay
    kind: WorkKind = WorkKind.UNKNOWN
    failure_mode: Text | None = None


class CaseMaintenance(Model):
    """The work on the asset, as the CMMS told it `read_ago`."""

    read_ago: Delay = timedelta(0)
    work: Annotated[tuple[CaseWork, ...], Field(max_length=MOST_WORK)] = ()


class CaseAnomaly(Model):
    """One anomaly of a case; `at` is relative to the last one, as -PT10H. Without `operating` nothing is known of what
    the machine does, and without `maintenance` nothing of the work on the asset."""

    kind: AnomalyKind
    at: Annotated[timedelta, BeforeValidator(parse_duration)] = timedelta(0)
    detector: str | None = None
    signal: str | None = None
    value: Number | None = None
    baseline: Number | None = None
    score: Score | None = None
    confidence: Share | None = None
    code: str | None = None
    risk: Risk | None = None
    quality: Quality = Quality.GOOD
    operating: CaseOperating | None = None
    maintenance: CaseMaintenance | None = None


class CaseProduction(Model):
    """The answer of the MES: a running job and the next planned stop, each optional, and how long ago it was read."""

    job_ends_in: Duration | None = None
    next_stop_in: Duration | None = None
    read_ago: Delay = timedelta(0)


class Expectation(Model):
    """The expected result of the last anomaly; `timing` and `urgency` if the case tests timing too."""

    rule: Identifier
    rung: RungWord
    severity: Severity
    timing: Identifier | None = None
    urgency: Urgency | None = None


class PolicyCase(Model):
    """One case: a sequence of anomalies in the order of judging. Without `production` the MES does not answer.

    `now` is the instant of the last anomaly, for calendars and waivers.
    """

    name: Words
    asset: CaseAsset
    now: SpelledMoment = _NOW
    sequence: Annotated[tuple[CaseAnomaly, ...], Field(min_length=1, max_length=200)]
    production: CaseProduction | None = None
    expect: Expectation


class PolicyCases(Model):
    """A cases file."""

    cases: Annotated[tuple[PolicyCase, ...], Field(min_length=1, max_length=1000)]


@dataclass(frozen=True)
class CaseResult:
    """The result of one case; `problem` says what was expected and what came instead."""

    name: str
    problem: str | None

    @property
    def passed(self) -> bool:
        return self.problem is None


@dataclass(frozen=True)
class CaseReport:
    """The results of a version's cases. A rule is covered if it decides a case that passes."""

    results: tuple[CaseResult, ...]
    uncovered_rules: tuple[str, ...]
    uncovered_timing: tuple[str, ...]

    @property
    def publishable(self) -> bool:
        """Whether all cases pass and every rule is covered."""
        return all(result.passed for result in self.results) and not (self.uncovered_rules or self.uncovered_timing)


def run_cases(policy: CompiledPolicy, text: str, file: str) -> CaseReport:
    """Judges every case of a cases file under a version.

    Args:
        policy: the version.
        text: the cases file.
        file: its name, for complaints.

    Raises:
        TextRejected: the cases file has another shape.
    """
    cases = shaped(read_text(text, file), PolicyCases).cases
    results: list[CaseResult] = []
    rules: set[str] = set()
    timing: set[str] = set()
    for case in cases:
        result = _run(policy, case)
        results.append(result)
        if result.passed:
            rules.add(case.expect.rule)
            timing.update([case.expect.timing] if case.expect.timing else [])
    return CaseReport(
        results=tuple(results),
        uncovered_rules=tuple(each for each in _rules_to_cover(policy) if each not in rules),
        uncovered_timing=tuple(each.id for each in policy.document.timing if each.id not in timing),
    )


def _rules_to_cover(policy: CompiledPolicy) -> Iterator[str]:
    for rule in policy.rules:
        # A policy for all assets has no asset outside `applies_to`.
        if rule.id != APPLIES_TO or policy.document.applies_to != UNCONDITIONAL:
            yield rule.id


def _run(policy: CompiledPolicy, case: PolicyCase) -> CaseResult:
    context = Context(
        asset=case.asset.id,
        asset_class=case.asset.asset_class,
        criticality=case.asset.criticality,
        machine=case.asset.machine,
        line=case.asset.line,
        codes=case.asset.codes,
    )
    memory = Memory()
    for each in case.sequence:
        anomaly = _anomaly(each, case)
        read = {
            "operating": _operating(each.operating, anomaly.at),
            "maintenance": _maintenance(each.maintenance, anomaly.at),
        }
        told = context.model_copy(update=read)
        verdict, memory = judge(policy, memory, anomaly, told)
    expected, got = _compared(policy, case, verdict, context)
    return CaseResult(case.name, None if got == expected else f"expected {expected}, got {got}")


def _compared(policy: CompiledPolicy, case: PolicyCase, verdict: Verdict, context: Context) -> tuple[str, str]:
    expect = case.expect
    expected = [expect.rule, expect.rung.word, expect.severity.value]
    got = [verdict.rule, verdict.rung.word, verdict.severity.value]
    fault = TimedFault.of(_anomaly(case.sequence[-1], case))
    decision = urgency(policy, verdict, fault, context, _production(case.production, case.now), case.now)
    if expect.timing is not None:
        expected.append(expect.timing)
        got.append(decision.rule)
    if expect.urgency is not None:
        expected.append(expect.urgency.value)
        got.append(decision.urgency.value)
    return " ".join(expected), " ".join(got)


def _anomaly(seen: CaseAnomaly, case: PolicyCase) -> Anomaly:
    return Anomaly(
        asset=case.asset.id,
        failure_mode=case.asset.failure_mode,
        at=case.now + seen.at,
        detector=seen.detector or _DETECTORS[seen.kind],
        **seen.model_dump(exclude={"at", "detector", "operating", "maintenance"}),
    )


def _operating(case: CaseOperating | None, at: datetime) -> OperatingState | None:
    if case is None:
        return None
    return OperatingState(
        word=case.state.value,
        read_at=at - case.read_ago,
        **case.model_dump(exclude={"since", "read_ago"}),
        since=at - case.since,
    )


def _maintenance(case: CaseMaintenance | None, at: datetime) -> MaintenanceHistory | None:
    if case is None:
        return None
    work = [
        WorkDone(record=f"work {number + 1}", done_at=at - each.ago, kind=each.kind, failure_mode=each.failure_mode)
        for number, each in enumerate(case.work)
    ]
    return MaintenanceHistory(read_at=at - case.read_ago, work=newest(work))


def _production(case: CaseProduction | None, now: datetime) -> ProductionContext | None:
    if case is None:
        return None
    job = None
    if case.job_ends_in is not None:
        job = Job(id="case", state=JobState.RUNNING, ends_at=now + case.job_ends_in)
    stop = None if case.next_stop_in is None else now + case.next_stop_in
    return ProductionContext(equipment="case", read_at=now - case.read_ago, job=job, next_stop_at=stop)
