"""The maintenance of a plant that runs on a real Odoo: its equipment, its people, and a network that fails."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from connectors.cmms.odoo import OdooCmms, OdooMaintenanceSettings, connect
from domain.clock import WallClock
from domain.work_orders import WorkOrderDraft, WorkOrderRef
from tests.contract.cmms_plant import NO_WAIT, CompletedWork, draft_of
from tests.contract.foreign.network import Network
from tests.contract.foreign.odoo_server import OdooDatabase

ASSETS: Final = ("M001-COMP1", "M002-COMP1")
REQUESTS: Final = "maintenance.request"
IN_PROGRESS, REPAIRED, SCRAP = 2, 3, 4
"""The stages that Odoo brings, by their ids."""
_OPERATIONS: Final[Mapping[str, str]] = {
    "create": f"{REQUESTS}/load",
    "query": f"{REQUESTS}/search_read",
    "note": "mail.message/load",
    "file": "ir.attachment/load",
    "status": f"{REQUESTS}/write",
}
"""The calls of the connector by the words of the contract suite."""


class OdooCmmsPlant:
    """A site's Odoo and its people. It satisfies `CmmsPlant` of the contract suite.

    Args:
        approved_stage: the name of a stage of the site's own for approved requests; None if it has the stages of Odoo.
    """

    told = CompletedWork(tells_end=False, disposition="maintenance.stage_3")
    names_fields = True
    host = "127.0.0.1"

    def __init__(self, database: OdooDatabase, approved_stage: str | None = None) -> None:
        self.database = database
        self.secrets: Sequence[str] = (database.keys["cmms"],)
        self.network = Network()
        self._approved = approved_stage
        self.not_applicable: Mapping[str, str] = {} if approved_stage is not None else NO_WAIT
        self._clients: list[httpx.AsyncClient] = []
        self._numbers = 0

    def start(self) -> None:
        """A site with its equipment and its stage, and without requests."""
        old = self.database.do("planner", REQUESTS, "search", domain=[])
        self.database.do("planner", REQUESTS, "unlink", ids=old)
        known = self.database.do("planner", "maintenance.equipment", "search_count", domain=[])
        if not known:
            rows = [{"name": f"Machine {asset}", "serial_no": asset} for asset in ASSETS]
            self.database.do("planner", "maintenance.equipment", "create", vals_list=rows)
        if self._approved is not None and self._stage() is None:
            stage = {"name": self._approved, "sequence": 2}
            self.database.do("planner", "maintenance.stage", "create", vals_list=[stage])

    async def leave(self) -> None:
        for client in self._clients:
            await client.aclose()

    def client(self) -> httpx.AsyncClient:
        self._clients.append(httpx.AsyncClient(transport=self.network))
        return self._clients[-1]

    def connector(self, *, secret: str | None = None, http: httpx.AsyncClient | None = None, **more: Any) -> OdooCmms:
        settings = {
            "url": self.database.url,
            "database": self.database.name,
            "api_key": secret or self.secrets[0],
            "approved_stage": self._approved,
            "page_size": 3,
            "timeout": timedelta(seconds=20),
        }
        made = OdooMaintenanceSettings.model_validate(settings | more)
        return connect(made, http or self.client(), system="odoo", clock=WallClock())

    def draft(self, *, released: bool = False, asset: str = ASSETS[0]) -> WorkOrderDraft:
        self._numbers += 1
        key = f"MW{self._numbers:08d}"
        return draft_of(key, asset, datetime.now(UTC), released=released)

    def wait(self, time: timedelta) -> None:
        """The clock of a real server cannot be set. So what was done until now is moved into the past instead."""
        self.database.change(
            "UPDATE maintenance_request SET create_date = create_date - %s, write_date = write_date - %s", time, time
        )

    def misbehave(self, operation: str, kind: str, times: int = 1, **params: str | float) -> None:
        for _ in range(times):
            self.network.fail(_OPERATIONS[operation], kind, **params)

    def orders_of(self, key: str) -> int:
        rows = self.database.rows("SELECT count(*) FROM maintenance_request WHERE description LIKE %s", f"%key: {key}%")
        return int(rows[0][0])

    async def notes(self, ref: WorkOrderRef) -> list[str]:
        """Our notes on a request, as a planner sees them."""
        marked = [["model", "=", REQUESTS], ["res_id", "=", int(ref.id)], ["body", "ilike", "[MW:"]]
        rows = await self.database.ask("planner", "mail.message", "search_read", domain=marked, fields=["body"])
        return [row["body"] for row in rows]

    def approve(self, ref: WorkOrderRef) -> None:
        """A planner takes a request for approved. Without a stage for that it is marked as ready for the next one."""
        stage = self._stage()
        self.write(ref, {"kanban_state": "done"} if stage is None else {"stage_id": stage})

    def cancel(self, ref: WorkOrderRef) -> None:
        self.database.do("planner", REQUESTS, "archive_equipment_request", ids=[int(ref.id)])

    def set_aside(self, ref: WorkOrderRef) -> None:
        self.write(ref, {"kanban_state": "blocked"})

    def delete(self, ref: WorkOrderRef) -> None:
        self.database.do("planner", REQUESTS, "unlink", ids=[int(ref.id)])

    def put_key(self, ref: WorkOrderRef, key: str | None) -> None:
        """A planner writes another key into the description, or none. U+0000 does not come from Odoo, but from what is
        in between."""
        line = "" if key is None else f"<p>Millwright key: {key}</p>"
        self.network.odd.pop(int(ref.id), None)
        if "\0" in line:
            self.network.odd[int(ref.id)] = {"description": line}
        else:
            self.write(ref, {"description": f"<p>Seen.</p>{line}"})

    async def people_open(self, asset: str) -> str:
        equipment = self.database.do("planner", "maintenance.equipment", "search", domain=[["serial_no", "=", asset]])
        row = {"name": "It drips.", "equipment_id": equipment[0]}
        (made,) = await self.database.ask("planner", REQUESTS, "create", vals_list=[row])
        return str(made)

    def complete(self, ref: WorkOrderRef, note: str) -> None:
        number = int(ref.id)
        self.write(ref, {"stage_id": IN_PROGRESS}, by="technician")
        self.database.do("technician", REQUESTS, "message_post", ids=[number], body=note, message_type="comment")
        self.write(ref, {"stage_id": REPAIRED}, by="technician")

    def write(self, ref: WorkOrderRef, values: Mapping[str, object], by: str = "planner") -> None:
        """Somebody changes a request."""
        self.database.do(by, REQUESTS, "write", ids=[int(ref.id)], vals=values)

    def _stage(self) -> int | None:
        named = [["name", "=", self._approved]]
        found = self.database.do("planner", "maintenance.stage", "search", domain=named) if self._approved else []
        return int(found[0]) if found else None
