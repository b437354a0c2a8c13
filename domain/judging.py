"""The undecided events of a line, and the inputs and results of judging them."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol

from domain.anomaly import Anomaly, Fate
from domain.assigning import Place
from domain.canonical import canonical, duration, sha256, timestamp
from domain.maintenance_history import MaintenanceHistory
from domain.operating import OperatingState
from domain.verdict import Context, Memory, ReadInputs, Verdict

Role = Literal["active", "shadow"]
FaultKey = tuple[str, str]
"""An asset and a failure mode."""

_TOLD = ("rule", "rung", "severity", "priority", "review", "due_within")
"""What a record says of its verdict under the verdict's own names."""

# All verdicts of a transaction have the same time and one of a few durations.
_at = lru_cache(maxsize=16)(timestamp)
_in_words = lru_cache(maxsize=256)(duration)


class LineEvent(NamedTuple):
    """A stored event for judging; `position` sorts the events of one fault."""

    id: int
    source: str
    external_id: str
    asset: str
    failure_mode: str
    position: str
    at: datetime
    anomaly: Anomaly
    anomaly_digest: str

    @property
    def key(self) -> FaultKey:
        return (self.asset, self.failure_mode)

    @property
    def sensor(self) -> str | None:
        """The sensor that measured; None if the register declares no limits of its signal."""
        return None if self.anomaly.reading is None else self.anomaly.reading.sensor


@dataclass(frozen=True, slots=True)
class Assignment:
    """A policy version that judges an asset, with its role. `lateness` and `rearm` are from its document.

    `since` is when it began to judge the asset without a break; None means that it has judged from the first event on.
    Its memory is first built from events of the last `warm_for` that other versions judged.
    """

    digest: str
    role: Role
    lateness: timedelta
    rearm: timedelta
    since: datetime | None = None
    warm_for: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class MemoryState:
    """The memory of a fault under a version, and the position of the last event in it."""

    position: str
    memory: Memory


@dataclass(frozen=True, slots=True)
class PastVerdict:
    """An earlier verdict and its event, for judging again in event order."""

    event: LineEvent
    revision: int
    rung: int


class Judged(NamedTuple):
    """One verdict with all that is needed to reproduce it.

    `too_late` marks the verdict on an event that arrived later than the policy's lateness. It is judged at its place in
    event time and recorded, but changes no memory and no other verdict.
    """

    event: LineEvent
    assignment: Assignment
    revision: int
    verdict: Verdict
    context_digest: str
    before_digest: str
    memory_text: bytes
    after_digest: str
    judged_at: datetime
    too_late: bool = False
    previous_rung: int | None = None
    """The rung of the revision before; None for the first."""

    def record(self) -> bytes:
        """The canonical record of this verdict, which is hashed into the ledger."""
        event, verdict = self.event, self.verdict
        # Plain values with sorted keys, as canonical JSON requires. So nothing is converted or sorted, which is faster.
        return canonical(
            {
                "after": self.after_digest,
                "anomaly": event.anomaly_digest,
                "aside": self.too_late,
                "before": self.before_digest,
                "context": self.context_digest,
                "due_within": None if verdict.due_within is None else _in_words(verdict.due_within),
                "event": (event.source, event.external_id),
                "judged_at": _at(self.judged_at),
                "priority": verdict.priority,
                "review": verdict.review,
                "revision": self.revision,
                "role": self.assignment.role,
                "rule": verdict.rule,
                "rung": verdict.rung.value,
                "severity": verdict.severity.value,
                "version": self.assignment.digest,
            }
        )


def recorded_verdict(record: Mapping[str, object], policy: str, number: str) -> Verdict:
    """The verdict that a record tells of.

    Args:
        record: what `Judged.record` gave, parsed.
        policy: the policy of its version.
        number: the version's number in that policy.

    Raises:
        ValueError: it is no verdict.
    """
    told = {name: record.get(name) for name in _TOLD}
    return Verdict.model_validate({**told, "policy": policy, "version": number, "digest": record.get("version")})


@dataclass(frozen=True, slots=True)
class JudgedContext:
    """A context with its canonical form, its digest, and the place of its asset."""

    context: Context
    text: bytes
    digest: str
    place: Place

    @classmethod
    def of(cls, context: Context, site: str | None = None) -> "JudgedContext":
        text = canonical(context)
        place = Place(
            asset=context.asset,
            machine=context.machine,
            asset_class=context.asset_class,
            line=context.line,
            site=site,
        )
        return cls(context, text, sha256(text), place)

    def told(self, operating: OperatingState | None, maintenance: MaintenanceHistory | None) -> "JudgedContext":
        """This context with what the machine did, and the work on the asset."""
        if operating is None and maintenance is None:
            return self
        context = self.context.model_copy(update={"operating": operating, "maintenance": maintenance})
        text = canonical(context)
        return JudgedContext(context, text, sha256(text), self.place)


@dataclass(frozen=True, slots=True)
class Spoiled:
    """An event that cannot be judged, and why. It gets this fate, and its line continues."""

    event_id: int
    reason: str
    fate: Fate = Fate.QUARANTINED


class LineWork(Protocol):
    """One transaction over a line's undecided events. No other transaction judges the line meanwhile."""

    @property
    def generation(self) -> int:
        """The line's generation just before its events were read."""
        ...

    @property
    def rested(self) -> bool:
        """Whether the line was no longer due after the commit: no event was left, and none arrived meanwhile."""
        ...

    @property
    def at(self) -> datetime:
        """The plant time of this transaction: of `assignments_of`, and of all its verdicts."""
        ...

    @property
    def events(self) -> Sequence[LineEvent]:
        """Undecided events in the order of arrival, at most the limit. If there are more: the oldest of each fault."""
        ...

    @property
    def spoiled(self) -> Sequence[Spoiled]:
        """Undecided events whose stored form could not be read, or whose asset is not in the register any more."""
        ...

    def assignments_of(self, asset: str) -> Sequence[Assignment]:
        """The versions that judge an asset now: at most one active version, which is first, and shadows.

        Raises:
            PolicyRejected: a version assigned here was altered, is unsigned, or has a forged signature.
        """
        ...

    def context(self, asset: str) -> JudgedContext:
        """The context of an asset now."""
        ...

    async def told(self, events: Sequence[LineEvent], inputs: ReadInputs) -> Mapping[int, JudgedContext]:
        """By the event's id: the context of its asset now, with what was last read of these inputs before the event."""
        ...

    def memory(self, version: str, key: FaultKey) -> MemoryState | None:
        """The current memory of a fault, or None before its first event."""
        ...

    async def memory_before(self, version: str, key: FaultKey, position: str) -> MemoryState | None:
        """The memory just before a position."""
        ...

    async def verdicts_after(self, version: str, key: FaultKey, position: str) -> Sequence[PastVerdict]:
        """The verdicts given after a position, in event order."""
        ...

    async def unjudged(self, version: str, key: FaultKey, since: datetime, after: str) -> Sequence[LineEvent]:
        """Events on a fault that other versions judged and this one did not, in event order.

        Args:
            since: the earliest event time.
            after: gives only events after this position; empty gives all.
        """
        ...

    async def write(
        self,
        judged: Sequence[Judged],
        memories: Mapping[tuple[str, FaultKey], MemoryState],
        contexts: Mapping[str, JudgedContext],
        spoiled: Sequence[Spoiled],
    ) -> Sequence[str]:
        """Stores verdicts, memories, fates and changes of cases; returns the cases to wake. It is called last."""
        ...


class LineStore(Protocol):
    """The events and verdicts of lines in storage."""

    def open(self, line: str, limit: int, *, leased: bool = False) -> AbstractAsyncContextManager[LineWork]:
        """Begins the transaction, which commits when the block ends. The line is no longer due if no event is left.

        Args:
            leased: whether an activity continues to judge the line, so that no dispatcher wakes the line's workflow.

        Raises:
            StorageUnavailable: the database does not answer; nothing was written.
        """
        ...

    async def leave(self, line: str) -> None:
        """Records that no activity judges a line any more, so that a dispatcher wakes its workflow when it is due."""
        ...
