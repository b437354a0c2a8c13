"""On the real engine: what a machine made is listed when it is held, and the case does not wait for it."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from domain.assets import Criticality
from domain.cases import CaseView
from domain.errors import ActionRequired, Unavailable
from domain.lots import MadeLot
from domain.suspect_lots import LotsUntil
from tests.support.plant import code, deviation
from tests.workflows.fake_plant import FakePlant


class LotPlant(FakePlant):
    """A plant whose MES may know lots."""

    async def held(self) -> CaseView:
        """Opens a case, and lets its hold come into effect."""
        await self.use(Criticality.A)
        await self.take(code(1), deviation(2))
        await self.until_due()
        return await self.case()

    async def until_due(self) -> None:
        case = await self.case()
        due_at = case.urgency.hold_at if case.urgency is not None else None
        if due_at is not None and due_at > self.clock.now():
            await self.pass_time(due_at - self.clock.now())
        await self.pass_time(timedelta(hours=1))


@pytest.fixture
def plant_with_lots(engine: Client, storage_engine: AsyncEngine) -> LotPlant:
    return LotPlant(engine, storage_engine, "test-suspect-lots")


async def test_the_lots_are_listed_once_from_the_onset_until_the_hold(plant_with_lots: LotPlant) -> None:
    async with plant_with_lots as plant:
        plant.mes.made = (MadeLot(lot="LOT-1", job="J1"),)
        case = await plant.held()
        assert case.hold is not None
        assert case.suspect_lots is not None
        assert case.suspect_lots.lots == (MadeLot(lot="LOT-1", job="J1"),)
        assert (case.suspect_lots.until, case.suspect_lots.until_at) == (
            LotsUntil.HELD,
            case.hold.in_effect_since,
        )
        assert case.suspect_lots.from_at <= case.event_at
        await plant.pass_time(timedelta(days=1))
        assert len(plant.mes.lots_asked) == 1


async def test_an_mes_that_does_not_answer_is_asked_again_and_delays_nothing(plant_with_lots: LotPlant) -> None:
    async with plant_with_lots as plant:
        plant.mes.refuses_lots = Unavailable("no answer", system="fake", operation="list-lots")
        case = await plant.held()
        assert (case.suspect_lots, len(plant.cmms.orders), case.lane) == (None, 1, None)
        plant.mes.refuses_lots, plant.mes.made = None, ()
        await plant.pass_time(timedelta(hours=1))
        case = await plant.case()
        assert case.suspect_lots is not None
        assert case.suspect_lots.lots == ()


async def test_an_mes_that_refuses_is_named_in_the_draft(plant_with_lots: LotPlant) -> None:
    async with plant_with_lots as plant:
        plant.mes.refuses_lots = ActionRequired("our user may not read lots", system="fake", operation="list-lots")
        case = await plant.held()
        assert case.suspect_lots is not None
        assert case.suspect_lots.lots is None
        assert case.suspect_lots.not_known == "fake did not say: our user may not read lots"


async def test_an_mes_that_does_not_tell_lots_gives_no_empty_list(plant_with_lots: LotPlant) -> None:
    async with plant_with_lots as plant:
        plant.mes.made = None
        case = await plant.held()
        assert case.suspect_lots is not None
        assert (case.suspect_lots.lots, case.suspect_lots.not_known) == (
            None,
            "fake does not say which lots a machine made",
        )


async def test_without_a_hold_the_lots_are_listed_until_the_work_is_done(plant_with_lots: LotPlant) -> None:
    plant_with_lots.more = ""
    async with plant_with_lots as plant:
        await plant.use(Criticality.A)
        await plant.take(code(1), deviation(2))
        case = await plant.case()
        await plant.pass_time(timedelta(days=1))
        assert plant.mes.lots_asked == []
        plant.mes.refuses_lots = Unavailable("no answer", system="fake", operation="list-lots")
        done_at = plant.clock.now()
        plant.cmms.people_close(case.id, "REPAIRED")
        await plant.hint()
        case = await plant.case()
        assert case.phase == "closed"
        assert case.suspect_lots is not None
        assert (case.suspect_lots.until, case.suspect_lots.until_at) == (LotsUntil.WORK_DONE, done_at)
        assert case.suspect_lots.not_known == "fake did not answer: no answer"


async def test_a_case_whose_work_is_called_off_while_the_mes_is_away_says_why_there_is_no_list(
    plant_with_lots: LotPlant,
) -> None:
    async with plant_with_lots as plant:
        plant.mes.refuses_lots = Unavailable("no answer", system="fake", operation="list-lots")
        case = await plant.held()
        plant.cmms.people_close(case.id, None, cancelled=True)
        await plant.hint()
        case = await plant.case()
        assert case.suspect_lots is not None
        assert case.suspect_lots.not_known == "fake did not answer: no answer"
