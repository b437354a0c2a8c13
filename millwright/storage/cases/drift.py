"""Our record as a reconcile compares it, and the drift that it found; see `domain.reconcile.DriftRecord`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.asset_drift import NamedAsset
from domain.assets import CMMS_SYSTEM, system_of
from domain.clock import Clock
from domain.drift import HINT_AHEAD, Drift, DriftKind, HintsKnown, RecordedOrder, ToldTwin
from domain.keys import poll_workflow_id
from domain.outcomes import OutcomeClass, told_outcome
from domain.reconcile import ComparedPage, ReconcileRun, TwinPage
from domain.twin_writes import TwinWrite
from domain.work_orders import FINISHED_STATUSES, WorkOrderRecord, WorkOrderRef
from millwright.storage.database.asset_rows import NAMES_THERE
from millwright.storage.database.columns import column_list
from millwright.storage.database.drift_tables import drifts, hints, reconcile_runs
from millwright.storage.database.engine import transaction, unbound
from millwright.storage.database.tables import cursors
from millwright.storage.scheduling import due

_NEWEST = text(
    f"SELECT {column_list(reconcile_runs, 'r')} FROM reconcile_runs r WHERE r.system = :system "
    "ORDER BY r.started_at DESC LIMIT 1 FOR UPDATE"
)
_SINCE = text("""
SELECT coalesce(
    (SELECT poll_cursor FROM reconcile_runs WHERE system = :system AND started_at <= :first_day
        ORDER BY started_at DESC LIMIT 1),
    (SELECT poll_cursor FROM reconcile_runs WHERE system = :system AND finished_at IS NOT NULL
        ORDER BY started_at LIMIT 1))
""")
_RECORDED_COLUMNS = (
    'SELECT c.id AS "case", c.closed_at IS NOT NULL AS closed, c.closed_at IS NULL OR EXISTS (SELECT FROM outcomes o '
    f"WHERE o.case_id = c.id AND o.outcome = '{OutcomeClass.UNKNOWN.value}') AS goes_on, "
    "coalesce(jsonb_path_query_array(w.corrections, "
    "'$[*].changes[*] ? (@.field == \"asset_name\").after.external_id') ->> -1, "
    "w.draft ->> 'asset_external_id') AS asset_name, "
    'w.record AS "order", w.read_at FROM cases c LEFT JOIN work_orders w ON w.case_id = c.id '
)
_RECORDED = text(
    f"{_RECORDED_COLUMNS} WHERE c.id IN (SELECT unnest(CAST(:keys AS text[])) "
    "UNION SELECT case_id FROM work_orders WHERE system = :system AND external_id = ANY(:numbers)) ORDER BY c.id"
)
# An order of a person is read by its case alone.
_UNREAD = text(
    f"{_RECORDED_COLUMNS} WHERE w.system = :system AND w.external_id IS NOT NULL AND w.status <> ALL(:finished) "
    "AND w.record -> 'ref' ->> 'key' <> '' "
    "AND (w.read_at IS NULL OR w.read_at < :read_before) AND c.id > :after ORDER BY c.id LIMIT :limit"
)
# Where there is no order, the column has the null of JSON.
_LISTED = text(
    "SELECT system, kind, identity, subject, case_id, ref, ours, theirs FROM drifts WHERE system = :system "
    "AND ended_at IS NULL AND jsonb_typeof(ref) = 'object' AND last_seen_at < :started_at AND identity > :after "
    "ORDER BY identity, id LIMIT :limit"
)
# The case that wrote last, by the acts of the record. A twin has outcomes of few cases.
_TOLD = text("""
WITH told AS (
    SELECT n.external_id AS twin, o.case_id, o.outcome, o.cancelled, o.found_at, c.closed_at, w.system,
        coalesce(o.twin_etag, '') <> '' AS written, o.twin_write
    FROM outcomes o JOIN cases c ON c.id = o.case_id JOIN work_orders w ON w.case_id = o.case_id
        JOIN crosswalk n ON n.asset = c.asset AND n.system = 'twin' AND n.valid_to IS NULL
    WHERE n.external_id > :after),
asked AS (
    SELECT twin FROM (SELECT twin FROM told WHERE written AND found_at >= :since
        UNION SELECT subject FROM drifts
        WHERE system = :system AND kind = :kind AND ended_at IS NULL AND subject > :after) each
    ORDER BY twin LIMIT :limit)
SELECT a.twin, l.case_id, l.outcome, l.cancelled, l.twin_write, coalesce(l.system = :system, FALSE)
    AND NOT EXISTS (SELECT FROM told t WHERE t.twin = a.twin AND NOT t.written AND t.closed_at IS NULL) AS comparable
FROM asked a LEFT JOIN LATERAL (
    SELECT t.case_id, t.outcome, t.cancelled, t.twin_write, t.system FROM told t WHERE t.twin = a.twin AND t.written
    ORDER BY (SELECT max(x.id) FROM acts x WHERE x.subject = 'case/' || t.case_id AND x.kind = 'twin-told') DESC
        NULLS LAST LIMIT 1) l ON TRUE
ORDER BY a.twin
""")
_NAMED = text(
    f"SELECT n.asset, a.site, n.external_id, n.attributes FROM ({NAMES_THERE}) n JOIN assets a ON a.id = n.asset "
    "WHERE a.valid_to IS NULL AND a.level IN ('machine', 'component') ORDER BY n.asset"
)
_END_UNSEEN = text(
    "UPDATE drifts SET ended_at = :now WHERE system = :system AND ended_at IS NULL AND last_seen_at < :started_at "
    "AND starts_with(identity, :prefix)"
)
_HINTS = text(
    "SELECT h.last_at, (SELECT count(*) FROM changes c WHERE c.system = h.system "
    "AND c.received_at > h.last_at + :ahead) AS changes FROM hints h WHERE h.system = :system"
)


class _ToldRow(NamedTuple):
    twin: str
    case_id: str
    outcome: str
    cancelled: bool
    twin_write: object
    comparable: bool


class _DriftRow(NamedTuple):
    system: str
    kind: str
    identity: str
    subject: str
    case_id: str | None
    ref: object
    ours: str
    theirs: str


class DriftStore:
    """Drift in PostgreSQL.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def current_run(self, system: str, due_since: datetime, window: timedelta) -> ReconcileRun | None:
        async with transaction(self._engine) as connection:
            newest = await _newest(connection, system)
            if newest is None or newest.started_at < due_since:
                return await self._begin(connection, system, window)
            return newest if newest.finished_at is None else None

    async def run_now(self, system: str, window: timedelta) -> bool:
        """Begins a reconcile of a system, and has its poll go on with it at once. False if one runs already, or began
        at this very moment."""
        async with transaction(self._engine) as connection:
            newest = await _newest(connection, system)
            begun = newest is None or (newest.finished_at is not None and newest.started_at < self._clock.now())
            if begun:
                await self._begin(connection, system, window)
            await due.wake(connection, [poll_workflow_id(system)], self._clock.now())
        return begun

    async def _begin(self, connection: AsyncConnection, system: str, window: timedelta) -> ReconcileRun:
        now = self._clock.now()
        since = await connection.scalar(_SINCE, {"system": system, "first_day": now - window})
        cursor = await connection.scalar(select(cursors.c.cursor).where(cursors.c.system == system))
        run = ReconcileRun(system=system, started_at=now, position=since)
        # Another worker may begin it at the same moment.
        await connection.execute(
            insert(reconcile_runs).values(poll_cursor=cursor, **run.model_dump()).on_conflict_do_nothing()
        )
        return run

    async def keep(self, run: ReconcileRun, compared: ComparedPage) -> None:
        now = self._clock.now()
        differing = {(drift.identity, drift.kind.value): drift for drift in compared.drift}
        async with transaction(self._engine) as connection:
            of_them = (drifts.c.system == run.system, drifts.c.ended_at.is_(None))
            if compared.identities:
                examined = drifts.c.identity.in_(sorted(compared.identities))
                older = or_(drifts.c.last_seen_at < run.started_at, drifts.c.kind == DriftKind.STATUS_DIFFERS.value)
                stored = await connection.execute(
                    select(drifts.c.id, drifts.c.identity, drifts.c.kind).where(*of_them, examined, older)
                )
                ended = [row.id for row in stored if (row.identity, row.kind) not in differing]
                await connection.execute(update(drifts).where(drifts.c.id.in_(ended)).values(ended_at=now))
            for _, drift in sorted(differing.items()):
                await _see(connection, drift, now)
            if compared.complete_prefix:
                unseen = {"now": now, "system": run.system, "started_at": run.started_at}
                await connection.execute(_END_UNSEEN, {**unseen, "prefix": compared.complete_prefix})
            this = (reconcile_runs.c.system == run.system, reconcile_runs.c.started_at == run.started_at)
            await connection.execute(update(reconcile_runs).where(*this).values(**run.model_dump()))

    async def recorded(self, system: str, orders: Sequence[WorkOrderRecord]) -> Sequence[RecordedOrder]:
        values = {
            "system": system,
            "keys": sorted({order.ref.key for order in orders}),
            "numbers": sorted({order.ref.id for order in orders}),
        }
        async with unbound(self._engine) as connection:
            rows = (await connection.execute(_RECORDED, values)).mappings()
            return [RecordedOrder.model_validate(dict(row)) for row in rows]

    async def unread(self, system: str, read_before: datetime, after: str, limit: int) -> Sequence[RecordedOrder]:
        values = {
            "system": system,
            "read_before": read_before,
            "after": after,
            "limit": limit,
            "finished": list(FINISHED_STATUSES),
        }
        async with unbound(self._engine) as connection:
            rows = (await connection.execute(_UNREAD, values)).mappings()
            return [RecordedOrder.model_validate(dict(row)) for row in rows]

    async def listed(self, run: ReconcileRun, after: str, limit: int) -> Sequence[Drift]:
        values = {"system": run.system, "started_at": run.started_at, "after": after, "limit": limit}
        async with unbound(self._engine) as connection:
            return [_drift(_DriftRow._make(row)) for row in await connection.execute(_LISTED, values)]

    async def named_assets(self, system: str) -> Sequence[NamedAsset]:
        values = {"kind": CMMS_SYSTEM, "instance": system_of(CMMS_SYSTEM, system)}
        async with unbound(self._engine) as connection:
            rows = (await connection.execute(_NAMED, values)).mappings()
            return [NamedAsset.model_validate(dict(row)) for row in rows]

    async def told_twins(self, system: str, since: datetime, after: str, limit: int) -> TwinPage:
        values = {
            "system": system,
            "since": since,
            "after": after,
            "limit": limit,
            "kind": DriftKind.TWIN_DIFFERS.value,
        }
        async with unbound(self._engine) as connection:
            rows = [_ToldRow._make(row) for row in await connection.execute(_TOLD, values)]
        return TwinPage([_told(row) for row in rows if row.comparable], rows[-1].twin if len(rows) == limit else None)

    async def hints(self, system: str) -> HintsKnown | None:
        async with unbound(self._engine) as connection:
            found = await connection.execute(_HINTS, {"system": system, "ahead": HINT_AHEAD})
            row = found.mappings().one_or_none()
            return None if row is None else HintsKnown.model_validate(dict(row))


async def keep_hint(connection: AsyncConnection, system: str, now: datetime) -> None:
    """Stores that a hint of a system came."""
    known = insert(hints).values(system=system, last_at=now)
    await connection.execute(known.on_conflict_do_update(index_elements=[hints.c.system], set_={"last_at": now}))


async def _newest(connection: AsyncConnection, system: str) -> ReconcileRun | None:
    row = (await connection.execute(_NEWEST, {"system": system})).mappings().one_or_none()
    return None if row is None else ReconcileRun(**{name: row[name] for name in ReconcileRun.model_fields})


async def _see(connection: AsyncConnection, drift: Drift, now: datetime) -> None:
    """Lists a difference, or notes that it is still there."""
    said = {
        "subject": drift.subject,
        "case_id": drift.case,
        "ref": None if drift.ref is None else drift.ref.model_dump(mode="json"),
        "ours": drift.ours,
        "theirs": drift.theirs,
        "last_seen_at": now,
    }
    names = {"system": drift.system, "identity": drift.identity, "kind": drift.kind.value}
    await connection.execute(
        insert(drifts)
        .values(**names, first_seen_at=now, **said)
        .on_conflict_do_update(index_elements=list(names), index_where=drifts.c.ended_at.is_(None), set_=said)
    )


def _told(row: _ToldRow) -> ToldTwin:
    said = told_outcome(row.case_id, OutcomeClass(row.outcome), cancelled=row.cancelled)
    if row.twin_write is not None:
        # An earlier build wrote all of them, under our names.
        write = TwinWrite.model_validate(row.twin_write)
        said = {each.theirs: each.value for each in write.properties if each.name in said and each.taken}
    return ToldTwin(twin=row.twin, case=row.case_id, properties=said)


def _drift(row: _DriftRow) -> Drift:
    return Drift(
        system=row.system,
        kind=DriftKind(row.kind),
        identity=row.identity,
        subject=row.subject,
        case=row.case_id,
        ref=None if row.ref is None else WorkOrderRef.model_validate(row.ref),
        ours=row.ours,
        theirs=row.theirs,
    )
