"""Status events of job orders (OPC 10031-4, 6.2.6), and the server's clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from asyncua import ua

if TYPE_CHECKING:
    from tests.sandbox.jobcontrol.conftest import Mes

STATUS_EVENT = 1006
BASE_EVENT = ua.ObjectIds.BaseEventType


class Received:
    """What one subscription has been sent."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def event_notification(self, event: Any) -> None:
        self.events.append(event)

    async def until(self, enough: Callable[[Sequence[Any]], bool]) -> list[Any]:
        async with asyncio.timeout(5):
            while not enough(self.events):  # noqa: ASYNC110 - the subscription tells only its handler
                await asyncio.sleep(0.01)
        return self.events


def clause(namespace: int, name: str) -> Any:
    return ua.SimpleAttributeOperand(
        TypeDefinitionId=ua.NodeId(BASE_EVENT),
        BrowsePath=[ua.QualifiedName(name, namespace)],
        AttributeId=ua.AttributeIds.Value,
    )


def of_job(events: Sequence[Any], job: str) -> list[Any]:
    return [event for event in events if event.JobOrder.JobOrderID == job]


def of_type(number: Any) -> Any:
    operand = ua.LiteralOperand(ua.Variant(number, ua.VariantType.NodeId))
    return ua.ContentFilterElement(FilterOperator=ua.FilterOperator.OfType, FilterOperands=[operand])


@asynccontextmanager
async def listening(mes: Mes, source: Any, wanted: Any) -> AsyncIterator[Received]:
    received = Received()
    names = ((0, "EventType"), (0, "Time"), *((mes.isa, name) for name in ("JobOrder", "JobState", "JobResponse")))
    chosen = ua.EventFilter(
        SelectClauses=[clause(*name) for name in names], WhereClause=ua.ContentFilter(Elements=[of_type(wanted)])
    )
    subscription = await mes.client.create_subscription(10, received)
    await subscription.subscribe_events(source, evfilter=chosen)
    yield received
    await subscription.delete()


@pytest.mark.parametrize("at_server", [False, True])
async def test_each_change_of_state_is_an_event_with_order_state_and_response(mes: Mes, at_server: bool) -> None:
    job = await mes.job_in(3)
    source = mes.client.nodes.server if at_server else await mes.node("JobOrderResults")
    async with listening(mes, source, ua.NodeId(STATUS_EVENT, mes.isa)) as received:
        for method in ("Pause", "Resume", "Stop"):
            assert await mes.call(method, job) == 1
        told = await received.until(lambda events: len(of_job(events, job)) == 3)
    events = of_job(told, job)
    assert [event.JobState[0].StateNumber for event in events] == [4, 3, 5]
    assert [event.JobState[-1].StateText.Text for event in events] == ["Suspended", "Running", "Completed"]
    assert {event.JobOrder.JobOrderID for event in events} == {job} == {e.JobResponse.JobOrderID for e in events}
    assert all(event.JobResponse.JobState == event.JobState for event in events)


async def test_a_job_that_starts_by_itself_is_an_event(mes: Mes) -> None:
    job = await mes.job_in(2)
    async with listening(mes, await mes.node("JobOrderResults"), ua.NodeId(STATUS_EVENT, mes.isa)) as received:
        while await mes.state(job) == 2:
            await mes.pass_time(minutes=15)
        events = await received.until(lambda events: bool(of_job(events, job)))
    assert [event.JobState[0].StateNumber for event in of_job(events, job)] == [3]


async def test_an_update_is_an_event_and_a_refused_call_or_a_new_order_is_none(mes: Mes) -> None:
    job = await mes.job_in(3)
    async with listening(mes, await mes.node("JobOrderResults"), ua.NodeId(STATUS_EVENT, mes.isa)) as received:
        assert await mes.call("Store", mes.order("EVENT-1", "EQ-001")) == 1
        assert await mes.call("Resume", job) == 8
        assert await mes.call("Update", mes.order("EVENT-1", "EQ-002")) == 1
        assert await mes.call("Cancel", "EVENT-1") == 1
        assert await mes.call("Pause", job) == 1
        events = await received.until(lambda events: bool(of_job(events, job)))
    told = [(event.JobOrder.JobOrderID, event.JobState[0].StateNumber) for event in events]
    assert told == [("EVENT-1", 1), (job, 4)]
    assert events[0].JobOrder.EquipmentRequirements[0].ID == "EQ-002"


@pytest.mark.parametrize("other", [ua.NodeId(ua.ObjectIds.AuditEventType), ua.NodeId("no-type", 1)])
async def test_events_of_another_type_are_not_these(mes: Mes, other: Any) -> None:
    job = await mes.job_in(3)
    provider = await mes.node("JobOrderResults")
    async with listening(mes, provider, other) as none, listening(mes, provider, ua.NodeId(BASE_EVENT)) as all_:
        assert await mes.call("Pause", job) == 1
        (event,) = await all_.until(lambda events: len(events) == 1)
    assert none.events == []
    kind = mes.client.get_node(event.EventType)
    (above,) = await kind.get_referenced_nodes(ua.ObjectIds.HasSubtype, ua.BrowseDirection.Inverse)
    assert above.nodeid == ua.NodeId(STATUS_EVENT, mes.isa)
    assert (await kind.read_attribute(ua.AttributeIds.IsAbstract)).Value.Value is False


async def test_a_field_is_found_in_its_own_namespace_only(mes: Mes) -> None:
    job = await mes.job_in(3)
    received = Received()
    wrong = [clause(0, "JobOrder"), clause(mes.isa, "Time"), clause(0, "Severity")]
    subscription = await mes.client.create_subscription(10, received)
    await subscription.subscribe_events(await mes.node("JobOrderResults"), evfilter=ua.EventFilter(SelectClauses=wrong))
    await mes.call("Pause", job)
    (event,) = await received.until(lambda events: len(events) == 1)
    await subscription.delete()
    assert (event.JobOrder, event.Time, event.Severity) == (None, None, 100)


async def test_the_servers_clock_is_the_time_of_day_and_moves_on(mes: Mes) -> None:
    clock = mes.client.get_node(ua.ObjectIds.Server_ServerStatus_CurrentTime)
    begin = await clock.read_value()
    assert abs(datetime.now(UTC) - begin) < timedelta(seconds=3)
    async with asyncio.timeout(5):
        while await clock.read_value() == begin:  # noqa: ASYNC110 - the server's own time
            await asyncio.sleep(0.05)
    status = await mes.client.get_node(ua.ObjectIds.Server_ServerStatus).read_value()
    assert status.CurrentTime > begin
