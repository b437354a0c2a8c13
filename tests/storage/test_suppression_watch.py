"""The watch that returns shelves, and who leaves them to it."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.suppression import shelving_limits
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.suppression_end import SuppressionEnd
from millwright.storage.scheduling.due import looking
from millwright.storage.suppression.suppressions import SuppressionStore
from millwright.worker.suppression_watch import SuppressionWatch
from tests.support.judged_plant import Plant
from tests.support.plant import PUMP, START, code, deviation


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    """A pump that failed while it was shelved."""
    made = Plant(storage_engine)
    await made.prepare()
    made.clock.time = START
    limits = shelving_limits("A=P1D,B=P1D,C=P1D,D=P1D")
    store = SuppressionStore(storage_engine, made.clock, limits, timedelta(days=1))
    await store.shelve(PUMP, None, timedelta(hours=8), "ines", "sensor is being moved")
    await made.take(code(1), deviation(2))
    return made


async def test_a_shelf_returns_when_the_plants_time_has_come(plant: Plant) -> None:
    suppression_end = SuppressionEnd(plant.engine, plant.clock, StoredVersions(plant.catalogue))
    watch = asyncio.create_task(SuppressionWatch(suppression_end).run())
    try:
        plant.clock.time = START + timedelta(hours=8)
        async with asyncio.timeout(30):
            while True:
                await asyncio.sleep(0.05)
                if await plant.rows("SELECT count(*) FROM cases") == [(1,)]:
                    break
    finally:
        watch.cancel()
    assert await plant.rows("SELECT due_at FROM due WHERE subject LIKE 'suppression/%'") == [(None,)]


async def test_no_workflow_is_woken_for_a_shelf_and_one_is_for_the_case_that_it_opened(plant: Plant) -> None:
    plant.clock.time = START + timedelta(hours=8)
    async with looking(plant.engine) as due:
        assert [row.subject for row in await due(plant.clock.now()) if row.subject.startswith("suppression/")] == []
        await SuppressionEnd(plant.engine, plant.clock, StoredVersions(plant.catalogue)).return_due()
        ((case,),) = await plant.rows("SELECT id FROM cases")
        assert f"case/{case}" in [row.subject for row in await due(plant.clock.now())]
