"""The work on an asset at the time of an event, as it had been read before the event."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from domain.maintenance_history import MaintenanceHistory
from millwright.storage.database.engine import Driver

AssetThen = tuple[str, datetime]
"""An asset and a time."""

# As for what machines do: what was read later does not count, so a verdict is the same whenever its event arrives.
_THEN = """
SELECT k.asset, k.at, h.body
FROM unnest(%b::text[], %b::timestamptz[]) AS k(asset, at),
LATERAL (SELECT body FROM maintenance_histories WHERE asset = k.asset AND read_at < k.at
    ORDER BY read_at DESC, system LIMIT 1) h
"""


class _ThenRow(NamedTuple):
    asset: str
    at: datetime
    body: str


async def histories_then(driver: Driver, asked: Collection[AssetThen]) -> Mapping[AssetThen, MaintenanceHistory]:
    """The work on assets as it was known at some times. What was never read is left out."""
    wanted = sorted(asked)
    async with driver.cursor() as cursor:
        await cursor.execute(_THEN, ([asset for asset, _ in wanted], [at for _, at in wanted]))
        rows = map(_ThenRow._make, await cursor.fetchall())
        return {(row.asset, row.at): MaintenanceHistory.model_validate_json(row.body) for row in rows}
