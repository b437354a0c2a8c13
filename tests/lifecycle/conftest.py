"""A plant with the shipped policy in force, and the people who work with it."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.judged_plant import Plant
from tests.support.policy_people import PolicyPeople


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    made = Plant(storage_engine)
    await made.prepare()
    return made


@pytest.fixture
async def people(plant: Plant) -> PolicyPeople:
    made = PolicyPeople(plant.engine, plant.clock)
    await made.arrive()
    return made
