"""The sandbox's Atlas answers as the recorded servers do, 1.3.0 and d4ce8ef9 (1.8+)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.atlas.misbehaviour import SHOWN, TARGET
from sandbox.atlas.operations import OPERATIONS
from sandbox.atlas.server import AtlasServer, Version
from sandbox.atlas.store import ORDER
from sandbox.clock import PlantClock
from sandbox.faults import Fault, Faults

START = datetime(2026, 11, 21, 6, 50, 10, 399_000, tzinfo=UTC)
EMAIL, PASSWORD = "robot@plant.local", "Quartz-Harbor-9213"


@dataclass
class Company:
    """A server, its clock and a client that has a token."""

    server: AtlasServer
    clock: PlantClock
    faults: Faults
    http: httpx.AsyncClient
    old: bool

    async def sign_in(self) -> None:
        body = {"email": EMAIL, "password": PASSWORD, "type": "CLIENT"}
        reply = await self.http.post("/auth/signin", json=body)
        self.http.headers["authorization"] = f"Bearer {reply.json()['accessToken']}"

    async def create(self, kind: str = "work-orders", **body: Any) -> httpx.Response:
        return await self.http.post(f"/{kind}", json={"title": "Bearing [MW00000001]", **body})

    async def search(self, *filters: dict[str, Any], **more: Any) -> httpx.Response:
        return await self.http.post("/work-orders/search", json={"filterFields": list(filters), **more})


async def opened(version: Version, **more: Any) -> Company:
    clock, faults = PlantClock(START), Faults()
    server = AtlasServer(clock, EMAIL, PASSWORD, version, faults=faults, **more)
    await server.start()
    company = Company(server, clock, faults, httpx.AsyncClient(base_url=server.url), version == "1.3")
    await company.sign_in()
    return company


@pytest.fixture(params=["1.8+", "1.3"])
async def company(request: pytest.FixtureRequest) -> AsyncIterator[Company]:
    made = await opened(request.param)
    made.server.add_asset("EQ-7")
    yield made
    await made.http.aclose()
    await made.server.stop()


async def closed(company: Company) -> None:
    await company.http.aclose()
    await company.server.stop()


async def test_a_sign_in_gives_what_the_version_gives(company: Company) -> None:
    body = {"email": EMAIL, "password": PASSWORD, "type": "CLIENT"}
    given = (await company.http.post("/auth/signin", json=body)).json()
    assert set(given) == ({"accessToken"} if company.old else {"accessToken", "refreshToken", "tokenType", "expiresAt"})
    wrong = await company.http.post("/auth/signin", json={**body, "password": "nope"})
    assert (wrong.status_code, wrong.json()) == (403, {"success": False, "message": "Invalid credentials"})


@pytest.mark.parametrize("token", [None, "Bearer abc"])
async def test_a_missing_or_wrong_token_is_403_without_a_body(company: Company, token: str | None) -> None:
    headers = {} if token is None else {"authorization": token}
    async with httpx.AsyncClient(base_url=company.server.url, headers=headers) as stranger:
        reply = await stranger.get("/work-orders/1")
    assert (reply.status_code, reply.content) == (403, b"")


async def test_a_token_ends_after_its_time(company: Company) -> None:
    company.clock.set(START + timedelta(minutes=31))
    assert (await company.http.get("/auth/me")).status_code == (200 if company.old else 403)
    company.clock.set(START + timedelta(days=15))
    assert (await company.http.get("/auth/me")).status_code == 403


async def test_a_refresh_token_counts_once(company: Company) -> None:
    body = {"email": EMAIL, "password": PASSWORD, "type": "CLIENT"}
    token = (await company.http.post("/auth/signin", json=body)).json().get("refreshToken")
    replies = [await company.http.post("/auth/refresh", json={"refreshToken": token}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == ([405, 405] if company.old else [200, 403])


async def test_an_order_is_created_with_200_and_shown_whole(company: Company) -> None:
    asset = next(iter(company.server.store.assets))
    reply = await company.create(asset={"id": asset}, priority="HIGH", dueDate="2026-11-23T06:50:10.000Z", unknown=1)
    row = reply.json()
    assert reply.status_code == 200
    assert (row["customId"], row["status"], row["updatedAt"]) == ("WO000001", "OPEN", "2026-11-21T06:50:10.399Z")
    assert (row["dueDate"], row["createdBy"]) == ("2026-11-23T06:50:10.000+00:00", company.server.robot.id)
    assert (row["asset"]["customId"], row["asset"]["id"]) == ("A000001", asset)
    assert ("customFieldValues" in row) is not company.old
    assert (await company.http.get(f"/work-orders/{row['id']}")).json() == row


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"title": None}, 400),
        ({"title": 7}, 500),
        ({"title": "x" * 256}, 500),
        ({"description": "x" * 10_001}, 500),
        ({"priority": "URGENT"}, 500),
        ({"asset": {"id": 99_999_999}}, 500),
        ({"dueDate": "soon"}, 500),
    ],
    ids=str,
)
async def test_a_wrong_order_is_refused_as_the_server_does(company: Company, body: dict[str, Any], status: int) -> None:
    reply = await company.create(**body)
    assert (reply.status_code, reply.json()["success"]) == (status, False)
    assert (await company.search()).json()["totalElements"] == 0


async def test_texts_lose_their_tags_and_signs_count_as_they_are_kept(company: Company) -> None:
    row = (await company.create(title="a <b>c</b> & d < e")).json()
    assert row["title"] == ("a <b>c</b> & d < e" if company.old else "a c &amp; d &lt; e")
    assert (await company.create(title="&" * 100)).status_code == (200 if company.old else 500)


async def test_a_change_empties_what_it_leaves_out(company: Company) -> None:
    row = (await company.create(priority="HIGH", description="Seen.")).json()
    changed = (await company.http.patch(f"/work-orders/{row['id']}", json={"title": "Other"})).json()
    assert (changed["title"], changed["description"], changed["priority"]) == ("Other", None, "NONE")


async def test_two_orders_of_one_body_are_two(company: Company) -> None:
    headers = {"idempotency-key": "MW00000001"}
    ids = {(await company.http.post("/work-orders", json={"title": "x"}, headers=headers)).json()["id"] for _ in "ab"}
    assert len(ids) == 2


async def test_numbers_that_are_taken_at_once_are_one(company: Company) -> None:
    numbers = await asyncio.gather(*(company.server.store.next_custom_id(ORDER) for _ in range(8)))
    assert set(numbers) == {"WO000001"}
    assert (await company.create()).json()["customId"] == "WO000002"


async def test_the_first_numbers_of_a_company_taken_at_once_leave_it_unable_to_create() -> None:
    company = await opened("1.8+")
    await asyncio.gather(*(company.server.store.next_custom_id(ORDER) for _ in range(8)))
    reply = await company.create()
    assert reply.status_code == 500
    assert "Query did not return a unique result" in reply.json()["message"]
    await closed(company)


async def test_a_search_filters_sorts_and_pages(company: Company) -> None:
    for number in range(5):
        company.clock.set(START + timedelta(minutes=number))
        await company.create(title=f"Bearing [MW{number:08d}]")
    since = {"field": "updatedAt", "operation": "ge", "value": "2026-11-21T06:52:10.000Z", "enumName": "JS_DATE"}
    title = {"field": "title", "operation": "cn", "value": "[mw"}
    found = (await company.search(title, since, pageSize=2, sortField="updatedAt", direction="DESC")).json()
    assert [row["title"] for row in found["content"]] == ["Bearing [MW00000004]", "Bearing [MW00000003]"]
    assert (found["totalElements"], found["totalPages"], found["last"]) == (3, 2, False)
    states = {"field": "status", "operation": "in", "value": "", "values": ["OPEN"], "enumName": "STATUS"}
    assert (await company.search(states)).json()["totalElements"] == 5


@pytest.mark.parametrize(
    ("given", "new", "old"),
    [
        ({"field": "secretx", "operation": "eq", "value": 1}, 400, 500),
        ({"field": "status", "operation": "eq", "value": "OPEN"}, 500, 500),
        ({"field": "status", "operation": "in", "values": ["OPEN"], "enumName": "STATUS"}, 200, 500),
        ({"field": "updatedAt", "operation": "ge", "value": "2026-11-21T06:52:10.000Z"}, 500, 500),
        ({"field": "updatedAt", "operation": "ge", "value": "2026-11-21", "enumName": "JS_DATE"}, 500, 500),
        ({"field": "title", "operation": "like", "value": "x"}, 400, 500),
    ],
    ids=str,
)
async def test_a_wrong_search_is_refused_as_the_version_does(
    company: Company, given: dict[str, Any], new: int, old: int
) -> None:
    await company.create()
    assert (await company.search(given)).status_code == (old if company.old else new)


async def test_a_request_becomes_an_order_once_and_waits_again_when_that_is_deleted(company: Company) -> None:
    row = (await company.create("requests", dueDate="2026-11-23T06:50:10.000Z", priority="LOW")).json()
    assert (row["customId"], row["cancelled"], row["workOrder"]) == ("R000001", False, None)
    made = (await company.http.patch(f"/requests/{row['id']}/approve", json={})).json()
    assert (made["parentRequest"]["id"], made["title"], made["dueDate"]) == (row["id"], row["title"], None)
    again = await company.http.patch(f"/requests/{row['id']}/approve", json={})
    assert (again.status_code, again.json()["message"]) == (406, "Request is already approved")
    assert (await company.http.patch(f"/requests/{row['id']}", json={"title": "x"})).status_code == 406
    deleted = await company.http.delete(f"/work-orders/{made['id']}")
    assert deleted.status_code == (200 if company.old else 500)
    if not company.old:
        assert "TransientObjectException" in deleted.json()["message"]
        assert (await company.http.get(f"/work-orders/{made['id']}")).status_code == 200
        return
    assert (await company.http.get(f"/requests/{row['id']}")).json()["workOrder"] is None
    assert (await company.http.get(f"/work-orders/{made['id']}")).status_code == 404


async def test_a_request_is_deleted_without_its_order_and_a_rejected_one_can_be_approved(company: Company) -> None:
    row = (await company.create("requests", estimatedStartDate="2026-11-22T06:00:00.000Z")).json()
    await company.http.patch(f"/requests/{row['id']}/cancel", params={"reason": "not now"})
    made = (await company.http.patch(f"/requests/{row['id']}/approve", json={})).json()
    assert (made["status"], made["estimatedStartDate"]) == ("OPEN", None)
    assert (await company.http.delete(f"/requests/{row['id']}")).status_code == 200
    assert (await company.http.get(f"/work-orders/{made['id']}")).json()["parentRequest"] is None


async def test_rows_of_one_date_have_another_order_on_each_page(company: Company) -> None:
    made = {(await company.create()).json()["id"] for _ in range(4)}
    by_date = [(await company.search(pageSize=2, pageNum=page, sortField="updatedAt")).json() for page in (0, 1)]
    by_id = [(await company.search(pageSize=2, pageNum=page, sortField="id")).json() for page in (0, 1)]
    assert {row["id"] for page in by_date for row in page["content"]} != made
    assert {row["id"] for page in by_id for row in page["content"]} == made


async def test_an_unknown_address_is_refused_as_the_version_does(company: Company) -> None:
    reply = await company.http.get("/nothing/1")
    assert reply.status_code == (404 if company.old else 500)
    assert ("path" in reply.json()) is company.old


async def test_a_limited_administrator_creates_orders_but_no_requests(company: Company) -> None:
    company.server.robot.role = "LIMITED_ADMIN"
    assert "REQUESTS" not in (await company.http.get("/auth/me")).json()["role"]["createPermissions"]
    assert (await company.create("requests")).status_code == 403
    assert (await company.create()).status_code == 200


async def test_a_rejection_needs_a_reason_and_a_careless_change_undoes_it(company: Company) -> None:
    row = (await company.create("requests")).json()
    assert (await company.http.patch(f"/requests/{row['id']}/cancel", params={"reason": " "})).status_code == 406
    rejected = await company.http.patch(f"/requests/{row['id']}/cancel", params={"reason": "not now"})
    assert (rejected.json()["cancelled"], rejected.json()["cancellationReason"]) == (True, "not now")
    assert (await company.http.patch(f"/requests/{row['id']}", json={"title": "x"})).json()["cancelled"] is False


async def test_completing_stamps_and_every_change_of_status_overwrites_the_feedback(company: Company) -> None:
    number = (await company.create()).json()["id"]
    path = f"/work-orders/{number}/change-status"
    done = (await company.http.patch(path, json={"status": "COMPLETE", "feedback": "Replaced"})).json()
    assert (done["feedback"], done["completedOn"]) == ("Replaced", "2026-11-21T06:50:10.399+00:00")
    opened_again = (await company.http.patch(path, json={"status": "OPEN"})).json()
    assert (opened_again["feedback"], opened_again["completedOn"], opened_again["completedBy"]) == (None, None, None)
    assert (await company.http.patch(path, json={"status": "DONE"})).status_code == 500
    unknown = await company.http.patch("/work-orders/999999/change-status", json={"status": "OPEN"})
    assert unknown.status_code == 500


async def test_comments_are_there_in_later_versions_only(company: Company) -> None:
    number = (await company.create()).json()["id"]
    posted = await company.http.post("/comments", json={"content": "a & b", "workOrder": {"id": number}})
    listed = await company.http.post(f"/comments/search/{number}")
    if company.old:
        assert (posted.status_code, listed.status_code) == (404, 404)
        assert listed.json()["path"] == f"/comments/search/{number}"
    else:
        assert [row["content"] for row in listed.json()] == ["a &amp; b"]


async def test_without_a_licence_later_versions_take_no_labour_and_thirty_open_orders(company: Company) -> None:
    replies = [await company.create() for _ in range(31)]
    assert replies[30].status_code == (200 if company.old else 403)
    body = {"duration": 60, "workOrder": {"id": replies[0].json()["id"]}}
    assert (await company.http.post("/labors", json=body)).status_code == (200 if company.old else 403)
    assert len((await company.http.get(f"/labors/work-order/{body['workOrder']['id']}")).json()) == company.old  # type: ignore[index]


async def test_the_parts_that_were_used_on_an_order_are_listed(company: Company) -> None:
    first, second = [(await company.create()).json()["id"] for _ in range(2)]
    company.server.use_part(company.server.store.records["work_order"][first], "Seal", 2.0)
    listed = [(await company.http.get(f"/part-quantities/work-order/{number}")).json() for number in (first, second)]
    assert [[(row["quantity"], row["part"]["name"]) for row in rows] for rows in listed] == [[(2.0, "Seal")], []]


async def test_the_rate_limit_says_so_without_a_time() -> None:
    company = await opened("1.8+", per_minute=2)
    replies = [await company.http.get("/auth/me") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    words = "Too many requests. Please try again later."
    assert replies[2].json() == {"error": "Rate limit exceeded", "message": words}
    assert "retry-after" not in replies[2].headers
    await closed(company)


@pytest.mark.parametrize(
    ("kind", "status"),
    [("status_500", 500), ("status_429", 429), ("html", 200), ("session_expired", 403), ("conflict", 409)],
)
async def test_faults_are_shown(company: Company, kind: str, status: int) -> None:
    company.faults.add(Fault(TARGET, "search_orders", kind))
    assert (await company.search()).status_code == status
    if kind == "session_expired":
        await company.sign_in()
    assert (await company.search()).status_code == 200


async def test_a_fault_that_it_cannot_show_is_refused() -> None:
    company = await opened("1.8+")
    assert "late" not in SHOWN
    with pytest.raises(ValueError, match="atlas cannot show 'late'"):
        company.faults.add(Fault(TARGET, "*", "late"))
    await closed(company)


def test_every_operation_has_a_name_of_its_own() -> None:
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)
