"""Records of other systems that could not be read: kept until they are read, or until a person settles them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.clock import Clock
from domain.errors import ActRejected
from domain.unreadable import UnreadableRecord
from domain.work_orders import WorkOrderRecord
from millwright.storage.database.case_tables import unreadable_records
from millwright.storage.database.engine import transaction
from millwright.storage.ledger import ledger

_SETTLE = text(
    "UPDATE unreadable_records SET settled_at = :now "
    "WHERE system = :system AND record = ANY(:records) AND settled_at IS NULL RETURNING record"
)

_OPEN = text(
    "SELECT r.system, r.record, r.field, r.reason, r.raw, r.first_seen_at, r.last_seen_at FROM ("
    "SELECT DISTINCT ON (system, record) system, record, field, reason, raw, first_seen_at, last_seen_at "
    "FROM unreadable_records WHERE settled_at IS NULL ORDER BY system, record, last_seen_at DESC) r "
    "ORDER BY r.first_seen_at, r.system, r.record LIMIT :limit"
)


class OpenReport(NamedTuple):
    """A stored report."""

    system: str
    record: str
    field: str | None
    reason: str
    raw: str
    first_seen_at: datetime
    last_seen_at: datetime


async def keep_unreadable(
    connection: AsyncConnection, records: Sequence[UnreadableRecord], entry: ledger.Entry, actor: str
) -> None:
    """Stores reports. A content that is known already is seen again; it is an act if it is new, or was settled."""
    now = entry.at
    for record in records:
        key = {"system": record.system, "record": record.record, "digest": record.digest}
        new = insert(unreadable_records).values(
            **key, field=record.field, reason=record.reason, raw=record.raw, first_seen_at=now, last_seen_at=now
        )
        added = await connection.execute(new.on_conflict_do_nothing().returning(unreadable_records.c.record))
        told = added.scalar_one_or_none() is not None
        if not told:
            of_it = [unreadable_records.c[name] == value for name, value in key.items()]
            reopened = update(unreadable_records).where(*of_it, unreadable_records.c.settled_at.is_not(None))
            told = bool((await connection.execute(reopened.values(settled_at=None))).rowcount)
            await connection.execute(update(unreadable_records).where(*of_it).values(last_seen_at=now))
        if told:
            entry.add(ledger.act("record-unreadable", f"record/{record.record}", actor, now, {"record": record}))


async def settle_read(
    connection: AsyncConnection, system: str, records: Iterable[WorkOrderRecord], entry: ledger.Entry
) -> None:
    """Settles the reports on orders that were read now, by whichever name they were reported."""
    names = {name for record in records for name in (record.ref.id, record.ref.key, record.ref.locator) if name}
    if names:
        values = {"now": entry.at, "system": system, "records": sorted(names)}
        _record_settled(entry, system, await connection.scalars(_SETTLE, values))


async def settle_all_but(
    connection: AsyncConnection, system: str, unreadable: Iterable[str], entry: ledger.Entry
) -> None:
    """Settles the reports of a system that was read as a whole, except those on records that are still unreadable."""
    settled = (
        update(unreadable_records)
        .where(
            unreadable_records.c.system == system,
            unreadable_records.c.settled_at.is_(None),
            unreadable_records.c.record.not_in(sorted(unreadable)),
        )
        .values(settled_at=entry.at)
        .returning(unreadable_records.c.record)
    )
    _record_settled(entry, system, await connection.scalars(settled))


def _record_settled(entry: ledger.Entry, system: str, records: Iterable[str]) -> None:
    """Records that reports were settled because the records were read."""
    detail: dict[str, object] = {"system": system, "reason": "it was read"}
    for record in set(records):
        entry.add(ledger.act("record-settled", f"record/{record}", system, entry.at, detail, reported=True))


async def open_reports(engine: AsyncEngine, limit: int | None = None) -> list[OpenReport]:
    """The newest report on each record that is not settled, oldest record first; all of them without a limit."""
    async with transaction(engine) as connection:
        return [OpenReport._make(row) for row in await connection.execute(_OPEN, {"limit": limit})]


async def settle_by_person(engine: AsyncEngine, clock: Clock, system: str, record: str, by: str, reason: str) -> None:
    """Settles the open reports on a record that no reading will settle, for example one that was deleted.

    Raises:
        ActRejected: there is no open report on it.
    """
    async with transaction(engine) as connection:
        now = clock.now()
        settled = await connection.execute(_SETTLE, {"now": now, "system": system, "records": [record]})
        if not settled.rowcount:
            problem = f"there is no open report on record {record} of {system}"
            raise ActRejected(problem, field="record", fix="`millwright unreadable list` has them")
        entry = ledger.Entry(now)
        detail: dict[str, object] = {"system": system, "reason": reason}
        entry.add(ledger.act("record-settled", f"record/{record}", by, now, detail))
        await ledger.append(connection, entry)
