"""A vendor that is away for a day is asked now and then, and keeps nobody else waiting."""

from datetime import timedelta

from domain.assets import Criticality
from domain.errors import Unavailable
from tests.support.plant import code, deviation
from tests.workflows.fake_plant import FakePlant

HOURS = 24
DOUBLINGS = 7
"""One minute to an hour; from then on once an hour."""


async def test_a_cmms_that_is_away_for_a_day_is_asked_about_once_an_hour_by_each_case(plant: FakePlant) -> None:
    away = Unavailable("503 Service Unavailable", system="fake", operation="create-work-order")
    plant.cmms.failing.before += [away] * 1000
    await plant.take(code(1), deviation(2))
    for _ in range(HOURS):
        await plant.pass_time(timedelta(hours=1))
    asked = 1000 - len(plant.cmms.failing.before)
    assert asked <= HOURS + DOUBLINGS
    assert (await plant.case()).waiting_for is not None
    plant.cmms.failing.before.clear()
    await plant.pass_time(timedelta(hours=1))
    assert len(plant.cmms.drafts) == 1


async def test_a_cmms_that_is_away_keeps_no_hold_from_being_placed(plant: FakePlant) -> None:
    await plant.use(Criticality.A)
    plant.cmms.failing.before += [Unavailable("503 Service Unavailable", system="fake", operation="create")] * 1000
    await plant.take(code(1), deviation(2))
    case = await plant.case()
    assert plant.mes.acts == [f"hold {case.id}"]
    assert case.order is None
