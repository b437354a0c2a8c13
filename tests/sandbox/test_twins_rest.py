"""The REST surface below the SDK: headers, bodies, paging, and how it misbehaves when told to."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sandbox.faults import Fault, Faults
from sandbox.twins import CloudEvent, TwinService
from sandbox.twins.request_gate import KINDS

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
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TWIN = "/digitaltwins/p-1"
ADD_SPEED = [{"op": "add", "path": "/speed", "value": 2.0}]


@pytest.fixture
def events() -> list[CloudEvent]:
    return []


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def service(events: list[CloudEvent], faults: Faults) -> AsyncIterator[TwinService]:
    service = TwinService(None, events.append, faults=faults)
    service.put_model(MODEL)
    service.put_twin("p-1", {"$metadata": {"$model": PUMP}, "speed": 1.0})
    service.put_route("all", "bus")
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
async def http(service: TwinService) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=service.url,
        params={"api-version": "2023-10-31"},
        headers={"Authorization": "Bearer any"},
        timeout=10,
    ) as http:
        yield http


async def test_a_request_without_a_token_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.get(TWIN, headers={"Authorization": ""})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "Unauthorized"


@pytest.mark.parametrize(
    ("version", "code"), [("", "MissingApiVersionParameter"), ("1999-01-01", "InvalidApiVersionParameter")]
)
async def test_a_request_needs_an_api_version(http: httpx.AsyncClient, version: str, code: str) -> None:
    answer = await http.get(TWIN, params={"api-version": version})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("PUT", TWIN, b"{", "InvalidArgument"),
        ("PUT", TWIN, b"[]", "InvalidArgument"),
        ("PUT", TWIN, b'{"speed": NaN}', "InvalidArgument"),
        ("PUT", TWIN, b'{"$metadata": {"$model": "dtmi:example:Pump;1"}, "$odd": 1}', "ValidationFailed"),
        ("PUT", "/digitaltwins/p%201", b"{}", "InvalidArgument"),
        ("PUT", "/digitaltwins/" + "p" * 129, b"{}", "InvalidArgument"),
        ("PATCH", TWIN, b"{}", "JsonPatchInvalid"),
        ("PATCH", TWIN, b"[]", "JsonPatchInvalid"),
        ("PATCH", TWIN, b'["x"]', "JsonPatchInvalid"),
        ("POST", TWIN + "/telemetry", b"{}", "InvalidArgument"),
        ("POST", "/models", b"{}", "InvalidArgument"),
        ("POST", "/models", b"[]", "InvalidArgument"),
        ("POST", "/query", b"{}", "InvalidArgument"),
        ("PATCH", f"/models/{PUMP}", b'[{"op":"add","path":"/id","value":1}]', "JsonPatchInvalid"),
        ("GET", "/models/dtmi:example:None;1", b"", "ModelNotFound"),
        ("GET", "/eventroutes/none", b"", "EventRouteNotFound"),
        ("GET", "/nowhere", b"", "NotFound"),
        ("POST", TWIN, b"", "MethodNotAllowed"),
    ],
)
async def test_a_bad_request_is_refused_in_the_service_s_error_shape(
    http: httpx.AsyncClient, method: str, path: str, body: bytes, code: str
) -> None:
    answer = await http.request(method, path, content=body)
    assert answer.json()["error"]["code"] == answer.headers["x-ms-error-code"] == code
    assert 400 <= answer.status_code < 500


async def test_what_is_wrong_with_a_twin_is_told_one_by_one(http: httpx.AsyncClient) -> None:
    body = {"$metadata": {"$model": PUMP}, "speed": "fast", "colour": "red"}
    error = (await http.put(TWIN, json=body)).json()["error"]
    assert error["code"] == "ValidationFailed"
    assert [detail["message"].split()[0] for detail in error["details"]] == ["speed", "colour"]


async def test_the_trace_of_a_request_goes_into_its_event(http: httpx.AsyncClient, events: list[CloudEvent]) -> None:
    trace = {"traceparent": TRACE}
    await http.patch(TWIN, json=ADD_SPEED, headers=trace)
    headers = {**trace, "Message-Id": "m-1", "Telemetry-Source-Time": "2015-06-01T08:00:00"}
    answer = await http.post(TWIN + "/telemetry", json={"volt": 1}, headers=headers)
    assert answer.status_code == 204
    assert [event.traceparent for event in events] == [TRACE, TRACE]
    assert events[1].time.isoformat() == "2015-06-01T08:00:00+00:00"


async def test_a_source_time_that_is_none_is_refused(http: httpx.AsyncClient) -> None:
    headers = {"Message-Id": "m-1", "Telemetry-Source-Time": "yesterday"}
    assert (await http.post(TWIN + "/telemetry", json={}, headers=headers)).status_code == 400


async def test_etags_come_with_every_twin_and_change_with_every_write(http: httpx.AsyncClient) -> None:
    first = await http.get(TWIN)
    assert first.headers["ETag"] == first.json()["$etag"]
    changed = await http.patch(TWIN, json=ADD_SPEED, headers={"If-Match": first.headers["ETag"]})
    assert changed.status_code == 204
    assert changed.headers["ETag"] == (await http.get(TWIN)).headers["ETag"] != first.headers["ETag"]
    stale = await http.put(TWIN, json={}, headers={"If-None-Match": "*"})
    assert stale.status_code == 412


async def test_long_lists_come_in_linked_pages(http: httpx.AsyncClient, service: TwinService) -> None:
    for number in range(5):
        service.put_twin(f"q-{number}", {"$metadata": {"$model": PUMP}})
        service.put_relationship("p-1", f"r-{number}", "feeds", f"q-{number}")
    page = {"max-items-per-page": "3"}
    first = (await http.get(TWIN + "/relationships", headers=page)).json()
    link = httpx.URL(first["nextLink"])
    second = (await http.get(link.path, headers=page, params=dict(link.params))).json()
    found = [each["$relationshipId"] for each in first["value"] + second["value"]]
    assert found == [f"r-{number}" for number in range(5)]
    assert "nextLink" not in second


async def test_a_500_does_nothing_and_is_over_after_its_times(
    http: httpx.AsyncClient, faults: Faults, events: list[CloudEvent]
) -> None:
    faults.add(Fault("twins", "patch_*", "status_500", times=2))
    answers = [(await http.patch(TWIN, json=ADD_SPEED)).status_code for _ in range(3)]
    assert answers == [500, 500, 204]
    assert len(events) == 1


async def test_a_429_says_when_to_come_again(http: httpx.AsyncClient, faults: Faults) -> None:
    faults.add(Fault("twins", "*", "status_429", params={"retry_after": 7}))
    answer = await http.get(TWIN)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


async def test_a_committed_write_may_lose_its_answer(
    http: httpx.AsyncClient, faults: Faults, events: list[CloudEvent]
) -> None:
    faults.add(Fault("twins", "patch_twin", "commit_then_drop"))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await http.patch(TWIN, json=ADD_SPEED)
    assert (await http.get(TWIN)).json()["speed"] == 2.0
    assert len(events) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("twins", "patch_twin", "drop_then_nothing"),
        Fault("twins", "patch_twin", "timeout", params={"delay": 0.01}),
        Fault("twins", "patch_twin", "down"),
    ],
    ids=lambda fault: fault.kind,
)
async def test_a_lost_request_changes_nothing(
    http: httpx.AsyncClient, faults: Faults, events: list[CloudEvent], fault: Fault
) -> None:
    faults.add(fault)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await http.patch(TWIN, json=ADD_SPEED)
    faults.clear()
    assert (await http.get(TWIN)).json()["speed"] == 1.0
    assert events == []


async def test_a_proxy_s_page_comes_in_place_of_json(http: httpx.AsyncClient, faults: Faults) -> None:
    faults.add(Fault("twins", "get_twin", "html"))
    answer = await http.get(TWIN)
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_slow_request_is_served_all_the_same(http: httpx.AsyncClient, faults: Faults) -> None:
    faults.add(Fault("twins", "patch_twin", "slow", params={"seconds": 0.01}))
    assert (await http.patch(TWIN, json=ADD_SPEED)).status_code == 204


async def test_in_a_conflict_the_etag_just_read_is_stale_once(
    http: httpx.AsyncClient, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults.add(Fault("twins", "patch_twin", "conflict"))
    outcomes = []
    for _ in range(2):
        etag = (await http.get(TWIN)).headers["ETag"]
        outcomes.append((await http.patch(TWIN, json=ADD_SPEED, headers={"If-Match": etag})).status_code)
    assert outcomes == [412, 204]


@pytest.mark.usefixtures("service")
def test_a_kind_the_service_cannot_show_is_refused(faults: Faults) -> None:
    assert "session_expired" not in KINDS
    with pytest.raises(ValueError, match="session_expired"):
        faults.add(Fault("twins", "*", "session_expired"))
