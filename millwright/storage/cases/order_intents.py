"""The draft of a case's order, written down before it goes out."""

from sqlalchemy import null, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.cases import Phase
from domain.draft_findings import DraftCheck
from domain.keys import case_workflow_id
from domain.open_work import OpenWorkSeen
from domain.work_orders import WorkOrderDraft
from millwright.storage.cases.order_grounds import check_draft
from millwright.storage.database.case_tables import cases, work_orders
from millwright.storage.ledger import ledger


async def intend_order(
    connection: AsyncConnection,
    case: str,
    system: str,
    draft: WorkOrderDraft,
    open_work: OpenWorkSeen | None,
    check: DraftCheck | None,
    entry: ledger.Entry,
) -> WorkOrderDraft:
    """Stores the draft, with what was open on the asset and what its check found; the first one stands and is returned.

    Raises:
        ActionRequired: the record has no ground for this order: somebody has altered the database.
        Unavailable: the work was called off after the case was read.
    """
    kept = await connection.execute(
        insert(work_orders)
        .values(
            case_id=case,
            system=system,
            intended_at=entry.at,
            draft=draft.model_dump(mode="json"),
            open_work=null() if open_work is None else open_work.model_dump(mode="json"),
            draft_check=null() if check is None else check.model_dump(mode="json"),
        )
        .on_conflict_do_nothing()
        .returning(work_orders.c.case_id)
    )
    if kept.scalar_one_or_none() is not None:
        await check_draft(connection, case, system, draft, kept=False)
        await connection.execute(update(cases).where(cases.c.id == case).values(phase=Phase.PLACE.value))
        detail = {"system": system, "draft": draft, "open_work": open_work, "draft_check": check}
        entry.add(ledger.act("order-intended", case_workflow_id(case), "millwright", entry.at, detail))
        return draft
    stored = await connection.scalar(select(work_orders.c.draft).where(work_orders.c.case_id == case))
    first = WorkOrderDraft.model_validate(stored)
    await check_draft(connection, case, system, first, kept=True)
    return first
