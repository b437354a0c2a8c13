"""The decisions on when the work of cases was to be done, with what they were decided from."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.cases import DecidedTime
from domain.production import ProductionContext
from domain.verdict import Context, UrgencyDecision, Verdict
from millwright.storage.database.engine import transaction

# The decision in force of each case; one that was raised and not timed again yet has none.
_DECIDED = text(
    """
    SELECT c.verdict, c.urgency, c.production, g.context FROM cases c CROSS JOIN LATERAL (
        SELECT x.body AS context FROM evidence d
        JOIN verdicts v ON v.event_id = d.event_id AND v.version = c.version AND v.revision = d.revision
        JOIN contexts x ON x.digest = v.body::json->>'context'
        WHERE d.case_id = c.id AND d.how IN ('opened', 'raised') ORDER BY d.id DESC LIMIT 1) g
    WHERE c.urgency IS NOT NULL ORDER BY c.id
    """
)


class _Row(NamedTuple):
    verdict: object
    urgency: object
    production: object
    context: str


async def decided_times(engine: AsyncEngine) -> list[DecidedTime]:
    """The decision in force of each case, in the order of their ids.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    async with transaction(engine) as connection:
        rows = [_Row._make(row) for row in await connection.execute(_DECIDED)]
    return [
        DecidedTime(
            verdict=Verdict.model_validate(row.verdict),
            context=Context.model_validate_json(row.context),
            production=ProductionContext.model_validate(row.production) if row.production else None,
            decision=UrgencyDecision.model_validate(row.urgency),
        )
        for row in rows
    ]
