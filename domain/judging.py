"""What a watch works with: the undecided events of a line and all that judging them needs and makes."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol

from domain.anomaly import Anomaly, Fate
from domain.assigning import Place
from domain.canonical import canonical, duration, sha256, timestamp
from domain.verdict import Context, Memory, Verdict

Role = Literal["active", "shadow"]
FaultKey = tuple[str, str]
"""An asset and a failure mode."""

# One instant and a few durations are told of all verdicts of a transaction.
_at = lru_cache(maxsize=16)(timestamp)
_in_words = lru_cache(maxsize=256)(duration)


class LineEvent(NamedTuple):
    """A stored event as judging sees it; `position` sorts the events of one fault key."""

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


@dataclass(frozen=True, slots=True)
class Assignment:
    """A policy version that judges here, and as what; its two durations are the document's own.

    `since` is when it began to judge here without a break: of what came before, `warm_for` is folded into its memory
    first. None says that it has judged here from the first event on.
    """

    digest: str
    role: Role
    lateness: timedelta
    rearm: timedelta
    since: datetime | None = None
    warm_for: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class MemoryState:
    """The memory of a fault key under a version, and how far in event order it has come."""

    position: str
    memory: Memory


@dataclass(frozen=True, slots=True)
class PastVerdict:
    """A verdict given before, with its event, for judging again in event order."""

    event: LineEvent
    revision: int
    rung: int


class Judged(NamedTuple):
    """One verdict with all that is needed to make it again.

    `too_late` marks a verdict on an event later than the policy's lateness: judged where it belongs in time, for the
    record, but moving no memory and no other verdict.
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
    """The rung of the revision before, where this is not the first."""

    def record(self) -> bytes:
        """The canonical record of this verdict: what is hashed into the ledger."""
        event, verdict = self.event, self.verdict
        # Plain values in the order of their keys: what canonical JSON asks for, it need not make.
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


@dataclass(frozen=True, slots=True)
class JudgedContext:
    """A context in its canonical form, with its digest, and where its asset stands."""

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


@dataclass(frozen=True, slots=True)
class Spoiled:
    """An event that cannot be judged, and why: it meets this fate and its line goes on."""

    event_id: int
    reason: str
    fate: Fate = Fate.QUARANTINED


class LineWork(Protocol):
    """One transaction over a line's undecided events; nobody else judges the line meanwhile."""

    @property
    def generation(self) -> int:
        """The line's generation when its events were about to be read."""
        ...

    @property
    def rested(self) -> bool:
        """Whether the line came to rest with the commit: nothing was left, and nothing came meanwhile."""
        ...

    @property
    def at(self) -> datetime:
        """The instant of which `assignments_of` tells, and at which all of this transaction is judged."""
        ...

    @property
    def events(self) -> Sequence[LineEvent]:
        """Undecided events, oldest received first, at most the limit asked for; of more, every fault's oldest."""
        ...

    @property
    def spoiled(self) -> Sequence[Spoiled]:
        """Undecided events whose stored form could not be read, or whose asset is not in the register any more."""
        ...

    def assignments_of(self, asset: str) -> Sequence[Assignment]:
        """The versions that judge an asset now: one active at most, first, and shadows.

        Raises:
            PolicyRejected: a version assigned here is altered, unsigned or forged.
        """
        ...

    def context(self, asset: str) -> JudgedContext:
        """What is known of an asset now."""
        ...

    def memory(self, version: str, key: FaultKey) -> MemoryState | None:
        """The present memory of a fault key, or None before its first event."""
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
            after: the position behind which they stand; empty for every one.
        """
        ...

    async def write(
        self,
        judged: Sequence[Judged],
        memories: Mapping[tuple[str, FaultKey], MemoryState],
        contexts: Mapping[str, JudgedContext],
        spoiled: Sequence[Spoiled],
    ) -> Sequence[str]:
        """Stores verdicts, memories, fates and what they mean for cases; gives the cases to wake. It is called last."""
        ...


class LineStore(Protocol):
    """Where a watch finds its line's work."""

    def open(self, line: str, limit: int, *, leased: bool = False) -> AbstractAsyncContextManager[LineWork]:
        """Begins the transaction; it commits when the block ends well, and the line rests where nothing is left.

        Args:
            leased: whether an activity judges the line and goes on, so that nobody else need wake its workflow.

        Raises:
            StorageUnavailable: the database is away; nothing was written.
        """
        ...

    async def leave(self, line: str) -> None:
        """Says that no activity judges a line any more: whoever looks at what is due wakes its workflow again."""
        ...
