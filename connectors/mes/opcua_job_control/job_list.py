"""The job list: read once, and shared by all cases that ask for it at the same time.

A server always answers with its whole list, and decoding it is the most expensive operation of this connector.
When a hundred machines fail together, the list is read once for all of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.call import Call
from connectors.mes.opcua_job_control.models import JobOrders
from domain.clock import Clock


@dataclass(frozen=True)
class JobList:
    """All job orders, and the plant's time just before they were read."""

    orders: JobOrders
    read_at: datetime


class SharedJobList:
    """One reading for all callers while it is running, and for a short time afterwards.

    Args:
        read: reads the list from the server.
        clock: the plant's time.
        shared_for: how old a reading may be, by the plant's clock and by the wall's.
    """

    def __init__(self, read: Callable[[Call], Awaitable[JobOrders]], clock: Clock, shared_for: timedelta) -> None:
        self._read = read
        self._clock = clock
        self._shared_for = shared_for
        self._last: tuple[JobList, float] | None = None
        self._reading: asyncio.Task[JobList] | None = None

    async def recent(self, call: Call) -> JobList:
        """A list that is recent enough.

        Raises:
            ConnectorError: it could not be read; all callers that waited for this reading get the error.
        """
        if self._last is not None and self._still_serves(*self._last):
            return self._last[0]
        if self._reading is None:
            self._reading = asyncio.create_task(self._fetch(call))
            self._reading.add_done_callback(self._ended)
        # The caller that began the reading may be cancelled; the others still wait for it.
        return await asyncio.shield(self._reading)

    def forget(self) -> None:
        """Makes the next caller read again, because we have changed a job."""
        self._last = None
        self._reading = None

    async def _fetch(self, call: Call) -> JobList:
        read_at = self._clock.now()
        return JobList(await self._read(call), read_at)

    def _ended(self, reading: asyncio.Task[JobList]) -> None:
        current = self._reading is reading
        if current:
            self._reading = None
        if not reading.cancelled() and reading.exception() is None and current:
            self._last = (reading.result(), asyncio.get_running_loop().time())

    def _still_serves(self, found: JobList, at: float) -> bool:
        age = self._clock.now() - found.read_at
        wall = asyncio.get_running_loop().time() - at
        return timedelta() <= age <= self._shared_for and wall <= self._shared_for.total_seconds()
