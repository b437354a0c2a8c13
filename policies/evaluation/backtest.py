"""Judges stored events again under two versions, with the same `judge` and the same fold of would-be cases as live
judging.

A fault's whole history is folded, from its first stored event on, so that memory is complete at the beginning of the
period. Only verdicts within the period are counted.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.anomaly import Anomaly
from domain.verdict import Context, Explanation, Memory, Verdict
from policies.engine.explanation import explain
from policies.engine.judging import CompiledPolicy, judge
from policies.evaluation.episodes import Episode, Ordering, episodes


@dataclass(frozen=True, slots=True)
class PastEvent:
    """A stored event as judging reads it.

    `too_late` marks an event that arrived later than the policy's lateness: it is judged at its place and changes no
    memory.
    """

    id: int
    position: str
    anomaly: Anomaly
    context: Context
    too_late: bool


@dataclass(frozen=True, slots=True)
class FaultHistory:
    """All stored events of an asset's failure mode, in the order of their positions."""

    asset: str
    failure_mode: str
    events: Sequence[PastEvent]


@dataclass(frozen=True, slots=True)
class Decided:
    """The action of a verdict, and the rule that decided."""

    rule: str
    rung: int
    severity: str
    priority: int
    review: str
    due_hours: float | None

    @classmethod
    def by(cls, verdict: Verdict) -> "Decided":
        due = verdict.due_within
        return cls(
            rule=verdict.rule,
            rung=int(verdict.rung),
            severity=verdict.severity.value,
            priority=verdict.priority,
            review=verdict.review,
            due_hours=None if due is None else due.total_seconds() / 3600,
        )


@dataclass(frozen=True, slots=True)
class Changed:
    """A past decision that differs under the candidate."""

    event: int
    asset: str
    failure_mode: str
    at: datetime
    before: Decided
    after: Decided


@dataclass(slots=True)
class Replay:
    """The decisions of one version in the period: the count of each rule at each rung, and its would-be cases."""

    hits: Counter[tuple[str, int]] = field(default_factory=Counter)
    episodes: list[Episode] = field(default_factory=list)

    def add(self, other: "Replay") -> None:
        """Adds the result of another part of the history."""
        self.hits.update(other.hits)
        self.episodes.extend(other.episodes)

    @property
    def rungs(self) -> dict[int, int]:
        """Verdicts by rung."""
        counts: Counter[int] = Counter()
        for (_, rung), number in self.hits.items():
            counts[rung] += number
        return dict(sorted(counts.items()))


@dataclass(slots=True)
class Compared:
    """A part of the history under a candidate and the version that it is compared with."""

    candidate: Replay = field(default_factory=Replay)
    against: Replay = field(default_factory=Replay)
    changed: list[Changed] = field(default_factory=list)
    events: int = 0

    def add(self, other: "Compared") -> None:
        """Adds another part."""
        self.candidate.add(other.candidate)
        self.against.add(other.against)
        self.changed.extend(other.changed)
        self.events += other.events


def replay(policy: CompiledPolicy, history: FaultHistory) -> Iterator[tuple[PastEvent, Memory, Verdict]]:
    """Every event of a history with the memory before it and the verdict."""
    memory = Memory()
    for event in history.events:
        before = memory
        verdict, after = judge(policy, before, event.anomaly, event.context)
        if not event.too_late:
            memory = after
        yield event, before, verdict


def compare(candidate: CompiledPolicy, against: CompiledPolicy, history: FaultHistory, since: datetime) -> Compared:
    """One fault under both versions.

    Args:
        since: verdicts on earlier events are computed and not counted; an episode counts if it begins at or after this
            time.
    """
    result = Compared()
    orderings: tuple[list[Ordering], list[Ordering]] = ([], [])
    for (event, _, new), (_, _, old) in zip(replay(candidate, history), replay(against, history), strict=True):
        at = event.anomaly.at
        for verdict, found in zip((new, old), orderings, strict=True):
            if verdict.rung.orders:
                found.append(_ordering(history, verdict, at))
        if at < since:
            continue
        result.events += 1
        result.candidate.hits[new.rule, int(new.rung)] += 1
        result.against.hits[old.rule, int(old.rung)] += 1
        if _asks(new) != _asks(old):
            place = (event.id, history.asset, history.failure_mode, at)
            result.changed.append(Changed(*place, Decided.by(old), Decided.by(new)))
    for policy, found, made in zip((candidate, against), orderings, (result.candidate, result.against), strict=True):
        folded = episodes(found, policy.document.memory.rearm)
        made.episodes.extend(episode for episode in folded if episode.opened_at >= since)
    return result


def replay_alone(policy: CompiledPolicy, history: FaultHistory, since: datetime) -> Replay:
    """One fault under one version; counting begins with `since`, as in `compare`."""
    result = Replay()
    orderings: list[Ordering] = []
    for event, _, verdict in replay(policy, history):
        if verdict.rung.orders:
            orderings.append(_ordering(history, verdict, event.anomaly.at))
        if event.anomaly.at >= since:
            result.hits[verdict.rule, int(verdict.rung)] += 1
    folded = episodes(orderings, policy.document.memory.rearm)
    result.episodes.extend(episode for episode in folded if episode.opened_at >= since)
    return result


def explanations(
    policies: Sequence[CompiledPolicy], history: FaultHistory, events: Sequence[int]
) -> Mapping[int, tuple[Explanation, ...]]:
    """The traces of some events of a history, one for each policy, by event."""
    wanted = set(events)
    found: dict[int, tuple[Explanation, ...]] = {}
    for policy in policies:
        for event, before, _ in replay(policy, history):
            if event.id in wanted:
                trace = explain(policy, before, event.anomaly, event.context)
                found[event.id] = (*found.get(event.id, ()), trace)
    return found


def _ordering(history: FaultHistory, verdict: Verdict, at: datetime) -> Ordering:
    return Ordering(
        version=verdict.digest, asset=history.asset, failure_mode=history.failure_mode, at=at, rung=verdict.rung
    )


def _asks(verdict: Verdict) -> tuple[object, ...]:
    """The action of a verdict. Two verdicts with the same action count as equal, even if different rules decided."""
    return verdict.rung, verdict.severity, verdict.priority, verdict.review, verdict.due_within
