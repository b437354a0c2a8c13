"""Intake between the sandbox's bus and a real database."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from millwright.bootstrap import Storage, open_storage
from millwright.intake.running import run_intake
from millwright.settings import Settings
from sandbox.bus.server import ServiceBus
from sandbox.faults import Faults
from tests.support.ingress import TELEMETRY, settings_over
from tests.support.plant import register

QUEUE, TOPIC, SUBSCRIPTION, SESSIONS = "anomalies", "twin-events", "millwright", "by-twin"


class BusPlant:
    """A bus with a queue, a topic and a queue with sessions, and what is sent there."""

    def __init__(self, bus: ServiceBus) -> None:
        self.bus = bus

    def send(self, entity: str, data: object, external_id: str, *, session: str | None = None) -> None:
        """Publishes telemetry of a twin, in binary mode as Digital Twins does."""
        self.bus.publish(
            entity,
            data if isinstance(data, bytes) else orjson.dumps(data),
            application_properties={
                "cloudEvents:specversion": "1.0",
                "cloudEvents:id": external_id,
                "cloudEvents:source": "host/machine-001",
                "cloudEvents:type": TELEMETRY,
            },
            message_id=external_id,
            content_type="application/json",
            session_id=session,
        )


@pytest.fixture(autouse=True)
def sockets() -> Iterator[None]:
    """Collects what a test left, where its warning is known, and not in somebody else's test."""
    yield
    gc.collect()


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def plant(faults: Faults) -> AsyncIterator[BusPlant]:
    bus = ServiceBus(None, faults=faults)
    bus.add_queue(QUEUE)
    bus.add_topic(TOPIC, [SUBSCRIPTION])
    bus.add_queue(SESSIONS, sessions=True)
    await bus.start()
    yield BusPlant(bus)
    await bus.stop()


@pytest.fixture
def settings(database_url: str, tmp_path: Path, plant: BusPlant) -> Settings:
    return settings_over(
        database_url,
        tmp_path,
        bus={
            "connector": "service_bus",
            "connection_string": plant.bus.connection_string,
            "max_wait": "PT0.2S",
            "longest_backoff": "PT0.3S",
            "entities": [
                {"queue": QUEUE, "dead_letter": True},
                {"topic": TOPIC, "subscription": SUBSCRIPTION},
                {"queue": SESSIONS, "sessions": True},
            ],
        },
    )


@pytest.fixture
async def storage(settings: Settings) -> AsyncIterator[Storage]:
    async with open_storage(settings) as storage:
        await storage.register.keep(register(), "tests")
        yield storage


@pytest.fixture
def intake(settings: Settings, storage: Storage) -> Callable[[], object]:
    """Runs intake for as long as a block lasts, and sees it end by itself."""

    @asynccontextmanager
    async def run() -> AsyncIterator[asyncio.Event]:
        stop = asyncio.Event()
        running = asyncio.create_task(run_intake(settings, storage, stop))
        try:
            yield stop
        finally:
            stop.set()
            await asyncio.wait_for(running, 20)

    return run
