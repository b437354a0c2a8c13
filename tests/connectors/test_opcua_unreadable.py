"""A job that cannot be read makes the machine that it may be on unknown, and no other machine."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.call import Call
from connectors.mes.opcua_job_control import JobControlSettings, mapping
from connectors.mes.opcua_job_control.client import JobControlClient
from connectors.mes.opcua_job_control.connector import JobControlMes
from connectors.mes.opcua_job_control.models import JobOrderRow, JobOrders, Served, UnreadableJob, each_entry
from domain.errors import ActionRequired, ConnectorError, Unavailable
from domain.production import HoldMethod, HoldPlan, HoldTarget, JobState
from tests.connectors.test_opcua_mapping import Entry, Named, Order, Path, State
from tests.support.plant import TestClock

GOOD = Entry(Order("J1", EquipmentRequirements=[Named("EQ-1")]), [State(None, 3)])
OWN = {name: Served(equipment=frozenset({name})) for name in ("EQ-1", "EQ-2")}


def odd(**order: Any) -> Entry:
    return Entry(Order(**{"JobOrderID": "J2", **order}), [State(None, 3)])


def in_state(state: Any) -> Entry:
    return Entry(Order("J2"), [State(Path([]), state)])


@pytest.mark.parametrize(
    "entry",
    [
        None,
        7,
        "job",
        Entry(None, [State(None, 3)]),  # type: ignore[arg-type]
        Entry(Order("J2"), None),
        Entry(Order("J2"), [None]),  # type: ignore[list-item]
        in_state(None),
        in_state("3"),
        in_state(True),
        in_state(float("nan")),
        in_state(9),
        in_state(2**70),
        odd(JobOrderID=None),
        odd(JobOrderID=5),
        odd(JobOrderID="J\0"),
        odd(JobOrderID="J\ud800"),
        odd(StartTime="yesterday"),
        odd(EndTime=20150105),
        odd(EquipmentRequirements=5),
    ],
)
def test_an_odd_entry_hides_no_other_entry_of_its_list(entry: Any) -> None:
    found = JobOrders.of(each_entry([entry, GOOD], "EQ-1", OWN["EQ-1"]))
    assert [row.id for row in found.rows] == ["J1"]
    (job,) = found.unreadable
    assert job.reason
    assert mapping.may_hide(job, "EQ-1")
    assert not mapping.may_hide(job, "EQ-2")


def test_a_list_that_is_none_is_unreadable_as_a_whole() -> None:
    (job,) = JobOrders.of(each_entry(5, "EQ-1", OWN["EQ-1"])).unreadable
    assert mapping.may_hide(job, "EQ-1")


@pytest.mark.parametrize(
    ("served", "equipment", "hidden"),
    [
        (Served(), None, True),
        (Served(), {"EQ-1"}, True),
        (Served(), {"EQ-2"}, False),
        (Served(equipment=frozenset({"EQ-1", "EQ-2"})), None, True),
        (Served(equipment=frozenset({"EQ-1", "EQ-2"})), {"EQ-2"}, False),
        (Served(equipment=frozenset({"EQ-1", "EQ-2"})), {"CLASS"}, True),
        (OWN["EQ-2"], None, False),
    ],
)
def test_which_machines_an_unreadable_job_may_be_on(served: Served, equipment: set[str] | None, hidden: bool) -> None:
    named = None if equipment is None else frozenset(equipment)
    job = UnreadableJob(receiver="r", reason="odd", equipment=named, served=served)
    assert mapping.may_hide(job, "EQ-1") is hidden


class Lists(JobControlClient):
    """Stands in for the client: two machines, each with its own receiver; the second one's list has an odd entry."""

    def __init__(self, settings: JobControlSettings, found: JobOrders) -> None:
        super().__init__(settings)
        self._found = found

    async def job_orders(self, call: Call) -> JobOrders:
        del call
        return self._found

    async def served(self, call: Call) -> dict[str, Served]:
        del call
        return OWN

    async def actuals(self, call: Call, job: JobOrderRow) -> frozenset[str]:
        del call, job
        return frozenset()

    async def target(self, call: Call, receiver: str) -> HoldTarget:
        del call
        return HoldTarget(receiver=receiver, application_uri="urn:mes", namespace="urn:mes", certificate=None)

    async def missing(self, call: Call, receiver: str, methods: Sequence[str]) -> list[str]:
        del call, receiver, methods
        return []


def mes_with(second: JobOrders) -> JobControlMes:
    first = JobOrders.of(each_entry([GOOD], "EQ-1", OWN["EQ-1"]))
    found = JobOrders(rows=first.rows + second.rows, unreadable=first.unreadable + second.unreadable)
    clock = TestClock(datetime(2015, 1, 5, 8, tzinfo=UTC))
    settings = JobControlSettings.model_validate({"url": "opc.tcp://mes:4840"})
    return JobControlMes(settings, "mes", clock, Lists(settings, found))


def whole_list(status: str) -> JobOrders:
    job = UnreadableJob(receiver="EQ-2", reason=f"its status is {status}", served=OWN["EQ-2"], status=status)
    return JobOrders(unreadable=(job,))


@pytest.mark.parametrize(
    ("second", "error"),
    [
        (JobOrders.of(each_entry([in_state(9)], "EQ-2", OWN["EQ-2"])), ActionRequired),
        (whole_list("UncertainLastUsableValue"), Unavailable),
        (whole_list("BadNoCommunication"), Unavailable),
        (whole_list("BadTypeMismatch"), ConnectorError),
    ],
)
async def test_the_machine_of_an_unreadable_job_is_unknown_and_the_other_is_read(
    second: JobOrders, error: type[ConnectorError]
) -> None:
    mes = mes_with(second)
    job = (await mes.read_production("EQ-1")).job
    assert job is not None
    assert job.id == "J1"
    assert (await mes.plan_hold("EQ-1", "K")).job == "J1"
    plan = HoldPlan(
        key="K", equipment="EQ-2", receiver="EQ-2", job="J2", prior_state=JobState.RUNNING, method=HoldMethod.PAUSE
    )
    for asking in (mes.read_production("EQ-2"), mes.plan_hold("EQ-2", "K"), mes.read_hold(plan)):
        with pytest.raises(error):
            await asking
