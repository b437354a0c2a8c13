"""A machine of a plant on the sandbox's FactorySemantics MES, and its shop floor."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connectors.mes import factorysemantics
from domain.clock import Clock
from domain.production import HoldMethod
from sandbox.clock import PlantClock
from sandbox.factorysemantics.mes import PASSWORD, FactorySemanticsMes
from sandbox.factorysemantics.server import CONNECTOR
from sandbox.faults import Fault, Faults

START = datetime(2015, 1, 5, 8, 0, tzinfo=UTC)
_QUICK, _PATIENT = timedelta(seconds=1), timedelta(seconds=10)
_OPERATIONS = {"Pause": "hold", "Resume": "resume", "read": "dispatch"}
"""The operations of the server by the words of the contract suite."""


class FactorySemanticsShop:
    """A plant with some machines, whose time stands still until it is moved."""

    def __init__(self, machines: int = 8) -> None:
        self.clock = PlantClock(START)
        self.faults = Faults()
        self._names = [f"EQ-{number}" for number in range(1, machines + 1)]
        rows = [(number, name, "LINE-1") for number, name in enumerate(self._names, start=1)]
        self.mes = FactorySemanticsMes(None, self.clock, rows, faults=self.faults)

    def machine(self) -> "FactorySemanticsMesPlant":
        """A machine whose work order runs: some are between two when the plant begins."""
        running = [name for name in self._names if self.mes.server.store.nodes[name].state == "running"]
        return FactorySemanticsMesPlant(self, running[0])


class FactorySemanticsMesPlant:
    """A machine. It satisfies `MesPlant` of the contract suite."""

    secrets: Sequence[str] = (PASSWORD,)
    running_method = HoldMethod.PAUSE
    unwelcome = "invalid credentials"
    tells_lots = False

    def __init__(self, shop: FactorySemanticsShop, equipment: str) -> None:
        self.equipment = equipment
        self.shop = shop
        self._clients: list[httpx.AsyncClient] = []
        self.commits_before = ""
        """Before a request with this path, what the server has answered is committed."""

    async def _committing(self, request: httpx.Request) -> None:
        if request.url.path == self.commits_before:
            self.shop.mes.server.commit()

    async def leave(self) -> None:
        self.shop.faults.clear()
        for client in self._clients:
            await client.aclose()

    def connector(
        self, *, secret: str | None = None, quick: bool = False, clock: Clock | None = None, **more: Any
    ) -> factorysemantics.FactorySemanticsMes:
        client = httpx.AsyncClient(event_hooks={"request": [self._committing]})
        self._clients.append(client)
        settings = {
            "url": self.shop.mes.url,
            "user": CONNECTOR,
            "password": secret or PASSWORD,
            "enforcement": "enforced",
            "timeout": _QUICK if quick else _PATIENT,
        }
        made = factorysemantics.FactorySemanticsSettings.model_validate(settings | more)
        return factorysemantics.connect(made, client, system="factorysemantics", clock=clock or self.shop.clock)

    def misbehave(self, method: str, kind: str, params: Mapping[str, str] | None = None) -> None:
        self.shop.faults.add(Fault("factorysemantics", _OPERATIONS.get(method, method), kind, 1, params or {}))

    def commit_late(self, method: str) -> None:
        """The server answers the next call of a method, and does not commit it for some time."""
        self.shop.faults.add(Fault("factorysemantics", _OPERATIONS[method], "late", 1, {"seconds": 0.5}))

    def go_down(self) -> None:
        self.shop.faults.add(Fault("factorysemantics", "*", "down", None))

    async def come_back(self) -> None:
        self.shop.faults.clear()

    async def wait(self, time: timedelta) -> None:
        self.shop.clock.set(self.shop.clock.now() + time)
        await self.shop.mes.advance(self.shop.clock.now())

    async def resume_by_hand(self) -> None:
        """The shift lead resumes the work orders of the machine."""
        for row in self.shop.mes.holds():
            if row.equipment == self.equipment:
                await self.shop.mes.release_by_hand(row)

    def holds(self) -> list[tuple[str, bool]]:
        """Key and whether still held, oldest first."""
        rows = (row for row in self.shop.mes.holds() if row.equipment == self.equipment)
        return [(row.key, row.released is None) for row in rows]

    def state(self) -> str:
        """What the machine tells of itself."""
        return self.shop.mes.server.store.nodes[self.equipment].state
