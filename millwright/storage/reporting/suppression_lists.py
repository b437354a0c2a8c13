"""Lists of shelves and windows, with the verdicts that they suppressed."""

from pydantic import Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.model import Model, Moment
from domain.suppression import Suppression, SuppressionKind
from domain.verdict import Rung
from millwright.storage.database.columns import column_list
from millwright.storage.database.engine import transaction
from millwright.storage.database.suppression_tables import suppressions
from millwright.storage.suppression.suppressions import of_row, read_suppression

_PAGE = text(
    f"""
    SELECT {column_list(suppressions, "s")}, (SELECT count(DISTINCT (u.event_id, u.version)) FROM suppressed u
        WHERE u.suppression = s.id AND u.how = 'held_back') AS arrived
    FROM suppressions s
    WHERE (:ended OR s.returned_at IS NULL) AND (CAST(:kind AS text) IS NULL OR s.kind = :kind)
      AND (CAST(:id AS text) IS NULL OR s.id = :id)
    ORDER BY s.from_at DESC, s.id LIMIT :limit
    """
)
_ARRIVED = text(
    """
    SELECT u.event_id AS event, e.source, e.external_id, u.asset, u.failure_mode, u.at, u.revision, u.rung,
        (SELECT n.how FROM suppressed n WHERE n.event_id = u.event_id AND n.version = u.version
            ORDER BY n.id DESC LIMIT 1) = 'let_in' AS let_in
    FROM (SELECT DISTINCT ON (event_id, version) event_id, version, asset, failure_mode, at, revision, rung
        FROM suppressed WHERE suppression = :id AND how = 'held_back'
        ORDER BY event_id, version, id DESC) u JOIN events e ON e.id = u.event_id
    ORDER BY u.at, u.event_id LIMIT 1000
    """
)


class SeenSuppression(Model):
    """A shelf or a window in a list, with the number of verdicts that it suppressed."""

    suppression: Suppression
    isa_18_2: str = Field(description="Its name in ISA-18.2: shelved, suppressed by design, or out of service.")
    arrived: int


class Arrived(Model):
    """A suppressed verdict; `let_in` says whether it acted when a suppression ended."""

    event: int
    source: str
    external_id: str
    asset: str
    failure_mode: str
    at: Moment
    revision: int
    rung: str
    let_in: bool


class WholeSuppression(Model):
    """A shelf or a window with its suppressed verdicts, at most a thousand."""

    suppression: Suppression
    isa_18_2: str = Field(description="Its name in ISA-18.2: shelved, suppressed by design, or out of service.")
    arrived: tuple[Arrived, ...]


async def suppression_page(
    engine: AsyncEngine, *, kind: SuppressionKind | None = None, ended: bool = False, limit: int = 100
) -> list[SeenSuppression]:
    """Shelves and windows, newest first; ended ones only with `ended`."""
    values = {"kind": kind.value if kind else None, "ended": ended, "id": None, "limit": limit}
    async with transaction(engine) as connection:
        rows = (await connection.execute(_PAGE, values)).mappings()
        return [_seen(of_row(row), row["arrived"]) for row in rows]


def _seen(suppression: Suppression, arrived: int) -> SeenSuppression:
    return SeenSuppression(suppression=suppression, isa_18_2=suppression.kind.isa_18_2, arrived=arrived)


async def whole_suppression(engine: AsyncEngine, suppression: str) -> WholeSuppression:
    """A shelf or a window, with the verdicts that it suppressed.

    Raises:
        ActRejected: there is no such shelf or window.
    """
    async with transaction(engine) as connection:
        found = await read_suppression(connection, suppression)
        rows = (await connection.execute(_ARRIVED, {"id": suppression})).mappings()
        arrived = tuple(Arrived.model_validate(dict(row) | {"rung": Rung(row["rung"]).word}) for row in rows)
    return WholeSuppression(suppression=found, isa_18_2=found.kind.isa_18_2, arrived=arrived)
