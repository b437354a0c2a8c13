"""Stores what a CMMS says of the work on assets: a row for each asset and reading."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import CMMS_SYSTEM, system_of
from domain.canonical import canonical, timestamp
from domain.clock import Clock
from domain.instances import SiteInstances
from domain.maintenance_history import CmmsAsset, HistoryAsset, MaintenanceHistory
from millwright.storage.database.asset_rows import NAMES_THERE
from millwright.storage.database.engine import raw, transaction
from millwright.storage.ledger import ledger

MAINTENANCE_READ: Final = "maintenance-read"
"""The kind of the act that records a reading."""

# Work on a machine may be work on any of its components, so a component has that of its machine too.
_DUE = text(f"""
WITH names AS ({NAMES_THERE}),
due AS (
    SELECT a.id, a.machine, last.read_at FROM assets a
    LEFT JOIN LATERAL (SELECT max(h.read_at) AS read_at FROM maintenance_histories h
        WHERE h.asset = a.id AND h.system = :system) last ON TRUE
    WHERE a.valid_to IS NULL AND a.level IN ('machine', 'component') AND (coalesce(a.site, '') = ANY(:sites)) = :listed
    AND (last.read_at IS NULL OR last.read_at <= :read_before)
    AND EXISTS (SELECT FROM names n WHERE n.asset IN (a.id, a.machine))
    ORDER BY last.read_at NULLS FIRST, a.id LIMIT :limit)
SELECT d.id, n.external_id, n.attributes FROM due d JOIN names n ON n.asset IN (d.id, d.machine)
ORDER BY d.read_at NULLS FIRST, d.id, n.asset = d.id DESC
""")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 0))")
_KNOWN = text(
    "SELECT DISTINCT asset FROM maintenance_histories WHERE asset = ANY(:assets) AND read_at >= :read_at "
    "AND system = :system"
)
_ADD = """
INSERT INTO maintenance_histories (asset, read_at, system, body)
SELECT asset, %s, %s, body FROM unnest(%b::text[], %b::text[]) AS h(asset, body)
"""


class _NameRow(NamedTuple):
    asset: str
    external_id: str
    attributes: Mapping[str, str] | None


class _KnownRow(NamedTuple):
    asset: str


class MaintenanceHistoryStore:
    """See `domain.maintenance_history.MaintenanceHistories`.

    Args:
        engine: the database.
        clock: the plant's time.
        instances: which CMMS serves which site.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock, instances: SiteInstances) -> None:
        self._engine = engine
        self._clock = clock
        self._instances = instances

    async def due(self, system: str, read_before: datetime, limit: int) -> Sequence[HistoryAsset]:
        # An instance that serves all other sites has none of those that another one names.
        listed = self._instances.otherwise != system
        named = self._instances.by_site
        sites = [site for site, instance in named.items() if (instance == system) is listed]
        values = {
            "kind": CMMS_SYSTEM,
            "instance": system_of(CMMS_SYSTEM, system),
            "system": system,
            "sites": sites,
            "listed": listed,
            "read_before": read_before,
            "limit": limit,
        }
        async with transaction(self._engine) as connection:
            rows = map(_NameRow._make, await connection.execute(_DUE, values))
            return [
                HistoryAsset(asset, [CmmsAsset(row.external_id, row.attributes or {}) for row in found])
                for asset, found in groupby(rows, key=lambda row: row.asset)
            ]

    async def record_reading(self, system: str, read_at: datetime, said: Mapping[str, MaintenanceHistory]) -> None:
        async with transaction(self._engine) as connection:
            subject = f"maintenance/{system}"
            await connection.execute(_LOCK, {"subject": subject})
            values = {"assets": list(said), "read_at": read_at, "system": system}
            known = {row.asset for row in map(_KnownRow._make, await connection.execute(_KNOWN, values))}
            fresh = {asset: history for asset, history in sorted(said.items()) if asset not in known}
            if not fresh:
                return
            entry = ledger.Entry(self._clock.now())
            detail: dict[str, object] = {"read_at": timestamp(read_at), "said": fresh}
            entry.add(ledger.act(MAINTENANCE_READ, subject, system, entry.at, detail, reported=True))
            bodies = [canonical(history).decode() for history in fresh.values()]
            async with (await raw(connection)).cursor() as cursor:
                await cursor.execute(_ADD, (read_at, system, list(fresh), bodies))
            await ledger.append(connection, entry)
