"""A machine of a plant that runs on Odoo: its work centre, its work orders, the people."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connectors.mes.odoo_mrp import OdooMes, OdooSettings, connect
from domain.clock import Clock
from domain.production import HoldMethod
from tests.contract.foreign.network import Network
from tests.contract.foreign.odoo_server import OdooDatabase

_numbers = itertools.count(1)
_CALLS = {"Pause": "mrp.workcenter.productivity/load", "Resume": "mrp.workcenter.productivity/write", "read": "/"}
"""The calls of the connector by the words of the contract suite."""
SETUP, FAILURE = 3, 2
"""The loss reasons "Setup and Adjustments" and "Equipment Failure"."""


class OdooPlant:
    """A work centre with a work order that runs and one that waits. It satisfies `MesPlant` of the contract suite."""

    running_method = HoldMethod.BLOCK
    unwelcome = "does not accept our credentials"
    tells_lots = True

    def __init__(self, database: OdooDatabase, equipment: str, centre: int, orders: Sequence[int]) -> None:
        self.database = database
        self.equipment = equipment
        self.centre = centre
        self.orders = orders
        self.secrets: Sequence[str] = (database.keys["millwright"],)
        self.network = Network()
        self._clients: list[httpx.AsyncClient] = []

    @classmethod
    async def new(cls, database: OdooDatabase, *, running: bool = True, equipment: str | None = None) -> "OdooPlant":
        """A new machine; its first work order runs."""
        equipment = equipment or f"EQ-{next(_numbers)}"
        centre = await new_centre(database, equipment)
        orders = await new_orders(database, centre, "Stamp", "Bend")
        plant = cls(database, equipment, centre, orders)
        if running:
            await plant.start_order()
        return plant

    async def leave(self) -> None:
        for client in self._clients:
            await client.aclose()

    def connector(
        self, *, secret: str | None = None, quick: bool = False, clock: Clock | None = None, **more: Any
    ) -> OdooMes:
        client = httpx.AsyncClient(transport=self.network)
        self._clients.append(client)
        settings = {
            "url": self.database.url,
            "database": self.database.name,
            "api_key": secret or self.database.keys["millwright"],
            "timeout": timedelta(seconds=1 if quick else 20),
        }
        return connect(OdooSettings.model_validate(settings | more), client, system="odoo", clock=clock)

    async def wait(self, time: timedelta) -> None:
        raise NotImplementedError("the time of a real server cannot be set")

    def misbehave(self, method: str, kind: str, params: Mapping[str, str] | None = None) -> None:
        self.network.fail(_CALLS[method], kind)

    def go_down(self) -> None:
        self.network.is_down = True

    async def come_back(self) -> None:
        self.network.is_down = False

    async def resume_by_hand(self) -> None:
        """Somebody presses "Unblock", which ends every open time log of the work centre."""
        await self.ask("operator", "mrp.workcenter", "unblock", ids=[self.centre])

    def holds(self) -> list[tuple[str, bool]]:
        """Key and whether it is open, oldest first, of the records that have an external id of ours."""
        found = self.database.holds_at(self.centre)
        return [(name.removeprefix("hold_").removesuffix(f"_{self.centre}"), is_open) for name, is_open in found]

    async def ask(self, person: str, model: str, method: str, **body: Any) -> Any:
        return await self.database.ask(person, model, method, **body)

    async def start_order(self, place: int = 0) -> None:
        """An operator presses "Start" on a work order."""
        await self.ask("operator", "mrp.workorder", "button_start", ids=[self.orders[place]])

    async def order(self, place: int = 0) -> Any:
        fields = ["state", "working_state", "working_user_ids"]
        (row,) = await self.ask("operator", "mrp.workorder", "read", ids=[self.orders[place]], fields=fields)
        return row

    async def block_by_hand(self, *, stop: bool = True) -> int:
        """An operator blocks the work centre, as its button does: a time log, and the timers are stopped."""
        row = {"workcenter_id": self.centre, "loss_id": SETUP, "description": "the die is changed"}
        (log,) = await self.ask("operator", "mrp.workcenter.productivity", "create", vals_list=[row])
        if stop:
            await self.ask("operator", "mrp.workcenter.productivity", "button_block", ids=[log])
        return int(log)

    async def open_logs(self) -> list[tuple[str, str]]:
        """The person and the description of each open time log, oldest first."""
        rows = await self.ask(
            "operator",
            "mrp.workcenter.productivity",
            "search_read",
            domain=[["workcenter_id", "=", self.centre], ["date_end", "=", False]],
            fields=["user_id", "description"],
            order="id",
        )
        return [(row["user_id"][1], row["description"]) for row in rows]


async def new_centre(database: OdooDatabase, equipment: str, **more: object) -> int:
    """A work centre with a planned stop in a month."""
    row = {"name": f"Press {equipment}", "code": equipment, **more}
    (centre,) = await database.ask("manager", "mrp.workcenter", "create", vals_list=[row])
    (made,) = await database.ask("manager", "mrp.workcenter", "read", ids=[centre], fields=["resource_id"])
    begins = datetime.now(UTC) + timedelta(days=30)
    stop = {
        "name": "Overhaul",
        "resource_id": made["resource_id"][0],
        "date_from": f"{begins:%Y-%m-%d %H:%M:%S}",
        "date_to": f"{begins + timedelta(days=2):%Y-%m-%d %H:%M:%S}",
        "time_type": "leave",
    }
    await database.ask("manager", "resource.calendar.leaves", "create", vals_list=[stop])
    return int(centre)


async def new_orders(database: OdooDatabase, centre: int, *names: str) -> list[int]:
    """A confirmed manufacturing order with these work orders on a work centre."""
    (product,) = await database.ask("manager", "product.product", "create", vals_list=[{"name": "Part"}])
    lines = [[0, 0, {"name": name, "workcenter_id": centre, "duration_expected": 60}] for name in names]
    order = {"product_id": product, "product_qty": 10, "workorder_ids": lines}
    made = await database.ask("manager", "mrp.production", "create", vals_list=[order])
    await database.ask("manager", "mrp.production", "action_confirm", ids=made)
    found = await database.ask(
        "manager", "mrp.workorder", "search", domain=[["workcenter_id", "=", centre]], order="id"
    )
    return [int(number) for number in found]
