"""Runs a worker's activities with heartbeats, and at most one attempt of a workflow's step at a time."""

import asyncio
from contextlib import suppress
from typing import Any, Final
from weakref import WeakValueDictionary

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from domain.errors import ActRejected
from domain.loops import repeat

_BEATS_A_TIMEOUT: Final = 4
_OWN_BEAT: Final = "judge-line"
"""It heartbeats by itself after each transaction, so that a hanging one is noticed. Two concurrent attempts do no
harm."""


class ActivityInterceptor(Interceptor):
    """Heartbeats for every activity with a heartbeat timeout, and makes a second attempt wait for the first.

    The engine notices a killed worker within the heartbeat timeout, not at the end of the longest call. The engine may
    start an attempt while an earlier one still runs here: after an outage longer than the timeout, or after it lost its
    history and restarted the workflow. Both attempts would look for our key, find nothing, and create. So the second
    waits, and finds the result of the first. If the engine answers the first one's heartbeat that it is unknown, the
    first is cancelled.
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
        except ActRejected as error:
            # Storage knows no such case, or does not allow this step. The run ends with that sentence. A subject
            # that is due in storage is started again.
            raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from error
        finally:
            if beating is not None:
                beating.cancel()
                with suppress(asyncio.CancelledError):
                    await beating


async def _beat() -> None:
    activity.heartbeat()
