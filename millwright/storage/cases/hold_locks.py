"""Locks and reads holds before a transaction changes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.work_orders import FINISHED_STATUSES
from millwright.storage.database.asset_rows import retired_at
from millwright.storage.database.live_holds import LIVE_STATES

_COLUMNS = "h.key, h.system, h.equipment, h.state, h.release, h.overruled_at, h.test_run"
_OF_CASE = text(
    f"SELECT {_COLUMNS} FROM holds h JOIN hold_claims m ON m.hold_key = h.key "
    "WHERE m.case_id = :case AND m.dropped_at IS NULL FOR UPDATE OF h"
)
_ON = text(
    f"SELECT {_COLUMNS} FROM holds h WHERE h.system = :system AND h.equipment = :equipment "
    "AND h.state = ANY(:states) FOR UPDATE"
)
_STANDS_ON = text(
    "SELECT EXISTS (SELECT FROM holds h WHERE h.system = :system AND h.equipment = :equipment "
    f"AND h.state IN {LIVE_STATES})"
)
_OF_KEY = text(f"SELECT {_COLUMNS} FROM holds h WHERE h.key = :key FOR UPDATE")
# Read after the hold is locked, so that claims which were dropped before are not read.
_CLAIMS = text(
    "SELECT case_id, ready_at FROM hold_claims WHERE hold_key = :key AND dropped_at IS NULL ORDER BY case_id"
)
_AT_WORK_AGAIN = text(
    "SELECT w.external_id FROM hold_claims c JOIN work_orders w ON w.case_id = c.case_id "
    "WHERE c.hold_key = :key AND w.external_id IS NOT NULL "
    "AND w.status <> ALL(:finished) ORDER BY 1"
)

# A retirement locks the cases of its assets: of it and a claim one is first, and the other sees it.
_MACHINE = text("SELECT machine FROM cases WHERE id = :case FOR KEY SHARE")


class LockedHold(NamedTuple):
    """A hold that no other transaction changes until this one ends."""

    key: str
    system: str
    equipment: str
    state: str
    release: Mapping[str, object] | None
    overruled_at: datetime | None
    test_run: Mapping[str, object] | None


class LiveClaim(NamedTuple):
    """A case that claims a hold. `ready_at` is when its work was done; None while it is at work."""

    case_id: str
    ready_at: datetime | None


class _OrderRow(NamedTuple):
    external_id: str


async def lock_hold(connection: AsyncConnection, key: str) -> LockedHold:
    """Locks the hold of this key, which must exist."""
    return LockedHold._make((await connection.execute(_OF_KEY, {"key": key})).one())


async def lock_hold_if_any(connection: AsyncConnection, key: str) -> LockedHold | None:
    """Locks the hold of this key; None if there is none."""
    row = (await connection.execute(_OF_KEY, {"key": key})).one_or_none()
    return None if row is None else LockedHold._make(row)


async def lock_hold_of_case(connection: AsyncConnection, case: str) -> LockedHold | None:
    """Locks the hold that a case claims; None if it claims none."""
    row = (await connection.execute(_OF_CASE, {"case": case})).one_or_none()
    return None if row is None else LockedHold._make(row)


async def lock_hold_on(
    connection: AsyncConnection, system: str, equipment: str, states: Sequence[str]
) -> LockedHold | None:
    """Locks the hold on an equipment that is in one of these states; None if there is none."""
    values = {"system": system, "equipment": equipment, "states": list(states)}
    row = (await connection.execute(_ON, values)).one_or_none()
    return None if row is None else LockedHold._make(row)


async def hold_stands_on(connection: AsyncConnection, system: str, equipment: str) -> bool:
    """Whether a live hold is on an equipment. It locks nothing."""
    return bool(await connection.scalar(_STANDS_ON, {"system": system, "equipment": equipment}))


async def machine_retired_at(connection: AsyncConnection, case: str) -> datetime | None:
    """When the machine of a case was retired, None while it is in the plant; it is not retired before the transaction
    ends."""
    machine: str = (await connection.execute(_MACHINE, {"case": case})).scalar_one()
    return (await retired_at(connection, [machine])).get(machine)


async def live_claims(connection: AsyncConnection, key: str) -> list[LiveClaim]:
    """The cases that claim a hold."""
    return [LiveClaim._make(row) for row in await connection.execute(_CLAIMS, {"key": key})]


async def orders_at_work_again(connection: AsyncConnection, key: str) -> list[str]:
    """The orders of a hold's cases that are not finished, by the CMMS's id."""
    values = {"key": key, "finished": list(FINISHED_STATUSES)}
    return [_OrderRow._make(row).external_id for row in await connection.execute(_AT_WORK_AGAIN, values)]
