"""Production is asked on the real engine: the order goes out, and only the hold waits for the answer."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from domain.assets import Criticality
from domain.cases import CaseView, Lane
from domain.hold_proposals import ANSWER_WITHIN
from domain.production import JobState
from millwright.audit.verifying import verify
from tests.support.plant import code, deviation
from tests.support.proposed_hold import hold_answer
from tests.workflows.fake_plant import FakePlant


class Asked(FakePlant):
    """A plant whose policy lets no hold be placed unasked."""

    more = ""

    async def open(self) -> CaseView:
        await self.use(Criticality.A)
        await self.take(code(1), deviation(2))
        return await self.case()

    async def answer(self, case: str, after: timedelta | None) -> None:
        """A person of production answers: yes, from a while after now on; None for no."""
        await self.storage.cases.answer_hold(case, hold_answer(self.clock.now(), after))
        await self.at_rest()


@pytest.fixture
def asked(engine: Client, storage_engine: AsyncEngine) -> Asked:
    return Asked(engine, storage_engine, "test-proposed-holds")


async def test_the_order_goes_out_while_production_is_asked_and_its_word_places_the_hold(asked: Asked) -> None:
    async with asked as plant:
        case = await plant.open()
        assert (case.lane, plant.mes.acts, len(plant.cmms.orders)) == (Lane.PRODUCTION, [], 1)
        [draft] = plant.cmms.drafts
        assert any(text.startswith("Production is asked whether EQ-001 may be held from ") for text in draft.paragraphs)
        due_at = case.urgency.hold_at if case.urgency is not None else None
        await plant.answer(case.id, timedelta())
        if due_at is not None and due_at > plant.clock.now():
            assert plant.mes.acts == []
            await plant.pass_time(due_at - plant.clock.now())
        assert plant.mes.acts == [f"hold {case.id}"]
        assert (await verify(plant.engine)).findings == ()


async def test_a_refused_hold_is_noted_on_the_order_and_the_case_goes_on_to_its_end(asked: Asked) -> None:
    async with asked as plant:
        case = await plant.open()
        await plant.answer(case.id, None)
        [(key, words)] = plant.cmms.notes.items()
        assert key.startswith(f"{case.id}-answer-")
        assert words.startswith("Production refused to hold EQ-001: a rush order.")
        assert (await plant.case()).lane is None
        await plant.pass_time(timedelta(days=3))
        plant.cmms.people_close(case.id, "REPAIRED")
        await plant.hint()
        assert (await plant.case()).phase == "closed"
        assert (plant.mes.acts, plant.mes.state) == ([], JobState.RUNNING)
        assert (await verify(plant.engine)).findings == ()


async def test_without_an_answer_operations_are_called_and_a_late_answer_counts_still(asked: Asked) -> None:
    async with asked as plant:
        case = await plant.open()
        await plant.pass_time(ANSWER_WITHIN)
        assert ((await plant.case()).lane, plant.mes.acts) == (Lane.OPERATIONS, [])
        await plant.answer(case.id, timedelta(hours=20))
        assert ((await plant.case()).lane, plant.mes.acts) == (None, [])
        await plant.pass_time(timedelta(hours=20))
        assert plant.mes.acts == [f"hold {case.id}"]


async def test_a_question_outlives_the_worker_and_its_history(asked: Asked) -> None:
    async with asked as plant:
        case = await plant.open()
        await plant.stop_worker()
        await plant.client.get_workflow_handle(f"case/{case.id}").terminate()
        await plant.storage.cases.answer_hold(case.id, hold_answer(plant.clock.now(), timedelta()))
        plant.start_worker()
        await plant.at_rest()
        assert plant.mes.acts == [f"hold {case.id}"]


async def test_work_that_is_rejected_asks_production_no_more(asked: Asked) -> None:
    async with asked as plant:
        case = await plant.open()
        await plant.decide(case.id, approved=False)
        await plant.pass_time(ANSWER_WITHIN)
        assert (await plant.case()).lane is not Lane.OPERATIONS
        assert plant.mes.acts == []
