"""A company on the sandbox's Atlas CMMS, and its people."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import httpx

from connectors.cmms import atlas
from domain.clock import Clock
from domain.work_orders import FindingRole, RecordKind, WorkOrderDraft, WorkOrderRef
from sandbox.atlas.server import AtlasServer, Version
from sandbox.atlas.store import ORDER, REQUEST, KeptRecord
from tests.connectors.atlas_answers import key_of
from tests.contract.cmms_plant import SENT_TWICE, CompletedWork, draft_of
from tests.contract.sandbox_site import PATIENT, SandboxSite

EMAIL, PASSWORD = "millwright@plant.local", "Quartz-Harbor-9213"
_FINDINGS = {"problem": "Problem", "cause": "Cause", "remedy": "Remedy"}


class AtlasPlant(SandboxSite[AtlasServer]):
    """A company on version 1.8+, with a licence: without one it has no labour.

    Args:
        names: the barcodes of its assets.
    """

    secrets: Sequence[str] = (PASSWORD,)
    told = CompletedWork(
        codes={
            FindingRole.PROBLEM: (None, "OVERVOLT"),
            FindingRole.CAUSE: (None, "REGULATR"),
            FindingRole.REMEDY: (None, "REPLACE"),
        },
        work_lasted=timedelta(hours=2),
    )
    names_fields = False
    host = "127.0.0.1"
    not_applicable: Mapping[str, str] = {"a_request_sent_twice_makes_one_order": SENT_TWICE}
    version: Version = "1.8+"
    licensed = True
    target = "atlas"
    operations: Mapping[str, str] = {
        "create": "create_*",
        "query": "search_requests",
        "note": "change_request",
        "status": "approve",
    }

    def __init__(self, _directory: Path | None = None, names: Sequence[str] = ("M001-COMP1", "M002-COMP1")) -> None:
        super().__init__()
        self.server = AtlasServer(self.clock, EMAIL, PASSWORD, self.version, faults=self.faults, licensed=self.licensed)
        self.assets = {name: self.server.add_asset(name) for name in names}
        self.failure_modes: Mapping[str, str] = {}
        """The table of codes that the connector is given."""

    def connector(
        self,
        *,
        secret: str | None = None,
        http: httpx.AsyncClient | None = None,
        clock: Clock | None = None,
    ) -> atlas.AtlasCmms:
        settings = atlas.AtlasSettings.model_validate(
            {
                "url": self.server.url,
                "email": EMAIL,
                "password": secret or PASSWORD,
                "finding_fields": _FINDINGS,
                "page_size": 3,
                "timeout": PATIENT,
                "requests_a_minute": 100_000,
                "failure_modes": self.failure_modes,
                "planner_words": {"rejected": "rejected", "put_off": "put off until"},
            }
        )
        return atlas.connect(settings, http or self.client(), system="atlas", clock=clock or self.clock)

    def draft(self, *, released: bool = False, asset: str = "M001-COMP1") -> WorkOrderDraft:
        key = key_of(self.next_number())
        return draft_of(key, asset, self.clock.now(), released=released)

    def misbehave(self, operation: str, kind: str, times: int = 1, **params: str | float) -> None:
        """An ended session is refused twice: the connector signs in again after the first time by itself."""
        again = 2 if kind == "session_expired" else 1
        super().misbehave(operation, kind, times * again, **params)

    def records(self) -> list[KeptRecord]:
        """Every request, and every order that was made without one."""
        orders = [order for order in self.server.records("work_order") if order.other is None]
        return [*self.server.records("request"), *orders]

    def orders_of(self, key: str) -> int:
        return sum(f"[{key}]" in record.title for record in self.records())

    def shown(self, ref: WorkOrderRef) -> KeptRecord:
        """The request, or the order if there is one."""
        store = self.server.store
        first, _, _ = (ref.locator or "").partition("/")
        kind = REQUEST if ref.kind is RecordKind.REQUEST else ORDER
        record = store.records[kind][int(first)]
        return store.records[ORDER].get(record.other or 0, record) if kind == REQUEST else record

    async def notes(self, ref: WorkOrderRef) -> list[str]:
        record = self.shown(ref)
        lines = [line for line in str(record.content.get("description", "")).splitlines() if line.startswith("[MW:")]
        comments = [row.content for row in self.server.store.comments if row.order == record.id]
        return lines + [words for words in comments if words.startswith("[MW:")]

    def approve(self, ref: WorkOrderRef) -> None:
        record = self.shown(ref)
        if record.kind == REQUEST:
            self.server.approve(record)

    def cancel(self, ref: WorkOrderRef) -> None:
        record = self.shown(ref)
        if record.kind == REQUEST:
            self.server.reject(record, "not now")
        else:
            self.server.archive(record)

    def reject(self, ref: WorkOrderRef, reason: str) -> str | None:
        record = self.shown(ref)
        if record.kind == REQUEST:
            self.server.reject(record, reason)
            return None
        self.server.add_comment(record, f"Rejected: {reason}")
        self.server.archive(record)
        return "Toni Technician"

    def set_aside(self, ref: WorkOrderRef) -> None:
        self.server.change_status(self.shown(ref), "ON_HOLD")

    def put_off(self, ref: WorkOrderRef, day: str) -> timedelta:
        order = self.shown(ref)
        order.content = {**order.content, "estimatedStartDate": f"{day}T00:00:00.000+00:00"}
        self.set_aside(ref)
        return timedelta()

    def delete(self, ref: WorkOrderRef) -> None:
        self.server.store.delete(self.shown(ref))

    def put_key(self, ref: WorkOrderRef, key: str | None) -> None:
        title = "Machine 1, comp1: voltage" + (f" [{key}]" if key else "")
        self.server.edit(self.shown(ref), title, f"Millwright key: {key}" if key else "")

    async def people_open(self, asset: str) -> str:
        return self.server.open_order(self.assets[asset], "It drips.").custom_id

    async def people_code(self, ref: WorkOrderRef) -> None:
        """Somebody chooses the problem on an order."""
        self.shown(ref).fields = {"Problem": "OVERVOLT"}

    async def people_uncode(self, ref: WorkOrderRef) -> None:
        """Somebody takes the problem off an order."""
        self.shown(ref).fields = {}

    def complete(self, ref: WorkOrderRef, note: str) -> None:
        order = self.shown(ref)
        self.server.log_work(order, timedelta(hours=2))
        order.fields = {"Problem": "OVERVOLT", "Cause": "REGULATR", "Remedy": "REPLACE", "Shift": "late"}
        self.server.change_status(order, "COMPLETE", note)


class Atlas13Plant(AtlasPlant):
    """A company on version 1.3: it has no custom fields on orders and no comments, and it names a field."""

    told = CompletedWork(work_lasted=timedelta(hours=2))
    names_fields = True
    version: Version = "1.3"


class FreeAtlasPlant(AtlasPlant):
    """A company on version 1.8+ without a licence."""

    licensed = False
