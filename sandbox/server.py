"""The sandbox plant as a whole: one process, one event loop, every server on the loopback, one plant clock."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Final

from sandbox.bus.server import ServiceBus
from sandbox.clock import PlantClock
from sandbox.cmms import MAXIMO, PlantCmms, open_cmms
from sandbox.control import Control
from sandbox.faults import Faults
from sandbox.http_server import HttpServer
from sandbox.mes import OPCUA_JOB_CONTROL, PlantMes, open_mes
from sandbox.naming import equipment_id
from sandbox.plant.breakdowns import Breakdowns
from sandbox.plant.dataset import Dataset
from sandbox.plant.detector import Detector
from sandbox.plant.feed import SUBSCRIPTION, TOPIC, Feed
from sandbox.plant.heartbeats import SOURCE, Heartbeats
from sandbox.plant.people import People
from sandbox.plant.shift_lead import ShiftLead
from sandbox.plant.timetable import stamp, timetable
from sandbox.twins.data_plane import HOST
from sandbox.twins.graph import PlantMachine, asset_class, build_plant_graph, lines_of
from sandbox.twins.service import TwinService

ENDPOINTS_FILE: Final = "endpoints.json"
ROUTE: Final = "millwright"
_MACHINE_MODEL: Final = "dtmi:manufacturing:Machine;1"


class SandboxPlant:
    """Bus, twin service, CMMS, MES and the plant behind them, with the control API for the conductor.

    Args:
        directory: where everything is kept; a plant begun again there goes on where it was, on the same ports.
        dataset: the plant's history.
        seed: of the feed's disturbances and the MES's schedule; the same on every start.
        detector_interval: how often the detector's query is run, whole hours.
        port: of the control API; 0 for any free one, or the one it had.
        bus_lock: how long a receiver may keep a message before the bus gives it to another, in wall time.
        mes: the name of the plant's MES, one of `sandbox.mes.NAMES`.
        cmms: the name of its CMMS, one of `sandbox.cmms.NAMES`.
    """

    def __init__(
        self,
        directory: Path,
        dataset: Dataset,
        seed: int = 1,
        detector_interval: timedelta = timedelta(hours=3),
        port: int = 0,
        bus_lock: timedelta = timedelta(seconds=30),
        mes: str = OPCUA_JOB_CONTROL,
        cmms: str = MAXIMO,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._dataset = dataset
        ports = _remembered_ports(directory)
        machines = [PlantMachine(machine.id, machine.model, machine.age) for machine in dataset.machines]
        classes = {machine.id: asset_class(machine.model) for machine in machines}
        faults = Faults()
        self.stopping = asyncio.Event()
        self.clock = PlantClock(dataset.first, directory)
        self.bus = ServiceBus(directory, ports.get("bus", 0), faults)
        self.bus.add_topic(TOPIC, [SUBSCRIPTION], lock_seconds=bus_lock.total_seconds())
        departures = timetable(dataset, Detector(dataset, detector_interval), seed)
        self.feed = Feed(departures, self.bus, HOST, _MACHINE_MODEL, directory)
        self.twins = TwinService(directory, self.feed.relay, ports.get("twins", 0), faults)
        self.cmms: PlantCmms = open_cmms(cmms, directory, self.clock, machines, ports.get("cmms", 0), faults)
        build_plant_graph(self.twins, machines, self.cmms.asset_ids)
        # The routes are created after the graph, so that creating the graph sends no events.
        self.twins.put_route(ROUTE, TOPIC)
        equipment = [
            (machine.id, equipment_id(machine.id), line)
            for line, members in lines_of(machines).items()
            for machine in members
        ]
        self.mes: PlantMes = open_mes(mes, directory, self.clock, equipment, ports.get("mes", 0), faults, seed)
        self.people = People(self.cmms, dataset)
        self.shift_lead = ShiftLead(self.cmms, self.mes)
        self.control = Control(
            directory=directory,
            dataset=dataset,
            asset_class_of=classes.__getitem__,
            clock=self.clock,
            bus=self.bus,
            twins=self.twins,
            cmms=self.cmms,
            mes=self.mes,
            feed=self.feed,
            heartbeats=Heartbeats(dataset, self.bus, self.clock.now()),
            people=self.people,
            breakdowns=Breakdowns(self.cmms, dataset),
            shift_lead=self.shift_lead,
            faults=faults,
            stopping=self.stopping,
        )
        self._control_server = HttpServer(self.control.app, port or ports.get("control", 0))

    @property
    def control_url(self) -> str:
        """Where the control API answers."""
        return self._control_server.url

    async def start(self) -> None:
        """Listen everywhere and write `endpoints.json`.

        Raises:
            OSError: a port is taken.
        """
        await self.bus.start()
        await self.twins.start()
        await self.cmms.server.start()
        await self.mes.start()
        await self._control_server.start()
        self._write_endpoints()

    async def stop(self) -> None:
        """Stop answering and close everything that is on disk."""
        await self._control_server.stop()
        await self.mes.stop()
        await self.cmms.server.stop()
        await self.twins.stop()
        await self.bus.stop()

    def _write_endpoints(self) -> None:
        endpoints = {
            "bus_connection_string": self.bus.connection_string,
            "topic": TOPIC,
            "subscription": SUBSCRIPTION,
            "heartbeat_source": SOURCE,
            "twins_url": self.twins.url,
            "cmms_url": self.cmms.server.url,
            **self.cmms.access,
            "mes": self.mes.name,
            "mes_url": self.mes.url,
            **self.mes.access,
            "control_url": self.control_url,
            "pid": os.getpid(),
            "data": self._dataset.label,
            "first": stamp(self._dataset.first),
            "last": stamp(self._dataset.last),
            "ports": {
                "bus": self.bus.port,
                "twins": self.twins.port,
                "cmms": self.cmms.server.port,
                "mes": self.mes.port,
                "control": int(self.control_url.rpartition(":")[2]),
            },
        }
        fresh = self._directory / f".{ENDPOINTS_FILE}"
        fresh.write_text(json.dumps(endpoints, indent=2) + "\n", "utf-8")
        fresh.replace(self._directory / ENDPOINTS_FILE)


def _remembered_ports(directory: Path) -> dict[str, int]:
    """The ports of the last start, which the plant's clients still know."""
    file = directory / ENDPOINTS_FILE
    if not file.exists():
        return {}
    ports: dict[str, int] = json.loads(file.read_text("utf-8"))["ports"]
    return ports
