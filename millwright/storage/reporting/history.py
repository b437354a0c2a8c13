"""Stored events as they were judged, fault by fault, and what became of the cases: what a backtest reads."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.outcomes import Outcome
from domain.verdict import Context
from millwright.storage.database.asset_rows import NEWEST
from millwright.storage.database.snapshot import Snapshot, read_snapshot
from millwright.storage.policies.checked_assignments import read_assignments

# What is pending was received and not yet judged.
_JUDGED = "FROM events WHERE fate = 'decided' AND id NOT IN (SELECT event_id FROM pending)"
_DECIDED = f"{_JUDGED} AND at <= %s"
_SPAN = f"SELECT count(*), min(at), max(at) {_JUDGED}"
_COUNT = f"SELECT count(*) {_DECIDED}"
_EVENTS = f'COPY (SELECT id, asset, failure_mode, "position", anomaly::text {_DECIDED}'
_SORTED = ' ORDER BY asset, failure_mode, "position") TO STDOUT'
_ONE_FAULT = " AND asset = %s AND failure_mode = %s"
_TOO_LATE = "SELECT DISTINCT event_id FROM verdicts WHERE memory = ''"
_CONTEXTS = "SELECT digest, body FROM contexts"
# Of an asset that was known in several ways, each event goes with what was known when its verdict was given.
_CONTEXT_OF = """
SELECT DISTINCT ON (event_id) event_id, body::json->>'context' FROM verdicts WHERE asset = ANY(%s)
ORDER BY event_id, revision DESC, role, version
"""
# Retired assets are among them: the past has their events and failures.
_REGISTER = f"""
SELECT a.id, a.asset_class, a.criticality, a.machine, a.line,
       (SELECT count(*) FROM observables o WHERE o.asset = a.id AND o.kind = 'code') AS codes
FROM assets a WHERE {NEWEST}
"""
_COMPONENTS = f"""
SELECT id, machine, coalesce(asset_class, '') FROM assets a WHERE level = 'component' AND {NEWEST} ORDER BY id
"""
_CASES = """
SELECT c.id, c.asset, c.failure_mode, c.event_at, c.last_event_at, c.version, c.rung, c.closed_as, o.body
FROM cases c LEFT JOIN outcomes o ON o.case_id = c.id ORDER BY c.event_at, c.id
"""
_HITS = """
SELECT v.body::json->>'rule' AS rule, count(*), count(DISTINCT (v.at AT TIME ZONE 'UTC')::date)
FROM (SELECT DISTINCT ON (event_id) event_id, at, body FROM verdicts WHERE version = %s AND at BETWEEN %s AND %s
      ORDER BY event_id, revision DESC) v GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class FaultRows:
    """A fault's events as stored: id, position and anomaly text of each, in event order.

    `context` is what is known of the asset, `contexts` what was known otherwise when an event was judged, by event.
    """

    asset: str
    failure_mode: str
    rows: Sequence[tuple[int, str, str]]
    context: Context
    contexts: dict[int, Context]
    too_late: frozenset[int]


class Component(NamedTuple):
    """An asset that may fail, with its machine and class."""

    id: str
    machine: str | None
    asset_class: str


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as far as a backtest needs it."""

    id: str
    asset: str
    failure_mode: str
    event_at: datetime
    last_event_at: datetime
    version: str
    rung: int
    closed_as: str | None
    outcome: Outcome | None


class Span(NamedTuple):
    """How many events were decided, and the times of the first and last of them; None where there are none."""

    events: int
    first: datetime | None
    last: datetime | None


class RuleCount(NamedTuple):
    """How often a rule decided: verdicts, and days on which it did (UTC, event time)."""

    rule: str
    hits: int
    days: int


class _CountRow(NamedTuple):
    events: int


class _CaseRow(NamedTuple):
    id: str
    asset: str
    failure_mode: str
    event_at: datetime
    last_event_at: datetime
    version: str
    rung: int
    closed_as: str | None
    outcome: object


class _EventRow(NamedTuple):
    id: int


class _ContextRow(NamedTuple):
    digest: str
    body: str


class _ContextOfEvent(NamedTuple):
    event: int
    digest: str | None


class _AssetRow(NamedTuple):
    id: str
    asset_class: str | None
    criticality: str | None
    machine: str | None
    line: str | None
    codes: int


class History(Snapshot):
    """One consistent look at the past; see `read_history`."""

    async def span(self) -> Span:
        """The whole history's size and ends."""
        return (await self.rows(_SPAN, Span._make))[0]

    async def count(self, until: datetime) -> int:
        """How many events there are to judge."""
        return (await self.rows(_COUNT, _CountRow._make, until))[0].events

    async def faults(self, until: datetime) -> AsyncIterator[FaultRows]:
        """Every fault's events up to an instant, one fault after the other, streamed by COPY."""
        known = await self._known()
        key: tuple[str, str] | None = None
        rows: list[tuple[int, str, str]] = []
        async with self.copied(_EVENTS + _SORTED, until) as events:
            async for event, asset, mode, position, anomaly in events:
                if (asset, mode) != key:
                    if key is not None:
                        yield known.rows(*key, rows)
                    key, rows = (asset, mode), []
                rows.append((int(event), position, anomaly))
        if key is not None:
            yield known.rows(*key, rows)

    async def fault(self, asset: str, failure_mode: str, until: datetime) -> FaultRows:
        """One fault's events up to an instant."""
        known = await self._known()
        rows: list[tuple[int, str, str]] = []
        async with self.copied(_EVENTS + _ONE_FAULT + _SORTED, until, asset, failure_mode) as events:
            async for event, _, _, position, anomaly in events:
                rows.append((int(event), position, anomaly))
        return known.rows(asset, failure_mode, rows)

    async def components(self) -> list[Component]:
        """The assets that may fail or could, as the register has them now or had them last."""
        return await self.rows(_COMPONENTS, Component._make)

    async def cases(self) -> list[CaseRow]:
        """Every case with its outcome, by the time of its first event."""
        return [
            CaseRow(*row[:-1], outcome=None if row.outcome is None else Outcome.model_validate(row.outcome))
            for row in await self.rows(_CASES, _CaseRow._make)
        ]

    async def active(self, now: datetime) -> str | None:
        """The digest of the version in force: the whole plant's, or where there is none that of the widest scope."""
        placements = (await read_assignments(self._driver)).placements
        live = [placement for placement in placements if placement.role == "active" and placement.in_force(now, now)]
        widest = min((placement.scope.specificity for placement in live), default=0)
        alike = [placement for placement in live if placement.scope.specificity == widest]
        return max(alike, key=lambda placement: (placement.effective_from, placement.id)).digest if alike else None

    async def hits(self, version: str, since: datetime, until: datetime) -> list[RuleCount]:
        """How often each rule of a version decided, by its standing verdicts; a rule that never did is not here."""
        return await self.rows(_HITS, RuleCount._make, version, since, until)

    async def _known(self) -> "_Known":
        too_late = frozenset(row.id for row in await self.rows(_TOO_LATE, _EventRow._make))
        stored = {
            row.digest: Context.model_validate_json(row.body) for row in await self.rows(_CONTEXTS, _ContextRow._make)
        }
        by_asset: dict[str, list[Context]] = {}
        for context in stored.values():
            by_asset.setdefault(context.asset, []).append(context)
        several = [asset for asset, found in by_asset.items() if len(found) > 1]
        of_event: dict[int, Context] = {}
        if several:
            for judged in await self.rows(_CONTEXT_OF, _ContextOfEvent._make, several):
                if judged.digest in stored:
                    of_event[judged.event] = stored[judged.digest]
        now = {
            asset.id: Context.model_validate(
                {
                    "asset": asset.id,
                    "asset_class": asset.asset_class or "",
                    "criticality": asset.criticality,
                    "machine": asset.machine or asset.id,
                    "line": asset.line or "",
                    "codes": asset.codes,
                }
            )
            for asset in await self.rows(_REGISTER, _AssetRow._make)
        }
        # What was known at judging comes first; the register of today only where that says several things, or nothing.
        alone = {name: found[0] for name, found in by_asset.items() if len(found) == 1 or name not in now}
        return _Known(too_late, now | alone, of_event)


@dataclass(frozen=True, slots=True)
class _Known:
    too_late: frozenset[int]
    contexts: dict[str, Context]
    of_event: dict[int, Context]

    def rows(self, asset: str, failure_mode: str, rows: Sequence[tuple[int, str, str]]) -> FaultRows:
        events = [event for event, _, _ in rows]
        return FaultRows(
            asset,
            failure_mode,
            rows,
            self.contexts[asset],
            {event: self.of_event[event] for event in events if event in self.of_event} if self.of_event else {},
            self.too_late.intersection(events),
        )


@asynccontextmanager
async def read_history(engine: AsyncEngine) -> AsyncIterator[History]:
    """A snapshot of the past, for as long as the block lasts.

    Raises:
        StorageUnavailable: the database is away.
    """
    async with read_snapshot(engine) as driver:
        yield History(driver)
