"""Kill switches: actions stop, judging goes on, and what waited is done when they are lifted."""

import pytest

from domain.assets import Criticality
from domain.errors import ActRejected
from domain.stops import StoppableAction
from millwright.storage.events.register import RegisterStore
from millwright.storage.policies.stops import StopStore
from tests.support.plant import code, deviation, register_elsewhere
from tests.support.policy_people import PolicyPeople
from tests.workflows.fake_plant import FakePlant


@pytest.fixture
async def switches(plant: FakePlant) -> StopStore:
    await PolicyPeople(plant.engine, plant.clock).arrive()
    return StopStore(plant.engine, plant.clock)


async def test_no_order_is_made_while_orders_are_stopped_and_it_is_made_once_they_are_lifted(
    plant: FakePlant, switches: StopStore
) -> None:
    number, _ = await switches.stop(StoppableAction.ORDER, "emil", "the CMMS is being moved", site="BEDFORD")
    await plant.take(code(1), deviation(2))
    case = await plant.case()
    assert plant.cmms.orders == {}
    assert case.waiting_for == "emil stopped every order at BEDFORD: the CMMS is being moved"
    with pytest.raises(ActRejected, match="another person must lift it"):
        await switches.lift(number, "emil", "done")
    await switches.lift(number, "fred", "it is moved")
    await plant.at_rest()
    assert list(plant.cmms.orders) == [case.id]
    assert (await plant.case()).waiting_for != case.waiting_for


async def test_holds_may_be_stopped_for_a_class_while_orders_go_on(plant: FakePlant, switches: StopStore) -> None:
    await plant.use(Criticality.A)
    number, _ = await switches.stop(StoppableAction.HOLD, "emil", "a shift without holds", asset_class="pump")
    await plant.take(code(1), deviation(2))
    case = await plant.case()
    assert plant.mes.acts == []
    assert list(plant.cmms.orders) == [case.id]
    await switches.lift(number, "fred", "the shift is over")
    await plant.at_rest()
    assert plant.mes.acts == [f"hold {case.id}"]


async def test_a_hold_is_released_although_holds_are_stopped(plant: FakePlant, switches: StopStore) -> None:
    await plant.use(Criticality.A)
    await plant.take(code(1), deviation(2))
    case = await plant.case()
    await switches.stop(StoppableAction.HOLD, "emil", "no more")
    plant.cmms.people_close(case.id, "REPAIRED")
    await plant.hint()
    await plant.release(case.id)
    assert plant.mes.acts == [f"hold {case.id}", f"release {case.id}"]


async def test_no_twin_is_written_to_while_that_is_stopped(plant: FakePlant, switches: StopStore) -> None:
    number, _ = await switches.stop(StoppableAction.TWIN_WRITE, "emil", "the twins are being rebuilt")
    await plant.take(code(1), deviation(2))
    plant.cmms.people_close((await plant.case()).id, "REPAIRED")
    await plant.hint()
    assert plant.twins.told == {}
    assert (await plant.case()).waiting_for == "emil stopped every twin-write: the twins are being rebuilt"
    await switches.lift(number, "fred", "they are rebuilt")
    await plant.at_rest()
    assert (await plant.case()).closed_as is not None


async def test_a_stop_elsewhere_stops_nothing_here(plant: FakePlant, switches: StopStore) -> None:
    await RegisterStore(plant.engine, plant.clock).keep(register_elsewhere(), "tests")
    await switches.stop(StoppableAction.ORDER, "emil", "not here", site="LUTON")
    await switches.stop(StoppableAction.ORDER, "emil", "nor this", asset_class="robot")
    await plant.take(code(1), deviation(2))
    assert len(plant.cmms.orders) == 1


async def test_a_stop_is_lifted_once(plant: FakePlant, switches: StopStore) -> None:
    number, _ = await switches.stop(StoppableAction.ORDER, "emil", "a drill")
    await switches.lift(number, "fred", "over")
    with pytest.raises(ActRejected, match="there is no stop"):
        await switches.lift(number, "fred", "over")
    assert [stop.lifted_by for stop in await switches.stops()] == ["fred"]
