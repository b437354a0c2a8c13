"""Keeps what a twin was told of an outcome."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.keys import case_workflow_id
from domain.outcomes import OutcomeClass
from domain.twin_writes import TwinWrite
from millwright.storage.database.case_tables import outcomes
from millwright.storage.ledger import ledger


async def keep_twin_write(
    connection: AsyncConnection, case: str, write: TwinWrite, told: OutcomeClass, entry: ledger.Entry
) -> None:
    """Stores what a twin was told and did not take, if the outcome is still the one that it was told."""
    etag = write.etag if write.told else None
    kept = await connection.execute(
        update(outcomes)
        .where(outcomes.c.case_id == case, outcomes.c.outcome == told.value)
        .values(twin_etag=etag, twin_write=write.model_dump(mode="json"))
    )
    if kept.rowcount:
        kind = "twin-told" if write.told else "twin-not-told"
        detail: dict[str, object] = {"etag": etag, "told": write} if write.told else {"told": write}
        entry.add(ledger.act(kind, case_workflow_id(case), "millwright", entry.at, detail))
