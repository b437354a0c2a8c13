"""A plant on the sandbox's MaintainX, and its people."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import httpx

from connectors.cmms import maintainx
from domain.clock import Clock
from domain.work_orders import FindingRole, WorkOrderDraft, WorkOrderRef
from sandbox.maintainx.server import MaintainXServer
from sandbox.maintainx.store import WorkOrder
from sandbox.maintainx.subscriptions import STATUS_CHANGE
from tests.connectors.maintainx_answers import key_of
from tests.contract.cmms_plant import NO_WAIT, SENT_TWICE, CompletedWork, draft_of
from tests.contract.sandbox_site import PATIENT, SandboxSite

API_KEY = "eyJ-Quartz-Harbor-9213"
SIGNED_IN = {"authorization": f"Bearer {API_KEY}", "x-organization-id": "1"}


class MaintainXPlant(SandboxSite[MaintainXServer]):
    """A plant whose key counts for two organisations.

    Its technicians choose what they found in extra fields, and write in one. MaintainX shows no comments.

    Args:
        names: by which the suite calls its assets.
    """

    secrets: Sequence[str] = (API_KEY,)
    told = CompletedWork(
        codes={
            FindingRole.PROBLEM: (None, "OVERVOLT"),
            FindingRole.CAUSE: (None, "REGULATR"),
            FindingRole.REMEDY: (None, "REPLACE"),
        },
    )
    names_fields = True
    host = "127.0.0.1"
    not_applicable: Mapping[str, str] = {**NO_WAIT, "a_request_sent_twice_makes_one_order": SENT_TWICE}
    target = "maintainx"
    operations: Mapping[str, str] = {
        "create": "create_order",
        "query": "list_orders",
        "note": "change_order",
        # No order waits, so a released draft is released by its creation.
        "status": "create_order",
    }

    def __init__(self, _directory: Path | None = None, names: Sequence[str] = ("M001-COMP1", "M002-COMP1")) -> None:
        super().__init__()
        self.server = MaintainXServer(self.clock, API_KEY, self.faults, organizations=(1, 2))
        self.assets = {name: self.server.add_asset(name) for name in names}

    def connector(
        self,
        *,
        secret: str | None = None,
        http: httpx.AsyncClient | None = None,
        clock: Clock | None = None,
        subscriptions: Sequence[int] = (),
    ) -> maintainx.MaintainXCmms:
        settings = maintainx.MaintainXSettings.model_validate(
            {
                "url": self.server.url,
                "api_key": secret or API_KEY,
                "organization": "1",
                "finding_fields": {"problem": "Problem", "cause": "Cause", "remedy": "Remedy"},
                "note_fields": ["Remarks"],
                "rejection_field": "Why not",
                "put_off_field": "Not before",
                "subscriptions": subscriptions,
                "page_size": 3,
                "timeout": PATIENT,
                "requests_a_minute": 100_000,
            }
        )
        return maintainx.connect(settings, http or self.client(), system="maintainx", clock=clock or self.clock)

    async def subscribe(self, url: str) -> tuple[int, str]:
        """The planner has an address told of changes of status; gives the subscription's id and secret."""
        async with httpx.AsyncClient(base_url=self.server.url, headers=SIGNED_IN) as client:
            made = await client.post("/subscriptions", json={"type": STATUS_CHANGE, "url": url})
        return made.json()["id"], made.json()["secret"]

    def draft(self, *, released: bool = False, asset: str = "M001-COMP1") -> WorkOrderDraft:
        number = str(self.assets[asset].id) if asset in self.assets else asset
        return draft_of(key_of(self.next_number()), number, self.clock.now(), released=released)

    def orders_of(self, key: str) -> int:
        return sum(f"[{key}]" in order.title for order in self.server.orders())

    def shown(self, ref: WorkOrderRef) -> WorkOrder:
        """The order of a reference."""
        return self.server.store.orders[int((ref.locator or "0").rpartition("/")[2])]

    async def notes(self, ref: WorkOrderRef) -> list[str]:
        lines = str(self.shown(ref).content["description"]).splitlines()
        return [line for line in lines if line.startswith("[MW:")]

    def approve(self, ref: WorkOrderRef) -> None:
        """A planner gives the order to a technician; it waits for no approval."""
        self.server.assign(self.shown(ref))

    def cancel(self, ref: WorkOrderRef) -> None:
        self.server.cancel(self.shown(ref))

    def reject(self, ref: WorkOrderRef, reason: str) -> str | None:
        self.server.fill(self.shown(ref), **{"Why not": reason})
        self.server.cancel(self.shown(ref))
        return None

    def set_aside(self, ref: WorkOrderRef) -> None:
        self.server.change_status(self.shown(ref), "ON_HOLD")

    def put_off(self, ref: WorkOrderRef, day: str) -> timedelta:
        self.server.fill(self.shown(ref), **{"Not before": day})
        self.set_aside(ref)
        return timedelta()

    def delete(self, ref: WorkOrderRef) -> None:
        self.server.delete(self.shown(ref))

    def put_key(self, ref: WorkOrderRef, key: str | None) -> None:
        """People see the title only, not the external data."""
        self.server.edit(self.shown(ref), title="Machine 1, comp1: voltage" + (f" [{key}]" if key else ""))

    async def people_open(self, asset: str) -> str:
        machine = next(each for each in self.assets.values() if str(each.id) == asset)
        return str(self.server.open_order(machine, "It drips.").sequential_id)

    def complete(self, ref: WorkOrderRef, note: str) -> None:
        order = self.shown(ref)
        found = {"Problem": "OVERVOLT", "Cause": "REGULATR", "Remedy": "REPLACE", "Remarks": note, "Shift": "late"}
        self.server.fill(order, **found)
        self.server.change_status(order, "DONE")
