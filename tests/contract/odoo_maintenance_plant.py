"""A site on the sandbox's Odoo Maintenance, and its people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from connectors.cmms import odoo
from domain.work_orders import WorkOrderDraft, WorkOrderRef
from sandbox.odoo.server import DATABASE, OdooServer
from tests.contract.cmms_plant import draft_of
from tests.contract.odoo_people import APPROVED, ASSETS, REQUESTS, OdooPeople, key_line
from tests.contract.sandbox_site import PATIENT, SandboxSite

API_KEY = "0ba8bd4-quartz-harbor-9213"


class OdooMaintenancePlant(OdooPeople, SandboxSite[OdooServer]):
    """A site with a stage for approved requests."""

    secrets: Sequence[str] = (API_KEY,)
    not_applicable: Mapping[str, str] = {}
    target = "odoo"
    operations: Mapping[str, str] = {
        "create": f"{REQUESTS}/load",
        "query": f"{REQUESTS}/search_read",
        "note": "mail.message/load",
        "status": f"{REQUESTS}/write",
    }

    def __init__(self, _directory: Path | None = None, approved: str | None = APPROVED) -> None:
        OdooPeople.__init__(self, approved)
        SandboxSite.__init__(self)
        self.server = OdooServer(self.clock, API_KEY, self.faults, approving=approved is not None)
        for asset in ASSETS:
            self.server.add_equipment(asset)

    def do(self, person: str, model: str, method: str, **body: Any) -> Any:
        return self.server.do(person, model, method, **body)

    def connector(
        self, *, secret: str | None = None, http: httpx.AsyncClient | None = None, **more: Any
    ) -> odoo.OdooCmms:
        settings = {
            "url": self.server.url,
            "database": DATABASE,
            "api_key": secret or API_KEY,
            "approved_stage": self._approved,
            "planner_words": {"rejected": "rejected", "put_off": "put off until"},
            "page_size": 3,
            "timeout": PATIENT,
        }
        made = odoo.OdooMaintenanceSettings.model_validate(settings | more)
        return odoo.connect(made, http or self.client(), system="odoo", clock=self.clock)

    def draft(self, *, released: bool = False, asset: str = ASSETS[0]) -> WorkOrderDraft:
        return draft_of(f"MW{self.next_number():08d}", asset, self.clock.now(), released=released)

    def orders_of(self, key: str) -> int:
        return sum(f"key: {key}<" in str(request["description"]) for request in self.server.requests())

    def put_key(self, ref: WorkOrderRef, key: str | None) -> None:
        """A planner writes another key into the description, or none. U+0000 does not come from Odoo, but from what is
        in between."""
        line = key_line(key)
        if "\0" in line:
            self.server.store.records[REQUESTS][int(ref.id)]["description"] = line
        else:
            self.write_key(ref, line)


class OdooXmlRpcPlant(OdooMaintenancePlant):
    """The same, whose connector speaks XML-RPC. A trial changes answers in JSON only."""

    not_applicable: Mapping[str, str] = {
        "rows_given_twice_are_one_order": "no answer of this system is a list of records in JSON",
        "an_unknown_status_ends_no_order": "the status 'Approved' is not one word in the answers of this system",
    }

    def connector(
        self, *, secret: str | None = None, http: httpx.AsyncClient | None = None, **more: Any
    ) -> odoo.OdooCmms:
        return super().connector(secret=secret, http=http, protocol="xmlrpc", login="cmms", **more)
