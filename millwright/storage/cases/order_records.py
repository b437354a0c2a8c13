"""The order of a case as its own steps read it from the CMMS; see `domain.casework.CaseStore`."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.cases import Phase
from domain.cmms import OrderLease
from domain.keys import case_workflow_id
from domain.work_orders import WorkOrderRecord
from millwright.storage.cases.admissions import wake_waiting
from millwright.storage.cases.order_leases import check_lease
from millwright.storage.cases.unreadable import settle_read
from millwright.storage.database.case_tables import cases, work_orders
from millwright.storage.ledger import ledger
from millwright.storage.suppression.work_windows import follow_work


class _KnownRow(NamedTuple):
    external_id: str | None
    record: object
    read_at: datetime | None


async def record_order(
    connection: AsyncConnection,
    case: str,
    record: WorkOrderRecord,
    read_at: datetime,
    lease: OrderLease | None,
    work_window: timedelta | None,
    entry: ledger.Entry,
) -> None:
    """Keeps an order as read back: placed, or changed by people since.

    Args:
        read_at: just before the CMMS was asked.
        lease: under which the order was created.
        work_window: how long work in progress keeps a machine's other faults quiet at most; None for not at all.

    Raises:
        Unavailable: the lease is another step's by now.
    """
    if lease is not None:
        await check_lease(connection, lease)
    row = (
        await connection.execute(
            select(work_orders.c.external_id, work_orders.c.record, work_orders.c.read_at)
            .where(work_orders.c.case_id == case)
            .with_for_update()
        )
    ).one_or_none()
    if row is None:
        # An order of a person that another step has detached meanwhile.
        return
    known = _KnownRow._make(row)
    before = None if known.record is None else WorkOrderRecord.model_validate(known.record)
    if record.of_a_person and (before is None or not before.ref.same_record(record.ref)):
        # It was detached meanwhile, and the case is to have an order of its own.
        return
    if before is not None and before.of_a_person and not record.of_a_person:
        # With a key of ours it is not theirs any more, and it was never one that we created: nothing may move it.
        return
    record = record.without_past_day(before)
    await settle_read(connection, record.ref.system, [record], entry)
    # A poll may have brought what people did since; its cursor has passed, so it will not bring it again.
    overtaken = known.read_at is None or known.read_at >= read_at
    if before is not None and overtaken and record.older_than(before):
        return
    values: dict[str, object] = {"read_at": read_at}
    if record != before:
        body = record.model_dump(mode="json")
        values |= {"record": body, "status": record.status.value, "external_id": record.ref.id}
    found_after_end = False
    if known.external_id is None:
        values["placed_at"] = entry.at
        in_work = update(cases).where(cases.c.id == case, cases.c.closed_as.is_(None)).values(phase=Phase.WORK.value)
        found_after_end = not (await connection.execute(in_work)).rowcount
    await connection.execute(update(work_orders).where(work_orders.c.case_id == case).values(**values))
    if record != before:
        kind = "order-placed" if known.external_id is None else "order-changed"
        # One that is found after its case has ended is told as a poll tells it, as what the CMMS said: no step of the
        # case placed it, and the phase stays.
        actor = record.ref.system if found_after_end else "millwright"
        entry.add(ledger.act(kind, case_workflow_id(case), actor, entry.at, {"record": record}))
        await follow_work(connection, record, case, work_window, entry)
        # An order that is found after its case has ended counts again.
        if found_after_end or record.status.not_done is not (before is not None and before.status.not_done):
            await wake_waiting(connection, case, entry.at)
