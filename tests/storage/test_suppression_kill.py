"""A process killed in the middle of a return."""

import asyncio
import sys
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.suppression import shelving_limits
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.suppression_end import SuppressionEnd
from millwright.storage.suppression.suppressions import SuppressionStore
from tests.support.judged_plant import Plant
from tests.support.plant import LINE, PUMP, START, code, deviation

_RETURN = """
import asyncio, sys
from datetime import datetime
from millwright.bootstrap import StoredVersions
from millwright.storage.database.engine import open_engine
from millwright.storage.cases.suppression_end import SuppressionEnd
from tests.support.plant import TestClock

async def main():
    engine = open_engine(sys.argv[1])
    print(await SuppressionEnd(engine, TestClock(datetime.fromisoformat(sys.argv[2])), StoredVersions()).return_due())

asyncio.run(main())
"""
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:line, 0))")
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
    "AND wait_event = 'advisory'"
)


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    made = Plant(storage_engine)
    await made.prepare()
    made.clock.time = START
    return made


async def test_a_return_that_was_killed_midway_is_made_whole_by_the_next(plant: Plant, database_url: str) -> None:
    limits = shelving_limits("A=P1D,B=P1D,C=P1D,D=P1D")
    store = SuppressionStore(plant.engine, plant.clock, limits, timedelta(days=1))
    shelf = await store.shelve(PUMP, None, timedelta(hours=8), "ines", "sensor is being moved")
    await plant.take(code(1), deviation(2))
    plant.clock.time = START + timedelta(hours=9)
    async with plant.engine.begin() as judging:
        await judging.execute(_LOCK, {"line": LINE})
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _RETURN, database_url, plant.clock.time.isoformat()
        )
        async with asyncio.timeout(60):
            while await plant.rows(_WAITING) == [(0,)]:
                assert process.returncode is None
                await asyncio.sleep(0.05)
        process.kill()
        await process.wait()
    suppression_end = SuppressionEnd(plant.engine, plant.clock, StoredVersions(plant.catalogue))
    first, second = await asyncio.gather(suppression_end.return_due(), suppression_end.return_due())
    assert sorted([*first, *second]) == [shelf.id]
    assert await plant.rows("SELECT asset, fed FROM cases") == [(PUMP, 1)]
    assert await plant.rows("SELECT count(*) FROM acts WHERE kind = 'suppression-returned'") == [(1,)]
