"""An MES that stands apart: its worker in the plant's zone, and the port through the engine, in one process."""

import asyncio
import base64
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from domain.clock import Clock, WallClock
from domain.ports import Mes
from millwright.plant_zone.running import run_plant_zone
from millwright.settings import Settings
from millwright.workflow_engine.apart_mes import ApartMes
from millwright.workflow_engine.payload_codec import encrypting
from millwright.workflow_engine.temporal import engine_client
from workflows.mes_call import MesCall
from workflows.queues import case_queue

_numbers = itertools.count()


def write_keys(folder: Path, *keys: bytes) -> Path:
    """A file with payload keys; a new key if none is given."""
    file = folder / f"payload-keys-{next(_numbers)}"
    lines = [base64.b64encode(key).decode() for key in keys or (os.urandom(32),)]
    file.write_text("\n".join(lines), encoding="utf-8")
    file.chmod(0o600)
    return file


class PlantZone:
    """Workers of a plant zone, and the ports that reach them."""

    def __init__(self, client: Client, queue: str) -> None:
        self._client = client
        self._queue = queue
        self._stop = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []

    def port(self, system: str, clock: Clock, wall: Clock | None = None) -> ApartMes:
        """The port of an instance, whether a worker calls it or not."""
        return ApartMes(self._client, system, self._queue, clock, wall or WallClock())

    def man(self, system: str, mes: Mes, clock: Clock) -> None:
        """Starts a worker for an instance."""
        running = run_plant_zone(self._client, self._queue, system, mes, clock, self._stop)
        self._workers.append(asyncio.create_task(running))

    def apart(self, mes: Mes, clock: Clock) -> ApartMes:
        """A new instance with one worker."""
        system = f"apart-{next(_numbers)}"
        self.man(system, mes, clock)
        return self.port(system, clock)

    async def leave(self) -> None:
        """Ends the workers."""
        self._stop.set()
        await asyncio.gather(*self._workers)
        self._workers.clear()
        self._stop = asyncio.Event()


@asynccontextmanager
async def plant_zone(address: str, keys: Path, queue: str) -> AsyncIterator[PlantZone]:
    """A plant zone, and the worker for cases that passes its calls on; that worker has no key."""
    async with (
        engine_client(Settings(), address) as central,
        engine_client(Settings(), address, converter=encrypting(keys, "payload_keys")) as client,
        Worker(central, task_queue=case_queue(queue), workflows=[MesCall], workflow_runner=UnsandboxedWorkflowRunner()),
    ):
        zone = PlantZone(client, queue)
        try:
            yield zone
        finally:
            await zone.leave()
            del central, client
