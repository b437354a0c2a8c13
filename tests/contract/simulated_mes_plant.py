"""A machine of a plant on one of the sandbox's MES over HTTP, and what people and the network do to it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

import httpx

from sandbox.clock import PlantClock
from sandbox.faults import Fault, Faults
from sandbox.jobcontrol import HoldRow
from sandbox.mes import PlantMes

QUICK, PATIENT = timedelta(seconds=1), timedelta(seconds=10)
"""How long the connector waits for an answer."""


class MesShop(Protocol):
    """A plant whose time stands still until it is moved."""

    clock: PlantClock
    faults: Faults

    @property
    def mes(self) -> PlantMes: ...


class SimulatedMesPlant:
    """What a machine has of `MesPlant` of the contract suite, whichever MES it is on.

    Args:
        faulty: the name of the MES for its faults.
        operations: the operations of the MES by the words of the contract suite.
    """

    def __init__(self, shop: MesShop, equipment: str, faulty: str, operations: Mapping[str, str]) -> None:
        self.equipment = equipment
        self._plant = shop
        self._faulty = faulty
        self._operations = operations
        self._clients: list[httpx.AsyncClient] = []

    def client(self) -> httpx.AsyncClient:
        """A client that is closed when the machine is left."""
        self._clients.append(httpx.AsyncClient())
        return self._clients[-1]

    async def leave(self) -> None:
        self._plant.faults.clear()
        for client in self._clients:
            await client.aclose()

    def misbehave(self, method: str, kind: str, params: Mapping[str, str] | None = None) -> None:
        operation = self._operations.get(method, method)
        self._plant.faults.add(Fault(self._faulty, operation, kind, 1, params or {}))

    def go_down(self) -> None:
        self._plant.faults.add(Fault(self._faulty, "*", "down", None))

    async def come_back(self) -> None:
        self._plant.faults.clear()

    async def wait(self, time: timedelta) -> None:
        self._plant.clock.set(self._plant.clock.now() + time)
        await self._plant.mes.advance(self._plant.clock.now())

    async def resume_by_hand(self) -> None:
        """Somebody lets the machine run, on the screen of the MES."""
        for row in self.rows():
            await self._plant.mes.release_by_hand(row)

    def rows(self) -> list[HoldRow]:
        """The holds of the machine, oldest first."""
        return [row for row in self._plant.mes.holds() if row.equipment == self.equipment]

    def holds(self) -> list[tuple[str, bool]]:
        """Key as received and whether still held, oldest first."""
        return [(row.key, row.released is None) for row in self.rows()]
