"""The rows of an asset and of its names: which of them tells of it, and how they end."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Table, bindparam, delete, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

NEWEST: Final = "NOT EXISTS (SELECT FROM assets n WHERE n.id = a.id AND n.valid_from > a.valid_from)"
"""Of the rows `a` of each asset the newest: the one in force, or how the asset was when it was retired."""

NAMES_THERE: Final = """
SELECT DISTINCT ON (n.asset) n.asset, n.external_id, n.attributes FROM crosswalk n
WHERE n.system IN (:kind, :instance) AND n.valid_to IS NULL
ORDER BY n.asset, n.system = :instance DESC, n.external_id
"""
"""The name of each asset in an instance now: one in this instance counts before one for every instance of its kind."""

REGISTER_HELD: Final = "register-held"
"""The act after which every row of the register is recorded. Earlier builds did not record them."""

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


async def end_rows(
    connection: AsyncConnection, table: Table, ended: Sequence[Mapping[str, str]], now: datetime
) -> None:
    """Ends effective-dated rows, each by its key, in `assets` or `crosswalk`. A row that began only at this instant is
    deleted: it was never in force."""
    if not ended:
        return
    same = [table.c[name] == bindparam(f"ended_{name}") for name in ended[0]]
    keys = [{f"ended_{name}": value for name, value in ended_row.items()} for ended_row in ended]
    current = (*same, table.c.valid_to.is_(None))
    await connection.execute(delete(table).where(*current, table.c.valid_from >= now), keys)
    await connection.execute(update(table).where(*current).values(valid_to=now), keys)
