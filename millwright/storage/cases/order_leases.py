"""Leases under which orders are created; see `domain.casework.OrderLeases`."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.casework import LEASE_LASTS
from domain.clock import Clock
from domain.cmms import OrderLease
from domain.errors import Unavailable
from millwright.storage.database.engine import transaction

# One statement: if two steps run it at once, the second waits for the row, and then sees the first step's lease. None
# that we gave ends later than one that begins now.
_ACQUIRE = text(
    "INSERT INTO order_leases AS l (system, scope, number, owner, lease_until) "
    "VALUES (:system, :scope, 1, :owner, :until) ON CONFLICT (system, scope) DO UPDATE "
    "SET number = l.number + 1, owner = :owner, lease_until = :until WHERE l.lease_until <= :now "
    "OR l.lease_until > :until RETURNING number"
)
_GIVE_BACK = text(
    "UPDATE order_leases SET lease_until = :now WHERE system = :system AND scope = :scope AND number = :number"
)
_HOLDER = text("SELECT number, owner FROM order_leases WHERE system = :system AND scope = :scope FOR UPDATE")


class _Holder(NamedTuple):
    number: int
    owner: str


class OrderLeaseStore:
    """The leases in PostgreSQL.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def acquire(self, system: str, scope: str, owner: str) -> OrderLease | None:
        now = self._clock.now()
        wanted = {"system": system, "scope": scope, "owner": owner, "now": now, "until": now + LEASE_LASTS}
        async with transaction(self._engine) as connection:
            number: int | None = await connection.scalar(_ACQUIRE, wanted)
        return None if number is None else OrderLease(system=system, scope=scope, number=number)

    async def give_back(self, lease: OrderLease) -> None:
        async with transaction(self._engine) as connection:
            await connection.execute(_GIVE_BACK, {**lease.model_dump(), "now": self._clock.now()})


async def check_lease(connection: AsyncConnection, lease: OrderLease) -> None:
    """Checks that nobody else has acquired the scope since. It locks the lease until the transaction ends.

    Raises:
        Unavailable: somebody else has acquired it.
    """
    found = (await connection.execute(_HOLDER, {"system": lease.system, "scope": lease.scope})).one()
    holder = _Holder(*found)
    if holder.number != lease.number:
        raise Unavailable(
            f"the lease on {lease.scope} ended before the order was recorded; {holder.owner} has it",
            system=lease.system,
            operation="create-work-order",
        )
