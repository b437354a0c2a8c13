"""A machine of a plant on the sandbox's SAP Digital Manufacturing, and its shop floor."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.mes import sap_dm
from domain.clock import Clock
from domain.production import HoldMethod
from sandbox.clock import PlantClock
from sandbox.faults import Faults
from sandbox.sap_dm.server import CLIENTS, SapDmServer
from tests.contract.simulated_mes_plant import PATIENT, QUICK, SimulatedMesPlant

START = datetime(2015, 1, 5, 8, 0, tzinfo=UTC)
CLIENT, SECRET = next(iter(CLIENTS.items()))
_ROWS = ("duplicate_answer", "reorder_answers")
_OPERATIONS = {"Pause": "hold", "Resume": "release", "read": "resource"}
"""The operations of the server by the words of the contract suite."""


class SapDmShop:
    """A plant with many machines. Starting it takes no time, but a port."""

    def __init__(
        self, machines: int = 40, directory: Path | None = None, names: Sequence[str] = (), **more: Any
    ) -> None:
        self.clock = PlantClock(START)
        self.faults = Faults()
        self._left = [*(names or (f"EQ-{number}" for number in range(1, machines + 1)))]
        rows = [(number, name, "LINE-1") for number, name in enumerate(self._left, start=1)]
        self.server = SapDmServer(directory, self.clock, rows, faults=self.faults, **more)

    @property
    def mes(self) -> SapDmServer:
        return self.server

    async def machine(self) -> "SapDmPlant":
        """The next machine with an SFC in work: some are between two when the plant begins."""
        while self._left:
            name = self._left.pop(0)
            if self.server.floor.in_work(self.server.floor.resources[name], self.clock.now()):
                return SapDmPlant(self, name)
        raise LookupError("no machine with an SFC in work is left")

    async def working(self, name: str) -> "SapDmPlant":
        """A machine by its name, once an SFC is in work."""
        while not self.server.floor.in_work(self.server.floor.resources[name], self.clock.now()):
            self.clock.set(self.clock.now() + timedelta(minutes=5))
            await self.server.advance(self.clock.now())
        return SapDmPlant(self, name)


class SapDmPlant(SimulatedMesPlant):
    """A machine. It satisfies `MesPlant` of the contract suite."""

    secrets: Sequence[str] = (SECRET,)
    running_method = HoldMethod.PAUSE
    unwelcome = "the client id or the client secret is wrong"
    tells_lots = False

    def __init__(self, shop: SapDmShop, equipment: str) -> None:
        super().__init__(shop, equipment, "sap_dm", _OPERATIONS)
        self.shop = shop

    def connector(
        self, *, secret: str | None = None, quick: bool = False, clock: Clock | None = None, **more: Any
    ) -> sap_dm.SapDmMes:
        settings = {
            "url": self.shop.server.url,
            "token_url": self.shop.server.token_url,
            "client_id": CLIENT,
            "client_secret": secret or SECRET,
            "plant": self.shop.server.plant,
            "enforcement": "enforced",
            "timeout": QUICK if quick else PATIENT,
        }
        made = sap_dm.SapDmSettings.model_validate(settings | more)
        return sap_dm.connect(made, self.client(), system="sap_dm", clock=clock or self.shop.clock)

    def misbehave(self, method: str, kind: str, params: Mapping[str, str] | None = None) -> None:
        super().misbehave("sfcs_in_work" if kind in _ROWS else method, kind, params)

    def sfc(self) -> str:
        """The SFC in work."""
        resource = self.shop.server.floor.resources[self.equipment]
        return next(sfc.name for sfc in self.shop.server.floor.in_work(resource, self.shop.clock.now()))

    def status(self) -> str:
        floor = self.shop.server.floor
        return floor.status_of(floor.resources[self.equipment], self.shop.clock.now())
