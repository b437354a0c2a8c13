"""The notifications a change sends, and the routes that let them through."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.twins import CloudEvent, ServiceError, TwinService

PUMP = "dtmi:example:Pump;1"
HOST = "sandbox.api.local.digitaltwins.azure.net"
NOW = datetime(2026, 1, 1, 8, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
MODEL: dict[str, Any] = {
    "@context": "dtmi:dtdl:context;2",
    "@id": PUMP,
    "@type": "Interface",
    "contents": [
        {"@type": "Property", "name": "speed", "schema": "double"},
        {"@type": "Property", "name": "state", "schema": "string"},
        {
            "@type": "Relationship",
            "name": "feeds",
            "properties": [{"@type": "Property", "name": "flow", "schema": "double"}],
        },
    ],
}


@pytest.fixture
def events() -> list[CloudEvent]:
    return []


@pytest.fixture
def service(events: list[CloudEvent]) -> TwinService:
    service = TwinService(None, events.append, now=lambda: NOW)
    service.put_model(MODEL)
    service.put_route("all", "bus")
    return service


def _pump(**properties: object) -> dict[str, object]:
    return {"$metadata": {"$model": PUMP}, **properties}


def test_a_new_twin_is_announced_whole(service: TwinService, events: list[CloudEvent]) -> None:
    service.put_twin("p-1", _pump(speed=1.0))
    (event,) = events
    assert event == CloudEvent(
        id=event.id,
        source=HOST,
        type="Microsoft.DigitalTwins.Twin.Create",
        subject="p-1",
        time=NOW,
        datacontenttype="application/json",
        dataschema=None,
        traceparent=None,
        data=service.twin("p-1"),
        route="all",
    )
    assert event.specversion == "1.0"


def test_a_patched_twin_is_announced_by_its_model_and_the_patch(service: TwinService, events: list[CloudEvent]) -> None:
    service.put_twin("p-1", _pump(speed=1.0, state="on"))
    when = datetime(2015, 6, 1, tzinfo=UTC)
    service.patch_twin(
        "p-1",
        [{"op": "replace", "path": "/speed", "value": 2.0}, {"op": "remove", "path": "/state"}],
        time=when,
        traceparent=TRACE,
    )
    event = events[-1]
    assert (event.type, event.subject) == ("Microsoft.DigitalTwins.Twin.Update", "p-1")
    assert (event.time, event.traceparent, event.source) == (when, TRACE, HOST)
    assert event.data == {
        "modelId": PUMP,
        "patch": [{"value": 2.0, "op": "replace", "path": "/speed"}, {"op": "remove", "path": "/state"}],
    }


def test_a_replaced_twin_is_announced_by_what_differs(service: TwinService, events: list[CloudEvent]) -> None:
    service.put_twin("p-1", _pump(speed=1.0))
    service.put_twin("p-1", _pump(state="on"))
    assert events[-1].type == "Microsoft.DigitalTwins.Twin.Update"
    assert events[-1].data == {
        "modelId": PUMP,
        "patch": [{"op": "remove", "path": "/speed"}, {"value": "on", "op": "add", "path": "/state"}],
    }


def test_relationships_are_announced_by_twin_and_relationship(service: TwinService, events: list[CloudEvent]) -> None:
    service.put_twin("p-1", _pump())
    service.put_twin("p-2", _pump())
    service.put_relationship("p-1", "r", "feeds", "p-2", {"flow": 1.0})
    service.put_relationship("p-1", "r", "feeds", "p-2", {"flow": 2.0})
    created, updated = events[-2:]
    assert created.type == "Microsoft.DigitalTwins.Relationship.Create"
    assert created.subject == updated.subject == "p-1/relationships/r"
    assert isinstance(created.data, dict)
    assert {name: created.data[name] for name in ("$relationshipId", "$sourceId", "$targetId", "flow")} == {
        "$relationshipId": "r",
        "$sourceId": "p-1",
        "$targetId": "p-2",
        "flow": 1.0,
    }
    assert updated.type == "Microsoft.DigitalTwins.Relationship.Update"
    assert updated.data == {"modelId": PUMP, "patch": [{"value": 2.0, "op": "replace", "path": "/flow"}]}


def test_telemetry_speaks_for_its_twin(service: TwinService, events: list[CloudEvent]) -> None:
    service.put_twin("p-1", _pump())
    when = datetime(2015, 6, 1, tzinfo=UTC)
    service.publish_telemetry("p-1", {"odd": [1, None]}, message_id="m-1", time=when, traceparent=TRACE)
    assert events[-1] == CloudEvent(
        id="m-1",
        source=f"{HOST}/digitaltwins/p-1",
        type="microsoft.iot.telemetry",
        subject=None,
        time=when,
        datacontenttype="application/json",
        dataschema=PUMP,
        traceparent=TRACE,
        data={"odd": [1, None]},
        route="all",
    )


def test_telemetry_without_an_id_gets_one(service: TwinService, events: list[CloudEvent]) -> None:
    service.put_twin("p-1", _pump())
    service.publish_telemetry("p-1", {})
    service.publish_telemetry("p-1", {})
    assert events[-1].id != events[-2].id
    assert events[-1].time == NOW


def test_one_notification_takes_every_route_that_lets_it_through_under_one_id(
    service: TwinService, events: list[CloudEvent]
) -> None:
    service.put_route("creations", "bus", "type = 'Microsoft.DigitalTwins.Twin.Create'")
    service.put_route("closed", "bus", "false")
    service.put_twin("p-1", _pump())
    assert [event.route for event in events] == ["all", "creations"]
    assert len({event.id for event in events}) == 1


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("true", "create update telemetry"),
        ("false", ""),
        ("type = 'microsoft.iot.telemetry'", "telemetry"),
        ("type != 'microsoft.iot.telemetry'", "create update"),
        (
            "type = 'microsoft.iot.telemetry' OR type = 'Microsoft.DigitalTwins.Twin.Update'",
            "update telemetry",
        ),
        ("NOT type = 'microsoft.iot.telemetry' AND NOT type = 'x'", "create update"),
        ("STARTS_WITH(type, 'Microsoft.DigitalTwins.')", "create update"),
        ("STARTS_WITH(subject, 'p-')", "create update"),
        ("ENDS_WITH(source, '/digitaltwins/p-1')", "telemetry"),
        ("CONTAINS(subject, '-')", "create update"),
        ("dataschema = 'dtmi:example:Pump;1'", "telemetry"),
        ("datacontenttype = 'application/json' AND specversion = '1.0'", "create update telemetry"),
        ("$body.modelId = 'dtmi:example:Pump;1'", "update"),
        ("STARTS_WITH($body.$metadata.$model, 'dtmi:example:')", "create"),
        ("$body.volt >= 170.5", "telemetry"),
        ("$body.volt > 171", ""),
        ("$body.ok = true", "telemetry"),
        ("$body.none = null", "telemetry"),
        ("$body.volt != null", "telemetry"),
        ("(type = 'x' OR type = 'microsoft.iot.telemetry') AND true", "telemetry"),
    ],
)
def test_a_filter_lets_through_what_it_says(condition: str, expected: str) -> None:
    events: list[CloudEvent] = []
    service = TwinService(None, events.append)
    service.put_model(MODEL)
    service.put_route("filtered", "bus", condition)
    service.put_twin("p-1", _pump())
    service.patch_twin("p-1", [{"op": "add", "path": "/speed", "value": 1.0}])
    service.publish_telemetry("p-1", {"volt": 170.5, "ok": True, "none": None})
    assert [event.type.rpartition(".")[2].lower() for event in events] == expected.split()


@pytest.mark.parametrize(
    "condition", ["", "type =", "kind = 'x'", "type.name = 'x'", "type LIKE 'x'", "body.volt > 1", "LEN(type) = 1"]
)
def test_a_filter_that_is_none_is_refused(service: TwinService, condition: str) -> None:
    with pytest.raises(ServiceError) as refused:
        service.put_route("bad", "bus", condition)
    assert refused.value.code == "EventRouteFilterInvalid"


def test_a_route_needs_an_endpoint_and_a_plain_id(service: TwinService) -> None:
    with pytest.raises(ServiceError, match="EventRouteEndpointInvalid"):
        service.put_route("route", "")
    with pytest.raises(ServiceError, match="EventRouteIdInvalid"):
        service.put_route("a route", "bus")


def test_a_refused_change_announces_nothing(service: TwinService, events: list[CloudEvent]) -> None:
    with pytest.raises(ServiceError, match="ValidationFailed"):
        service.put_twin("p-1", _pump(colour="red"))
    assert events == []
