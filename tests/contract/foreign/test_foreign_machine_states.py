"""What machines do, read from a server that shares none of our code: node-opcua on the official nodesets."""

import asyncio

import pytest

from domain.operating import MachineState, OperatingState
from tests.contract.foreign.conftest import MesOf
from tests.contract.foreign.job_control import Serve
from tests.contract.foreign.test_foreign_variants import at_a_distance

pytestmark = pytest.mark.foreign


def told(state: OperatingState) -> tuple[MachineState, str, str | None, str | None]:
    return (state.state, state.word, state.mode, state.recipe)


async def test_a_machine_that_shows_its_state_is_read_by_it_and_any_other_by_its_jobs(
    serve: Serve, mes_of: MesOf
) -> None:
    mes = mes_of(await serve("machine-states"))
    read = await mes.read_states(["EQ-10", "EQ-20", "EQ-30", "EQ-99"])
    assert {name: told(state) for name, state in read.items()} == {
        "EQ-10": (MachineState.RUNNING, "Executing", "Processing", "WM-1"),
        "EQ-20": (MachineState.IDLE, "NotExecuting", None, "WM-1"),
        "EQ-30": (MachineState.RUNNING, "a job runs", None, "WM-1"),
        "EQ-99": (MachineState.UNKNOWN, "the MES does not know it", None, None),
    }


@pytest.mark.parametrize(
    ("state", "mode", "read"),
    [
        ("Executing", "Setup", MachineState.SETUP),
        ("Executing", "Maintenance", MachineState.MAINTENANCE),
        ("OutOfService", "Processing", MachineState.UNPLANNED_STOP),
        ("NotAvailable", "None", MachineState.UNKNOWN),
        (None, "Processing", MachineState.UNKNOWN),
        ("Executing", None, MachineState.UNKNOWN),
    ],
)
async def test_what_a_machine_shows_has_its_place_in_the_table(
    serve: Serve, mes_of: MesOf, state: str | None, mode: str | None, read: MachineState
) -> None:
    server = await serve("machine-states")
    mes = mes_of(server)
    await server.show("Press1", state, mode)
    assert (await mes.read_states(["EQ-10"]))["EQ-10"].state is read


async def test_a_list_that_cannot_be_read_makes_a_machine_unknown_and_no_other(serve: Serve, mes_of: MesOf) -> None:
    server = await serve("machine-states")
    mes = mes_of(server)
    await server.list_status("Press3", "BadWaitingForInitialData")
    read = await mes.read_states(["EQ-10", "EQ-30"])
    assert {name: state.state for name, state in read.items()} == {
        "EQ-10": MachineState.RUNNING,
        "EQ-30": MachineState.UNKNOWN,
    }


@pytest.mark.parametrize("variant", ["five-hundred", "five-hundred-states"])
async def test_the_states_of_five_hundred_machines_at_a_distance_are_read_within_two_seconds(
    serve: Serve, mes_of: MesOf, variant: str
) -> None:
    server = await serve(variant)
    machines = [f"EQ-{number}" for number in range(500)]
    async with at_a_distance(server.endpoint, 0.02) as url:
        mes = mes_of(server, url=url, connect_timeout="PT1M")
        await mes.check()
        began = asyncio.get_running_loop().time()
        read = await mes.read_states(machines)
        took = asyncio.get_running_loop().time() - began
        print(f"{variant}: {took:.2f} s")
        assert took < 2
        assert {state.state for state in read.values()} <= {MachineState.RUNNING, MachineState.SETUP}
        await mes.close()
