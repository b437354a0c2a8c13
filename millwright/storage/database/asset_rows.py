"""Which row of an asset tells of it: the one in force, and of a retired asset the last one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

NEWEST: Final = "NOT EXISTS (SELECT FROM assets n WHERE n.id = a.id AND n.valid_from > a.valid_from)"
"""Of the rows `a` of each asset the newest: the one in force, or how the asset was when it was retired."""

_RETIRED = text(
    "SELECT id, max(valid_to) AS at FROM assets WHERE id = ANY(:assets) GROUP BY id "
    "HAVING bool_and(valid_to IS NOT NULL)"
)


class _RetiredRow(NamedTuple):
    id: str
    at: datetime


async def retired_at(connection: AsyncConnection, assets: Sequence[str]) -> Mapping[str, datetime]:
    """When assets were retired; those in force, and those that never were, are not among them."""
    rows = map(_RetiredRow._make, await connection.execute(_RETIRED, {"assets": list(assets)}))
    return {row.id: row.at for row in rows}
