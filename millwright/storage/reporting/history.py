"""The data of a backtest: stored events by fault, and cases with their outcomes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.maintenance_history import MaintenanceHistory
from domain.operating import OperatingState
from domain.outcomes import Outcome
from domain.verdict import NOTHING_READ, Context, ReadInputs
from millwright.storage.database.asset_rows import NEWEST
from millwright.storage.database.snapshot import Snapshot, read_snapshot
from millwright.storage.policies.checked_assignments import read_assignments

# Pending events are not judged yet.
_JUDGED = "FROM events WHERE fate = 'decided' AND id NOT IN (SELECT event_id FROM pending)"
_DECIDED = f"{_JUDGED} AND at <= %s"
_SPAN = f"SELECT count(*), min(at), max(at) {_JUDGED}"
_COUNT = f"SELECT count(*) {_DECIDED}"
_ASKED = 'id, asset, failure_mode, "position", anomaly, at'
_COLUMNS = 'e.id, e.asset, e.failure_mode, e."position", e.anomaly::text'
_SORTED = 'ORDER BY e.asset, e.failure_mode, e."position") TO STDOUT'
_EVENTS = f"COPY (SELECT {_COLUMNS}, {{read}} FROM (SELECT {_ASKED} {_DECIDED}{{fault}}) e {{joined}} {_SORTED}"
# What was read of the machine before each event, as judging finds it (`storage.operating.states_then`).
_STATE = "coalesce(s.body, ''), coalesce(r.read_at::text, '')"
_STATES = """
LEFT JOIN LATERAL (SELECT coalesce(a.machine, a.id) AS machine FROM assets a WHERE a.id = e.asset
    ORDER BY a.valid_from DESC LIMIT 1) m ON true
LEFT JOIN LATERAL (SELECT system, body FROM operating_states WHERE machine = m.machine AND read_at < e.at
    ORDER BY read_at DESC, system LIMIT 1) s ON true
LEFT JOIN LATERAL (SELECT read_at FROM operating_readings WHERE system = s.system AND read_at < e.at
    ORDER BY read_at DESC LIMIT 1) r ON true
"""
# And what was read of the work on the asset (`storage.maintenance.histories_then`).
_WORK = "coalesce(w.body, '')"
_HISTORIES = """
LEFT JOIN LATERAL (SELECT body FROM maintenance_histories WHERE asset = e.asset AND read_at < e.at
    ORDER BY read_at DESC, system LIMIT 1) w ON true
"""
_TEXT = "''"
_NOT_ASKED = f"{_TEXT}, {_TEXT}"
_ONE_FAULT = " AND asset = %s AND failure_mode = %s"
_TOO_LATE = "SELECT DISTINCT event_id FROM verdicts WHERE memory = ''"
_CONTEXTS = "SELECT digest, body FROM contexts"
# The context of each event when its verdict was given, for assets with several contexts.
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
    """A fault's stored events: id, position and anomaly text of each, in event order.

    `context` is the asset's context. `contexts` has the events that were judged with another one. `operating` is what
    the machine did, and `maintenance` the work on the asset, where that was asked for and read before the event.
    """

    asset: str
    failure_mode: str
    rows: Sequence[tuple[int, str, str]]
    context: Context
    contexts: dict[int, Context]
    too_late: frozenset[int]
    operating: dict[int, OperatingState]
    maintenance: dict[int, MaintenanceHistory]

    def context_of(self, event: int) -> Context:
        """The context in which an event is judged again."""
        context = self.contexts.get(event, self.context)
        operating, maintenance = self.operating.get(event), self.maintenance.get(event)
        if operating is None and maintenance is None:
            return context
        return context.model_copy(update={"operating": operating, "maintenance": maintenance})


class Component(NamedTuple):
    """An asset that may fail, with its machine and class."""

    id: str
    machine: str | None
    asset_class: str


@dataclass(frozen=True, slots=True)
class CaseRow:
    """The fields of a case that a backtest needs."""

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
    """The number of decided events, and the times of the first and the last; None without events."""

    events: int
    first: datetime | None
    last: datetime | None


class RuleCount(NamedTuple):
    """How often a rule decided: the number of verdicts, and of days with a verdict (UTC, event time)."""

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


class _PastRow(NamedTuple):
    """A row of COPY, which has texts only."""

    id: str
    asset: str
    failure_mode: str
    position: str
    anomaly: str
    state: str
    read_at: str
    history: str

    @property
    def operating(self) -> OperatingState | None:
        """What the machine did; None if that was not asked for or not read."""
        if not self.state:
            return None
        read_at = datetime.fromisoformat(self.read_at)
        return OperatingState.model_validate_json(self.state).model_copy(update={"read_at": read_at})

    @property
    def maintenance(self) -> MaintenanceHistory | None:
        """The work on the asset; None if that was not asked for or not read."""
        return MaintenanceHistory.model_validate_json(self.history) if self.history else None


def _asked(fault: str, inputs: ReadInputs) -> str:
    read = f"{_STATE if inputs.operating else _NOT_ASKED}, {_WORK if inputs.maintenance else _TEXT}"
    joined = f"{_STATES if inputs.operating else ''} {_HISTORIES if inputs.maintenance else ''}"
    return _EVENTS.format(fault=fault, read=read, joined=joined)


class _AssetRow(NamedTuple):
    id: str
    asset_class: str | None
    criticality: str | None
    machine: str | None
    line: str | None
    codes: int


class History(Snapshot):
    """A consistent snapshot of the past; see `read_history`."""

    async def span(self) -> Span:
        """The number of all events, and their first and last times."""
        return (await self.rows(_SPAN, Span._make))[0]

    async def count(self, until: datetime) -> int:
        """The number of events up to a time."""
        return (await self.rows(_COUNT, _CountRow._make, until))[0].events

    async def faults(self, until: datetime, inputs: ReadInputs = NOTHING_READ) -> AsyncIterator[FaultRows]:
        """Every fault's events up to a time, one fault after another, streamed by COPY.

        Args:
            inputs: what is wanted too of what was read from other systems.
        """
        known = await self._known()
        key: tuple[str, str] | None = None
        rows: list[_PastRow] = []
        async with self.copied(_asked("", inputs), until) as events:
            async for row in (_PastRow._make(texts) async for texts in events):
                if (row.asset, row.failure_mode) != key:
                    if key is not None:
                        yield known.rows(*key, rows)
                    key, rows = (row.asset, row.failure_mode), []
                rows.append(row)
        if key is not None:
            yield known.rows(*key, rows)

    async def fault(
        self, asset: str, failure_mode: str, until: datetime, inputs: ReadInputs = NOTHING_READ
    ) -> FaultRows:
        """One fault's events up to a time; see `faults`."""
        known = await self._known()
        asked = _asked(_ONE_FAULT, inputs)
        async with self.copied(asked, until, asset, failure_mode) as events:
            rows = [_PastRow._make(row) async for row in events]
        return known.rows(asset, failure_mode, rows)

    async def components(self) -> list[Component]:
        """The assets that may fail, from the current register, and retired ones."""
        return await self.rows(_COMPONENTS, Component._make)

    async def cases(self) -> list[CaseRow]:
        """Every case with its outcome, by the time of its first event."""
        return [
            CaseRow(*row[:-1], outcome=None if row.outcome is None else Outcome.model_validate(row.outcome))
            for row in await self.rows(_CASES, _CaseRow._make)
        ]

    async def active(self, now: datetime) -> str | None:
        """The digest of the active version for the whole plant, otherwise for the widest scope; None without one."""
        placements = (await read_assignments(self._driver)).placements
        live = [placement for placement in placements if placement.role == "active" and placement.in_force(now, now)]
        widest = min((placement.scope.specificity for placement in live), default=0)
        alike = [placement for placement in live if placement.scope.specificity == widest]
        return max(alike, key=lambda placement: (placement.effective_from, placement.id)).digest if alike else None

    async def hits(self, version: str, since: datetime, until: datetime) -> list[RuleCount]:
        """How often each rule of a version decided, by its valid verdicts. Rules that never decided are left out."""
        return await self.rows(_HITS, RuleCount._make, version, since, until)

    async def _known(self) -> "_Known":
        too_late = frozenset(row.id for row in await self.rows(_TOO_LATE, _EventRow._make))
        # What was read is looked up for each event anew: another version may not have been told.
        stored = {
            row.digest: Context.model_validate_json(row.body).model_copy(
                update={"operating": None, "maintenance": None}
            )
            for row in await self.rows(_CONTEXTS, _ContextRow._make)
        }
        by_asset: dict[str, list[Context]] = {}
        for context in dict.fromkeys(stored.values()):
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
        # An asset's only context from judging is used. Without exactly one, it is that of the current register, if any.
        alone = {name: found[0] for name, found in by_asset.items() if len(found) == 1 or name not in now}
        return _Known(too_late, now | alone, of_event)


@dataclass(frozen=True, slots=True)
class _Known:
    too_late: frozenset[int]
    contexts: dict[str, Context]
    of_event: dict[int, Context]

    def rows(self, asset: str, failure_mode: str, rows: Sequence["_PastRow"]) -> FaultRows:
        events = [int(row.id) for row in rows]
        return FaultRows(
            asset,
            failure_mode,
            [(int(row.id), row.position, row.anomaly) for row in rows],
            self.contexts[asset],
            {event: self.of_event[event] for event in events if event in self.of_event} if self.of_event else {},
            self.too_late.intersection(events),
            {int(row.id): row.operating for row in rows if row.operating is not None},
            {int(row.id): row.maintenance for row in rows if row.maintenance is not None},
        )


@asynccontextmanager
async def read_history(engine: AsyncEngine) -> AsyncIterator[History]:
    """A snapshot of the past until the block ends.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    async with read_snapshot(engine) as driver:
        yield History(driver)
