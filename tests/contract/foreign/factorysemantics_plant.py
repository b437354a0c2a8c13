"""A machine of a plant that runs on FactorySemantics MES: its work orders, the people, and a network that fails."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connectors.mes.factorysemantics import FactorySemanticsMes, FactorySemanticsSettings, connect
from domain.clock import Clock
from domain.production import HoldMethod
from tests.contract.foreign.factorysemantics_server import ACCOUNT, PASSWORD, FactorySemanticsServer
from tests.contract.foreign.network import Network

_numbers = itertools.count(1)
_CALLS = {"Pause": "/hold", "Resume": "/resume", "read": "/dispatch"}
"""The calls of the connector by the words of the contract suite."""
_REASON = "Millwright hold "


class FactorySemanticsPlant:
    """A machine of its own with a work order that runs and one that waits, beside the vendor's simulated line.

    It satisfies `MesPlant` of the contract suite.
    """

    running_method = HoldMethod.PAUSE
    unwelcome = "invalid credentials"

    def __init__(self, server: FactorySemanticsServer, equipment: str) -> None:
        self.server = server
        self.equipment = equipment
        self.orders: list[str] = []
        self.secrets: Sequence[str] = (PASSWORD,)
        self.network = Network()
        self._clients: list[httpx.AsyncClient] = []

    @classmethod
    async def new(cls, server: FactorySemanticsServer, *, equipment: str | None = None) -> "FactorySemanticsPlant":
        """A new machine; the first of its two work orders runs."""
        equipment = equipment or f"EQ-{next(_numbers)}"
        await cls.make_machine(server, equipment)
        plant = cls(server, equipment)
        for _ in range(2):
            await plant.add_order()
        await plant.start_order()
        return plant

    @staticmethod
    async def make_machine(server: FactorySemanticsServer, equipment: str) -> None:
        """A machine with a product that is made on it."""
        machine = {"code": equipment, "name": f"Press {equipment}", "level": "work_unit", "ideal_cycle_seconds": 1.0}
        await server.ask("ADMIN", "POST", "/masterdata/equipment", **machine)
        part = f"PART-{equipment}"
        await server.ask("ADMIN", "POST", "/masterdata/materials", code=part, name="Part", type="finished")
        operation = {"seq": 10, "name": "Press", "equipment": equipment}
        route = {"code": f"ROUTE-{equipment}", "name": "Press", "material": part, "operations": [operation]}
        await server.ask("ADMIN", "POST", "/masterdata/routings", **route)

    async def leave(self) -> None:
        """The work orders are cancelled. One that runs is put on hold first, or the MES refuses that."""
        for order in self.orders:
            if (await self.order(order))["status"] == "running":
                await self.ask("FLOOR-SUP", "POST", f"/workorders/{order}/hold", reason="the test is over")
            if (await self.order(order))["status"] in ("on_hold", "released"):
                await self.ask("FLOOR-SUP", "POST", f"/workorders/{order}/cancel")
        for client in self._clients:
            await client.aclose()

    def connector(
        self, *, secret: str | None = None, quick: bool = False, clock: Clock | None = None, **more: Any
    ) -> FactorySemanticsMes:
        client = httpx.AsyncClient(transport=self.network)
        self._clients.append(client)
        settings = {
            "url": self.server.url,
            "user": ACCOUNT,
            "password": secret or PASSWORD,
            "timeout": timedelta(seconds=1 if quick else 20),
        }
        own = FactorySemanticsSettings.model_validate(settings | more)
        return connect(own, client, system="factorysemantics", clock=clock)

    async def wait(self, time: timedelta) -> None:
        raise NotImplementedError("the time of a real server cannot be set")

    def misbehave(self, method: str, kind: str, params: Mapping[str, str] | None = None) -> None:
        self.network.fail(_CALLS[method], kind)

    def go_down(self) -> None:
        self.network.is_down = True

    async def come_back(self) -> None:
        self.network.is_down = False

    async def resume_by_hand(self) -> None:
        """A supervisor lets the work orders on hold go on."""
        for order in self.orders:
            if (await self.order(order))["status"] == "on_hold":
                await self.ask("FLOOR-SUP", "POST", f"/workorders/{order}/resume")

    def holds(self) -> list[tuple[str, bool]]:
        """Key and whether the work order is still on hold by it, oldest first, of the holds by our account."""
        found = self.server.reasons_on(self.orders)
        return [(reason.removeprefix(_REASON).split(":")[0], is_open) for reason, is_open in found]

    async def ask(self, person: str, method: str, path: str, **body: Any) -> Any:
        return await self.server.ask(person, method, path, **body)

    async def order(self, code: str) -> Any:
        return await self.ask("FLOOR-SUP", "GET", f"/workorders/{code}")

    async def add_order(self, quantity: int = 100_000, code: str | None = None) -> None:
        """A planner makes a work order, and a supervisor releases it."""
        code = code or f"WO-{self.equipment}-{next(_numbers)}"
        self.orders.append(code)
        order = {"code": code, "material": f"PART-{self.equipment}", "quantity": quantity}
        await self.ask("ADMIN", "POST", "/workorders", **order)
        await self.ask("FLOOR-SUP", "POST", f"/workorders/{code}/release")

    async def start_order(self, place: int = 0) -> None:
        """An operator starts the operation of a work order."""
        await self.ask("SCOTT", "POST", f"/workorders/{self.orders[place]}/operations/10/start")

    async def plan_work(self) -> datetime:
        """A planner plans the running work order, and a day on which the machine does not work; gives that day."""
        day = datetime.now(UTC).date() + timedelta(days=20)
        await self.ask("ADMIN", "POST", f"/scheduling/plan/{self.orders[0]}")
        closed = {"day": day.isoformat(), "kind": "non_working", "reason": "Overhaul", "equipment": self.equipment}
        await self.ask("ADMIN", "POST", "/scheduling/calendar/exceptions", **closed)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)

    async def hold_by_hand(self, place: int = 0, reason: str = "wrong label") -> None:
        """A supervisor puts a work order on hold."""
        await self.ask("FLOOR-SUP", "POST", f"/workorders/{self.orders[place]}/hold", reason=reason)
