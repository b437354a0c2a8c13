"""A CMMS with its people, as far as the contract suite needs one, and how the suite reads it."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Protocol

from domain.cmms import Idempotency, OrderApproval, OrderQuery
from domain.ports import Cmms
from domain.unreadable import UnreadableRecord
from domain.work_orders import WorkOrderDraft, WorkOrderRecord, WorkOrderRef


class CmmsPlant(Protocol):
    """A CMMS with its people, as far as this suite needs one.

    Args:
        left_out: what of a completion report this CMMS does not have: fields of `CompletionReport`, and `group` for
            the group of a code.
        names_fields: whether it names a field that it demands.
    """

    secrets: Sequence[str]
    left_out: Collection[str]
    names_fields: bool

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


async def created_by_many(plant: CmmsPlant, draft: WorkOrderDraft, processes: int) -> list[WorkOrderRecord]:
    """What several processes get that create one order: at once, or one after another as the lease lets them."""
    connectors = [plant.connector() for _ in range(processes)]
    if connectors[0].capabilities.idempotency is Idempotency.LOOK_UP:
        return [await cmms.create_work_order(draft) for cmms in connectors]
    return list(await asyncio.gather(*(cmms.create_work_order(draft) for cmms in connectors)))


async def released(cmms: Cmms, draft: WorkOrderDraft) -> WorkOrderRecord:
    """The order of a draft, taken out of the waiting state by a call of its own.

    A draft that is released goes into the waiting state first only where that is a state of the order. Where it is a
    request, it is created as an order.
    """
    if cmms.capabilities.approval is not OrderApproval.REQUEST:
        return await cmms.create_work_order(draft)
    waiting = await cmms.create_work_order(draft.model_copy(update={"released": False}))
    return await cmms.release_work_order(waiting.ref, "approved in the console")
