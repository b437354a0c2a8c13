"""A CMMS with its people, as far as the contract suite needs one, and how the suite reads it."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from typing import Protocol

from domain.cmms import Idempotency, OrderQuery
from domain.ports import Cmms
from domain.unreadable import UnreadableRecord
from domain.work_orders import FindingRole, WorkOrderDraft, WorkOrderRecord, WorkOrderRef


class CmmsPlant(Protocol):
    """A CMMS with its people, as far as this suite needs one."""

    secrets: Sequence[str]
    codes: Mapping[FindingRole, tuple[str, str]]
    """What the technician reports: the group and the code of each role."""

    def connector(self, *, secret: str | None = None, quick: bool = False) -> Cmms: ...
    def draft(self, *, released: bool = False, asset: str = ...) -> WorkOrderDraft: ...
    def wait(self, time: timedelta) -> None: ...
    def misbehave(self, operation: str, kind: str, times: int = 1, **params: str | float) -> None: ...
    def orders_of(self, key: str) -> int: ...
    async def notes(self, ref: WorkOrderRef) -> list[str]: ...
    def approve(self, ref: WorkOrderRef) -> None: ...
    def cancel(self, ref: WorkOrderRef) -> None: ...
    def complete(self, ref: WorkOrderRef, note: str) -> None: ...
    def set_aside(self, ref: WorkOrderRef) -> None: ...
    def delete(self, ref: WorkOrderRef) -> None: ...
    def put_key(self, ref: WorkOrderRef, key: str | None) -> None: ...
    async def people_open(self, asset: str) -> str: ...


def lease_of(cmms: Cmms) -> AbstractAsyncContextManager[object]:
    """The lease that a caller holds while it creates, if two requests at once would make two records."""
    return asyncio.Lock() if cmms.capabilities.idempotency is Idempotency.LOOK_UP else nullcontext()


async def created_under(
    lease: AbstractAsyncContextManager[object], cmms: Cmms, draft: WorkOrderDraft
) -> WorkOrderRecord:
    """Creates an order while holding a lease."""
    async with lease:
        return await cmms.create_work_order(draft)


async def read_all(cmms: Cmms, cursor: str | None) -> tuple[list[WorkOrderRecord], str]:
    """Every page until an empty one."""
    records: list[WorkOrderRecord] = []
    while True:
        page = await cmms.changed_since(cursor)
        cursor = page.cursor
        if not page.records and not page.unreadable:
            return records, cursor
        records += page.records


async def reports(cmms: Cmms) -> list[UnreadableRecord]:
    """What every page reports as unreadable."""
    found: list[UnreadableRecord] = []
    cursor = None
    while True:
        page = await cmms.changed_since(cursor)
        cursor = page.cursor
        if not page.records and not page.unreadable:
            return found
        found += page.unreadable


async def found_by(cmms: Cmms, key: str) -> list[WorkOrderRecord]:
    """The orders that carry a key."""
    return list(await cmms.find_work_orders(OrderQuery(key=key)))
