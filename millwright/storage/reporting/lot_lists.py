"""Lists of suspect lots."""

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import ActRejected
from domain.model import Model
from domain.suspect_lots import SuspectLots
from millwright.storage.database.engine import transaction

_COLUMNS = (
    "SELECT c.id, c.asset, c.machine, m.name AS machine_name, c.line, c.site, c.failure_mode, c.suspect_lots "
    "FROM cases c LEFT JOIN assets m ON m.id = c.machine AND m.valid_to IS NULL "
)
_PAGE = text(
    f"{_COLUMNS} WHERE c.suspect_lots IS NOT NULL AND (:reviewed OR jsonb_typeof(c.suspect_lots -> 'review') = 'null') "
    "ORDER BY c.suspect_lots ->> 'listed_at' DESC, c.id LIMIT :limit"
)
_ONE = text(f"{_COLUMNS} WHERE c.id = :case")


class SeenLots(Model):
    """The suspect lots of a case in a list.

    Args:
        case: the case.
        lots: what the MES said, and the review.
    """

    case: str
    asset: str
    machine: str
    machine_name: str | None
    line: str
    site: str | None
    failure_mode: str
    lots: SuspectLots


async def lot_page(engine: AsyncEngine, *, reviewed: bool = False, limit: int = 100) -> list[SeenLots]:
    """The lists of suspect lots, the newest first.

    Args:
        reviewed: also those that a person of quality has reviewed.
    """
    async with transaction(engine) as connection:
        found = await connection.execute(_PAGE, {"reviewed": reviewed, "limit": limit})
        return [_seen(row) for row in found.mappings()]


async def lots_of(engine: AsyncEngine, case: str) -> SeenLots:
    """The suspect lots of one case.

    Raises:
        ActRejected: there is no such case, or no lots are listed for it.
    """
    async with transaction(engine) as connection:
        row = (await connection.execute(_ONE, {"case": case})).mappings().one_or_none()
    if row is None:
        raise ActRejected(f"there is no case {case}", field="case", fix="see `case list`")
    if row["suspect_lots"] is None:
        raise ActRejected(f"no suspect lots are listed for case {case}", field="case", fix="see `lots list`")
    return _seen(row)


def _seen(row: RowMapping) -> SeenLots:
    return SeenLots(
        case=row["id"],
        lots=SuspectLots.model_validate(row["suspect_lots"]),
        **{name: row[name] for name in ("asset", "machine", "machine_name", "line", "site", "failure_mode")},
    )
