"""A plant up to its cases on a database, for the promises that storage keeps."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.judged_plant import Plant


@pytest.fixture
async def judged(storage_engine: AsyncEngine) -> Plant:
    made = Plant(storage_engine)
    await made.prepare()
    return made
