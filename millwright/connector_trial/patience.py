"""Waits where the system itself asks us to slow down, as a case does, and asks again."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final, TypeVar

from domain.cmms import CmmsCapabilities, OrderQuery
from domain.errors import Unavailable
from domain.open_work import OpenWork, OpenWorkQuery
from domain.ports import Cmms
from domain.work_orders import ChangePage, Escalation, WorkOrderDraft, WorkOrderRecord, WorkOrderRef
from millwright.connector_trial.wire import TrialWire

T = TypeVar("T")
Waiting = Callable[[timedelta, str], Awaitable[None]]
"""Waits for a time; the words say for what."""

_FIRST_WAIT: Final = timedelta(seconds=15)
_LONGEST_WAIT: Final = timedelta(minutes=1)
"""How long to wait where a 429 says nothing: at first, and after some doubling. A call is made again from its
beginning, so the system must have room for all its requests."""
_LONGEST: Final = timedelta(minutes=5)
"""How long one call waits at most in all. Then the trial gives up: the limit is that of an hour or a day."""


async def really_wait(time: timedelta, words: str) -> None:
    """Waits, and says nothing."""
    del words
    await asyncio.sleep(time.total_seconds())


class PatientCmms:
    """A connector whose calls are made again after the system's own 429.

    A trial makes more requests in a minute than a plant does in a day. A 429 that the trial makes is passed on.

    Args:
        cmms: the connector.
        wire: where the system's 429 are counted.
        waiting: waits.
        known: gets each record of an order that was created or changed.
    """

    def __init__(self, cmms: Cmms, wire: TrialWire, waiting: Waiting, known: Callable[[WorkOrderRecord], None]) -> None:
        self._cmms = cmms
        self._wire = wire
        self._waiting = waiting
        self._known = known

    @property
    def capabilities(self) -> CmmsCapabilities:
        return self._cmms.capabilities

    async def check(self) -> str:
        return await self._patiently(self._cmms.check)

    async def find_work_orders(self, query: OrderQuery) -> Sequence[WorkOrderRecord]:
        return await self._patiently(lambda: self._cmms.find_work_orders(query))

    async def find_open_work(self, query: OpenWorkQuery) -> OpenWork:
        return await self._patiently(lambda: self._cmms.find_open_work(query))

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        return self._made(await self._patiently(lambda: self._cmms.create_work_order(draft)))

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        return await self._patiently(lambda: self._cmms.read_work_order(ref))

    async def release_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        return self._made(await self._patiently(lambda: self._cmms.release_work_order(ref, memo)))

    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        return self._made(await self._patiently(lambda: self._cmms.withdraw_work_order(ref, memo)))

    async def escalate_work_order(self, ref: WorkOrderRef, escalation: Escalation) -> WorkOrderRecord:
        return self._made(await self._patiently(lambda: self._cmms.escalate_work_order(ref, escalation)))

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        await self._patiently(lambda: self._cmms.add_note(ref, note_key, text))

    async def changed_since(self, cursor: str | None) -> ChangePage:
        return await self._patiently(lambda: self._cmms.changed_since(cursor))

    def _made(self, record: WorkOrderRecord) -> WorkOrderRecord:
        self._known(record)
        return record

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        waited, unasked = timedelta(), _FIRST_WAIT
        while True:
            throttled = self._wire.throttled
            try:
                return await call()
            except Unavailable as error:
                if self._wire.throttled == throttled:
                    raise
                wait = error.retry_after or unasked
                self._wire.given_up = self._wire.given_up or waited + wait > _LONGEST
                if self._wire.given_up:
                    raise
                await self._waiting(wait, f"{error.system} asks us to slow down; waiting {wait.total_seconds():g} s")
                waited, unasked = waited + wait, min(2 * unasked, _LONGEST_WAIT)
