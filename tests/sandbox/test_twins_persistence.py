"""What a twin service remembers, and what its queries do not see yet."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.twins import CloudEvent, ServiceError
from sandbox.twins.data_plane import DataPlane
from sandbox.twins.json_patch import read_patch
from sandbox.twins.query_page import QueryPage

PUMP = "dtmi:example:Pump;1"
MODEL: dict[str, Any] = {
    "@context": "dtmi:dtdl:context;2",
    "@id": PUMP,
    "@type": "Interface",
    "contents": [
        {"@type": "Property", "name": "speed", "schema": "double"},
        {"@type": "Relationship", "name": "feeds"},
    ],
}


class _Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


def _plane(directory: Path | None, events: list[CloudEvent], clock: _Clock, lag: timedelta = timedelta(0)) -> DataPlane:
    return DataPlane(directory, events.append, clock, lag)


def _fill(plane: DataPlane) -> None:
    plane.add_models([MODEL])
    for twin_id in ("p-1", "p-2"):
        plane.twins.put(twin_id, {"$metadata": {"$model": PUMP}, "speed": 1.0})
    plane.relationships.put("p-1", "r", {"$targetId": "p-2", "$relationshipName": "feeds"})


def _found(plane: DataPlane, query: str) -> object:
    return plane.query(QueryPage(query), 100)["value"]


def test_a_service_goes_on_from_disk_where_the_last_one_stopped(tmp_path: Path) -> None:
    first = _plane(tmp_path, [], _Clock())
    _fill(first)
    first.put_route("all", {"endpointName": "bus", "filter": "true"})
    first.put_route("gone", {"endpointName": "bus", "filter": "true"})
    first.delete_route("gone")
    first.twins.patch("p-2", read_patch([{"op": "replace", "path": "/speed", "value": 7.5}]))
    first.decommission_model(PUMP)
    kept, relationship = list(first.twins), first.relationships.get("p-1", "r")
    first.close()

    events: list[CloudEvent] = []
    second = _plane(tmp_path, events, _Clock())
    assert list(second.twins) == kept
    assert second.relationships.get("p-1", "r") == relationship
    assert [each["$sourceId"] for each in second.relationships.incoming("p-2")] == ["p-1"]
    assert second.catalogue.get(PUMP).decommissioned
    assert [route.id for route in second.router] == ["all"]
    second.twins.publish("p-1", {"volt": 1})
    assert [event.route for event in events] == ["all"]
    second.close()


def test_what_was_deleted_stays_deleted(tmp_path: Path) -> None:
    first = _plane(tmp_path, [], _Clock())
    _fill(first)
    first.relationships.delete("p-1", "r")
    first.twins.delete("p-1")
    first.delete_model(PUMP)
    first.close()
    second = _plane(tmp_path, [], _Clock())
    assert [twin["$dtId"] for twin in second.twins] == ["p-2"]
    assert list(second.catalogue) == []
    second.close()


def test_a_twin_whose_model_was_deleted_can_be_read_and_not_changed() -> None:
    plane = _plane(None, [], _Clock())
    _fill(plane)
    plane.delete_model(PUMP)
    assert plane.twins.get("p-1")["speed"] == 1.0
    with pytest.raises(ServiceError, match="ValidationFailed"):
        plane.twins.patch("p-1", read_patch([{"op": "add", "path": "/speed", "value": 2.0}]))
    with pytest.raises(ServiceError, match="InvalidRelationship"):
        plane.relationships.put("p-1", "r2", {"$targetId": "p-2", "$relationshipName": "feeds"})


def test_without_a_directory_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plane = _plane(None, [], _Clock())
    _fill(plane)
    plane.close()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def lagging(clock: _Clock) -> Iterator[tuple[DataPlane, list[CloudEvent]]]:
    events: list[CloudEvent] = []
    plane = _plane(None, events, clock, timedelta(seconds=10))
    plane.put_route("all", {"endpointName": "bus", "filter": "true"})
    _fill(plane)
    yield plane, events
    plane.close()


FAST = "SELECT $dtId FROM DIGITALTWINS WHERE speed > 5"
FED = "SELECT M.$dtId FROM DIGITALTWINS P JOIN M RELATED P.feeds WHERE P.$dtId = 'p-1'"


def test_queries_lag_while_reads_and_events_do_not(lagging: tuple[DataPlane, list[CloudEvent]], clock: _Clock) -> None:
    plane, events = lagging
    assert _found(plane, "SELECT COUNT() FROM DIGITALTWINS") == [{"COUNT": 0}]
    assert len(events) == 3
    clock.time += timedelta(seconds=10)
    plane.twins.patch("p-1", read_patch([{"op": "replace", "path": "/speed", "value": 9.0}]))
    assert plane.twins.get("p-1")["speed"] == 9.0
    assert events[-1].type == "Microsoft.DigitalTwins.Twin.Update"
    assert _found(plane, FAST) == []
    assert _found(plane, FED) == [{"$dtId": "p-2"}]
    clock.time += timedelta(seconds=10)
    assert _found(plane, FAST) == [{"$dtId": "p-1"}]


def test_a_query_still_finds_what_was_just_deleted(lagging: tuple[DataPlane, list[CloudEvent]], clock: _Clock) -> None:
    plane, _ = lagging
    clock.time += timedelta(seconds=10)
    plane.relationships.delete("p-1", "r")
    plane.twins.delete("p-2")
    assert _found(plane, FED) == [{"$dtId": "p-2"}]
    clock.time += timedelta(seconds=9)
    assert _found(plane, FED) == [{"$dtId": "p-2"}]
    clock.time += timedelta(seconds=1)
    assert _found(plane, FED) == []


def test_what_was_on_disk_is_in_the_query_index_at_once(tmp_path: Path, clock: _Clock) -> None:
    first = _plane(tmp_path, [], clock)
    _fill(first)
    first.close()
    second = _plane(tmp_path, [], clock, timedelta(seconds=10))
    assert _found(second, FED) == [{"$dtId": "p-2"}]
    second.close()
