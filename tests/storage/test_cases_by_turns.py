"""Cases give way before each transaction; a person does not wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.cases import Decision
from millwright.bootstrap import StoredVersions
from millwright.storage.cases import CaseStore
from tests.judged_plant import Plant
from tests.plant import START, code, deviation


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    made = Plant(storage_engine)
    await made.prepare()
    await made.take(code(1), deviation(2))
    return made


async def test_a_step_waits_for_its_turn_and_a_decision_does_not(plant: Plant) -> None:
    others_are_done = asyncio.Event()

    @asynccontextmanager
    async def turn() -> AsyncIterator[None]:
        await others_are_done.wait()
        yield

    cases = CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue)).by_turns(turn)
    ((case,),) = await plant.rows("SELECT id FROM cases")
    step = asyncio.create_task(cases.view(str(case)))
    await cases.decided(str(case), Decision(approved=True, by="ines", reason="heard it", at=START))
    assert not step.done()
    others_are_done.set()
    view, _ = await step
    assert view.decision is not None
