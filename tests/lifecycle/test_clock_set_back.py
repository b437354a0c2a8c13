"""A clock that was set back is noticed before a person acts by it."""

from datetime import timedelta

import pytest

from domain.errors import ActRejected
from domain.stops import StoppableAction
from millwright.storage.policies.freezes import FreezeStore
from millwright.storage.policies.stops import StopStore
from millwright.storage.reporting.condition import read_clock_fault
from tests.support.judged_plant import Plant
from tests.support.plant import deviation
from tests.support.policy_people import PolicyPeople

HOUR = timedelta(hours=1)
BOTH = "the clock shows 2015-01-15T05:00:00.000000Z, and the newest row of the ledger is of 2015-01-15T06:00:00.000000Z"


async def test_no_version_comes_into_force_by_a_clock_that_was_set_back(plant: Plant, people: PolicyPeople) -> None:
    digest = await people.approved()
    await plant.take(deviation(1))
    plant.clock.time -= HOUR
    with pytest.raises(ActRejected) as refused:
        await people.place(digest)
    assert refused.value.problem == BOTH
    plant.clock.time += 3 * HOUR
    await plant.take(deviation(2))
    plant.clock.time -= timedelta(minutes=5)
    await people.place(digest)


async def test_no_freeze_and_no_kill_switch_is_lifted_by_a_clock_that_was_set_back(
    plant: Plant, people: PolicyPeople
) -> None:
    await plant.take(deviation(1))
    freezes, stops = FreezeStore(plant.engine, plant.clock), StopStore(plant.engine, plant.clock)
    await freezes.freeze(None, plant.clock.now() + HOUR, "emil", "audit week")
    await stops.stop(StoppableAction.ORDER, "emil", "the CMMS is moved")
    plant.clock.time -= HOUR
    with pytest.raises(ActRejected, match="the clock shows"):
        await freezes.freeze(None, plant.clock.now() + HOUR, "emil", "again")
    with pytest.raises(ActRejected, match="the clock shows"):
        await freezes.thaw(1, "fred", "over")
    with pytest.raises(ActRejected, match="the clock shows"):
        await stops.lift(1, "fred", "over")


async def test_a_kill_switch_is_thrown_by_any_clock(plant: Plant, people: PolicyPeople) -> None:
    await people.approved()
    await plant.take(deviation(1))
    plant.clock.time -= HOUR
    await StopStore(plant.engine, plant.clock).stop(StoppableAction.ORDER, "emil", "at once")


async def test_the_condition_of_storage_names_both_times(plant: Plant) -> None:
    await plant.take(deviation(1))
    now = plant.clock.now()
    assert await read_clock_fault(plant.engine, now) is None
    fault = await read_clock_fault(plant.engine, now - HOUR)
    assert fault == BOTH
