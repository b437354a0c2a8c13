"""What is counted and tried again after another system was away."""

from datetime import timedelta

from domain.assets import Criticality
from domain.errors import ActionRequired, Unavailable
from domain.production import JobState
from millwright.storage.figures import count_ordering_cases, read_figures
from tests.plant import code, deviation
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
    plant.mes.failing.after.append(ActionRequired("held already", system="fake", operation="place-hold"))
    await plant.take(code(1), deviation(2))
    holds = (await read_figures(plant.engine)).holds
    assert (holds["placed"], holds["unproven"], holds["left_open"]) == (0, 1, 1)
    plant.cmms.people_close((await plant.case()).id, "REPAIRED")
    await plant.hint()
    plant.mes.state = JobState.RUNNING
    await plant.pass_time(timedelta(hours=1))
    holds = (await read_figures(plant.engine)).holds
    assert (holds["placed"], holds["unproven"], holds["left_open"]) == (0, 1, 0)
    assert (await plant.case()).closed_as is not None


async def test_the_orders_there_must_be_are_those_of_cases_that_asked_for_one(plant: FakePlant) -> None:
    assert await count_ordering_cases(plant.engine) == 0
    plant.cmms.failing.before.append(Unavailable("503 Service Unavailable", system="fake", operation="create"))
    await plant.take(code(1), deviation(2))
    assert (await count_ordering_cases(plant.engine), len(plant.cmms.orders)) == (1, 0)
