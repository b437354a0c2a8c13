"""Millwright and its sandbox on one machine, with the same processes as in production."""

import asyncio
import json
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx

from domain.errors import MillwrightError
from domain.loops import block_until
from millwright.demo import clearing
from millwright.demo.plant_systems import USUAL_CMMS, USUAL_MES, cmms_variables, mes_variables
from millwright.demo.progress_watch import wait_patiently
from millwright.runtime.embedded import postgres
from millwright.runtime.embedded.engines import DevelopmentEngine, EmbeddedEngine
from millwright.runtime.embedded.keeper import Kept, kept
from millwright.runtime.embedded.marking import ENVIRONMENT_FILE, INSTALLATION_KEY_FILE, read_mark, write_mark
from millwright.runtime.embedded.processes import Process, python, quiet_port
from millwright.runtime.home import settings_from
from millwright.runtime.installation_key import create as create_key
from millwright.settings import Settings

SANDBOX = "sandbox"
ENGINE = "engine"
POSTGRES = "postgres"
JUDGING = "worker-judging"
CASES = "worker-cases"
INTAKE = "intake"
API = "api"
_LOOK_EVERY = 0.05
_SECRET = (
    "MILLWRIGHT_CMMS__API_KEY",
    "MILLWRIGHT_CMMS__PASSWORD",
    "MILLWRIGHT_MES__API_KEY",
    "MILLWRIGHT_MES__CLIENT_SECRET",
    "MILLWRIGHT_MES__PASSWORD",
    "MILLWRIGHT_BUS__CONNECTION_STRING",
)
_LOCAL_MODE = "MILLWRIGHT_LOCAL_MODE"


class InstallationFailed(MillwrightError):
    """A part did not start; the message names it and quotes the end of its log."""


class Installation:
    """The parts of one installation under one home.

    It holds the home's lock from `clear` or `occupy` on until `stop`. If this process ends without `stop`, its parts
    end too.

    Args:
        home: the folder of all files.
        step: plant hours between two queries of the sandbox's detector.
        say: called with a sentence about each step.
        variables: further settings of our processes, as environment variables.
        sandbox: further arguments of the sandbox's `serve`.
        engine: creates the workflow engine under a home.
        workers: the number of workers for lines, and the same number of workers for cases.
        intakes: the number of intakes.
        cmms: the plant's CMMS, a name of `millwright.demo.plant_systems.PLANT_CMMS`.
        mes: its MES, a name of `PLANT_MES` there.
    """

    def __init__(
        self,
        home: Path,
        step: timedelta,
        say: Callable[[str], None],
        *,
        variables: Mapping[str, str] | None = None,
        sandbox: Sequence[str] = (),
        engine: Callable[[Path], EmbeddedEngine] = DevelopmentEngine,
        workers: int = 1,
        intakes: int = 1,
        cmms: str = USUAL_CMMS,
        mes: str = USUAL_MES,
    ) -> None:
        self.home = home
        self.workers = (*numbered(JUDGING, workers), *numbered(CASES, workers))
        self.intakes = numbered(INTAKE, intakes)
        self.plant = home / "plant"
        self._step = step
        self._say = say
        self._variables = dict(variables or {})
        self._sandbox = ["--cmms", cmms, "--mes", mes, *sandbox]
        self.cmms = cmms
        self.mes = mes
        self._engine = engine(home)
        self._killed: set[str] = set()
        self._kept: Kept | None = None
        self._changing = threading.RLock()
        self._stopped = False
        self.processes: dict[str, Process] = {}
        self.environment: dict[str, str] = {}
        self.database_url = ""

    def occupy(self) -> None:
        """Locks the home without emptying it. Processes that an earlier installation of this home left are ended.

        Raises:
            Rejected: the home is in use, or is not ours.
        """
        with self._change():
            if self._kept is None:
                self._kept = kept(self.home, alone=True)

    def clear(self, *, fresh: bool = False) -> None:
        """Locks the home, and empties it.

        Args:
            fresh: whether people's acts in it may be deleted too.

        Raises:
            Rejected: the home is in use or not ours, or a person acted in it.
        """
        with self._change():
            self.occupy()
            clearing.clear(self.home.resolve(), fresh=fresh)

    def find_engine(self) -> None:
        """Installs the engine's programs if they are missing; this takes minutes, once."""
        self._engine.command(self._say)

    def prepared(self, row: int) -> None:
        """Marks the home: all rows of the ledger up to this one are by the demo's preparation.

        Raises:
            Rejected: the home's mark cannot be read.
        """
        home = self.home.resolve()
        mark = read_mark(home)
        if mark is not None:
            write_mark(home, replace(mark, prepared=row))

    async def start_foundations(self) -> Mapping[str, object]:
        """Starts the engine, the database and the sandbox; returns the sandbox's endpoints."""
        self.occupy()
        command = await asyncio.to_thread(self._engine.command, self._say)
        self._say("Starting the workflow engine, PostgreSQL and the sandbox plant.")
        await asyncio.to_thread(self._start_engine_and_sandbox, command)
        await asyncio.to_thread(self._start_database)
        endpoints = await self._endpoints()
        await self._until("the workflow engine", lambda: asyncio.to_thread(self._engine.serves))
        self.environment = self._environment(endpoints, self._engine.address)
        # An API that is started later in this home runs in local mode only if it is asked to.
        public = {name: value for name, value in self.environment.items() if name not in (*_SECRET, _LOCAL_MODE)}
        (self.home / ENVIRONMENT_FILE).write_text(json.dumps(public, indent=2))
        return endpoints

    def _start_engine_and_sandbox(self, command: list[str]) -> None:
        with self._change():
            self._engine.before_start()
            self._add(ENGINE, command, {}, yields=True)
            hours = str(int(self._step.total_seconds() // 3600))
            arguments = ["serve", "--directory", str(self.plant), "--detector-interval-hours", hours, *self._sandbox]
            self._add(SANDBOX, python("-P", "-m", "sandbox", *arguments), {}, yields=True)

    def _start_database(self) -> None:
        with self._change():
            # A home of an earlier build has no key, and goes on without one.
            if not (self.home / POSTGRES).exists():
                create_key(self.home / INSTALLATION_KEY_FILE)
            self.database_url = postgres.start(self.home / POSTGRES)

    def settings(self) -> Settings:
        """The settings of every process of this installation."""
        ours = {name: value for name, value in os.environ.items() if name.startswith("MILLWRIGHT_")}
        return settings_from(ours | self.environment)

    async def start_services(self) -> str:
        """Starts workers, intakes and API; returns the API's address."""
        with self._change():
            for name in (*self.workers, *self.intakes, API):
                self._add(name, python("-m", "millwright", *_arguments(name)), self.environment)
        return await self._api()

    def kill(self, part: str) -> None:
        """kill -9 of one part and all its processes. It stays down until `restart`."""
        self._killed.add(part)
        if part == POSTGRES:
            postgres.kill(self.home / POSTGRES)
        else:
            self.processes[part].kill()
        if part == ENGINE:
            self._engine.kill_database()

    def restart(self, part: str) -> None:
        """Starts a killed part again, with its data on disk and on the same ports."""
        if part == ENGINE:
            self._engine.before_start()
        with self._change():
            if part == POSTGRES:
                postgres.start(self.home / POSTGRES)
            else:
                self.processes[part].start()
        self._killed.discard(part)
        if part == ENGINE:
            block_until(self._engine_serves, every=_LOOK_EVERY)

    def forget_engine(self) -> None:
        """Deletes the database of the engine, which must have been killed, so that it starts empty."""
        self._engine.forget()

    def stop(self) -> dict[str, int | None]:
        """Shuts everything down cleanly, and releases the home; returns the exit codes of our own processes.

        It waits for a part that another thread is starting; afterwards nothing can be started.
        """
        self._stopped = True
        with self._changing:
            if self._kept is None:
                return {}
            codes = {}
            for name in (*self.intakes, API, *self.workers, SANDBOX, ENGINE):
                if name in self.processes:
                    codes[name] = self.processes[name].stop()
            postgres.stop(self.home / POSTGRES)
            self._engine.stop_database()
            self._kept.release()
            self._kept = None
            return codes

    def fallen(self) -> str | None:
        """The part that ended by itself, as text with the end of its log; killed ones do not count."""
        part = self.fallen_part()
        return None if part is None else f"{part.name} ended with {part.exit_code}:\n{part.last_words()}"

    def fallen_part(self) -> Process | None:
        """A part that ended by itself; killed ones do not count."""
        ended = (part for part in self.processes.values() if part.exit_code is not None)
        return next((part for part in ended if part.name not in self._killed), None)

    def process(
        self, name: str, command: list[str], environment: Mapping[str, str], *, yields: bool = False
    ) -> Process:
        """A process of this installation; it ends with the installation at the latest."""
        if self._kept is None:
            raise InstallationFailed(f"{self.home} is not occupied")
        inherits = (self._kept.descriptor,)
        return Process(name, command, environment, self.home / "logs", yields=yields, inherits=inherits)

    def _add(self, name: str, command: list[str], environment: Mapping[str, str], *, yields: bool = False) -> None:
        # Judging does not need the engine, and in production the sandbox's systems run on other machines.
        process = self.process(name, command, environment, yields=yields)
        process.start()
        self.processes[name] = process

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Starting and stopping exclude each other, also between threads."""
        with self._changing:
            if self._stopped:
                raise InstallationFailed(f"{self.home} was stopped")
            yield

    def _environment(self, endpoints: Mapping[str, object], engine: str) -> dict[str, str]:
        key = self.home / INSTALLATION_KEY_FILE
        bus = [{"topic": endpoints["topic"], "subscription": endpoints["subscription"]}]
        return {
            "MILLWRIGHT_HOME": str(self.home),
            "MILLWRIGHT_DATABASE_URL": self.database_url,
            "MILLWRIGHT_TEMPORAL_ADDRESS": engine,
            "MILLWRIGHT_CLOCK": f"file:{self.plant / 'clock'}",
            # A fixed port, so that a restarted API has the same address.
            "MILLWRIGHT_API_PORT": os.environ.get("MILLWRIGHT_API_PORT") or str(quiet_port()),
            # The conductor and the people of this machine call the API without API keys.
            _LOCAL_MODE: "true",
            # The conductor sends a hint when people have changed an order, like a webhook; otherwise the poll finds it.
            "MILLWRIGHT_POLL_INTERVAL": "PT12H",
            # No shipped version uses what machines do, so few readings are enough.
            "MILLWRIGHT_OPERATING_INTERVAL": "PT12H",
            # No shipped version uses the work on assets; failures that nobody was alerted of are found in it.
            "MILLWRIGHT_MAINTENANCE_INTERVAL": "P7D",
            # The clock goes up to 12 hours at a step, and a heartbeat is sent every 6 hours.
            "MILLWRIGHT_HEARTBEATS": json.dumps({endpoints["heartbeat_source"]: "P1D"}),
            **cmms_variables(self.cmms, endpoints),
            **mes_variables(self.mes, endpoints),
            "MILLWRIGHT_TWINS__CONNECTOR": "digital_twins",
            "MILLWRIGHT_TWINS__ENDPOINT": str(endpoints["twins_url"]),
            "MILLWRIGHT_BUS__CONNECTOR": "service_bus",
            "MILLWRIGHT_BUS__CONNECTION_STRING": str(endpoints["bus_connection_string"]),
            "MILLWRIGHT_BUS__ENTITIES": json.dumps(bus),
            **({"MILLWRIGHT_INSTALLATION_KEY": str(key)} if key.exists() else {}),
            **self._variables,
        }

    async def _endpoints(self) -> Mapping[str, object]:
        file = self.plant / "endpoints.json"
        await self._until("the sandbox plant", lambda: asyncio.to_thread(file.exists))
        endpoints: dict[str, object] = json.loads(file.read_text())
        return endpoints

    async def _api(self) -> str:
        file = self.home / "api.json"
        await self._until("the API", lambda: asyncio.to_thread(file.exists))
        url = str(json.loads(file.read_text())["url"])
        async with httpx.AsyncClient() as client:

            async def ready() -> bool:
                try:
                    return (await client.get(f"{url}/ready")).status_code == httpx.codes.OK
                except httpx.HTTPError:
                    return False

            await self._until("the API to be ready", ready)
        return url

    def _engine_serves(self) -> bool:
        self._insist_all_live()
        return self._engine.serves()

    def _insist_all_live(self) -> None:
        fallen = self.fallen()
        if fallen:
            raise InstallationFailed(fallen)

    async def _until(self, awaited: str, condition: Callable[[], Awaitable[bool]]) -> None:
        words = f"{awaited}. The logs are in {self.home / 'logs'}"
        await wait_patiently(words, condition, self._insist_all_live, self._say)


def _arguments(name: str) -> Sequence[str]:
    """The command of one of our processes."""
    if name.startswith(JUDGING):
        return ("worker", "--only", "judging")
    if name.startswith(CASES):
        return ("worker", "--only", "cases")
    return (INTAKE,) if name.startswith(INTAKE) else (name,)


def numbered(kind: str, count: int) -> tuple[str, ...]:
    """The names of several processes of a kind; the first has the name of the kind."""
    return (kind, *(f"{kind}-{number}" for number in range(2, count + 1)))
