"""A CMMS with its people, as far as the contract suite needs one, and how the suite reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

import httpx

from domain.cmms import OrderApproval, OrderQuery
from domain.ports import Cmms
from domain.unreadable import UnreadableRecord
from domain.work_orders import FindingRole, WorkOrderDraft, WorkOrderRecord, WorkOrderRef, WorkOrderStatus


@dataclass(frozen=True)
class CompletedWork:
    """What a CMMS tells of an order that its people completed, besides their notes.

    Args:
        codes: the group and the code by role.
        downtime: of the machine.
        work_lasted: from the start to the end of the work; None if it does not tell both.
        tells_end: whether it tells when the work ended.
        disposition: the vendor's word for how the job ended.
    """

    codes: Mapping[FindingRole, tuple[str | None, str]] = field(default_factory=dict)
    downtime: timedelta | None = None
    work_lasted: timedelta | None = None
    tells_end: bool = True
    disposition: str | None = None


EVERYTHING: Final = CompletedWork(
    codes={
        FindingRole.PROBLEM: ("ELEC", "OVERVOLT"),
        FindingRole.CAUSE: ("ELEC", "REGULATR"),
        FindingRole.REMEDY: ("ELEC", "REPLACE"),
    },
    downtime=timedelta(hours=3),
    work_lasted=timedelta(hours=2),
)
"""What a CMMS tells that has failure codes, actual times and downtime."""

NO_WAIT: Final[Mapping[str, str]] = dict.fromkeys(
    ("releasing_twice_releases_once", "releasing_request_lost", "releasing_answer_lost"),
    "no order waits there: a new one is approved at once",
)
"""The behaviours that cannot be tried where no order waits for its approval."""
SENT_TWICE: Final = "this system itself makes a second record of a second request, so the connector looks up"
"""Why a creating request that is sent twice makes two orders where the connector looks up."""


class CmmsPlant(Protocol):
    """A CMMS with its people, as far as this suite needs one.

    Args:
        host: the host of the CMMS, as `check` names it.
        told: what the connector reads of completed work.
        names_fields: whether the CMMS names a field that it demands.
        not_applicable: the behaviours of `millwright.connector_trial` that this CMMS cannot have, with the reason.

    `reject` cancels an order and says why, where the CMMS has a place for it. It gives the author that the CMMS names.
    `put_off` sets an order aside until a day, and gives how long after midnight UTC the day begins at the site.
    """

    secrets: Sequence[str]
    host: str
    told: CompletedWork
    names_fields: bool
    not_applicable: Mapping[str, str]

    def client(self) -> httpx.AsyncClient: ...
    def connector(self, *, secret: str | None = None, http: httpx.AsyncClient | None = None) -> Cmms: ...
    def draft(self, *, released: bool = False, asset: str = ...) -> WorkOrderDraft: ...
    def wait(self, time: timedelta) -> None: ...
    def misbehave(self, operation: str, kind: str, times: int = 1, **params: str | float) -> None: ...
    def orders_of(self, key: str) -> int: ...
    async def notes(self, ref: WorkOrderRef) -> list[str]: ...
    def approve(self, ref: WorkOrderRef) -> None: ...
    def cancel(self, ref: WorkOrderRef) -> None: ...
    def reject(self, ref: WorkOrderRef, reason: str) -> str | None: ...
    def complete(self, ref: WorkOrderRef, note: str) -> None: ...
    def set_aside(self, ref: WorkOrderRef) -> None: ...
    def put_off(self, ref: WorkOrderRef, day: str) -> timedelta: ...
    def delete(self, ref: WorkOrderRef) -> None: ...
    def put_key(self, ref: WorkOrderRef, key: str | None) -> None: ...
    async def people_open(self, asset: str) -> str: ...


class SandboxPlant(CmmsPlant, Protocol):
    """A CMMS of the sandbox, which is started for one test."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


def draft_of(
    key: str, asset: str, at: datetime, *, released: bool, attributes: Mapping[str, str] | None = None
) -> WorkOrderDraft:
    """A draft whose summary is longer than most CMMS take."""
    return WorkOrderDraft(
        key=key,
        asset="machine-1/comp1",
        asset_attributes=dict(attributes or {}),
        asset_external_id=asset,
        summary="Machine 1, comp1: voltage above its baseline " * 4,
        paragraphs=tuple(f"Paragraph {number}. " + "word " * 20 for number in range(3)),
        failure_mode="ELF",
        priority=2,
        released=released,
        reported_at=at,
        due_at=at + timedelta(hours=4),
    )


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


async def released(cmms: Cmms, draft: WorkOrderDraft) -> WorkOrderRecord:
    """The order of a draft, released by a call of its own.

    A released draft waits first only where waiting is a state of the order. Where it is a request, a released draft is
    created as an order.
    """
    if cmms.capabilities.approval is not OrderApproval.REQUEST:
        return await cmms.create_work_order(draft)
    waiting = await cmms.create_work_order(draft.model_copy(update={"released": False}))
    return await cmms.release_work_order(waiting.ref, "approved in the console")


def as_created(cmms: Cmms) -> WorkOrderStatus:
    """The state of a new order that nobody has released: where none can wait, it counts as approved."""
    waits = cmms.capabilities.approval is not OrderApproval.NONE
    return WorkOrderStatus.WAITING_APPROVAL if waits else WorkOrderStatus.APPROVED
