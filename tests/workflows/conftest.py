"""The real engine, and a plant around it whose other systems are fakes that can be told to fail."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from millwright.runtime.embedded import temporal_server
from millwright.runtime.embedded.processes import Process, quiet_port
from millwright.settings import Settings
from millwright.workflow_engine.temporal import engine_client, register_search_attributes
from tests.workflows.fake_plant import FakePlant


@pytest.fixture(scope="session")
def engine_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The workflow engine's development server, as a process of its own."""
    home = tmp_path_factory.mktemp("engine")
    port = quiet_port()
    command = temporal_server.command(temporal_server.find(_silent), home / "temporal.db", port)
    process = Process("engine", command, {}, home)
    process.start()
    yield f"127.0.0.1:{port}"
    process.stop()


@pytest.fixture(scope="session")
async def engine(engine_address: str) -> AsyncIterator[Client]:
    """A client of it."""
    async with engine_client(Settings(), await answering(engine_address)) as client:
        await register_search_attributes(client)
        yield client


@pytest.fixture
async def plant(
    engine: Client, storage_engine: AsyncEngine, request: pytest.FixtureRequest
) -> AsyncIterator[FakePlant]:
    """Millwright at work on a plant of one machine."""
    queue = f"test-{request.node.name}"
    async with FakePlant(engine, storage_engine, queue) as made:
        yield made


async def answering(address: str) -> str:
    """The address, once the engine answers there."""
    host, _, port = address.partition(":")
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        return address
    raise TimeoutError(f"the workflow engine does not answer at {address}")


def _silent(words: str) -> None:
    del words
