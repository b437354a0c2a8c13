"""The Job Control connector on the foreign server: the machine that is asked for, and no other."""

from collections.abc import AsyncIterator, Callable

import pytest

from connectors.mes.opcua_job_control import JobControlMes, JobControlSettings, connect
from domain.production import HoldState
from tests.contract.foreign.job_control import ForeignJobControl, Serve

pytestmark = pytest.mark.foreign

MesOf = Callable[[ForeignJobControl], JobControlMes]


@pytest.fixture
async def mes_of() -> AsyncIterator[MesOf]:
    """Our connector to a server; its connection ends with the test."""
    opened: list[JobControlMes] = []

    def open_one(server: ForeignJobControl) -> JobControlMes:
        opened.append(connect(JobControlSettings(url=server.endpoint)))
        return opened[-1]

    yield open_one
    for mes in opened:
        await mes.close()


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
    assert state is HoldState.HELD
