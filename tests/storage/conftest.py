"""A plant with its register and policies, in a database of its own."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.judged_plant import Plant


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    made = Plant(storage_engine)
    await made.prepare()
    return made
