"""How a worker runs an activity: with signs of life, and never the same step of a workflow twice at once."""

import asyncio
from contextlib import suppress
from typing import Any, Final
from weakref import WeakValueDictionary

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from domain.loops import repeat

_BEATS_A_TIMEOUT: Final = 4
_OWN_BEAT: Final = "judge-line"
"""It heartbeats after each transaction, so that one that hangs is noticed. Two attempts at once do no harm there."""


class ActivityInterceptor(Interceptor):
    """Beats for every activity that has a heartbeat timeout, and makes a second attempt wait for the first.

    A worker that is killed is noticed within the heartbeat timeout, not at the end of the longest call. The engine
    may begin an attempt while an earlier one still runs here: it was away for longer than the timeout, or has lost
    its history and begins the workflow again. Both would look for our key, find nothing, and create. So the second
    waits, and finds what the first has done. The first, when the engine answers its beat that it is not known any
    more, is cancelled.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        """See `Interceptor.intercept_activity`."""
        return _Attempt(next, self._locks)


class _Attempt(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, locks: WeakValueDictionary[str, asyncio.Lock]) -> None:  # noqa: A002 - the SDK's name
        super().__init__(next)
        self._locks = locks

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        info = activity.info()
        if info.activity_type == _OWN_BEAT:
            return await super().execute_activity(input)
        lock = self._locks.setdefault(f"{info.workflow_id} {info.activity_type}", asyncio.Lock())
        beating: asyncio.Task[None] | None = None
        if info.heartbeat_timeout is not None:
            every = info.heartbeat_timeout.total_seconds() / _BEATS_A_TIMEOUT
            beating = asyncio.create_task(repeat(_beat, every=every, delay_first=True))
        try:
            async with lock:
                return await super().execute_activity(input)
        finally:
            if beating is not None:
                beating.cancel()
                with suppress(asyncio.CancelledError):
                    await beating


async def _beat() -> None:
    activity.heartbeat()
