"""The real engine, and a plant around it whose other systems are fakes that can be told to fail."""

from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from millwright.settings import Settings
from millwright.workflow_engine.temporal import engine_client, register_search_attributes
from tests.support.engine_process import answering, engine_process
from tests.workflows.fake_plant import FakePlant


@pytest.fixture(scope="session")
def engine_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The workflow engine's development server, as a process of its own."""
    with engine_process(tmp_path_factory.mktemp("engine")) as (_, address):
        yield address


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


@pytest.fixture
async def unmanned(plant: FakePlant) -> FakePlant:
    """The same, and its own worker has gone."""
    await plant.stop_worker()
    return plant
