"""Outcomes written to the sandbox's twins: what models take, what was there already, and every fault on the way."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.azure.digital_twins import AzureTwinGraph, DigitalTwinsSettings, connect
from connectors.azure.digital_twins.client import open_client
from domain.errors import ActionRequired, Unavailable
from domain.keys import order_twin_id
from domain.twin_writes import ToldFate, ToldWork, TwinWrite
from sandbox.faults import Fault, Faults
from sandbox.twins import TwinService
from sandbox.twins.graph import PlantMachine, build_plant_graph

COMPONENT, MACHINE, PRESS = "machine-001-comp1", "machine-001", "press-1"
ORDER_MODEL = "dtmi:manufacturing:WorkOrder;1"
CASE = "MWAAAAAAAA"
ORDER = order_twin_id(CASE, "maximo", "WO/17 a")
AT = "2015-05-30T07:00:00.000000Z"
TOLD = {
    "maintenanceStatus": "completed",
    "lastOutcome": "confirmed",
    "lastCaseId": CASE,
    "lastOutcomeAt": AT,
    "healthState": "repaired",
}
WORK = ToldWork(
    properties=TOLD,
    order_twin=ORDER,
    order={
        "number": "WO/17 a",
        "system": "maximo",
        "status": "completed",
        "caseId": CASE,
        "outcome": "confirmed",
        "endedAt": AT,
    },
)
PRESS_MODEL: dict[str, Any] = {
    "@context": "dtmi:dtdl:context;2",
    "@id": "dtmi:plant:Press;1",
    "@type": "Interface",
    "contents": [
        {"@type": "Property", "name": "state", "schema": "integer"},
        {"@type": "Property", "name": "healthState", "schema": "string", "writable": False},
        {"@type": "Telemetry", "name": "lastOutcome", "schema": "string"},
        {"@type": "Component", "name": "upkeep", "schema": "dtmi:plant:Upkeep;1"},
    ],
}
UPKEEP_MODEL: dict[str, Any] = {
    "@context": "dtmi:dtdl:context;2",
    "@id": "dtmi:plant:Upkeep;1",
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": "case", "schema": "string"}],
}
ORDERS = {"model": ORDER_MODEL, "relationship": "maintainedBy"}


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def service(faults: Faults) -> AsyncIterator[TwinService]:
    server = TwinService(None, lambda event: None, faults=faults)
    build_plant_graph(server, [PlantMachine(1, "model3", 8)])
    server.put_models([PRESS_MODEL, UPKEEP_MODEL])
    server.put_twin(PRESS, {"$metadata": {"$model": "dtmi:plant:Press;1"}, "upkeep": {"$metadata": {}}})
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def graph(service: TwinService) -> AsyncIterator[AzureTwinGraph]:
    async with connect(DigitalTwinsSettings(endpoint=service.url)) as opened:
        yield opened


@pytest.fixture
async def relating(service: TwinService) -> AsyncIterator[AzureTwinGraph]:
    """The graph with a model of work orders."""
    async with connect(DigitalTwinsSettings.model_validate({"endpoint": service.url, "work_orders": ORDERS})) as opened:
        yield opened


Before = Callable[[], None]


def meanwhile(settings: DigitalTwinsSettings, operation: str, happens: Before) -> AzureTwinGraph:
    """The graph, where something happens just before each call of one operation of the client."""
    connection = open_client(settings)
    call: Callable[..., Awaitable[object]] = getattr(connection.client, operation)

    async def interrupted(*arguments: object, **options: object) -> object:
        happens()
        return await call(*arguments, **options)

    setattr(connection.client, operation, interrupted)
    return AzureTwinGraph(settings, connection)


def once(happens: Before) -> Before:
    left = [happens]
    return lambda: left.pop()() if left else None


def says(service: TwinService, twin: str) -> dict[str, Any]:
    return {name: value for name, value in (service.twin(twin) or {}).items() if not name.startswith("$")}


def fates(write: TwinWrite) -> dict[str, ToldFate]:
    return {each.name: each.fate for each in write.properties}


async def test_a_twin_that_takes_all_is_written_with_our_mark(graph: AzureTwinGraph, service: TwinService) -> None:
    write = await graph.tell_outcome(COMPONENT, WORK)
    assert fates(write) == dict.fromkeys((*TOLD, "updatedBy"), ToldFate.WRITTEN)
    assert TOLD.items() <= says(service, COMPONENT).items()
    assert says(service, COMPONENT)["updatedBy"] == "millwright"
    assert (write.told, write.order) == (True, None)
    assert write.etag == str((service.twin(COMPONENT) or {})["$etag"])


async def test_the_machine_of_the_sandbox_plant_is_written_with_what_it_declares(
    graph: AzureTwinGraph, service: TwinService
) -> None:
    write = await graph.tell_outcome(MACHINE, WORK)
    written = {name for name, fate in fates(write).items() if fate is ToldFate.WRITTEN}
    assert written == {"maintenanceStatus", "lastOutcome", "lastCaseId", "updatedBy"}
    assert {each.name: each.why for each in write.not_taken} == dict.fromkeys(
        ("lastOutcomeAt", "healthState"), "its model does not declare it"
    )
    assert says(service, MACHINE)["lastCaseId"] == CASE
    assert "healthState" not in says(service, MACHINE)


async def test_a_model_that_takes_nothing_is_left_as_it_is_and_each_reason_is_said(
    graph: AzureTwinGraph, service: TwinService
) -> None:
    before = service.twin(PRESS)
    write = await graph.tell_outcome(PRESS, WORK)
    assert service.twin(PRESS) == before
    assert not write.told
    assert {each.name: each.why for each in write.not_taken} == {
        "maintenanceStatus": "its model does not declare it",
        "lastOutcome": "its model declares it as telemetry",
        "lastCaseId": "its model does not declare it",
        "lastOutcomeAt": "its model does not declare it",
        "healthState": "its model says that it is not writable",
    }


async def test_a_plant_may_have_names_of_its_own_also_in_a_component(service: TwinService) -> None:
    names = {"last_case_id": "upkeep.case", "maintenance_status": "state"}
    settings = DigitalTwinsSettings.model_validate({"endpoint": service.url, "outcomes": names})
    async with connect(settings) as graph:
        write = await graph.tell_outcome(PRESS, WORK)
        again = await graph.tell_outcome(PRESS, WORK)
    assert says(service, PRESS)["upkeep"]["case"] == CASE
    assert (fates(write)["lastCaseId"], fates(again)["lastCaseId"]) == (ToldFate.WRITTEN, ToldFate.KEPT)
    assert {each.name: each.why for each in write.not_taken}["maintenanceStatus"] == (
        "its model has the schema integer for it"
    )


async def test_nothing_is_written_where_the_twin_says_it_already(graph: AzureTwinGraph, service: TwinService) -> None:
    written = await graph.tell_outcome(COMPONENT, WORK)
    # The same time in other words, and a later writer of something else.
    service.patch_twin(
        COMPONENT,
        [
            {"op": "add", "path": "/lastOutcomeAt", "value": "2015-05-30T07:00:00Z"},
            {"op": "add", "path": "/updatedBy", "value": "somebody"},
        ],
    )
    before = service.twin(COMPONENT)
    again = await graph.tell_outcome(COMPONENT, WORK)
    assert service.twin(COMPONENT) == before
    assert fates(again) == dict.fromkeys(TOLD, ToldFate.KEPT)
    assert (again.told, again.etag == written.etag) == (True, False)


async def test_only_what_differs_is_patched(service: TwinService) -> None:
    changed: list[object] = []
    settings = DigitalTwinsSettings(endpoint=service.url)
    service.patch_twin(COMPONENT, [{"op": "add", "path": "/lastOutcome", "value": "confirmed"}])
    graph = meanwhile(settings, "update_digital_twin", lambda: changed.append(1))
    async with graph:
        write = await graph.tell_outcome(COMPONENT, WORK)
    assert (fates(write)["lastOutcome"], len(changed)) == (ToldFate.KEPT, 1)


async def test_a_twin_that_is_gone_is_said_and_is_no_error(
    graph: AzureTwinGraph, relating: AzureTwinGraph, service: TwinService
) -> None:
    for each in (graph, relating):
        write = await each.tell_outcome("machine-777", WORK)
        assert write == TwinWrite(twin="machine-777", model=None, etag=None)
        assert write.words == (
            "Twin machine-777 is not in the graph any more: nothing was written, and the case goes on",
        )
    assert service.twin(ORDER) is None


async def test_a_404_that_is_not_the_services_own_says_nothing_of_the_twin(service: TwinService) -> None:
    settings = DigitalTwinsSettings(endpoint=service.url)
    connection = open_client(settings)
    # Another server answers 404 for every path.
    connection.client._client._client._base_url = f"{service.url}/elsewhere"
    async with AzureTwinGraph(settings, connection) as graph:
        with pytest.raises(ActionRequired):
            await graph.tell_outcome(COMPONENT, WORK)


async def test_a_twin_that_is_deleted_between_reading_and_writing_is_gone(service: TwinService) -> None:
    def delete() -> None:
        service._plane.twins.delete("spare")  # the service has no such call in process

    service.put_twin("spare", {"$metadata": {"$model": "dtmi:manufacturing:Component;2"}})
    graph = meanwhile(DigitalTwinsSettings(endpoint=service.url), "update_digital_twin", once(delete))
    async with graph:
        assert (await graph.tell_outcome("spare", WORK)).gone


async def test_a_model_that_is_changed_between_reading_and_writing_is_read_again(service: TwinService) -> None:
    def remodel() -> None:
        service.put_twin(COMPONENT, {"$metadata": {"$model": "dtmi:manufacturing:Machine;2"}})

    graph = meanwhile(DigitalTwinsSettings(endpoint=service.url), "update_digital_twin", once(remodel))
    async with graph:
        write = await graph.tell_outcome(COMPONENT, WORK)
    assert (write.model, write.told, len(write.not_taken)) == ("dtmi:manufacturing:Machine;2", False, 5)
    assert says(service, COMPONENT) == {}


async def test_a_model_that_was_uploaded_again_with_less_is_read_again(service: TwinService) -> None:
    """The twin's ETag stays, so only the service's refusal tells of it."""

    def upload(*names: str) -> None:
        contents = [{"@type": "Property", "name": name, "schema": "string"} for name in names]
        service.put_model({**UPKEEP_MODEL, "@id": "dtmi:plant:Tool;1", "contents": contents})

    def narrow() -> None:
        service._plane.delete_model("dtmi:plant:Tool;1")  # the service has no such call in process
        upload("lastOutcome")

    upload("lastOutcome", "healthState")
    service.put_twin("tool", {"$metadata": {"$model": "dtmi:plant:Tool;1"}})
    graph = meanwhile(DigitalTwinsSettings(endpoint=service.url), "update_digital_twin", once(narrow))
    async with graph:
        write = await graph.tell_outcome("tool", WORK)
    assert says(service, "tool") == {"lastOutcome": "confirmed"}
    assert fates(write)["healthState"] is ToldFate.NOT_TAKEN


async def test_a_twin_without_its_model_is_not_written_to(graph: AzureTwinGraph, service: TwinService) -> None:
    service.put_model({**UPKEEP_MODEL, "@id": "dtmi:plant:Tool;1"})
    service.put_twin("tool", {"$metadata": {"$model": "dtmi:plant:Tool;1"}})
    service._plane.delete_model("dtmi:plant:Tool;1")  # the service has no such call in process
    write = await graph.tell_outcome("tool", WORK)
    assert {each.why for each in write.not_taken} == {"its model dtmi:plant:Tool;1 is not in the graph"}


async def test_a_competing_writer_is_waited_for_and_then_told_of(graph: AzureTwinGraph, faults: Faults) -> None:
    faults.add(Fault("twins", "patch_twin", "conflict", 4, {}))
    assert (await graph.tell_outcome(COMPONENT, WORK)).told
    faults.add(Fault("twins", "patch_twin", "conflict", None, {}))
    other = WORK.model_copy(update={"properties": {**TOLD, "lastOutcome": "nothing_found"}})
    with pytest.raises(Unavailable, match="changed 5 times while we wrote to it: another writer changes it"):
        await graph.tell_outcome(COMPONENT, other)


async def test_a_busy_graph_says_when_to_come_again(graph: AzureTwinGraph, faults: Faults) -> None:
    faults.add(Fault("twins", "patch_twin", "status_429", 1, {"retry_after": 90}))
    with pytest.raises(Unavailable) as busy:
        await graph.tell_outcome(COMPONENT, WORK)
    assert busy.value.retry_after == timedelta(seconds=90)
    assert (await graph.tell_outcome(COMPONENT, WORK)).told


async def test_a_patch_whose_answer_was_lost_is_found_and_not_written_twice(
    graph: AzureTwinGraph, service: TwinService, faults: Faults
) -> None:
    faults.add(Fault("twins", "patch_twin", "commit_then_drop", 1, {}))
    with pytest.raises(Unavailable):
        await graph.tell_outcome(COMPONENT, WORK)
    before = service.twin(COMPONENT)
    write = await graph.tell_outcome(COMPONENT, WORK)
    assert service.twin(COMPONENT) == before
    assert set(fates(write).values()) == {ToldFate.KEPT}


@pytest.mark.parametrize("operation", ["put_twin", "put_relationship"])
async def test_an_order_twin_whose_answer_was_lost_is_found_and_not_made_twice(
    relating: AzureTwinGraph, service: TwinService, faults: Faults, operation: str
) -> None:
    # The client's transport sends a PUT again at once; the service refuses that by If-None-Match.
    faults.add(Fault("twins", operation, "commit_then_drop", 1, {}))
    write = await relating.tell_outcome(COMPONENT, WORK)
    assert write.order is not None
    assert (write.order.twin, write.order.why) == (ORDER, None)
    assert [each["$relationshipId"] for each in service.relationships(COMPONENT)].count(ORDER) == 1


async def test_another_writer_after_ours_is_said_and_not_fought(service: TwinService) -> None:
    def override() -> None:
        service.patch_twin(COMPONENT, [{"op": "add", "path": "/healthState", "value": "degraded"}])

    readings: list[Before] = [lambda: None, override]
    graph = meanwhile(
        DigitalTwinsSettings(endpoint=service.url),
        "get_digital_twin",
        lambda: readings.pop(0)() if readings else None,
    )
    async with graph:
        write = await graph.tell_outcome(COMPONENT, WORK)
    health = next(each for each in write.properties if each.name == "healthState")
    assert (health.fate, health.why) == (ToldFate.WRITTEN, "another writer has set it to degraded since")
    assert says(service, COMPONENT)["healthState"] == "degraded"


async def test_the_order_gets_a_twin_that_is_related_to_the_asset_once(
    relating: AzureTwinGraph, service: TwinService
) -> None:
    write, again = [await relating.tell_outcome(COMPONENT, WORK) for _ in range(2)]
    assert write.order is not None
    assert again.order is not None
    assert (write.order.twin, write.order.created, write.order.related) == (ORDER, True, True)
    assert (again.order.twin, again.order.created, again.order.related) == (ORDER, False, False)
    assert says(service, ORDER) == {
        "number": "WO/17 a",
        "status": "completed",
        "caseId": CASE,
        "outcome": "confirmed",
        "endedAt": AT,
        "updatedBy": "millwright",
    }
    assert {each.name: each.why for each in write.order.properties if not each.taken} == {
        "system": "its model does not declare it"
    }
    related = [each for each in service.relationships(COMPONENT) if each["$relationshipName"] == "maintainedBy"]
    assert [(each["$relationshipId"], each["$targetId"]) for each in related] == [(ORDER, ORDER)]


async def test_an_order_whose_outcome_became_known_later_is_corrected_in_place(
    relating: AzureTwinGraph, service: TwinService
) -> None:
    unknown = WORK.model_copy(update={"order": {**WORK.order, "outcome": "unknown"}})
    await relating.tell_outcome(COMPONENT, unknown)
    write = await relating.tell_outcome(COMPONENT, WORK)
    assert says(service, ORDER)["outcome"] == "confirmed"
    assert write.order is not None
    assert {each.name: each.fate for each in write.order.properties}["outcome"] is ToldFate.WRITTEN


@pytest.mark.parametrize(
    ("orders", "twin", "why"),
    [
        (ORDERS, PRESS, "model dtmi:plant:Press;1 declares no relationship maintainedBy"),
        ({**ORDERS, "model": "dtmi:x:O;1"}, COMPONENT, "model dtmi:x:O;1 is not in the graph"),
        (
            {**ORDERS, "model": "dtmi:plant:Upkeep;1"},
            COMPONENT,
            (
                "the relationship maintainedBy of model dtmi:manufacturing:Component;2 leads to "
                "dtmi:manufacturing:WorkOrder;1, and not to dtmi:plant:Upkeep;1"
            ),
        ),
    ],
)
async def test_where_the_models_have_no_such_relationship_no_twin_is_made(
    service: TwinService, orders: dict[str, str], twin: str, why: str
) -> None:
    settings = DigitalTwinsSettings.model_validate({"endpoint": service.url, "work_orders": orders})
    async with connect(settings) as graph:
        write = await graph.tell_outcome(twin, WORK)
    assert write.order is not None
    assert (write.order.twin, write.order.why) == (None, why)
    assert service.twin(ORDER) is None


async def test_an_order_twin_that_the_service_refuses_is_told_and_not_forced(
    relating: AzureTwinGraph, service: TwinService
) -> None:
    service._plane.decommission_model(ORDER_MODEL)  # the service has no such call in process
    write = await relating.tell_outcome(COMPONENT, WORK)
    assert write.order is not None
    assert write.told
    assert "ModelDecommissioned" in str(write.order.why)


async def test_a_twin_of_somebody_else_under_the_id_is_not_touched(
    relating: AzureTwinGraph, service: TwinService
) -> None:
    service.put_twin(ORDER, {"$metadata": {"$model": "dtmi:plant:Upkeep;1"}})
    before = service.twin(ORDER)
    write = await relating.tell_outcome(COMPONENT, WORK)
    assert service.twin(ORDER) == before
    assert write.order is not None
    assert write.order.why == f"twin {ORDER} is of model dtmi:plant:Upkeep;1, and not of {ORDER_MODEL}"


async def test_a_relationship_of_somebody_else_under_the_id_is_not_replaced(
    relating: AzureTwinGraph, service: TwinService
) -> None:
    service.put_relationship(COMPONENT, ORDER, "monitoredBy", "machine-001-volt")
    write = await relating.tell_outcome(COMPONENT, WORK)
    assert write.order is not None
    assert write.order.why == f"twin {COMPONENT} has another relationship with the id {ORDER}"


async def test_two_attempts_at_once_make_one_twin_and_one_relationship(service: TwinService) -> None:
    def first() -> None:
        body = {"$metadata": {"$model": ORDER_MODEL}, "caseId": CASE}
        service.put_twin(ORDER, body)
        service.put_relationship(COMPONENT, ORDER, "maintainedBy", ORDER)

    settings = DigitalTwinsSettings.model_validate({"endpoint": service.url, "work_orders": ORDERS})
    graph = meanwhile(settings, "upsert_digital_twin", once(first))
    async with graph:
        write = await graph.tell_outcome(COMPONENT, WORK)
    assert write.order is not None
    assert (write.order.created, write.order.related, write.order.why) == (False, False, None)
    assert says(service, ORDER)["number"] == "WO/17 a"


async def test_an_order_twin_that_is_deleted_before_it_is_related_is_made_again_later(service: TwinService) -> None:
    settings = DigitalTwinsSettings.model_validate({"endpoint": service.url, "work_orders": ORDERS})
    graph = meanwhile(
        settings,
        "upsert_relationship",
        once(lambda: service._plane.twins.delete(ORDER)),  # the service has no such call in process
    )
    async with graph:
        with pytest.raises(Unavailable, match=f"twin {ORDER} was deleted while we related it"):
            await graph.tell_outcome(COMPONENT, WORK)
        write = await graph.tell_outcome(COMPONENT, WORK)
    assert write.order is not None
    assert (write.order.created, write.order.related) == (True, True)


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ({"outcomes": {"health_state": "deviceId"}}, "has another use"),
        ({"outcomes": {"health_state": "maintenanceRisk"}}, "has another use"),
        ({"outcomes": {"health_state": "updatedBy"}}, "has another use"),
        ({"outcomes": {"health_state": "lastOutcome"}}, "given for two properties"),
        ({"outcomes": {"health_state": "a.b.c"}}, "match pattern"),
        ({"work_orders": {**ORDERS, "number": "status"}}, "given for two properties"),
        ({"work_orders": {**ORDERS, "number": "lineId"}}, "has another use"),
        ({"work_orders": {**ORDERS, "model": "WorkOrder"}}, "match pattern"),
    ],
)
def test_names_that_would_overwrite_something_else_are_refused(named: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        DigitalTwinsSettings.model_validate({"endpoint": "http://127.0.0.1", **named})
