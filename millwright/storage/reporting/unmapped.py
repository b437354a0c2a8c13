"""The events that wait because the register lacks a name."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.model import Model
from millwright.storage.database.engine import transaction

_COUNTS = text(
    "SELECT reason, count(*) AS events FROM events WHERE fate = 'unmapped' GROUP BY reason "
    "ORDER BY count(*) DESC, reason LIMIT :most"
)


class UnmappedEvents(Model):
    """How many events wait for the same reason."""

    reason: str
    events: int


async def unmapped_events(engine: AsyncEngine, most: int) -> Sequence[UnmappedEvents]:
    """The reasons for which most events are unmapped, the most frequent first."""
    async with transaction(engine) as connection:
        rows = await connection.execute(_COUNTS, {"most": most})
        return [UnmappedEvents(reason=row.reason or "", events=row.events) for row in rows]
