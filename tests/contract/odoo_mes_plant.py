"""A machine of a plant on the sandbox's Odoo, and its shop floor."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.mes import odoo_mrp
from domain.clock import Clock
from domain.production import HoldMethod
from sandbox.clock import PlantClock
from sandbox.faults import Faults
from sandbox.odoo.mes import API_KEY, OdooMes
from sandbox.odoo.server import DATABASE
from tests.contract.simulated_mes_plant import PATIENT, QUICK, SimulatedMesPlant

START = datetime(2015, 1, 5, 8, 0, tzinfo=UTC)
LOGS = "mrp.workcenter.productivity"
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


class OdooMesPlant(SimulatedMesPlant):
    """A machine. It satisfies `MesPlant` of the contract suite."""

    secrets: Sequence[str] = (API_KEY,)
    running_method = HoldMethod.BLOCK
    unwelcome = "does not accept our credentials"
    tells_lots = True

    def __init__(self, shop: OdooShop, equipment: str) -> None:
        super().__init__(shop, equipment, "odoo", _OPERATIONS)
        self.shop = shop

    def connector(
        self, *, secret: str | None = None, quick: bool = False, clock: Clock | None = None, **more: Any
    ) -> odoo_mrp.OdooMes:
        settings = {
            "url": self.shop.mes.url,
            "database": DATABASE,
            "api_key": secret or API_KEY,
            "timeout": QUICK if quick else PATIENT,
        }
        made = odoo_mrp.OdooSettings.model_validate(settings | more)
        return odoo_mrp.connect(made, self.client(), system="odoo_mrp", clock=clock or self.shop.clock)

    async def order(self) -> Mapping[str, Any]:
        """The work order in progress, or the next one, as the operator sees it."""
        fields = ["state", "working_state", "working_user_ids", "date_finished"]
        here = [["workcenter_id.code", "=", self.equipment], ["state", "not in", ["done", "cancel"]]]
        (order,) = self.shop.mes.server.do("operator", "mrp.workorder", "search_read", domain=here, fields=fields)
        return {**order}
