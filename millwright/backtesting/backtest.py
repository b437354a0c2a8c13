"""A backtest: a candidate's decisions on stored events, their precision and recall, and the changed decisions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Rejected
from domain.model import Model, Moment
from domain.verdict import Explanation, Rung
from millwright.backtesting.past import Past, read_past
from millwright.backtesting.replaying import Progress, history_of, replay_history, used_by
from millwright.storage.reporting.history import read_history
from policies.checks.changes import added_unattended
from policies.engine.judging import CompiledPolicy
from policies.evaluation.backtest import Changed, Replay, explanations
from policies.evaluation.comparison import ComparisonResult, FigureComparison, compare_measures, standing
from policies.evaluation.crew_load import CrewLoad, crew_load
from policies.evaluation.measures import Measures, measure
from policies.evaluation.scoring import VersionScore, score
from policies.statistics.intervals import CONFIDENCE


@dataclass(frozen=True, slots=True)
class Question:
    """The version to test, the version to compare with, and the period; by default everything that is stored."""

    candidate: CompiledPolicy
    against: CompiledPolicy
    since: datetime | None = None
    until: datetime | None = None
    failures: Path | None = None
    crews: int = 1
    processes: int | None = None


class Tested(Model):
    """One version in a backtest."""

    name: str
    policy: str
    version: str
    digest: str
    rungs: dict[str, int]
    """Verdicts in the period, by the rung's word."""
    rules: dict[str, int]
    """Verdicts in the period, by rule; 0 for a rule that never decided."""
    cases: int
    """Would-be cases: episodes of ordering verdicts."""
    measures: Measures
    by_class: dict[str, Measures]
    load: CrewLoad | None


class DecisionView(Model):
    """A verdict in a list."""

    rule: str
    rung: str
    severity: str
    priority: int
    review: str
    due_hours: float | None


class ChangedDecision(Model):
    """A past decision that differs under the candidate; `number` counts from 1 in event order."""

    number: int
    event: int
    asset: str
    failure_mode: str
    at: Moment
    before: DecisionView
    after: DecisionView


class Change(Model):
    """The size of the change: changed assets, the largest move of a decision on the ladder, changed decisions.

    `unattended` is how many machines are added to those whose hold is released without a person.
    """

    assets: int
    max_rung_change: int
    decisions: int
    unattended: int


class Backtest(Model):
    """The result, as `--json` writes it."""

    since: Moment
    until: Moment
    events: int
    basis: Literal["failures", "outcomes"]
    """The source of the outcomes: a failure register, or the findings of our own work."""
    confidence: float
    candidate: Tested
    against: Tested
    scores: dict[str, VersionScore]
    """The figures by version, as in `summary.json`; only with a failure register."""
    comparison: tuple[FigureComparison, ...]
    standing: ComparisonResult
    changed: Change
    decisions: tuple[ChangedDecision, ...]

    @property
    def exit_code(self) -> int:
        """For CI: 0 not worse than the other version, within the interval; 1 worse; 2 could not be judged."""
        return {ComparisonResult.WORSE: 1, ComparisonResult.UNKNOWN: 2}.get(self.standing, 0)

    def evidence(self) -> dict[str, object]:
        """The part that is stored with the candidate, as JSON: everything except the single decisions, which a backtest
        over the same period gives again."""
        return self.model_dump(mode="json", exclude={"decisions"})


class Traced(Model):
    """A changed decision with the traces of both versions."""

    decision: ChangedDecision
    before: Explanation
    after: Explanation


async def run_backtest(engine: AsyncEngine, question: Question, progress: Progress) -> Backtest:
    """Judges the stored past again under both versions.

    Raises:
        Rejected: nothing is stored in the period, or the failure register cannot be read.
        StorageUnavailable: the database does not answer.
    """
    async with read_history(engine) as history:
        past = await read_past(history, question.since, question.until, question.failures)
        period = past.period
        found = await replay_history(
            history, question.candidate, question.against, period.first, period.last, progress, question.processes
        )
    names = names_of(question.candidate, question.against)
    candidate = _tested(names[0], question.candidate, found.candidate, past, question.crews)
    against = _tested(names[1], question.against, found.against, past, question.crews)
    figures = compare_measures(candidate.measures, against.measures)
    return Backtest(
        since=period.first,
        until=period.last,
        events=found.events,
        basis="outcomes" if past.outcomes.register is None else "failures",
        confidence=CONFIDENCE,
        candidate=candidate,
        against=against,
        scores=_scores(names, found.candidate, found.against, past),
        comparison=figures,
        standing=standing(figures),
        changed=Change(
            assets=len({changed.asset for changed in found.changed}),
            max_rung_change=max(
                (abs(changed.after.rung - changed.before.rung) for changed in found.changed), default=0
            ),
            decisions=len(found.changed),
            unattended=len(added_unattended(question.against, question.candidate)),
        ),
        decisions=tuple(_shown(number, changed) for number, changed in enumerate(found.changed, start=1)),
    )


async def trace(
    engine: AsyncEngine, question: Question, until: datetime, decisions: Sequence[ChangedDecision]
) -> tuple[Traced, ...]:
    """Changed decisions with both traces, in the given order; each fault is judged again once."""
    of_fault: dict[tuple[str, str], list[int]] = {}
    for decision in decisions:
        of_fault.setdefault((decision.asset, decision.failure_mode), []).append(decision.event)
    traces: dict[int, tuple[Explanation, ...]] = {}
    async with read_history(engine) as history:
        for (asset, mode), events in of_fault.items():
            versions = (question.against, question.candidate)
            rows = await history.fault(asset, mode, until, used_by(*versions))
            traces |= explanations(versions, history_of(rows), events)
    return tuple(
        Traced(decision=decision, before=traces[decision.event][0], after=traces[decision.event][1])
        for decision in decisions
    )


def decision_of(backtest: Backtest, number: int) -> ChangedDecision:
    """A changed decision by its number.

    Raises:
        Rejected: there is none.
    """
    if not 1 <= number <= len(backtest.decisions):
        raise Rejected(
            f"no changed decision has the number {number}",
            field="decision",
            fix=f"there are {len(backtest.decisions)}",
        )
    return backtest.decisions[number - 1]


def names_of(candidate: CompiledPolicy, against: CompiledPolicy) -> tuple[str, str]:
    """The names of both versions; a draft with the same number as the other version is called a draft."""
    name, other = candidate.document.version, against.document.version
    return (f"{name} (draft)" if name == other and candidate.digest != against.digest else name), other


def _tested(name: str, policy: CompiledPolicy, replayed: Replay, past: Past, crews: int) -> Tested:
    document = policy.document
    rules: Counter[str] = Counter({rule.id: 0 for rule in policy.rules})
    for (rule, _), hits in replayed.hits.items():
        rules[rule] += hits
    total, by_class = measure(replayed.episodes, past.outcomes, past.classes, document.costs, document.memory.rearm)
    return Tested(
        name=name,
        policy=document.policy,
        version=document.version,
        digest=policy.digest,
        rungs={Rung(rung).word: count for rung, count in replayed.rungs.items()},
        rules=dict(rules),
        cases=len(replayed.episodes),
        measures=total,
        by_class=by_class,
        load=crew_load(replayed.episodes, past.period, past.outcomes.crew_hours, crews),
    )


def _scores(names: tuple[str, str], candidate: Replay, against: Replay, past: Past) -> dict[str, VersionScore]:
    register = past.outcomes.register
    if register is None:
        return {}
    return {
        name: score(each.episodes, register, past.classes)
        for name, each in zip(reversed(names), (against, candidate), strict=True)
    }


def _shown(number: int, changed: Changed) -> ChangedDecision:
    before, after = (
        DecisionView(
            rule=each.rule,
            rung=Rung(each.rung).word,
            severity=each.severity,
            priority=each.priority,
            review=each.review,
            due_hours=each.due_hours,
        )
        for each in (changed.before, changed.after)
    )
    return ChangedDecision(
        number=number,
        event=changed.event,
        asset=changed.asset,
        failure_mode=changed.failure_mode,
        at=changed.at,
        before=before,
        after=after,
    )
