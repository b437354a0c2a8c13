"""A plant of real processes: PostgreSQL, the engine, the sandbox, and the requested number of our own processes.

`benchmarks.against` uses this module of an earlier build to start it. So the names that its `host` imports from here
must not change. The names of worker processes begin with `worker`.
"""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from domain.assets import Asset, Level, PlantRegister
from millwright.bootstrap import open_storage, open_systems
from millwright.demo.installation import ENGINE, SANDBOX, Installation
from millwright.demo.preparation import migrate, put_people_and_policies
from millwright.runtime.embedded.engines import KINDS
from millwright.runtime.embedded.occupancy import LOCAL_HEADER_FILE
from millwright.runtime.embedded.processes import Process, python
from millwright.runtime.local_mode import local_authorization
from sandbox.plant.generator import generate, write_dataset

_COMPONENTS = 4
_PATIENCE = 60.0
# Registers by size. Plants of one size are equal, and reading ten thousand twins takes minutes.
_REGISTERS: dict[int, PlantRegister] = {}
_STEP = timedelta(hours=3)


@dataclass(frozen=True)
class Size:
    """The size of a plant, and its number of processes. Assets are components, four of each machine."""

    assets: int = 500
    lines: int = 10
    workers: int = 1
    apis: int = 1
    intakes: int = 1
    engine: str = "development"


@dataclass(frozen=True)
class Api:
    """An API of a plant, and the headers that sign a request to it; none for builds before local mode."""

    url: str
    headers: dict[str, str] = field(repr=False)


@dataclass
class RunningPlant:
    """A running plant: its addresses, process ids and register."""

    size: Size
    home: Path
    database_url: str
    engine: str
    control_url: str
    bus: str
    topic: str
    api_urls: list[str]
    register: PlantRegister
    began: datetime
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name, including PostgreSQL."""
        found = {name: process.pid for name, process in self.processes.items() if process.pid is not None}
        for name, directory in (("postgresql", "postgres"), ("postgresql of the engine", "engine/postgres")):
            file = self.home / directory / "postmaster.pid"
            if file.exists():
                found[name] = int(file.read_text().split()[0])
        return found

    @property
    def apis(self) -> list[Api]:
        """The APIs, each with the token in its home."""
        return [Api(url, _signed(_home_of_api(self.home, number))) for number, url in enumerate(self.api_urls)]

    @property
    def components(self) -> list[Asset]:
        """The assets of events."""
        return [asset for asset in self.register.assets if asset.level is Level.COMPONENT]

    async def fault(self, target: str, operation: str, kind: str, **params: float) -> None:
        """Injects a fault into a system of the sandbox until the plant ends."""
        body = {"target": target, "operation": operation, "kind": kind, "times": None, "params": params}
        async with httpx.AsyncClient() as client:
            (await client.post(f"{self.control_url}/faults", json=body)).raise_for_status()


@asynccontextmanager
async def running_plant(size: Size, *, active_only: bool = True) -> AsyncIterator[RunningPlant]:
    """A running plant until the block ends. Its clock does not advance: it stays at the beginning of the data.

    Args:
        active_only: whether only 1.2.0 judges. Otherwise 1.0.0 judges too, as a shadow.
    """
    task = asyncio.current_task()
    if task is not None:
        # SIGTERM must end the plant's processes too. They do not get it, because they have their own sessions.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory(prefix="millwright-bench-") as directory:
        home = Path(directory) / "run"
        data = Path(directory) / "data"
        write_dataset(generate(1, -(-size.assets // _COMPONENTS), 2), data)
        os.environ["MILLWRIGHT_DATA"] = str(data)
        installation = Installation(home, _STEP, lambda _: None, engine=KINDS[size.engine])
        installation.clear()
        services: dict[str, Process] = {}
        try:
            endpoints = await installation.start_foundations()
            await migrate(installation.database_url)
            register, began = await _prepared(installation, size, active_only=active_only)
            services = _services(installation, size)
            for process in services.values():
                process.start()
            urls = [await _api(_home_of_api(home, number), services) for number in range(size.apis)]
            yield RunningPlant(
                size=size,
                home=home,
                database_url=installation.database_url,
                engine=installation.environment["MILLWRIGHT_TEMPORAL_ADDRESS"],
                control_url=str(endpoints["control_url"]),
                bus=str(endpoints["bus_connection_string"]),
                topic=str(endpoints["topic"]),
                api_urls=urls,
                register=register,
                began=began,
                processes={**services, **{n: installation.processes[n] for n in (ENGINE, SANDBOX)}},
            )
        finally:
            for process in services.values():
                process.stop()
            installation.stop()


async def _prepared(installation: Installation, size: Size, *, active_only: bool) -> tuple[PlantRegister, datetime]:
    settings = installation.settings()
    async with open_storage(settings) as storage, open_systems(settings, storage.clock) as systems:
        now = storage.clock.now()
        if size.assets not in _REGISTERS:
            _REGISTERS[size.assets] = await systems.twins.read_register(now)
        register = _lined_up(_REGISTERS[size.assets], size)
        await storage.register.keep(register, "benchmark")
        await put_people_and_policies(storage, settings, shadow=not active_only)
        await storage.changes.poll_now(*systems.cmms)
    return register, now.astimezone(UTC)


def _lined_up(register: PlantRegister, size: Size) -> PlantRegister:
    """The register with its machines distributed over the requested number of lines."""
    machines = sorted(asset.id for asset in register.assets if asset.level is Level.MACHINE)
    lines = {machine: f"LINE-{position % size.lines}" for position, machine in enumerate(machines)}
    assets = tuple(
        asset.model_copy(update={"line": lines[asset.machine]}) if asset.machine in lines else asset
        for asset in register.assets
    )
    return register.model_copy(update={"assets": assets})


def _services(installation: Installation, size: Size) -> dict[str, Process]:
    commands = [
        ("worker-judging", ("worker", "--only", "judging"), size.workers),
        ("worker-cases", ("worker", "--only", "cases"), size.workers),
        ("api", ("api",), size.apis),
        ("intake", ("intake",), size.intakes),
    ]
    found = {}
    for kind, command, count in commands:
        for number in range(count):
            name = f"{kind}-{number}"
            # Each has its own home and port, because the API writes its address to its home.
            own = {"MILLWRIGHT_HOME": str(installation.home / name), "MILLWRIGHT_API_PORT": "0"}
            environment = {**installation.environment, **own}
            found[name] = installation.process(name, python("-m", "millwright", *command), environment)
    return found


def _home_of_api(home: Path, number: int) -> Path:
    return home / f"api-{number}"


def _signed(home: Path) -> dict[str, str]:
    if not (home / LOCAL_HEADER_FILE).exists():
        return {}
    return {"Authorization": local_authorization(home)}


async def _api(home: Path, services: dict[str, Process]) -> str:
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    file = home / "api.json"
    async with httpx.AsyncClient() as client:
        while True:
            if file.exists():
                url = str(json.loads(file.read_text())["url"])
                try:
                    if (await client.get(f"{url}/ready")).status_code == httpx.codes.OK:
                        return url
                except httpx.HTTPError:
                    pass
            _require_alive(list(services.values()))
            if asyncio.get_running_loop().time() > deadline:
                raise SystemExit(f"no API came up within {_PATIENCE:.0f} s; see {home.parent / 'logs'}")
            await asyncio.sleep(0.05)


def _require_alive(processes: Sequence[Process]) -> None:
    for process in processes:
        if process.exit_code is not None:
            raise SystemExit(f"{process.name} ended with {process.exit_code}:\n{process.last_words()}")
