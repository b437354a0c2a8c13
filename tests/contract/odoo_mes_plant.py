"""A machine of a plant on the sandbox's Odoo, and its shop floor."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connectors.mes import odoo_mrp
from domain.clock import Clock
from domain.production import HoldMethod
from sandbox.clock import PlantClock
from sandbox.faults import Fault, Faults
from sandbox.odoo.mes import API_KEY, OdooMes
from sandbox.odoo.server import DATABASE

START = datetime(2015, 1, 5, 8, 0, tzinfo=UTC)
LOGS = "mrp.workcenter.productivity"
_QUICK, _PATIENT = timedelta(seconds=1), timedelta(seconds=10)
_OPERATIONS = {"Pause": f"{LOGS}/load", "Resume": f"{LOGS}/write", "read": "mrp.workcenter/search_read"}
"""The operations of the server by the words of the contract suite."""


class OdooShop:
    """A plant with some machines, whose time stands still until it is moved."""

    def __init__(self, machines: int = 8) -> None:
        self.clock = PlantClock(START)
        self.faults = Faults()
        self.names = [f"EQ-{number}" for number in range(1, machines + 1)]
        rows = [(number, name, "LINE-1") for number, name in enumerate(self.names, start=1)]
        self.mes = OdooMes(None, self.clock, rows, faults=self.faults)

    async def machine(self) -> "OdooMesPlant":
        """A machine whose work order runs: some are between two when the plant begins."""
        open_logs = self.mes.server.do("operator", LOGS, "search_read", domain=[["date_end", "=", False]])
        running = [log["workcenter_id"][1].removeprefix("Machine ") for log in open_logs if log["workorder_id"]]
        return OdooMesPlant(self, running[0])


class OdooMesPlant:
    """A machine. It satisfies `MesPlant` of the contract suite."""

    secrets: Sequence[str] = (API_KEY,)
    running_method = HoldMethod.BLOCK
    unwelcome = "does not accept our credentials"
    tells_lots = True

    def __init__(self, shop: OdooShop, equipment: str) -> None:
        self.equipment = equipment
        self.shop = shop
        self._clients: list[httpx.AsyncClient] = []

    async def leave(self) -> None:
        self.shop.faults.clear()
        for client in self._clients:
            await client.aclose()

    def connector(
        self, *, secret: str | None = None, quick: bool = False, clock: Clock | None = None, **more: Any
    ) -> odoo_mrp.OdooMes:
        client = httpx.AsyncClient()
        self._clients.append(client)
        settings = {
            "url": self.shop.mes.url,
            "database": DATABASE,
            "api_key": secret or API_KEY,
            "timeout": _QUICK if quick else _PATIENT,
        }
        made = odoo_mrp.OdooSettings.model_validate(settings | more)
        return odoo_mrp.connect(made, client, system="odoo_mrp", clock=clock or self.shop.clock)

    def misbehave(self, method: str, kind: str, params: Mapping[str, str] | None = None) -> None:
        self.shop.faults.add(Fault("odoo", _OPERATIONS.get(method, method), kind, 1, params or {}))

    def go_down(self) -> None:
        self.shop.faults.add(Fault("odoo", "*", "down", None))

    async def come_back(self) -> None:
        self.shop.faults.clear()

    async def wait(self, time: timedelta) -> None:
        self.shop.clock.set(self.shop.clock.now() + time)
        await self.shop.mes.advance(self.shop.clock.now())

    async def resume_by_hand(self) -> None:
        """The shift lead unblocks the work centre."""
        for row in self.shop.mes.holds():
            if row.equipment == self.equipment:
                await self.shop.mes.release_by_hand(row)

    def holds(self) -> list[tuple[str, bool]]:
        """Key and whether still held, oldest first."""
        rows = (row for row in self.shop.mes.holds() if row.equipment == self.equipment)
        return [(row.key, row.released is None) for row in rows]

    async def order(self) -> Mapping[str, Any]:
        """The work order in progress, or the next one, as the operator sees it."""
        fields = ["state", "working_state", "working_user_ids", "date_finished"]
        here = [["workcenter_id.code", "=", self.equipment], ["state", "not in", ["done", "cancel"]]]
        (order,) = self.shop.mes.server.do("operator", "mrp.workorder", "search_read", domain=here, fields=fields)
        return {**order}
