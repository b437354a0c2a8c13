"""What other systems told us of their records, stored with the cursor that says how far we have read."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.clock import Clock
from domain.keys import case_workflow_id, poll_workflow_id
from domain.outcomes import OutcomeClass
from domain.unreadable import UnreadableRecord
from domain.work_orders import CompletionReport, WorkOrderRecord, WorkOrderStatus
from millwright.storage.cases.admissions import awaiting_turn
from millwright.storage.cases.drift import keep_hint
from millwright.storage.cases.unreadable import keep_unreadable, settle_read
from millwright.storage.database.case_tables import cases, changes, outcomes, work_orders
from millwright.storage.database.engine import transaction
from millwright.storage.database.tables import cursors
from millwright.storage.ledger import ledger
from millwright.storage.scheduling import due
from millwright.storage.suppression.work_windows import follow_work

_KEEP_ORDER = text(
    "UPDATE work_orders SET record = CAST(:record AS jsonb), status = :status, external_id = :external_id, "
    "read_at = :now, "
    "placed_at = coalesce(placed_at, :now) WHERE case_id = :case"
)


async def _advance(connection: AsyncConnection, system: str, cursor: str, entry: ledger.Entry) -> None:
    """Stores how far a system has been read. A poll that read nothing new is no act."""
    known = await connection.scalar(select(cursors.c.cursor).where(cursors.c.system == system).with_for_update())
    await connection.execute(
        insert(cursors)
        .values(system=system, cursor=cursor, advanced_at=entry.at)
        .on_conflict_do_update(index_elements=[cursors.c.system], set_={"cursor": cursor, "advanced_at": entry.at})
    )
    if known != cursor:
        entry.add(ledger.act("cursor-advanced", f"cursor/{system}", system, entry.at, {"cursor": cursor}))


def _teaches_anew(record: WorkOrderRecord, before: WorkOrderRecord | None) -> bool:
    """Whether completed work says something else of what it found than at the reading before."""
    if record.status is not WorkOrderStatus.COMPLETED:
        return False
    return before is None or before.status is not record.status or _finding(record) != _finding(before)


def _finding(record: WorkOrderRecord) -> tuple[object, ...]:
    report = record.report or CompletionReport()
    return report.finished_at, report.group, report.codes, report.disposition, report.downtime


class ChangeStore:
    """See `domain.casework.ChangeStore`.

    Args:
        engine: the database.
        clock: the plant's time.
        work_window: how long work in progress keeps a machine's other faults quiet at most; None for not at all.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock, work_window: timedelta | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._work_window = work_window

    async def cursor(self, system: str) -> str | None:
        async with transaction(self._engine) as connection:
            found = await connection.scalar(select(cursors.c.cursor).where(cursors.c.system == system))
            return str(found) if found is not None else None

    async def store_page(
        self,
        system: str,
        records: Sequence[WorkOrderRecord],
        cursor: str,
        unreadable: Sequence[UnreadableRecord] = (),
    ) -> Sequence[str]:
        now = self._clock.now()
        async with transaction(self._engine) as connection:
            entry = ledger.Entry(now)
            await settle_read(connection, system, records, entry)
            await keep_unreadable(connection, unreadable, entry, system)
            woken: list[str] = []
            counted_otherwise: list[str] = []
            for told in records:
                known = (
                    await connection.execute(
                        select(
                            work_orders.c.case_id,
                            work_orders.c.external_id,
                            work_orders.c.record,
                            cases.c.closed_at,
                            outcomes.c.outcome,
                        )
                        .join(cases, cases.c.id == work_orders.c.case_id)
                        .outerjoin(outcomes, outcomes.c.case_id == work_orders.c.case_id)
                        .where(work_orders.c.case_id == told.ref.key)
                        .with_for_update(of=work_orders)
                    )
                ).one_or_none()
                before = WorkOrderRecord.model_validate(known.record) if known is not None and known.record else None
                # A second order with this key, such as a copy that people made. The case follows the first one. So it
                # does where that is an order of a person: with a key of ours it is not theirs any more.
                copied = before is not None and (before.of_a_person or not before.ref.same_record(told.ref))
                if copied:
                    known = before = None
                record = told.without_past_day(before)
                # A page that was read before the order itself, or from an index that lags behind, overwrites nothing.
                if before is not None and (record == before or record.stamped_before(before)):
                    continue
                if not copied:
                    await follow_work(connection, record, known.case_id if known else None, self._work_window, entry)
                kept = await connection.execute(
                    insert(changes)
                    .values(
                        system=system,
                        external_id=record.ref.id,
                        status=record.vendor_status,
                        changed_at=record.changed_at,
                        case_id=known.case_id if known else None,
                        record=record.model_dump(mode="json"),
                        received_at=now,
                    )
                    .on_conflict_do_nothing()
                    .returning(changes.c.external_id)
                )
                if known is None:
                    if kept.scalar_one_or_none() is not None:
                        entry.add(
                            ledger.act("order-unmatched", f"order/{record.ref.id}", system, now, {"record": record})
                        )
                    continue
                await connection.execute(
                    _KEEP_ORDER,
                    {
                        "record": record.model_dump_json(),
                        "status": record.status.value,
                        "external_id": record.ref.id,
                        "now": now,
                        "case": known.case_id,
                    },
                )
                kind = "order-placed" if known.external_id is None else "order-changed"
                entry.add(ledger.act(kind, case_workflow_id(known.case_id), system, now, {"record": record}))
                # An order that is found after its case has ended counts again.
                found = known.external_id is None
                if found or record.status.not_done is not (before is not None and before.status.not_done):
                    counted_otherwise.append(known.case_id)
                # Codes that come after completion are learnt, though the case is closed.
                if known.closed_at is None or known.outcome == OutcomeClass.UNKNOWN or _teaches_anew(record, before):
                    woken.append(known.case_id)
            await _advance(connection, system, cursor, entry)
            next_ones = await awaiting_turn(connection, counted_otherwise, now)
            await due.wake(connection, [case_workflow_id(case) for case in (*woken, *next_ones)], now)
            await ledger.append(connection, entry)
        return woken

    async def finish_poll(self, system: str, seen: int, next_at: datetime) -> None:
        async with transaction(self._engine) as connection:
            await due.settle(connection, poll_workflow_id(system), seen, next_at)

    async def poll_generation(self, system: str) -> int:
        async with transaction(self._engine) as connection:
            return await due.generation(connection, poll_workflow_id(system))

    async def poll_now(self, system: str) -> None:
        """Makes a poll due at start."""
        async with transaction(self._engine) as connection:
            await due.wake(connection, [poll_workflow_id(system)], self._clock.now())

    async def hinted(self, system: str) -> None:
        """Makes a poll due because the system hinted, and remembers when it did last."""
        async with transaction(self._engine) as connection:
            now = self._clock.now()
            await keep_hint(connection, system, now)
            await due.wake(connection, [poll_workflow_id(system)], now)
