"""A plant of the sandbox's SAP Digital Manufacturing, and a client that signs in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.clock import PlantClock
from sandbox.faults import Faults
from sandbox.sap_dm.floor import Resource
from sandbox.sap_dm.server import CLIENTS, PLANT, SapDmServer

START = datetime(2015, 1, 5, 8, 0, tzinfo=UTC)
MACHINES = [(number, f"EQ-{number:03d}", "LINE-1") for number in range(1, 7)]


@dataclass
class Plant:
    """A server, its clock, and a client that has a token."""

    server: SapDmServer
    clock: PlantClock
    faults: Faults
    http: httpx.AsyncClient

    async def get(self, path: str, **asked: Any) -> httpx.Response:
        return await self.http.get(path, params={"plant": PLANT} | asked)

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(path, json={"plant": PLANT} | body)

    async def sign_in(self) -> None:
        reply = await self.http.post(
            "/oauth/token", auth=next(iter(CLIENTS.items())), data={"grant_type": "client_credentials"}
        )
        self.http.headers["authorization"] = f"Bearer {reply.json()['access_token']}"

    async def pass_time(self, time: timedelta) -> None:
        self.clock.set(self.clock.now() + time)
        await self.server.advance(self.clock.now())

    def working(self) -> Resource:
        """A resource with an SFC in work."""
        return next(
            each for each in self.server.floor.resources.values() if self.server.floor.in_work(each, self.clock.now())
        )

    def sfc(self, resource: Resource) -> str:
        return self.server.floor.in_work(resource, self.clock.now())[0].name


async def opened(directory: Path | None, clock: PlantClock, **more: Any) -> Plant:
    """A plant that answers."""
    faults = Faults()
    server = SapDmServer(directory, clock, MACHINES, faults=faults, **more)
    await server.start()
    plant = Plant(server, clock, faults, httpx.AsyncClient(base_url=server.url))
    await plant.sign_in()
    return plant


async def closed(plant: Plant) -> None:
    await plant.http.aclose()
    await plant.server.stop()


@pytest.fixture
async def plant() -> AsyncIterator[Plant]:
    made = await opened(None, PlantClock(START))
    yield made
    await closed(made)
