"""The sandbox's MaintainX answers as the vendor's contract says."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.clock import PlantClock
from sandbox.faults import Fault, Faults
from sandbox.maintainx.misbehaviour import SHOWN, TARGET
from sandbox.maintainx.operations import OPERATIONS
from sandbox.maintainx.server import MaintainXServer
from sandbox.maintainx.store import SETTABLE, WorkOrder

START = datetime(2026, 11, 21, 6, 50, 10, 399_000, tzinfo=UTC)
KEY = "eyJ-robot-key"


@dataclass
class Seconds:
    """The wall clock of the rate limit."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Site:
    """A server, its clocks and a client with a key."""

    server: MaintainXServer
    clock: PlantClock
    faults: Faults
    http: httpx.AsyncClient
    seconds: Seconds
    assets: list[int] = field(default_factory=list)

    async def create(self, **body: Any) -> httpx.Response:
        return await self.http.post("/workorders", json={"title": "Bearing [MWABCDEFGH]", **body})

    async def created(self, **body: Any) -> WorkOrder:
        return self.server.store.orders[(await self.create(**body)).json()["id"]]

    async def list(self, **params: Any) -> Any:
        return (await self.http.get("/workorders", params=params)).json()


async def opened(key: str = KEY, **more: Any) -> Site:
    clock, faults, seconds = PlantClock(START), Faults(), Seconds()
    server = MaintainXServer(clock, KEY, faults, seconds=seconds, **more)
    await server.start()
    http = httpx.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {key}"})
    return Site(server, clock, faults, http, seconds, [server.add_asset(name).id for name in ("EQ-7", "EQ-8")])


async def closed(site: Site) -> None:
    await site.http.aclose()
    await site.server.stop()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = await opened()
    yield made
    await closed(made)


@pytest.mark.parametrize("header", [None, "Bearer abc", KEY], ids=["none", "another", "no scheme"])
async def test_a_missing_or_wrong_key_is_401_without_a_body(site: Site, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}
    async with httpx.AsyncClient(base_url=site.server.url, headers=headers) as stranger:
        reply = await stranger.get("/workorders")
    assert (reply.status_code, reply.content) == (401, b"")


async def test_an_order_is_created_with_200_and_an_id_only(site: Site) -> None:
    reply = await site.create(assetId=site.assets[0], priority="HIGH", externalData={"key": 1})
    assert reply.status_code == 200
    assert list(reply.json()) == ["id"]
    shown = (await site.http.get(f"/workorders/{reply.json()['id']}")).json()["workOrder"]
    assert (shown["sequentialId"], shown["status"], shown["priority"]) == (1, "OPEN", "HIGH")
    assert (shown["assetId"], shown["externalData"]) == (site.assets[0], {"key": 1})
    assert (shown["createdAt"], shown["updatedAt"]) == ("2026-11-21T06:50:10.399Z", "2026-11-21T06:50:10.399Z")
    assert "addedLater" in shown
    assert "parts" not in shown


async def test_two_equal_requests_are_two_orders(site: Site) -> None:
    first, second = await site.create(), await site.create()
    assert first.json() != second.json()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": None}, "title"),
        ({"title": " "}, "title"),
        ({"title": 7}, "title"),
        ({"description": None}, "description"),
        ({"priority": "URGENT"}, "priority"),
        ({"type": "CORRECTIVE"}, "type"),
        ({"assetId": "5"}, "assetId"),
        ({"assetId": 99_999}, "assetId"),
        ({"assetId": True}, "assetId"),
        ({"dueDate": "soon"}, "dueDate"),
        ({"dueDate": "2026-11-23T06:50:10"}, "dueDate"),
        ({"startDate": "2026-11-23T06:50:10Z"}, "startDate"),
        ({"estimatedTime": "PT1H"}, "estimatedTime"),
        ({"assignees": [{"type": "PERSON", "id": 1}]}, "assignees"),
        ({"assignees": [{"type": "USER"}]}, "assignees"),
        ({"categories": [1]}, "categories"),
        ({"extraFields": []}, "extraFields"),
        ({"externalData": [1]}, "externalData"),
        ({"externalData": True}, "externalData"),
        ({"partsUsed": [{"partId": 1}]}, "partsUsed"),
        ({"status": "OPEN"}, "status"),
        ({"unknown": 1}, "unknown"),
    ],
    ids=str,
)
async def test_a_wrong_field_is_refused_by_name(site: Site, body: dict[str, Any], field: str) -> None:
    reply = await site.create(**body)
    assert reply.status_code == 400
    (error,) = reply.json()["errors"]
    assert (error["fieldPath"], set(error)) == (field, {"error", "fieldPath", "fieldValue"})
    assert site.server.orders() == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"'])
async def test_a_body_that_is_no_object_is_refused(site: Site, content: bytes) -> None:
    reply = await site.http.post("/workorders", content=content)
    assert (reply.status_code, list(reply.json())) == (400, ["errors"])


async def test_a_list_shows_neither_external_data_nor_the_asset(site: Site) -> None:
    await site.create(assetId=site.assets[0], externalData="x")
    (row,) = (await site.list())["workOrders"]
    assert {"assetId", "externalData", "asset", "assignees"} & set(row) == set()
    (row,) = (await site.list(expand=["asset", "assignees"]))["workOrders"]
    assert (row["asset"]["id"], row["assignees"]) == (site.assets[0], [])


async def test_a_field_that_no_contract_has_is_another_in_each_answer(site: Site) -> None:
    await site.create()
    first, second = await site.list(), await site.list()
    assert first["workOrders"][0]["addedLater"] != second["workOrders"][0]["addedLater"]


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "many"},
        {"cursor": "x"},
        {"cursor": "InsiIg=="},
        {"externalData": "x"},
        {"extraFields": "x"},
        {"statuses": "CLOSED"},
        {"priorities": "URGENT"},
        {"assets": "EQ-7"},
        {"updatedAt[gte]": "soon"},
        {"createdAt[lte]": "2026-11-21T06:50:10"},
        {"sort": "title"},
        {"expand": "everything"},
        {"expand": "asset,assignees"},
        {"assets[]": "1"},
    ],
    ids=str,
)
async def test_a_wrong_parameter_of_a_list_is_refused_in_the_short_form(site: Site, params: dict[str, str]) -> None:
    await site.create()
    reply = await site.http.get("/workorders", params=params)
    assert (reply.status_code, list(reply.json())) == (400, ["error"])


async def test_a_list_is_filtered_by_title_asset_status_priority_category_and_time(site: Site) -> None:
    first = await site.created(assetId=site.assets[0], priority="HIGH", categories=["Predictive"])
    site.clock.set(START + timedelta(hours=1))
    second = await site.created(title="It drips")
    await site.http.patch(f"/workorders/{second.id}/status", json={"status": "ON_HOLD"})
    later = "2026-11-21T07:00:00Z"

    async def found(**params: str) -> set[int]:
        return {row["id"] for row in (await site.list(**params))["workOrders"]}

    assert await found() == {first.id, second.id}
    assert await found(title="MWABCDEFGH") == {first.id}
    assert await found(title="mwabcdefgh") == set()
    assert await found(assets=str(site.assets[0])) == {first.id}
    assert await found(statuses="ON_HOLD") == {second.id}
    assert await found(priorities="HIGH") == {first.id}
    assert await found(categories="Predictive") == {first.id}
    assert await found(**{"createdAt[gte]": later}) == {second.id}
    assert await found(**{"updatedAt[lte]": later}) == {first.id}


async def test_an_order_with_a_future_start_is_listed_only_if_upcoming_ones_are_asked_for(site: Site) -> None:
    await site.create(startDate="2030-01-01T00:00:00Z", dueDate="2030-01-02T00:00:00Z")
    assert (await site.list())["workOrders"] == []
    assert len((await site.list(show_upcoming="true"))["workOrders"]) == 1


async def test_assets_are_listed_in_pages_and_one_that_is_not_there_is_not_found(site: Site) -> None:
    first = (await site.http.get("/assets", params={"limit": 1})).json()
    second = (await site.http.get("/assets", params={"limit": 1, "cursor": first["nextCursor"]})).json()
    assert [row["id"] for page in (first, second) for row in page["assets"]] == [*site.assets[:2]]
    one = await site.http.get(f"/assets/{site.assets[0]}")
    assert one.json()["asset"]["id"] == site.assets[0]
    gone = await site.http.get("/assets/9")
    assert (gone.status_code, gone.json()) == (404, {"error": "Not Found."})


async def test_a_list_has_pages_and_an_order(site: Site) -> None:
    orders = []
    for minutes in range(5):
        site.clock.set(START + timedelta(minutes=minutes))
        orders.append((await site.created()).id)
    page = await site.list(limit=2, sort="updatedAt")
    numbers = [row["id"] for row in page["workOrders"]]
    assert page["nextPageUrl"].startswith(f"{site.server.url}/workorders?")
    while page["nextCursor"] is not None:
        page = await site.list(limit=2, sort="updatedAt", cursor=page["nextCursor"])
        numbers += [row["id"] for row in page["workOrders"]]
    assert numbers == orders
    assert page["nextPageUrl"] is None
    assert [row["id"] for row in (await site.list())["workOrders"]] == orders[::-1]


async def test_a_row_that_moves_to_the_end_between_two_pages_hides_another(site: Site) -> None:
    orders = []
    for minutes in range(4):
        site.clock.set(START + timedelta(minutes=minutes))
        orders.append((await site.created()).id)
    page = await site.list(limit=2, sort="updatedAt")
    site.clock.set(START + timedelta(hours=1))
    await site.http.patch(f"/workorders/{orders[0]}", json={"priority": "LOW"})
    rest = await site.list(limit=2, sort="updatedAt", cursor=page["nextCursor"])
    assert [row["id"] for row in rest["workOrders"]] == [orders[3], orders[0]]


@pytest.mark.parametrize("status", SETTABLE)
async def test_a_status_has_an_address_of_its_own(site: Site, status: str) -> None:
    order = await site.created()
    assert (await site.http.patch(f"/workorders/{order.id}/status", json={"status": status})).status_code == 200
    shown = (await site.http.get(f"/workorders/{order.id}")).json()["workOrder"]
    assert shown["status"] == status
    assert (shown["completedAt"] is not None) is (status == "DONE")


@pytest.mark.parametrize("body", [{}, {"status": "SKIPPED"}, {"status": "COMPLETE"}, {"status": "OPEN", "memo": "x"}])
async def test_a_status_that_nobody_may_set_is_refused(site: Site, body: dict[str, str]) -> None:
    order = await site.created()
    reply = await site.http.patch(f"/workorders/{order.id}/status", json=body)
    assert (reply.status_code, reply.json()["errors"][0]["fieldPath"]) == (400, "status")


async def test_an_order_that_was_skipped_is_read_so(site: Site) -> None:
    order = await site.created()
    site.server.change_status(order, "SKIPPED")
    assert (await site.http.get(f"/workorders/{order.id}")).json()["workOrder"]["status"] == "SKIPPED"


async def test_a_change_leaves_what_it_does_not_name(site: Site) -> None:
    order = await site.created(priority="HIGH", extraFields={"Shift": "late"})
    await site.http.patch(f"/workorders/{order.id}", json={"description": "Seen.", "extraFields": {"Cause": "X"}})
    shown = (await site.http.get(f"/workorders/{order.id}", params={"expand": "extra_fields"})).json()["workOrder"]
    assert (shown["priority"], shown["description"]) == ("HIGH", "Seen.")
    assert shown["extraFields"] == {"Shift": "late", "Cause": "X"}


async def test_an_order_is_found_by_its_number_in_the_organisation(site: Site) -> None:
    order = await site.created()
    reply = await site.http.get("/workorders/1", params={"useSequentialId": "true"})
    assert reply.json()["workOrder"]["id"] == order.id


@pytest.mark.parametrize("path", ["/workorders/99999", "/nothing", "/subscriptions/99999/secret"])
async def test_what_is_not_there_is_404_in_the_short_form(site: Site, path: str) -> None:
    reply = await site.http.get(path)
    assert (reply.status_code, list(reply.json())) == (404, ["error"])


async def test_an_unknown_parameter_of_one_order_is_refused(site: Site) -> None:
    order = await site.created()
    reply = await site.http.get(f"/workorders/{order.id}", params={"fields": "all"})
    assert reply.status_code == 400


async def test_a_comment_is_kept_and_in_no_answer(site: Site) -> None:
    order = await site.created()
    reply = await site.http.post(f"/workorders/{order.id}/comments", json={"content": "I look at it."})
    assert reply.status_code == 201
    assert order.comments == ["I look at it."]
    assert "I look at it." not in (await site.http.get(f"/workorders/{order.id}")).text
    refused = await site.http.post(f"/workorders/{order.id}/comments", json={"content": " "})
    assert refused.status_code == 400


async def test_a_key_of_several_organisations_must_name_one() -> None:
    site = await opened(organizations=(1, 2))
    one, two = {"x-organization-id": "1"}, {"x-organization-ids": "1"}
    statuses = [
        (await site.http.get("/workorders", headers=headers)).status_code
        for headers in ({}, one, two, one | two, {"x-organization-id": "3"}, {"x-organization-id": "x"})
    ]
    assert statuses == [400, 200, 200, 400, 403, 403]
    await site.http.post("/workorders", json={"title": "Mine"}, headers=one)
    other = await site.http.get("/workorders", headers={"x-organization-id": "2"})
    assert other.json()["workOrders"] == []
    await closed(site)


async def test_each_answer_says_what_is_left_and_the_limit_passes_with_its_minute() -> None:
    site = await opened(per_minute=2)
    first, _, third = [await site.http.get("/workorders") for _ in range(3)]
    headers = ("X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset")
    assert [first.headers[name] for name in headers] == ["2", "1", "60"]
    site.seconds.now = 42.5
    refused = await site.http.get("/workorders")
    assert (third.status_code, refused.status_code, refused.json()) == (429, 429, {"error": "Too many requests"})
    assert [refused.headers[name] for name in headers] == ["2", "0", "18"]
    assert "retry-after" not in refused.headers
    site.seconds.now = 60.0
    assert (await site.http.get("/workorders")).status_code == 200
    await closed(site)


async def test_without_a_limit_only_the_headers_count(site: Site) -> None:
    replies = [await site.http.get("/workorders") for _ in range(3)]
    assert [reply.headers["X-Rate-Limit-Remaining"] for reply in replies] == ["99", "98", "97"]


@pytest.mark.parametrize(
    ("kind", "status"), [("session_expired", 401), ("status_429", 429), ("refuse_field", 400), ("status_500", 500)]
)
async def test_a_fault_is_shown_in_the_vendors_way(site: Site, kind: str, status: int) -> None:
    params: dict[str, str | float] = {"field": "teamId", "code": "x"} if kind == "refuse_field" else {}
    site.faults.add(Fault(TARGET, "create_order", kind, 1, {**params, "retry_after": 17}))
    reply = await site.create()
    assert reply.status_code == status
    assert reply.headers.get("x-rate-limit-reset") == ("17" if status == 429 else None)
    assert site.server.orders() == []
    assert (await site.create()).status_code == 200


def test_every_operation_has_its_name_and_conflicts_cannot_be_shown() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    assert {"late", "conflict"} & SHOWN == set()
