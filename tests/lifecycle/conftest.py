"""A plant with the shipped policy in force, and its staff."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.judged_plant import Plant
from tests.support.policy_people import Staff


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    made = Plant(storage_engine)
    await made.prepare()
    return made


@pytest.fixture
async def staff(plant: Plant) -> Staff:
    made = Staff(plant.engine, plant.clock)
    await made.arrive()
    return made
