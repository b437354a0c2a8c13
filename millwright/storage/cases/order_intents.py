"""The draft of a case's order, written down before it goes out."""

from typing import NamedTuple

from sqlalchemy import null, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.cases import Phase
from domain.corrections import DraftCorrection, corrected
from domain.draft_findings import DraftCheck
from domain.errors import Unavailable
from domain.keys import case_workflow_id
from domain.open_work import OpenWorkSeen
from domain.work_orders import WorkOrderDraft, WorkOrderRecord
from millwright.storage.cases.order_grounds import check_draft
from millwright.storage.database.case_tables import cases, work_orders
from millwright.storage.ledger import ledger


class _KeptRow(NamedTuple):
    draft: object
    record: object
    corrections: list[object] | None


async def intend_order(
    connection: AsyncConnection,
    case: str,
    system: str,
    draft: WorkOrderDraft,
    open_work: OpenWorkSeen | None,
    check: DraftCheck | None,
    entry: ledger.Entry,
) -> WorkOrderDraft:
    """Stores the draft, with what was open on the asset and what its check found; the first one stands and is returned,
    with what people corrected.

    Raises:
        ActionRequired: the record has no ground for this order: somebody has altered the database.
        Unavailable: the work was called off after the case was read, or the case has an order of a person by now.
    """
    if await keep_draft(connection, case, system, draft, open_work, check, entry):
        await connection.execute(update(cases).where(cases.c.id == case).values(phase=Phase.PLACE.value))
        return draft
    query = select(work_orders.c.draft, work_orders.c.record, work_orders.c.corrections)
    row = (await connection.execute(query.where(work_orders.c.case_id == case))).one_or_none()
    stored = None if row is None else _KeptRow._make(row)
    if stored is None or (stored.record and WorkOrderRecord.model_validate(stored.record).of_a_person):
        words = "an order of a person is the order of this case by now, or was until a moment ago"
        raise Unavailable(words, system="record", operation="create-work-order", key=case)
    first = WorkOrderDraft.model_validate(stored.draft)
    corrections = [DraftCorrection.model_validate(each) for each in stored.corrections or ()]
    await check_draft(connection, case, system, first, kept=True, corrections=corrections)
    if corrections:
        # Before the CMMS is asked: a correction that comes while it is asked is not on the order.
        sent = update(work_orders).where(work_orders.c.case_id == case).values(corrections_sent=len(corrections))
        await connection.execute(sent.where(work_orders.c.corrections_sent.is_distinct_from(len(corrections))))
    return corrected(first, corrections)


async def keep_draft(
    connection: AsyncConnection,
    case: str,
    system: str,
    draft: WorkOrderDraft,
    open_work: OpenWorkSeen | None,
    check: DraftCheck | None,
    entry: ledger.Entry,
    **order: object,
) -> bool:
    """Stores the draft of a case that has none; False if it has one.

    Args:
        order: columns of an order that the case gets with the draft.

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
            **order,
        )
        .on_conflict_do_nothing()
        .returning(work_orders.c.case_id)
    )
    if kept.scalar_one_or_none() is None:
        return False
    await check_draft(connection, case, system, draft, kept=False)
    detail = {"system": system, "draft": draft, "open_work": open_work, "draft_check": check}
    entry.add(ledger.act("order-intended", case_workflow_id(case), "millwright", entry.at, detail))
    return True
