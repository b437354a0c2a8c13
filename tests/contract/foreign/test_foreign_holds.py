"""The Job Control connector on the foreign server: the machine that is asked for, and no other."""

import pytest

from domain.errors import ActionRequired, Unavailable
from domain.production import HoldMethod, HoldState, PlaceResult
from tests.contract.foreign.conftest import MesOf
from tests.contract.foreign.job_control import Serve

pytestmark = pytest.mark.foreign


@pytest.mark.parametrize("variant", ["same-job-id", "same-job-id-without-folder"])
async def test_a_hold_stops_its_own_machine_where_another_runs_a_job_of_the_same_id(
    serve: Serve, mes_of: MesOf, variant: str
) -> None:
    server = await serve(variant)
    mes = mes_of(server)
    plan = await mes.plan_hold("EQ-20", "MWKEY")
    state = await mes.place_hold(plan, "bearing")
    left, held = await server.machine("Press1"), await server.machine("Press2")
    assert (left.jobs, left.calls) == ({"JO-1": "Running"}, ())
    assert held.jobs == {"JO-1": "Interrupted"}
    assert [(call.method, call.job, call.comments[0]) for call in held.calls] == [("Pause", "JO-1", "MWKEY")]
    assert (state, (await mes.read_hold(plan)).state) == (PlaceResult.IN_EFFECT, HoldState.HELD)


@pytest.mark.parametrize("variant", ["same-job-id", "same-job-id-without-folder"])
async def test_what_is_read_and_released_is_that_machine_s_and_not_its_neighbour_s(
    serve: Serve, mes_of: MesOf, variant: str
) -> None:
    server = await serve(variant)
    mes = mes_of(server)
    plan = await mes.plan_hold("EQ-20", "MWKEY")
    await mes.place_hold(plan, "bearing")
    await server.hold_by_person("Press1", "JO-1")
    await server.start_by_person("Press2", "JO-1")
    assert (await mes_of(server).read_hold(plan)).state is HoldState.ABSENT
    assert await mes.release_hold(plan, "ready to run") is HoldState.ABSENT
    assert (await server.machine("Press1")).jobs == {"JO-1": "Interrupted"}


async def test_a_receiver_that_is_the_machine_s_own_needs_no_job_that_names_it(serve: Serve, mes_of: MesOf) -> None:
    server = await serve("equipment-class")
    mes = mes_of(server)
    assert await mes.place_hold(await mes.plan_hold("EQ-20", "MWKEY"), "bearing") is PlaceResult.IN_EFFECT
    assert (await server.machine("Press1")).jobs == {"JO-1": "Running"}
    assert (await server.machine("Press2")).jobs == {"JO-1": "Interrupted"}


@pytest.mark.parametrize("equipment", ["EQ-20", "PRESS-CLASS"])
async def test_an_equipment_class_alone_names_no_machine_and_nothing_is_held(
    serve: Serve, mes_of: MesOf, equipment: str
) -> None:
    server = await serve("class-only")
    with pytest.raises(ActionRequired) as caught:
        await mes_of(server).plan_hold(equipment, "MWKEY")
    assert caught.value.field == "equipment"
    for press in ("Press1", "Press2"):
        machine = await server.machine(press)
        assert (machine.jobs, machine.calls) == ({"JO-1": "Running"}, ())


async def test_a_class_that_several_receivers_name_is_no_machine(serve: Serve, mes_of: MesOf) -> None:
    server = await serve("class-only")
    for press in ("Press1", "Press2"):
        await server.name_equipment(press, ["PRESS-CLASS"])
    with pytest.raises(ActionRequired, match="2 receivers"):
        await mes_of(server).plan_hold("PRESS-CLASS", "MWKEY")


@pytest.mark.parametrize(("equipment", "held", "runs"), [("EQ-20", "Press2", "Press1"), ("EQ-10", "Press1", "Press2")])
async def test_the_actuals_of_a_job_s_response_name_its_machine(
    serve: Serve, mes_of: MesOf, equipment: str, held: str, runs: str
) -> None:
    server = await serve("class-with-actuals")
    mes = mes_of(server)
    assert await mes.place_hold(await mes.plan_hold(equipment, "MWKEY"), "bearing") is PlaceResult.IN_EFFECT
    assert (await server.machine(held)).jobs == {"JO-1": "Interrupted"}
    assert (await server.machine(runs)).jobs == {"JO-1": "Running"}


async def test_a_success_whose_state_follows_late_is_accepted_and_is_read_as_held_later(
    serve: Serve, mes_of: MesOf
) -> None:
    server = await serve("same-job-id")
    mes = mes_of(server)
    await server.settle_after("Press2", 4)
    plan = await mes.plan_hold("EQ-20", "MWKEY")
    assert await mes.place_hold(plan, "bearing") is PlaceResult.ACCEPTED
    assert (await mes.read_hold(plan)).state is HoldState.ABSENT
    await server.until("Press2", "JO-1", "Interrupted")
    assert (await mes_of(server).read_hold(plan)).state is HoldState.HELD


@pytest.mark.parametrize(
    ("status", "error"), [(8, Unavailable), (16, Unavailable), (1 << 40, ActionRequired)], ids=["state", "busy", "own"]
)
async def test_a_refusal_is_no_hold(serve: Serve, mes_of: MesOf, status: int, error: type[Exception]) -> None:
    server = await serve("same-job-id")
    mes = mes_of(server)
    await server.refuse("Press2", "Pause", status)
    plan = await mes.plan_hold("EQ-20", "MWKEY")
    with pytest.raises(error):
        await mes.place_hold(plan, "bearing")
    assert (await server.machine("Press2")).jobs == {"JO-1": "Running"}
    await server.accept("Press2", "Pause")
    assert await mes.place_hold(plan, "bearing") is PlaceResult.IN_EFFECT


async def test_the_next_job_of_a_machine_whose_held_job_ended_is_planned_and_held(serve: Serve, mes_of: MesOf) -> None:
    server = await serve("next-job")
    mes = mes_of(server)
    first = await mes.plan_hold("EQ-10", "MWKEY")
    await mes.place_hold(first, "bearing")
    await server.end_job("Press1", "JO-1")
    assert (await mes_of(server).read_hold(first)).state is HoldState.GONE
    second = await mes.plan_hold("EQ-10", "MWKEY")
    assert (second.job, second.method) == ("JO-2", HoldMethod.PAUSE)
    assert await mes.place_hold(second, "bearing") is PlaceResult.IN_EFFECT
