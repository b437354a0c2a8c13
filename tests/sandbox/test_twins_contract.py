"""The unmodified azure-digitaltwins-core client against the sandbox's twin service."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.digitaltwins.core import DigitalTwinsEventRoute
from azure.digitaltwins.core.aio import DigitalTwinsClient
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.http_server import HttpServer
from sandbox.twins import CloudEvent, TwinService
from tests.support.twin_client import MODELS, ROOM, SPACE, THERMOSTAT, AllowLoopbackHttp, Credential

# The client's own results_per_page and max_items_per_page reach aiohttp in 1.3 and fail there.
_TWO_A_PAGE = {"max-items-per-page": "2"}


def _room(**properties: object) -> dict[str, object]:
    return {"$metadata": {"$model": ROOM}, "thermostat": {"$metadata": {}}, **properties}


@pytest.fixture
def events() -> list[CloudEvent]:
    return []


class _Stage:
    """Serves whichever application the test at hand put on it: one server and one client do for all tests."""

    app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def stage() -> _Stage:
    return _Stage()


@pytest.fixture(scope="module")
async def url(stage: _Stage) -> AsyncIterator[str]:
    server = HttpServer(stage)
    await server.start()
    yield server.url
    await server.stop()


@pytest.fixture(scope="module")
async def client(url: str) -> AsyncIterator[DigitalTwinsClient]:
    async with DigitalTwinsClient(url, Credential(), per_call_policies=[AllowLoopbackHttp()]) as client:
        yield client


@pytest.fixture(autouse=True)
async def service(events: list[CloudEvent], stage: _Stage) -> AsyncIterator[TwinService]:
    service = TwinService(None, events.append)
    service.put_models(MODELS)
    stage.app = service.app
    yield service
    await service.stop()


async def _all(pages: Any) -> list[Any]:
    return [item async for item in pages]


async def test_models_are_uploaded_listed_and_read(client: DigitalTwinsClient) -> None:
    lift = {"@context": "dtmi:dtdl:context;2", "@id": "dtmi:example:Lift;1", "@type": "Interface"}
    (created,) = await client.create_models([lift])
    assert created.id == "dtmi:example:Lift;1"
    assert created.decommissioned is False
    listed = await _all(client.list_models(include_model_definition=True, headers=_TWO_A_PAGE))
    assert [model.id for model in listed] == [SPACE, THERMOSTAT, ROOM, "dtmi:example:Lift;1"]
    assert listed[0].model == MODELS[0]
    assert listed[0].display_name == {"en": "Space"}
    assert (await client.get_model(ROOM)).id == ROOM


async def test_models_are_listed_with_all_they_depend_on(client: DigitalTwinsClient) -> None:
    found = await _all(client.list_models(dependencies_for=[ROOM]))
    assert {model.id for model in found} == {ROOM, SPACE, THERMOSTAT}


async def test_a_model_cannot_be_uploaded_twice(client: DigitalTwinsClient) -> None:
    with pytest.raises(ResourceExistsError) as refused:
        await client.create_models([MODELS[0]])
    assert refused.value.error is not None
    assert refused.value.error.code == "ModelAlreadyExists"


async def test_a_model_in_use_by_another_is_neither_decommissioned_nor_deleted(
    client: DigitalTwinsClient,
) -> None:
    with pytest.raises(HttpResponseError, match="ModelReferencesNotDecommissioned"):
        await client.decommission_model(SPACE)
    with pytest.raises(ResourceExistsError, match="ModelReferencesNotDeleted"):
        await client.delete_model(SPACE)
    await client.delete_model(ROOM)
    await client.delete_model(SPACE)
    with pytest.raises(ResourceNotFoundError):
        await client.get_model(SPACE)


async def test_a_decommissioned_model_takes_no_new_twins_and_keeps_the_old(
    client: DigitalTwinsClient,
) -> None:
    await client.upsert_digital_twin("old", _room())
    await client.decommission_model(ROOM)
    assert (await client.get_model(ROOM)).decommissioned is True
    await client.update_digital_twin("old", [{"op": "add", "path": "/name", "value": "still here"}])
    with pytest.raises(HttpResponseError, match="ModelDecommissioned"):
        await client.upsert_digital_twin("new", _room())


async def test_a_twin_is_created_read_and_deleted(client: DigitalTwinsClient) -> None:
    created = await client.upsert_digital_twin("room-1", _room(name="Hall", tags=["warm"]))
    read = await client.get_digital_twin("room-1")
    assert read == created
    assert read["$dtId"] == "room-1"
    assert read["$metadata"]["$model"] == ROOM
    assert set(read["$metadata"]["name"]) == {"lastUpdateTime"}
    await client.delete_digital_twin("room-1")
    with pytest.raises(ResourceNotFoundError, match="DigitalTwinNotFound"):
        await client.get_digital_twin("room-1")


async def test_if_missing_protects_a_twin_that_is_there(client: DigitalTwinsClient) -> None:
    condition = MatchConditions.IfMissing
    await client.upsert_digital_twin("room-1", _room(), match_condition=condition)
    with pytest.raises(ResourceExistsError):
        await client.upsert_digital_twin("room-1", _room(), match_condition=condition)


async def test_a_stale_etag_meets_412_and_the_fresh_one_goes_through(client: DigitalTwinsClient) -> None:
    first = await client.upsert_digital_twin("room-1", _room(temperature=20.0))
    patch = [{"op": "replace", "path": "/temperature", "value": 21.0}]
    condition = MatchConditions.IfNotModified
    await client.update_digital_twin("room-1", patch, etag=first["$etag"], match_condition=condition)
    with pytest.raises(ResourceModifiedError):
        await client.update_digital_twin("room-1", patch, etag=first["$etag"], match_condition=condition)
    with pytest.raises(ResourceModifiedError):
        await client.delete_digital_twin("room-1", etag=first["$etag"], match_condition=condition)
    fresh = await client.get_digital_twin("room-1")
    await client.delete_digital_twin("room-1", etag=fresh["$etag"], match_condition=condition)


async def test_replacing_what_was_never_set_is_refused_and_adding_it_is_an_upsert(
    client: DigitalTwinsClient,
) -> None:
    await client.upsert_digital_twin("room-1", _room())
    with pytest.raises(HttpResponseError, match="JsonPatchInvalid"):
        await client.update_digital_twin("room-1", [{"op": "replace", "path": "/name", "value": "A"}])
    for name in ("A", "B"):
        await client.update_digital_twin("room-1", [{"op": "add", "path": "/name", "value": name}])
    assert (await client.get_digital_twin("room-1"))["name"] == "B"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/colour", "value": "red"},
        {"op": "add", "path": "/temperature", "value": "warm"},
        {"op": "add", "path": "/tags", "value": ["warm", 3]},
        {"op": "add", "path": "/name", "value": None},
        {"op": "remove", "path": "/thermostat"},
        {"op": "replace", "path": "/$metadata/$model", "value": "dtmi:example:None;1"},
    ],
)
async def test_a_patch_that_breaks_the_model_is_refused_whole(
    client: DigitalTwinsClient, operation: dict[str, object]
) -> None:
    before = await client.upsert_digital_twin("room-1", _room(name="Hall"))
    with pytest.raises(HttpResponseError) as refused:
        await client.update_digital_twin("room-1", [{"op": "add", "path": "/name", "value": "changed"}, operation])
    assert refused.value.status_code == 400
    assert refused.value.error is not None
    assert refused.value.error.code == "ValidationFailed"
    assert await client.get_digital_twin("room-1") == before


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "move", "path": "/name", "from": "/tags"},
        {"op": "add", "path": "name", "value": "A"},
        {"op": "add", "path": "/name"},
        {"op": "remove", "path": "/name"},
        {"op": "add", "path": "/$dtId", "value": "other"},
        {"op": "add", "path": "/$etag", "value": "other"},
        {"op": "remove", "path": "/$metadata/$model"},
        {"op": "add", "path": "/tags/0", "value": "A"},
        {"op": "add", "path": "/gone/inner", "value": "A"},
    ],
)
async def test_a_patch_that_is_none_is_refused(client: DigitalTwinsClient, operation: dict[str, object]) -> None:
    await client.upsert_digital_twin("room-1", _room(tags=["x"]))
    with pytest.raises(HttpResponseError, match="JsonPatchInvalid"):
        await client.update_digital_twin("room-1", [operation])


@pytest.mark.parametrize(
    "twin",
    [
        {},
        {"$metadata": {"$model": "dtmi:example:None;1"}},
        {"$metadata": {"$model": ROOM}},
        {"$metadata": {"$model": ROOM}, "thermostat": {}},
        {"$metadata": {"$model": ROOM}, "thermostat": {"$metadata": {}, "colour": "red"}},
        {"$metadata": {"$model": SPACE}, "colour": "red"},
        {"$metadata": {"$model": SPACE}, "temperature": True},
    ],
)
async def test_a_twin_that_is_not_of_its_model_is_refused(client: DigitalTwinsClient, twin: dict[str, object]) -> None:
    with pytest.raises(HttpResponseError, match="ValidationFailed") as refused:
        await client.upsert_digital_twin("room-1", twin)
    assert refused.value.status_code == 400


async def test_a_source_time_may_be_patched_beside_its_property(client: DigitalTwinsClient) -> None:
    await client.upsert_digital_twin("room-1", _room(temperature=20.0))
    when = "2015-06-01T08:00:00Z"
    await client.update_digital_twin(
        "room-1",
        [
            {"op": "replace", "path": "/temperature", "value": 21.0},
            {"op": "add", "path": "/$metadata/temperature/sourceTime", "value": when},
        ],
    )
    twin = await client.get_digital_twin("room-1")
    assert twin["$metadata"]["temperature"]["sourceTime"] == when


async def test_a_component_is_read_and_patched_by_itself(
    client: DigitalTwinsClient, service: TwinService, events: list[CloudEvent]
) -> None:
    await client.upsert_digital_twin("room-1", _room())
    service.put_route("all", "bus")
    await client.update_component("room-1", "thermostat", [{"op": "add", "path": "/setPoint", "value": 19.5}])
    component = await client.get_component("room-1", "thermostat")
    assert component["setPoint"] == 19.5
    assert "lastUpdateTime" in component["$metadata"]["setPoint"]
    assert events[0].data == {
        "modelId": ROOM,
        "patch": [{"op": "add", "path": "/thermostat/setPoint", "value": 19.5}],
    }
    with pytest.raises(ResourceNotFoundError, match="ComponentNotFound"):
        await client.get_component("room-1", "name")


async def test_relationships_are_created_listed_from_both_ends_patched_and_deleted(
    client: DigitalTwinsClient,
) -> None:
    await client.upsert_digital_twin("site", {"$metadata": {"$model": SPACE}})
    await client.upsert_digital_twin("room-1", _room())
    body = {"$targetId": "room-1", "$relationshipName": "contains", "since": "2015-01-01"}
    created = await client.upsert_relationship("site", "r1", body)
    assert created["$sourceId"] == "site"
    assert await client.get_relationship("site", "r1") == created
    assert await _all(client.list_relationships("site", "contains")) == [created]
    assert await _all(client.list_relationships("site", "feeds")) == []
    (incoming,) = await _all(client.list_incoming_relationships("room-1"))
    assert (incoming.source_id, incoming.relationship_id) == ("site", "r1")
    await client.update_relationship(
        "site",
        "r1",
        [{"op": "replace", "path": "/since", "value": "2016-01-01"}],
        etag=created["$etag"],
        match_condition=MatchConditions.IfNotModified,
    )
    assert (await client.get_relationship("site", "r1"))["since"] == "2016-01-01"
    with pytest.raises(HttpResponseError, match="RelationshipsNotDeleted"):
        await client.delete_digital_twin("room-1")
    await client.delete_relationship("site", "r1")
    await client.delete_digital_twin("room-1")


async def test_if_missing_protects_a_relationship_that_is_there_and_without_it_a_put_replaces_it(
    client: DigitalTwinsClient,
) -> None:
    await client.upsert_digital_twin("site", {"$metadata": {"$model": SPACE}})
    await client.upsert_digital_twin("room-1", _room())
    body = {"$targetId": "room-1", "$relationshipName": "contains", "since": "2015-01-01"}
    created = await client.upsert_relationship("site", "r1", body, match_condition=MatchConditions.IfMissing)
    with pytest.raises(ResourceExistsError, match="PreconditionFailed"):
        await client.upsert_relationship("site", "r1", body, match_condition=MatchConditions.IfMissing)
    assert await client.get_relationship("site", "r1") == created
    replaced = await client.upsert_relationship("site", "r1", {**body, "since": "2016-01-01"})
    assert replaced["since"] == "2016-01-01"
    with pytest.raises(HttpResponseError, match="InvalidArgument"):
        await client.upsert_relationship("site", "WO 17", body)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"$targetId": "room-1", "$relationshipName": "feeds"}, "InvalidRelationship"),
        ({"$targetId": "room-1"}, "InvalidArgument"),
        ({"$targetId": "gone", "$relationshipName": "contains"}, "TargetTwinNotFound"),
        ({"$targetId": "site", "$relationshipName": "contains"}, "OperationNotAllowed"),
        ({"$targetId": "room-1", "$relationshipName": "contains", "since": 1}, "ValidationFailed"),
        ({"$targetId": "room-1", "$relationshipName": "contains", "why": "x"}, "ValidationFailed"),
    ],
)
async def test_a_relationship_that_its_model_does_not_have_is_refused(
    client: DigitalTwinsClient, body: dict[str, object], code: str
) -> None:
    await client.upsert_digital_twin("site", {"$metadata": {"$model": SPACE}})
    await client.upsert_digital_twin("room-1", _room())
    with pytest.raises(HttpResponseError, match=code):
        await client.upsert_relationship("site", "r1", body)


async def test_telemetry_is_passed_on_unchecked_under_the_sender_s_id(
    client: DigitalTwinsClient, service: TwinService, events: list[CloudEvent]
) -> None:
    await client.upsert_digital_twin("room-1", _room())
    service.put_route("all", "bus")
    await client.publish_telemetry("room-1", {"neverDeclared": 1}, message_id="m-1")
    await client.publish_component_telemetry("room-1", "thermostat", {"valve": 0.5}, message_id="m-2")
    assert [(event.id, event.subject, event.dataschema) for event in events] == [
        ("m-1", None, ROOM),
        ("m-2", "thermostat", THERMOSTAT),
    ]
    with pytest.raises(ResourceNotFoundError):
        await client.publish_telemetry("gone", {"x": 1})


async def test_event_routes_are_kept_listed_and_deleted(client: DigitalTwinsClient) -> None:
    route = DigitalTwinsEventRoute(endpoint_name="bus", filter="type = 'microsoft.iot.telemetry'")
    await client.upsert_event_route("telemetry", route)
    (listed,) = await _all(client.list_event_routes())
    assert (listed.id, listed.endpoint_name, listed.filter) == ("telemetry", "bus", route.filter)
    await client.delete_event_route("telemetry")
    with pytest.raises(ResourceNotFoundError):
        await client.get_event_route("telemetry")
    with pytest.raises(HttpResponseError, match="EventRouteFilterInvalid"):
        await client.upsert_event_route("bad", DigitalTwinsEventRoute(endpoint_name="bus", filter="type LIKE 'x'"))


async def test_the_client_pages_through_a_query_by_continuation_tokens(client: DigitalTwinsClient) -> None:
    for number in range(7):
        await client.upsert_digital_twin(f"room-{number}", _room(temperature=float(number)))
    rows = await _all(
        client.query_twins("SELECT T.$dtId FROM DIGITALTWINS T WHERE T.temperature > 0", headers=_TWO_A_PAGE)
    )
    assert [row["$dtId"] for row in rows] == [f"room-{number}" for number in range(1, 7)]


async def test_a_query_with_an_error_is_refused(client: DigitalTwinsClient) -> None:
    with pytest.raises(HttpResponseError, match="SqlQueryError"):
        await _all(client.query_twins("SELECT nonsense"))


async def test_plain_http_is_refused_by_the_client_unless_allowed(url: str) -> None:
    async with DigitalTwinsClient(url, Credential(), retry_total=0) as strict:
        with pytest.raises(AzureError, match="TLS"):
            await strict.get_digital_twin("room-1")
