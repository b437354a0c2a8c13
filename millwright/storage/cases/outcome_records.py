"""The outcome of a case as its own steps read it from the codes of its order; see `domain.casework.CaseStore`."""

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.cases import Phase
from domain.keys import case_workflow_id
from domain.outcomes import Outcome, OutcomeClass
from millwright.storage.database.case_tables import cases, outcomes
from millwright.storage.ledger import ledger

_ACTOR = "millwright"


async def record_outcome(connection: AsyncConnection, outcome: Outcome, entry: ledger.Entry) -> None:
    """Keeps the outcome of a case; the first one stands."""
    kept = await connection.execute(
        insert(outcomes)
        .values(
            case_id=outcome.case,
            outcome=outcome.outcome.value,
            cancelled=outcome.cancelled,
            found_at=outcome.found_at,
            body=outcome.model_dump(mode="json"),
        )
        .on_conflict_do_nothing()
        .returning(outcomes.c.case_id)
    )
    if kept.scalar_one_or_none() is not None:
        await connection.execute(update(cases).where(cases.c.id == outcome.case).values(phase=Phase.LEARN.value))
        entry.add(_act("outcome-found", outcome, entry))


async def reclassify_outcome(connection: AsyncConnection, outcome: Outcome, entry: ledger.Entry) -> None:
    """Keeps what an outcome is known to mean by now, where it was UNKNOWN; the twin is to be told again."""
    moved = await connection.execute(
        update(outcomes)
        .where(outcomes.c.case_id == outcome.case, outcomes.c.outcome == OutcomeClass.UNKNOWN.value)
        .values(
            outcome=outcome.outcome.value,
            found_at=outcome.found_at,
            body=outcome.model_dump(mode="json"),
            twin_etag=None,
            twin_write=None,
        )
    )
    if moved.rowcount:
        entry.add(_act("outcome-reclassified", outcome, entry))


def _act(kind: str, outcome: Outcome, entry: ledger.Entry) -> ledger.Act:
    return ledger.act(kind, case_workflow_id(outcome.case), _ACTOR, entry.at, {"outcome": outcome})
