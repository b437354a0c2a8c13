"""A plant whose MES stands apart: the sandbox's OPC UA server, called by a worker that is a process of its own."""

import asyncio
import re
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from domain.loops import wait_until
from domain.ports import Mes
from millwright.plant_zone.connecting import open_mes
from millwright.runtime.embedded.processes import Process
from millwright.settings import MesSettings, Settings
from sandbox.clock import PlantClock
from sandbox.faults import Fault, Faults
from sandbox.jobcontrol.server import JobControlServer
from tests.support.plant_zone import write_keys
from tests.support.walk_downs import prove
from tests.workflows.fake_plant import FakePlant

EQUIPMENT = "EQ-001"


class ZonedPlant(FakePlant):
    """CMMS and twins are fakes; the MES is reached only through `millwright worker --plant-zone fake`."""

    port: Mes

    def __init__(self, client: Client, engine: AsyncEngine, queue: str, address: str, folder: Path) -> None:
        super().__init__(client, engine, queue)
        self.proved = False
        self.faults = Faults()
        self._plant_clock = PlantClock(self.clock.now(), folder)
        self.server = JobControlServer(None, self._plant_clock, [(1, EQUIPMENT, "LINE-1")], faults=self.faults)
        self._folder, self._address, self._zones = folder, address, 0
        self.keys = write_keys(folder)
        self._opened = AsyncExitStack()
        self.zone = self.new_zone()

    def new_zone(self, *options: str) -> Process:
        """A worker of the plant zone, which is not started yet."""
        self._zones += 1
        command = [sys.executable, *options, "-m", "millwright", "worker", "--plant-zone", "fake"]
        return Process(f"zone-{self._zones}", command, self.settings_of_zone, self._folder)

    async def start_zone(self, zone: Process | None = None) -> None:
        """Starts a worker of the plant zone, and waits until it takes calls."""
        starting = zone or self.zone
        begun = starting.log.stat().st_size if starting.log.exists() else 0
        starting.start()

        async def said() -> str:
            return starting.log.read_text(encoding="utf-8")[begun:]

        words = await wait_until(said, lambda text: "making the calls" in text, every=0.1, timeout=60)
        assert "making the calls" in words, words

    @property
    def settings_of_zone(self) -> Mapping[str, str]:
        """All that the worker in the plant zone is told."""
        return {
            "MILLWRIGHT_HOME": str(self._folder / "zone"),
            "MILLWRIGHT_CLOCK": f"file:{self._folder / 'clock'}",
            "MILLWRIGHT_TEMPORAL_ADDRESS": self._address,
            "MILLWRIGHT_TASK_QUEUE": self.settings.task_queue,
            "MILLWRIGHT_MES_INSTANCES__FAKE__CONNECTOR": "opcua_job_control",
            "MILLWRIGHT_MES_INSTANCES__FAKE__URL": self.server.url,
            "MILLWRIGHT_MES_INSTANCES__FAKE__APART": "true",
            "MILLWRIGHT_MES_INSTANCES__FAKE__PAYLOAD_KEYS": str(self.keys),
        }

    async def __aenter__(self) -> Self:
        named = {"fake": MesSettings(connector="opcua_job_control", apart=True, payload_keys=self.keys)}
        central = Settings(
            temporal_address=self._address,
            task_queue=self.settings.task_queue,
            mes_instances=named,
        )
        mes = await self._opened.enter_async_context(open_mes(central, self.clock))
        self.port, self.systems = mes["fake"], replace(self.systems, mes=mes)
        await self.server.start()
        self.zone = self.new_zone()
        await self.start_zone()
        await super().__aenter__()
        while not (await self.port.read_production(EQUIPMENT)).running:
            await self._move(timedelta(hours=1))
        await prove(self.storage.walk_downs, self.clock.now(), "fake", await self.port.hold_target(EQUIPMENT))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        # The worker ends its session with the server, which answers in this loop.
        await asyncio.to_thread(self.zone.stop)
        await self.server.stop()
        await self._opened.aclose()

    async def pass_time(self, by: timedelta) -> None:
        await self._move(by)
        await self.at_rest()

    async def _move(self, by: timedelta) -> None:
        self.clock.time += by
        self._plant_clock.set(self.clock.time)
        await self.server.advance(self.clock.time)

    def misbehave(self, method: str, kind: str, **params: float) -> None:
        """Lets the MES do wrong at the next call of a method."""
        self.faults.add(Fault("jobcontrol", method, kind, 1, params))

    async def reached(self) -> None:
        """Waits until the MES has met the fault: the call is under way there."""

        async def waiting() -> bool:
            return bool(self.faults.list())

        await wait_until(waiting, lambda found: not found, every=0.02, timeout=60)

    def holds(self) -> list[tuple[str, bool]]:
        """Key as received and whether still held, oldest first."""
        return [(row.key, row.released is None) for row in self.server.holds()]


def imported(log: Path) -> set[str]:
    """The modules that a process imported, by what `python -X importtime` wrote to its log."""
    return set(re.findall(r"^import time:\s+\d+ \|\s+\d+ \|\s+(\S+)$", log.read_text(encoding="utf-8"), re.MULTILINE))


def connections(pid: int) -> tuple[set[int], set[int]]:
    """The ports that a process listens on, and the remote ports that it is connected to, over TCP."""
    sockets = {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    listening: set[int] = set()
    connected: set[int] = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            _, local, remote, state, *rest = line.split()
            if f"socket:[{rest[5]}]" in sockets:
                ports = listening if state == "0A" else connected
                ports.add(int((local if state == "0A" else remote).rpartition(":")[2], 16))
    return listening, connected
