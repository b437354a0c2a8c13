"""Outcomes written to the sandbox's twins: what models take, what was there already, and every fault on the way."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import ValidationError

from connectors.azure.digital_twins import AzureTwinGraph, DigitalTwinsSettings, connect
from connectors.azure.digital_twins.client import open_client
from domain.errors import ActionRequired, Unavailable
from domain.twin_writes import ToldResult, TwinWrite
from sandbox.faults import Fault, Faults
from sandbox.twins import TwinService
from tests.connectors.outcome_twins import (
    CASE,
    COMPONENT,
    MACHINE,
    ORDER,
    ORDERS,
    PRESS,
    TOLD,
    UPKEEP_MODEL,
    WORK,
    Before,
    meanwhile,
    once,
    results,
    says,
)


@pytest.fixture
async def graph(twin_service: TwinService) -> AsyncIterator[AzureTwinGraph]:
    async with connect(DigitalTwinsSettings(endpoint=twin_service.url)) as opened:
        yield opened


async def test_a_twin_that_takes_all_is_written_with_our_mark(graph: AzureTwinGraph, twin_service: TwinService) -> None:
    write = await graph.tell_outcome(COMPONENT, WORK)
    assert results(write) == dict.fromkeys((*TOLD, "updatedBy"), ToldResult.WRITTEN)
    assert TOLD.items() <= says(twin_service, COMPONENT).items()
    assert says(twin_service, COMPONENT)["updatedBy"] == "millwright"
    assert (write.told, write.order) == (True, None)
    assert write.etag == str((twin_service.twin(COMPONENT) or {})["$etag"])


async def test_the_machine_of_the_sandbox_plant_is_written_with_what_it_declares(
    graph: AzureTwinGraph, twin_service: TwinService
) -> None:
    write = await graph.tell_outcome(MACHINE, WORK)
    written = {name for name, result in results(write).items() if result is ToldResult.WRITTEN}
    assert written == {"maintenanceStatus", "lastOutcome", "lastCaseId", "updatedBy"}
    assert {each.name: each.why for each in write.not_taken} == dict.fromkeys(
        ("lastOutcomeAt", "healthState"), "its model does not declare it"
    )
    assert says(twin_service, MACHINE)["lastCaseId"] == CASE
    assert "healthState" not in says(twin_service, MACHINE)


async def test_a_model_that_takes_nothing_is_left_as_it_is_and_each_reason_is_said(
    graph: AzureTwinGraph, twin_service: TwinService
) -> None:
    before = twin_service.twin(PRESS)
    write = await graph.tell_outcome(PRESS, WORK)
    assert twin_service.twin(PRESS) == before
    assert not write.told
    assert {each.name: each.why for each in write.not_taken} == {
        "maintenanceStatus": "its model does not declare it",
        "lastOutcome": "its model declares it as telemetry",
        "lastCaseId": "its model does not declare it",
        "lastOutcomeAt": "its model does not declare it",
        "healthState": "its model says that it is not writable",
    }


async def test_a_plant_may_have_names_of_its_own_also_in_a_component(twin_service: TwinService) -> None:
    names = {"last_case_id": "upkeep.case", "maintenance_status": "state"}
    settings = DigitalTwinsSettings.model_validate({"endpoint": twin_service.url, "outcomes": names})
    async with connect(settings) as graph:
        write = await graph.tell_outcome(PRESS, WORK)
        again = await graph.tell_outcome(PRESS, WORK)
    assert says(twin_service, PRESS)["upkeep"]["case"] == CASE
    assert (results(write)["lastCaseId"], results(again)["lastCaseId"]) == (ToldResult.WRITTEN, ToldResult.KEPT)
    assert {each.name: each.why for each in write.not_taken}["maintenanceStatus"] == (
        "its model has the schema integer for it"
    )


async def test_nothing_is_written_where_the_twin_says_it_already(
    graph: AzureTwinGraph, twin_service: TwinService
) -> None:
    written = await graph.tell_outcome(COMPONENT, WORK)
    # The same time in other words, and a later writer of something else.
    twin_service.patch_twin(
        COMPONENT,
        [
            {"op": "add", "path": "/lastOutcomeAt", "value": "2015-05-30T07:00:00Z"},
            {"op": "add", "path": "/updatedBy", "value": "somebody"},
        ],
    )
    before = twin_service.twin(COMPONENT)
    again = await graph.tell_outcome(COMPONENT, WORK)
    assert twin_service.twin(COMPONENT) == before
    assert results(again) == dict.fromkeys(TOLD, ToldResult.KEPT)
    assert (again.told, again.etag == written.etag) == (True, False)


async def test_only_what_differs_is_patched(twin_service: TwinService) -> None:
    changed: list[object] = []
    settings = DigitalTwinsSettings(endpoint=twin_service.url)
    twin_service.patch_twin(COMPONENT, [{"op": "add", "path": "/lastOutcome", "value": "confirmed"}])
    graph = meanwhile(settings, "update_digital_twin", lambda: changed.append(1))
    async with graph:
        write = await graph.tell_outcome(COMPONENT, WORK)
    assert (results(write)["lastOutcome"], len(changed)) == (ToldResult.KEPT, 1)


async def test_a_twin_that_is_gone_is_said_and_is_no_error(
    graph: AzureTwinGraph, relating: AzureTwinGraph, twin_service: TwinService
) -> None:
    for each in (graph, relating):
        write = await each.tell_outcome("machine-777", WORK)
        assert write == TwinWrite(twin="machine-777", model=None, etag=None)
        assert write.words == (
            "Twin machine-777 is not in the graph any more: nothing was written, and the case goes on",
        )
    assert twin_service.twin(ORDER) is None


async def test_a_404_that_is_not_the_services_own_says_nothing_of_the_twin(twin_service: TwinService) -> None:
    settings = DigitalTwinsSettings(endpoint=twin_service.url)
    connection = open_client(settings)
    # Another server answers 404 for every path.
    connection.client._client._client._base_url = f"{twin_service.url}/elsewhere"
    async with AzureTwinGraph(settings, connection) as graph:
        with pytest.raises(ActionRequired):
            await graph.tell_outcome(COMPONENT, WORK)


async def test_a_twin_that_is_deleted_between_reading_and_writing_is_gone(twin_service: TwinService) -> None:
    def delete() -> None:
        twin_service._plane.twins.delete("spare")  # the service has no such call in process

    twin_service.put_twin("spare", {"$metadata": {"$model": "dtmi:manufacturing:Component;2"}})
    graph = meanwhile(DigitalTwinsSettings(endpoint=twin_service.url), "update_digital_twin", once(delete))
    async with graph:
        assert (await graph.tell_outcome("spare", WORK)).gone


async def test_a_model_that_is_changed_between_reading_and_writing_is_read_again(twin_service: TwinService) -> None:
    def remodel() -> None:
        twin_service.put_twin(COMPONENT, {"$metadata": {"$model": "dtmi:manufacturing:Machine;2"}})

    graph = meanwhile(DigitalTwinsSettings(endpoint=twin_service.url), "update_digital_twin", once(remodel))
    async with graph:
        write = await graph.tell_outcome(COMPONENT, WORK)
    assert (write.model, write.told, len(write.not_taken)) == ("dtmi:manufacturing:Machine;2", False, 5)
    assert says(twin_service, COMPONENT) == {}


async def test_a_model_that_was_uploaded_again_with_less_is_read_again(twin_service: TwinService) -> None:
    """The twin's ETag stays, so only the service's refusal tells of it."""

    def upload(*names: str) -> None:
        contents = [{"@type": "Property", "name": name, "schema": "string"} for name in names]
        twin_service.put_model({**UPKEEP_MODEL, "@id": "dtmi:plant:Tool;1", "contents": contents})

    def narrow() -> None:
        twin_service._plane.delete_model("dtmi:plant:Tool;1")  # the service has no such call in process
        upload("lastOutcome")

    upload("lastOutcome", "healthState")
    twin_service.put_twin("tool", {"$metadata": {"$model": "dtmi:plant:Tool;1"}})
    graph = meanwhile(DigitalTwinsSettings(endpoint=twin_service.url), "update_digital_twin", once(narrow))
    async with graph:
        write = await graph.tell_outcome("tool", WORK)
    assert says(twin_service, "tool") == {"lastOutcome": "confirmed"}
    assert results(write)["healthState"] is ToldResult.NOT_TAKEN


async def test_a_twin_that_does_not_fit_its_own_model_is_told_in_the_services_words_and_keeps_no_case_open(
    graph: AzureTwinGraph, twin_service: TwinService
) -> None:
    own: dict[str, object] = {"@type": "Property", "name": "speed", "schema": "string"}
    outcome: dict[str, object] = {"@type": "Property", "name": "lastOutcome", "schema": "string"}
    tool = {**UPKEEP_MODEL, "@id": "dtmi:plant:Tool;1"}
    twin_service.put_model({**tool, "contents": [own, outcome]})
    twin_service.put_twin("tool", {"$metadata": {"$model": "dtmi:plant:Tool;1"}, "speed": "fast"})
    twin_service._plane.delete_model("dtmi:plant:Tool;1")  # the service has no such call in process
    twin_service.put_model({**tool, "contents": [outcome]})
    write = await graph.tell_outcome("tool", WORK)
    why = {each.name: each.why for each in write.not_taken}["lastOutcome"]
    assert not write.told
    assert "speed is not a property of the model dtmi:plant:Tool;1" in str(why)


async def test_a_twin_without_its_model_is_not_written_to(graph: AzureTwinGraph, twin_service: TwinService) -> None:
    twin_service.put_model({**UPKEEP_MODEL, "@id": "dtmi:plant:Tool;1"})
    twin_service.put_twin("tool", {"$metadata": {"$model": "dtmi:plant:Tool;1"}})
    twin_service._plane.delete_model("dtmi:plant:Tool;1")  # the service has no such call in process
    write = await graph.tell_outcome("tool", WORK)
    assert {each.why for each in write.not_taken} == {"its model dtmi:plant:Tool;1 is not in the graph"}


async def test_a_competing_writer_is_waited_for_and_then_told_of(graph: AzureTwinGraph, twin_faults: Faults) -> None:
    twin_faults.add(Fault("twins", "patch_twin", "conflict", 4, {}))
    assert (await graph.tell_outcome(COMPONENT, WORK)).told
    twin_faults.add(Fault("twins", "patch_twin", "conflict", None, {}))
    other = WORK.model_copy(update={"properties": {**TOLD, "lastOutcome": "nothing_found"}})
    with pytest.raises(Unavailable, match="changed 5 times while we wrote to it: another writer changes it"):
        await graph.tell_outcome(COMPONENT, other)


async def test_a_busy_graph_says_when_to_come_again(graph: AzureTwinGraph, twin_faults: Faults) -> None:
    twin_faults.add(Fault("twins", "patch_twin", "status_429", 1, {"retry_after": 90}))
    with pytest.raises(Unavailable) as busy:
        await graph.tell_outcome(COMPONENT, WORK)
    assert busy.value.retry_after == timedelta(seconds=90)
    assert (await graph.tell_outcome(COMPONENT, WORK)).told


async def test_a_patch_whose_answer_was_lost_is_found_and_not_written_twice(
    graph: AzureTwinGraph, twin_service: TwinService, twin_faults: Faults
) -> None:
    twin_faults.add(Fault("twins", "patch_twin", "commit_then_drop", 1, {}))
    with pytest.raises(Unavailable):
        await graph.tell_outcome(COMPONENT, WORK)
    before = twin_service.twin(COMPONENT)
    write = await graph.tell_outcome(COMPONENT, WORK)
    assert twin_service.twin(COMPONENT) == before
    assert set(results(write).values()) == {ToldResult.KEPT}


async def test_another_writer_after_ours_is_said_and_not_fought(twin_service: TwinService) -> None:
    def override() -> None:
        twin_service.patch_twin(COMPONENT, [{"op": "add", "path": "/healthState", "value": "degraded"}])

    readings: list[Before] = [lambda: None, override]
    graph = meanwhile(
        DigitalTwinsSettings(endpoint=twin_service.url),
        "get_digital_twin",
        lambda: readings.pop(0)() if readings else None,
    )
    async with graph:
        write = await graph.tell_outcome(COMPONENT, WORK)
    health = next(each for each in write.properties if each.name == "healthState")
    assert (health.result, health.why) == (ToldResult.WRITTEN, "another writer has set it to degraded since")
    assert says(twin_service, COMPONENT)["healthState"] == "degraded"


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
