"""A line's events and verdicts kept in memory; see `domain.judging.LineStore`. It knows nothing of cases."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from domain.anomaly import Received
from domain.canonical import canonical, sha256
from domain.judging import (
    Assignment,
    FaultKey,
    Judged,
    JudgedContext,
    LineEvent,
    MemoryState,
    PastVerdict,
    Spoiled,
)
from domain.verdict import Context, Memory, ReadInputs
from tests.support.plant import START


class MemoryLines:
    """Accepts each observation once, as the inbox does, and passes them to judging in the order of arrival."""

    def __init__(self, assignments: Sequence[Assignment], context: Context) -> None:
        self.assignments = assignments
        self.given: list[Judged] = []
        self.waiting: list[LineEvent] = []
        self._context = JudgedContext.of(context)
        self._memories: dict[tuple[str, FaultKey], MemoryState] = {}
        self._known: set[str] = set()

    def take(self, items: Sequence[Received]) -> None:
        """Stores messages; one that was stored before adds nothing."""
        for item in items:
            if item.anomaly is None or item.natural_key is None or item.natural_key in self._known:
                continue
            self._known.add(item.natural_key)
            self.waiting.append(
                LineEvent(
                    id=len(self._known),
                    source=item.source,
                    external_id=item.external_id,
                    asset=item.anomaly.asset,
                    failure_mode=item.anomaly.failure_mode,
                    position=item.anomaly.order(item.natural_key),
                    at=item.anomaly.at,
                    anomaly=item.anomaly,
                    anomaly_digest=sha256(canonical(item.anomaly)),
                )
            )

    def newest(self, version: str) -> dict[str, Judged]:
        """The newest verdict on each event under a version, by position."""
        mine = (given for given in self.given if given.assignment.digest == version)
        return {given.event.position: given for given in sorted(mine, key=lambda given: given.revision)}

    @asynccontextmanager
    async def open(self, line: str, limit: int, *, leased: bool = False) -> AsyncIterator["_Work"]:
        work = _Work(self, self.waiting[:limit])
        yield work
        work.rested = not self.waiting

    async def leave(self, line: str) -> None:
        """Does nothing: there are no other dispatchers."""

    def keep(
        self,
        judged: Sequence[Judged],
        memories: Mapping[tuple[str, FaultKey], MemoryState],
        spoiled: Sequence[Spoiled],
    ) -> None:
        """The end of the transaction.

        Raises:
            AssertionError: judging an event failed. This store has nowhere to set it aside.
        """
        assert not spoiled, spoiled
        self.given += judged
        self._memories.update(memories)
        decided = {given.event.id for given in judged}
        self.waiting = [event for event in self.waiting if event.id not in decided]

    def context_now(self) -> JudgedContext:
        """The context of every asset."""
        return self._context

    def memory_now(self, version: str, key: FaultKey) -> MemoryState | None:
        """The present memory of a fault."""
        return self._memories.get((version, key))


class _Work:
    def __init__(self, lines: MemoryLines, events: Sequence[LineEvent]) -> None:
        self._lines = lines
        self.events = events
        self.generation = 0
        self.rested = False
        self.at = START
        self.spoiled: Sequence[Spoiled] = ()

    def assignments_of(self, asset: str) -> Sequence[Assignment]:
        return self._lines.assignments

    def context(self, asset: str) -> JudgedContext:
        return self._lines.context_now()

    async def told(self, events: Sequence[LineEvent], inputs: ReadInputs) -> Mapping[int, JudgedContext]:
        return {event.id: self._lines.context_now() for event in events}

    def memory(self, version: str, key: FaultKey) -> MemoryState | None:
        return self._lines.memory_now(version, key)

    async def unjudged(self, version: str, key: FaultKey, since: datetime, after: str) -> Sequence[LineEvent]:
        return ()

    async def memory_before(self, version: str, key: FaultKey, position: str) -> MemoryState | None:
        before = [given for given in self._given(version, key) if given.event.position < position]
        if not before:
            return None
        return MemoryState(before[-1].event.position, Memory.model_validate_json(before[-1].memory_text))

    async def verdicts_after(self, version: str, key: FaultKey, position: str) -> Sequence[PastVerdict]:
        after = [given for given in self._given(version, key) if given.event.position > position]
        return [PastVerdict(given.event, given.revision, int(given.verdict.rung)) for given in after]

    def _given(self, version: str, key: FaultKey) -> list[Judged]:
        newest = self._lines.newest(version)
        in_order = [newest[place] for place in sorted(newest)]
        return [judged for judged in in_order if judged.event.key == key and not judged.too_late]

    async def write(
        self,
        judged: Sequence[Judged],
        memories: Mapping[tuple[str, FaultKey], MemoryState],
        contexts: Mapping[str, JudgedContext],
        spoiled: Sequence[Spoiled],
    ) -> Sequence[str]:
        self._lines.keep(judged, memories, spoiled)
        return ()
