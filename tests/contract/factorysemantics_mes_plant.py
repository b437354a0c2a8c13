"""A machine of a plant on the sandbox's FactorySemantics MES, and its shop floor."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from connectors.mes import factorysemantics
from domain.clock import Clock
from domain.production import HoldMethod
from sandbox.clock import PlantClock
from sandbox.factorysemantics.mes import PASSWORD, FactorySemanticsMes
from sandbox.factorysemantics.server import CONNECTOR
from sandbox.faults import Fault, Faults
from tests.contract.simulated_mes_plant import PATIENT, QUICK, SimulatedMesPlant

START = datetime(2015, 1, 5, 8, 0, tzinfo=UTC)
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


class FactorySemanticsMesPlant(SimulatedMesPlant):
    """A machine. It satisfies `MesPlant` of the contract suite."""

    secrets: Sequence[str] = (PASSWORD,)
    running_method = HoldMethod.PAUSE
    unwelcome = "invalid credentials"
    tells_lots = False

    def __init__(self, shop: FactorySemanticsShop, equipment: str) -> None:
        super().__init__(shop, equipment, "factorysemantics", _OPERATIONS)
        self.shop = shop
        self.commits_before = ""
        """Before a request with this path, what the server has answered is committed."""

    async def _committing(self, request: httpx.Request) -> None:
        if request.url.path == self.commits_before:
            self.shop.mes.server.commit()

    def connector(
        self, *, secret: str | None = None, quick: bool = False, clock: Clock | None = None, **more: Any
    ) -> factorysemantics.FactorySemanticsMes:
        client = self.client()
        client.event_hooks["request"].append(self._committing)
        settings = {
            "url": self.shop.mes.url,
            "user": CONNECTOR,
            "password": secret or PASSWORD,
            "enforcement": "enforced",
            "timeout": QUICK if quick else PATIENT,
        }
        made = factorysemantics.FactorySemanticsSettings.model_validate(settings | more)
        return factorysemantics.connect(made, client, system="factorysemantics", clock=clock or self.shop.clock)

    def commit_late(self, method: str) -> None:
        """The server answers the next call of a method, and does not commit it for some time."""
        self.shop.faults.add(Fault("factorysemantics", _OPERATIONS[method], "late", 1, {"seconds": 0.5}))

    def state(self) -> str:
        """What the machine tells of itself."""
        return self.shop.mes.server.store.nodes[self.equipment].state
