"""What is counted and tried again after another system was away."""

from datetime import timedelta

import pytest

from domain.assets import Criticality
from domain.cases import Lane, Phase
from domain.errors import ActRejected, Unavailable
from millwright.storage.reporting.figures import count_ordering_cases, read_figures
from tests.support.plant import MOTOR, code, deviation
from tests.workflows.fake_plant import FakePlant


async def test_a_poll_that_failed_is_tried_again_long_before_the_next_one_is_due(plant: FakePlant) -> None:
    await plant.take(code(1), deviation(2))
    plant.cmms.people_close((await plant.case()).id, "REPAIRED")
    plant.cmms.failing.before.append(Unavailable("503 Service Unavailable", system="fake", operation="changed-since"))
    await plant.hint()
    assert (await plant.case()).closed_as is None
    await plant.pass_time(timedelta(minutes=5))
    assert (await plant.case()).closed_as is not None


async def test_a_hold_that_was_never_proved_ours_is_counted_apart_until_and_after_it_is_gone(plant: FakePlant) -> None:
    await plant.use(Criticality.A)
    plant.mes.failing.after.append(Unavailable("the answer was lost", system="fake", operation="place-hold"))
    await plant.take(code(1), deviation(2))
    await plant.pass_time(timedelta(minutes=2))
    case = await plant.case()
    assert await _counted(plant) == (0, 1, 1)
    assert case.lane is Lane.PLANNER
    assert "it cannot be proved that the hold is ours" in (case.waiting_for or "")
    plant.cmms.people_close(case.id, "REPAIRED")
    await plant.hint()
    with pytest.raises(ActRejected, match="cannot be proved that the hold of job J1 is ours"):
        await plant.release(case.id)
    plant.mes.people_release()
    await plant.pass_time(timedelta(hours=1))
    assert await _counted(plant) == (0, 1, 0)
    assert plant.mes.reasons == []
    assert (await plant.case()).phase is Phase.CLOSED


async def _counted(plant: FakePlant) -> tuple[int, int, int]:
    holds = (await read_figures(plant.engine)).holds
    return holds["placed"], holds["unproven"], holds["left_open"]


async def test_the_orders_there_must_be_are_those_of_cases_that_asked_for_one(plant: FakePlant) -> None:
    assert await count_ordering_cases(plant.engine) == 0
    plant.cmms.failing.before.append(Unavailable("503 Service Unavailable", system="fake", operation="create"))
    await plant.take(code(1), deviation(2))
    assert (await count_ordering_cases(plant.engine), len(plant.cmms.orders)) == (1, 0)


async def test_after_an_outage_of_two_hours_every_order_is_there_within_five_minutes(plant: FakePlant) -> None:
    away = Unavailable("503 Service Unavailable", system="fake", operation="create")
    plant.cmms.failing.before.extend([away] * 500)
    await plant.take(code(1), deviation(2))
    await plant.take(code(1, asset=MOTOR), code(1, "error3", asset=MOTOR), deviation(2, asset=MOTOR))
    for _ in range(12):
        await plant.pass_time(timedelta(minutes=10))
    assert plant.cmms.orders == {}
    plant.cmms.failing.before.clear()
    await plant.pass_time(timedelta(minutes=5))
    assert (len(plant.cmms.orders), len(await plant.cases())) == (2, 2)
