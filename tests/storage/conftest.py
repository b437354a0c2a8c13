"""A plant with its register and policies, in a database of its own."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from tests.support.judged_plant import Plant


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    made = Plant(storage_engine)
    await made.prepare()
    return made


@pytest.fixture
def cases(plant: Plant) -> CaseStore:
    return CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))


@pytest.fixture
async def case(plant: Plant) -> str:
    """The only case."""
    [[found]] = await plant.rows("SELECT id FROM cases")
    return str(found)
