"""Leases in memory, each method one call. tests/storage/test_order_leases.py has them keep the real ones' contract."""

from dataclasses import dataclass
from datetime import datetime

from domain.casework import LEASE_LASTS
from domain.clock import Clock
from domain.cmms import OrderLease
from domain.errors import Unavailable
from tests.support.fault_injection import store_call


@dataclass(slots=True)
class _Row:
    number: int
    until: datetime


class MemoryLeases:
    """See `domain.casework.OrderLeases`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[tuple[str, str], _Row] = {}

    async def acquire(self, system: str, scope: str, owner: str) -> OrderLease | None:
        del owner
        return await store_call(lambda: self._acquire(system, scope))

    async def give_back(self, lease: OrderLease) -> None:
        await store_call(lambda: self._give_back(lease))

    def number(self, system: str, scope: str) -> int:
        """How often a scope was acquired."""
        row = self._rows.get((system, scope))
        return 0 if row is None else row.number

    def check(self, lease: OrderLease) -> None:
        """What storing an order under a lease does first."""
        if self._rows[lease.system, lease.scope].number != lease.number:
            raise Unavailable("the lease ended", system=lease.system, operation="create-work-order")

    def _acquire(self, system: str, scope: str) -> OrderLease | None:
        now, row = self._clock.now(), self._rows.get((system, scope))
        if row is not None and now < row.until <= now + LEASE_LASTS:
            return None
        number = 1 if row is None else row.number + 1
        self._rows[system, scope] = _Row(number, now + LEASE_LASTS)
        return OrderLease(system=system, scope=scope, number=number)

    def _give_back(self, lease: OrderLease) -> None:
        row = self._rows[lease.system, lease.scope]
        if row.number == lease.number:
            row.until = self._clock.now()
