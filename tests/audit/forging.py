"""Acts that somebody who may write to the database chains into the ledger beside the product."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.keys import case_workflow_id
from millwright.storage.database.engine import raw, transaction
from millwright.storage.ledger import ledger

ForgedAct = tuple[str, str, dict[str, object]]
"""The kind, the actor and the detail of an act on a case."""


async def forge(engine: AsyncEngine, case: str, at: datetime, *acts: ForgedAct) -> None:
    """Chains acts on a case with a ledger row that agrees."""
    entry = ledger.Entry(at)
    for kind, actor, detail in acts:
        entry.add(ledger.act(kind, case_workflow_id(case), actor, at, detail))
    async with transaction(engine) as connection, (await raw(connection)).cursor() as cursor:
        await ledger.append_by(cursor, entry)
