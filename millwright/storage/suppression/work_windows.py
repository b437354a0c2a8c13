"""Windows around work in progress: a machine that is being worked on shows faults that it does not have."""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.assets import CMMS_SYSTEM, system_of
from domain.canonical import timestamp
from domain.suppression import Suppression, SuppressionKind
from domain.work_orders import WorkOrderRecord
from millwright.storage.ledger import ledger
from millwright.storage.suppression.suppressions import end_early, is_stored, live_of_source, make, name_of

# Work of our own case spares the case's fault; anybody else's is found by the asset's name in the CMMS.
_PLACE = text(
    "SELECT coalesce(a.machine, a.id) AS machine, c.asset AS spared_asset, c.failure_mode AS spared_mode "
    "FROM assets a LEFT JOIN cases c ON c.id = :case WHERE a.valid_to IS NULL AND a.id = coalesce(c.asset, "
    "(SELECT n.asset FROM crosswalk n WHERE n.system IN (:system, :instance) AND n.external_id = :name "
    "AND n.valid_to IS NULL ORDER BY n.system = :instance DESC LIMIT 1))"
)


class _PlaceRow(NamedTuple):
    machine: str
    spared_asset: str | None
    spared_mode: str | None


async def follow_work(
    connection: AsyncConnection,
    record: WorkOrderRecord,
    case: str | None,
    longest: timedelta | None,
    entry: ledger.Entry,
) -> None:
    """Opens a window where an order has gone into progress, and ends it where it is so no more.

    Args:
        record: the order as read back; its own stamp says since when it is as it is.
        case: the case whose order it is, None for somebody else's.
        longest: how long the window is at most; None makes none.
    """
    if longest is None:
        return
    if not record.work_has_begun:
        await end_work(connection, record, f"is {record.vendor_status}", entry)
        return
    source = _source(record)
    live = await live_of_source(connection, (SuppressionKind.WORK,), source)
    until = record.changed_at + longest
    name = name_of("WK", source, timestamp(record.changed_at))
    if live or until <= entry.at or await is_stored(connection, name):
        return
    values = {
        "case": case,
        "system": CMMS_SYSTEM,
        "instance": system_of(CMMS_SYSTEM, record.ref.system),
        "name": record.asset_external_id,
    }
    row = (await connection.execute(_PLACE, values)).one_or_none()
    if row is None:
        return
    place = _PlaceRow._make(row)
    made = Suppression(
        id=name,
        kind=SuppressionKind.WORK,
        asset=place.machine,
        spared_asset=place.spared_asset,
        spared_mode=place.spared_mode,
        from_at=record.changed_at,
        until_at=until,
        end_at=until,
        reason=f"order {record.ref.id} is {record.vendor_status}",
        made_by=record.ref.system,
        made_at=entry.at,
        source=source,
    )
    await make(connection, made, entry)


async def end_work(connection: AsyncConnection, record: WorkOrderRecord, because: str, entry: ledger.Entry) -> None:
    """Ends the window of an order: when its work ended, or now if its work goes on.

    Args:
        record: the order as read back.
        because: the reason, as the end of a sentence that begins with the order's number.
    """
    at = entry.at if record.work_has_begun else record.changed_at
    for suppression in await live_of_source(connection, (SuppressionKind.WORK,), _source(record)):
        await end_early(connection, suppression, at, record.ref.system, f"order {record.ref.id} {because}", entry)


def _source(record: WorkOrderRecord) -> str:
    return f"{record.ref.system}/{record.ref.id}"
