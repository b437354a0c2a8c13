"""What a machine does by a real Odoo: its time logs, its planned stops, and what contradicts."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from domain.operating import MachineState
from tests.contract.foreign.odoo_plant import FAILURE, SETUP, OdooPlant, new_centre
from tests.contract.foreign.odoo_server import OdooDatabase

pytestmark = pytest.mark.foreign

MATERIAL, DEFECT, REDUCED_SPEED = 1, 5, 4
"""The loss reasons "Material Availability", "Process Defect" and "Reduced Speed"."""


def odoo_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


async def state(plant: OdooPlant) -> MachineState:
    return (await plant.connector().read_states([plant.equipment]))[plant.equipment].state


@pytest.fixture
async def idle(odoo_database: OdooDatabase) -> AsyncIterator[OdooPlant]:
    """A machine on which no work order runs."""
    plant = await OdooPlant.new(odoo_database, running=False)
    yield plant
    await plant.leave()


async def test_a_running_timer_is_production_since_its_start(odoo_plant: OdooPlant) -> None:
    read = (await odoo_plant.connector().read_states([odoo_plant.equipment]))[odoo_plant.equipment]
    assert (read.state, read.word) == (MachineState.RUNNING, "Fully Productive Time")
    assert read.since is not None
    assert abs(datetime.now(UTC) - read.since) < timedelta(minutes=2)


async def test_a_machine_without_a_time_log_waits(idle: OdooPlant) -> None:
    assert await state(idle) is MachineState.IDLE


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (FAILURE, MachineState.UNPLANNED_STOP),
        (SETUP, MachineState.SETUP),
        (MATERIAL, MachineState.IDLE),
        (DEFECT, MachineState.UNPLANNED_STOP),
        (REDUCED_SPEED, MachineState.RUNNING),
    ],
    ids=["failure", "setup", "material", "defect", "reduced speed"],
)
async def test_the_reason_of_an_open_time_log_says_what_the_machine_does(
    idle: OdooPlant, loss: int, expected: MachineState
) -> None:
    begun = odoo_time(datetime.now(UTC) - timedelta(minutes=9))
    log = {"workcenter_id": idle.centre, "loss_id": loss, "date_start": begun, "company_id": 1}
    await idle.ask("manager", "mrp.workcenter.productivity", "create", vals_list=[log])
    read = (await idle.connector().read_states([idle.equipment]))[idle.equipment]
    assert read.state is expected
    assert read.since is not None
    assert odoo_time(read.since) == begun


async def test_a_time_off_of_its_resource_is_a_planned_stop(idle: OdooPlant) -> None:
    (centre,) = await idle.ask("manager", "mrp.workcenter", "read", ids=[idle.centre], fields=["resource_id"])
    now = datetime.now(UTC)
    leave = {
        "name": "Stocktaking",
        "resource_id": centre["resource_id"][0],
        "date_from": odoo_time(now - timedelta(hours=1)),
        "date_to": odoo_time(now + timedelta(hours=1)),
        "time_type": "leave",
    }
    await idle.ask("manager", "resource.calendar.leaves", "create", vals_list=[leave])
    assert await state(idle) is MachineState.PLANNED_STOP


async def test_a_block_while_a_timer_runs_says_nothing(odoo_plant: OdooPlant) -> None:
    log = {"workcenter_id": odoo_plant.centre, "loss_id": FAILURE, "company_id": 1}
    await odoo_plant.ask("manager", "mrp.workcenter.productivity", "create", vals_list=[log])
    assert await state(odoo_plant) is MachineState.UNKNOWN


async def test_a_code_of_none_or_of_two_work_centres_is_no_machine(odoo_plant: OdooPlant) -> None:
    for _ in range(2):
        await new_centre(odoo_plant.database, "EQ-TWO-STATES")
    read = await odoo_plant.connector().read_states(["EQ-TWO-STATES", "EQ-NOWHERE", odoo_plant.equipment])
    assert {name: each.state for name, each in read.items()} == {
        "EQ-TWO-STATES": MachineState.UNKNOWN,
        "EQ-NOWHERE": MachineState.UNKNOWN,
        odoo_plant.equipment: MachineState.RUNNING,
    }


async def test_five_hundred_machines_take_as_many_requests_as_one(odoo_plant: OdooPlant) -> None:
    names = [f"EQ-MANY-{number}" for number in range(499)]
    centres = [{"name": name, "code": name} for name in names]
    await odoo_plant.ask("manager", "mrp.workcenter", "create", vals_list=centres)
    mes = odoo_plant.connector()
    asked = len(odoo_plant.network.asked)
    began = datetime.now(UTC)
    read = await mes.read_states([*names, odoo_plant.equipment])
    took = datetime.now(UTC) - began
    requests = len(odoo_plant.network.asked) - asked
    print(f"500 machines: {requests} requests, {took.total_seconds():.2f} s")
    assert len(read) == 500
    assert requests == 4
    # At a distance of 20 ms each request takes 20 ms longer.
    assert took + requests * timedelta(milliseconds=20) < timedelta(seconds=2)
