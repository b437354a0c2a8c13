"""Training labels in storage. They never change; a correction adds a revision."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.outcomes import Label
from millwright.storage.database.case_tables import labels
from millwright.storage.database.engine import transaction


async def read_labels(engine: AsyncEngine) -> list[Label]:
    """All revisions of all labels, in the order of cases."""
    async with transaction(engine) as connection:
        rows = await connection.scalars(select(labels.c.body).order_by(labels.c.case_id, labels.c.revision))
        return [Label.model_validate(body) for body in rows]
