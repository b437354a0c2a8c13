"""Orders of people that are attached to cases; see `domain.casework.CaseStore`."""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.attaching import OrderAttachment
from domain.cases import Phase
from domain.draft_findings import DraftCheck
from domain.errors import Unavailable
from domain.keys import case_workflow_id
from domain.open_work import OpenWorkSeen
from domain.work_orders import WorkOrderDraft, WorkOrderRecord
from millwright.storage.cases.admissions import give_place_back
from millwright.storage.cases.order_intents import keep_draft
from millwright.storage.database.case_tables import attached_orders, cases, work_orders
from millwright.storage.ledger import ledger
from millwright.storage.scheduling import due
from millwright.storage.suppression.work_windows import end_work, follow_work

_ACTOR = "millwright"
_IS_ORDER_OF_ANOTHER_CASE = text(
    "SELECT EXISTS (SELECT FROM work_orders WHERE system = :system AND external_id = :number AND case_id <> :case)"
)
_IS_ATTACHED = text(
    "SELECT EXISTS (SELECT FROM attached_orders WHERE system = :system AND external_id = :number "
    "AND case_id = :case AND detached_at IS NULL)"
)


class _OrderRow(NamedTuple):
    record: object


async def attach_order(
    connection: AsyncConnection,
    case: str,
    system: str,
    draft: WorkOrderDraft,
    open_work: OpenWorkSeen,
    check: DraftCheck | None,
    attachment: OrderAttachment,
    work_window: timedelta | None,
    entry: ledger.Entry,
) -> bool:
    """Attaches the order of a person to a case, in one transaction with the draft of the order that is not created.

    Args:
        work_window: how long work in progress keeps a machine's other faults quiet at most; None for not at all.

    Returns:
        False if the order is, or was, that of another case, or was this one's before; nothing is written then.

    Raises:
        ActionRequired: the record has no ground for an order: somebody has altered the database.
        Unavailable: the work was called off after the case was read, or another step has intended its order.
    """
    record, now = attachment.record, entry.at
    named = {"system": system, "number": record.ref.id, "case": case}
    if await connection.scalar(_IS_ATTACHED, named):
        # Another step of this case did it at the same moment.
        return True
    # People may have taken the key off the order of another case. It is the order of this case if another step has
    # committed since the last question: then the order cannot be taken again below.
    if await connection.scalar(_IS_ORDER_OF_ANOTHER_CASE, named):
        return False
    attached = await connection.execute(
        insert(attached_orders)
        .values(
            system=system,
            kind=record.ref.kind.value,
            external_id=record.ref.id,
            case_id=case,
            attachment=attachment.model_dump(mode="json"),
            attached_at=now,
        )
        .on_conflict_do_nothing()
        .returning(attached_orders.c.case_id)
    )
    if attached.scalar_one_or_none() is None:
        return bool(await connection.scalar(_IS_ATTACHED, named))
    placed: dict[str, object] = {
        "external_id": record.ref.id,
        "placed_at": now,
        "read_at": attachment.read_at,
        "status": record.status.value,
        "record": record.model_dump(mode="json"),
    }
    if not await keep_draft(connection, case, system, draft, open_work, check, entry, **placed):
        # The transaction is rolled back with this.
        words = "another step has written down the order of this case meanwhile"
        raise Unavailable(words, system="record", operation="attach-order", key=case)
    await connection.execute(update(cases).where(cases.c.id == case).values(phase=Phase.WORK.value))
    detail = {"record": record, "failure_modes": attachment.failure_modes, "read_at": attachment.read_at}
    entry.add(ledger.act("order-attached", case_workflow_id(case), _ACTOR, now, detail))
    await follow_work(connection, record, case, work_window, entry)
    await give_place_back(connection, case, now)
    return True


async def detach_order(
    connection: AsyncConnection, case: str, record: WorkOrderRecord, because: str, entry: ledger.Entry
) -> None:
    """Detaches the order of a person from its case, which is due then; nothing if the case has another one, or none.

    Args:
        record: the order as it was read last.
    """
    found = (
        await connection.execute(select(work_orders.c.record).where(work_orders.c.case_id == case).with_for_update())
    ).one_or_none()
    stored = None if found is None else _OrderRow._make(found).record
    known = None if stored is None else WorkOrderRecord.model_validate(stored)
    if known is None or not known.of_a_person or not known.ref.same_record(record.ref):
        return
    await connection.execute(delete(work_orders).where(work_orders.c.case_id == case))
    await connection.execute(
        update(attached_orders)
        .where(attached_orders.c.case_id == case, attached_orders.c.detached_at.is_(None))
        .values(detached_at=entry.at, because=because)
    )
    await connection.execute(update(cases).where(cases.c.id == case).values(phase=Phase.PLACE.value))
    detail = {"record": record, "because": because}
    entry.add(ledger.act("order-detached", case_workflow_id(case), _ACTOR, entry.at, detail))
    # Nobody reads this order again, so that its window would end only with its longest time.
    await end_work(connection, record, because, entry)
    await due.wake(connection, [case_workflow_id(case)], entry.at)
