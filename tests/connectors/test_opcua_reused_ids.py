"""A job id that the server gives to a new job after the old one was removed."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from connectors.call import Call
from connectors.mes.opcua_job_control import JobControlSettings
from connectors.mes.opcua_job_control.client import Answer, JobControlClient
from connectors.mes.opcua_job_control.connector import JobControlMes
from connectors.mes.opcua_job_control.models import JobOrderRow, JobOrders, Served
from domain.canonical import canonical
from domain.production import HoldMethod, HoldPlan, HoldState, HoldTarget, PlaceResult
from tests.support.plant import TestClock

START = datetime(2015, 1, 5, 6, tzinfo=UTC)
OWN = Served(equipment=frozenset({"EQ-1"}))
ALLOWED, RUNNING, INTERRUPTED, ENDED = 2, 3, 4, 5


def job(state: int, starts: timedelta | None = timedelta()) -> JobOrderRow:
    return JobOrderRow(
        receiver="R1", id="J1", state=state, starts_at=None if starts is None else START + starts, served=OWN
    )


LATER = timedelta(hours=9)


class Server(JobControlClient):
    """Stands in for the client: one machine, whose list a test sets. Commands do what the standard says."""

    def __init__(self, *jobs: JobOrderRow) -> None:
        super().__init__(JobControlSettings(url="opc.tcp://mes:4840"))
        self.jobs = jobs
        self.commands: list[str] = []

    async def job_orders(self, call: Call) -> JobOrders:
        del call
        return JobOrders(rows=self.jobs, unreadable=())

    async def served(self, call: Call) -> dict[str, Served]:
        del call
        return {"R1": OWN}

    async def actuals(self, call: Call, job: JobOrderRow) -> frozenset[str]:
        del call, job
        return frozenset()

    async def target(self, call: Call, receiver: str) -> HoldTarget:
        del call
        return HoldTarget(receiver=receiver, application_uri="urn:mes", namespace="urn:mes", certificate=None)

    async def missing(self, call: Call, receiver: str, methods: Sequence[str]) -> list[str]:
        del call, receiver, methods
        return []

    async def command(
        self, call: Call, method: str, row: JobOrderRow, comments: Sequence[str], target: HoldTarget | None = None
    ) -> Answer:
        del call, comments, target
        self.commands.append(method)
        state = {"Pause": INTERRUPTED, "Resume": RUNNING, "RevokeStart": 1, "Start": ALLOWED}[method]
        self.jobs = tuple(each.model_copy(update={"state": state}) if each == row else each for each in self.jobs)
        return Answer(1, good=True)


def mes_at(server: Server) -> JobControlMes:
    settings = JobControlSettings(url="opc.tcp://mes:4840")
    return JobControlMes(settings, "opcua_job_control", TestClock(START + timedelta(hours=1)), server)


async def held(server: Server) -> tuple[JobControlMes, HoldPlan]:
    """The connector, and the plan of a hold that it has placed on the running job."""
    mes = mes_at(server)
    plan = await mes.plan_hold("EQ-1", "MWKEY")
    assert await mes.place_hold(plan, "bearing") is PlaceResult.IN_EFFECT
    return mes, plan


@pytest.mark.parametrize("state", [RUNNING, ALLOWED, INTERRUPTED, 1, ENDED])
async def test_a_new_job_under_the_id_of_the_held_one_is_not_taken_for_it(state: int) -> None:
    server = Server(job(RUNNING))
    mes, plan = await held(server)
    server.jobs, server.commands = (job(state, LATER),), []
    assert (await mes.read_hold(plan)).state is HoldState.GONE
    assert await mes.release_hold(plan, "ready to run") is HoldState.GONE
    assert server.commands == []


async def test_the_machine_stays_held_by_a_hold_on_the_new_job() -> None:
    server = Server(job(RUNNING))
    mes, first = await held(server)
    server.jobs = (job(RUNNING, LATER),)
    second = await mes.plan_hold("EQ-1", "MWKEY")
    assert second != first
    assert await mes.place_hold(second, "bearing") is PlaceResult.IN_EFFECT
    assert await mes.release_hold(second, "ready to run") is HoldState.ABSENT
    assert server.commands == ["Pause", "Pause", "Resume"]


async def test_a_call_that_is_repeated_meets_no_new_job() -> None:
    server = Server(job(RUNNING))
    mes = mes_at(server)
    plan = await mes.plan_hold("EQ-1", "MWKEY")
    server.jobs = (job(RUNNING, LATER),)
    assert await mes.place_hold(plan, "bearing") is PlaceResult.MOVED_ON
    assert server.commands == []


async def test_the_old_and_the_new_job_in_one_list_are_told_apart() -> None:
    server = Server(job(RUNNING))
    mes, plan = await held(server)
    server.jobs = (job(ALLOWED, LATER), *server.jobs)
    assert (await mes.read_hold(plan)).state is HoldState.HELD
    assert await mes.release_hold(plan, "ready to run") is HoldState.ABSENT
    assert server.jobs == (job(ALLOWED, LATER), job(RUNNING))


async def test_a_waiting_job_that_is_planned_anew_is_still_the_held_one() -> None:
    server = Server(job(ALLOWED))
    mes, plan = await held(server)
    assert plan.method is HoldMethod.REVOKE_START
    server.jobs = (job(1, LATER),)
    assert (await mes.read_hold(plan)).state is HoldState.HELD
    assert await mes.release_hold(plan, "ready to run") is HoldState.ABSENT


@pytest.mark.parametrize("starts", [None, timedelta()])
async def test_a_server_that_tells_no_start_is_believed_by_the_id_alone(starts: timedelta | None) -> None:
    server = Server(job(RUNNING, starts))
    mes, plan = await held(server)
    server.jobs = (job(INTERRUPTED, None),)
    assert (await mes.read_hold(plan)).state is HoldState.HELD


async def test_a_plan_that_an_earlier_build_stored_is_read_as_it_was() -> None:
    server = Server(job(RUNNING))
    mes, plan = await held(server)
    earlier = HoldPlan.model_validate(plan.model_dump(mode="json", exclude={"starts_at"}))
    server.jobs = (job(INTERRUPTED, LATER),)
    assert (await mes.read_hold(earlier)).state is HoldState.HELD


async def test_the_row_and_the_act_of_a_plan_have_the_same_text() -> None:
    """The audit compares them as they are."""

    plan = (await held(Server(job(RUNNING, timedelta(microseconds=5)))))[1]
    for each in (plan, plan.model_copy(update={"starts_at": START})):
        later = {name for name in HoldPlan.later if getattr(each, name) is None}
        assert json.loads(canonical(each)) == each.model_dump(mode="json", exclude=later)
