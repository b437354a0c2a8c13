"""The maintenance of a plant that runs on a real Odoo: its equipment, its people, and a network that fails."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from connectors.cmms.odoo import OdooCmms, OdooMaintenanceSettings, connect
from domain.clock import WallClock
from domain.work_orders import WorkOrderDraft, WorkOrderRef
from tests.contract.cmms_plant import NO_WAIT, draft_of
from tests.contract.foreign.network import Network
from tests.contract.foreign.odoo_server import OdooDatabase
from tests.contract.odoo_people import ASSETS, REQUESTS, OdooPeople, key_line

_OPERATIONS: Final[Mapping[str, str]] = {
    "create": f"{REQUESTS}/load",
    "query": f"{REQUESTS}/search_read",
    "note": "mail.message/load",
    "file": "ir.attachment/load",
    "status": f"{REQUESTS}/write",
}
"""The calls of the connector by the words of the contract suite."""


class OdooCmmsPlant(OdooPeople):
    """A site's Odoo and its people. It satisfies `CmmsPlant` of the contract suite.

    Args:
        approved_stage: the name of a stage of the site's own for approved requests; None if it has the stages of Odoo.
    """

    def __init__(self, database: OdooDatabase, approved_stage: str | None = None) -> None:
        super().__init__(approved_stage)
        self.database = database
        self.secrets: Sequence[str] = (database.keys["cmms"],)
        self.network = Network()
        self.not_applicable: Mapping[str, str] = {} if approved_stage is not None else NO_WAIT
        self._clients: list[httpx.AsyncClient] = []
        self._numbers = 0

    def do(self, person: str, model: str, method: str, **body: Any) -> Any:
        return self.database.do(person, model, method, **body)

    def start(self) -> None:
        """A site with its equipment and its stage, and without requests."""
        old = self.database.do("planner", REQUESTS, "search", domain=[])
        self.database.do("planner", REQUESTS, "unlink", ids=old)
        known = self.database.do("planner", "maintenance.equipment", "search_count", domain=[])
        if not known:
            rows = [{"name": f"Machine {asset}", "serial_no": asset} for asset in ASSETS]
            self.database.do("planner", "maintenance.equipment", "create", vals_list=rows)
        if self._approved is not None and self.approved_stage() is None:
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
            "planner_words": {"rejected": "rejected", "put_off": "put off until"},
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

    def put_key(self, ref: WorkOrderRef, key: str | None) -> None:
        """A planner writes another key into the description, or none. U+0000 does not come from Odoo, but from what is
        in between."""
        line = key_line(key)
        self.network.odd.pop(int(ref.id), None)
        if "\0" in line:
            self.network.odd[int(ref.id)] = {"description": line}
        else:
            self.write_key(ref, line)


class OdooCmmsXmlRpcPlant(OdooCmmsPlant):
    """The same, whose connector speaks XML-RPC."""

    def connector(self, *, secret: str | None = None, http: httpx.AsyncClient | None = None, **more: Any) -> OdooCmms:
        return super().connector(secret=secret, http=http, protocol="xmlrpc", login="cmms", **more)
