"""Two breakdowns that no sensor shows are repaired by people, who write their orders afterwards."""

from datetime import timedelta

import pytest

from sandbox.clock import PlantClock
from sandbox.cmms import open_cmms
from sandbox.faults import Faults
from sandbox.maximo.screen import MaximoScreen
from sandbox.plant.breakdowns import Breakdowns
from sandbox.plant.dataset import Dataset
from sandbox.plant.generator import generate
from sandbox.plant.orders import OrderState
from sandbox.twins.graph import PlantMachine


@pytest.fixture(scope="module")
def plant() -> Dataset:
    return generate(seed=1)


def screen(plant: Dataset, name: str = "maximo") -> tuple[PlantClock, object]:
    clock = PlantClock(plant.first + (plant.last - plant.first) / 2)
    machines = [PlantMachine(machine.id, machine.model, machine.age) for machine in plant.machines]
    return clock, open_cmms(name, None, clock, machines, 0, Faults())


def test_both_orders_are_corrective_completed_and_of_people_and_are_written_once(plant: Dataset) -> None:
    clock, cmms = screen(plant)
    assert isinstance(cmms, MaximoScreen)
    broken = Breakdowns(cmms, plant).report(clock.now())
    assert broken == ["M002-COMP2", "M003-COMP1"]
    # A plant that is started again knows them.
    assert Breakdowns(cmms, plant).report(clock.now()) == []
    assert [(order.asset, order.state, order.key, order.closed_as) for order in cmms.orders()] == [
        (asset, OrderState.COMPLETED, None, "confirmed") for asset in broken
    ]
    seen = cmms.server.work_orders()
    assert [(order.worktype, order.problem) for order in seen] == [("CM", "LOWSPEED"), ("CM", "HIGHVIB")]
    assert [order.reportdate for order in seen] == [clock.now() - timedelta(hours=6)] * 2


def test_nothing_breaks_down_before_the_middle_of_the_data_or_in_a_cmms_without_a_screen_for_it(
    plant: Dataset,
) -> None:
    clock, cmms = screen(plant)
    assert Breakdowns(cmms, plant).report(clock.now() - timedelta(hours=1)) == []
    _, other = screen(plant, "odoo")
    assert Breakdowns(other, plant).report(clock.now()) == []
