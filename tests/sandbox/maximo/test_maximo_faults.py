from collections.abc import AsyncIterator
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
import pytest

from sandbox.clock import PlantClock
from sandbox.faults import Fault, Faults
from sandbox.maximo import Machine, MaximoServer
from sandbox.maximo.misbehaviour import SHOWN

NEW = {"siteid": "BEDFORD", "description": "Bearing", "assetnum": "M017"}
ORDERS = "/os/mxapiwodetail?lean=1"


@pytest.fixture
async def plant(clock: PlantClock, faults: Faults) -> AsyncIterator[MaximoServer]:
    server = MaximoServer(None, clock, {"key-1": "MILLWRIGHT"}, faults=faults)
    server.register_assets([Machine(17)])
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(plant: MaximoServer) -> AsyncIterator[httpx.AsyncClient]:
    """A client over a real connection, which keeps no cookies."""
    async with httpx.AsyncClient(
        base_url=plant.url,
        headers={"apikey": "key-1", "x-public-uri": plant.url},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=5,
    ) as caller:
        yield caller


def tell(faults: Faults, kind: str, operation: str = "*", **params: str | float) -> None:
    faults.add(Fault("maximo", operation, kind, 1, params))


async def test_commit_then_drop_loses_the_answer_but_not_the_order(
    client: httpx.AsyncClient, plant: MaximoServer, faults: Faults
) -> None:
    tell(faults, "commit_then_drop", "create")
    with pytest.raises(httpx.TransportError):
        await client.post(ORDERS, json=NEW, headers={"transactionid": "mw-1"})
    assert len(plant.work_orders()) == 1
    assert (await client.post(ORDERS, json=NEW, headers={"transactionid": "mw-1"})).status_code == 409


async def test_drop_then_nothing_loses_both(client: httpx.AsyncClient, plant: MaximoServer, faults: Faults) -> None:
    tell(faults, "drop_then_nothing", "create")
    with pytest.raises(httpx.TransportError):
        await client.post(ORDERS, json=NEW)
    assert plant.work_orders() == []
    assert (await client.post(ORDERS, json=NEW)).status_code == 201


async def test_a_server_that_is_down_stays_down_until_cleared(client: httpx.AsyncClient, faults: Faults) -> None:
    tell(faults, "down")
    for _ in range(3):
        with pytest.raises(httpx.TransportError):
            await client.get(ORDERS)
    faults.clear("maximo")
    assert (await client.get(ORDERS)).status_code == 200


async def test_a_timeout_is_silence_and_then_a_cut(client: httpx.AsyncClient, faults: Faults) -> None:
    tell(faults, "timeout", delay=0.01)
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get(ORDERS)
    tell(faults, "timeout", delay=30)
    with pytest.raises(httpx.ReadTimeout):
        await client.get(ORDERS, timeout=0.05)


@pytest.mark.parametrize(
    ("kind", "params", "status", "code"),
    [
        ("status_500", {}, 500, "BMXAA0000E"),
        ("status_429", {"retry_after": 7}, 429, "BMXAA0000E"),
        ("session_expired", {}, 401, "BMXAA0021E"),
        ("refuse_field", {"field": "wopriority", "code": "BMXAA5401E"}, 400, "BMXAA5401E"),
    ],
)
async def test_a_refusal_does_nothing(
    client: httpx.AsyncClient,
    plant: MaximoServer,
    faults: Faults,
    kind: str,
    params: dict[str, str | float],
    status: int,
    code: str,
) -> None:
    faults.add(Fault("maximo", "create", kind, 1, params))
    answer = await client.post(ORDERS, json=NEW)
    error = answer.json()["Error"]
    assert (answer.status_code, error["reasonCode"], error.get("errorattrname")) == (status, code, params.get("field"))
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
    assert plant.work_orders() == []


async def test_a_proxy_may_answer_html(client: httpx.AsyncClient, faults: Faults) -> None:
    tell(faults, "html")
    answer = await client.get(ORDERS)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


async def test_members_come_twice_or_in_the_wrong_order(
    client: httpx.AsyncClient, faults: Faults, plant: MaximoServer
) -> None:
    for number in ("A", "B", "C"):
        await client.post(ORDERS, json={**NEW, "wonum": number})
    tell(faults, "duplicate_answer", "query")
    tell(faults, "reorder_answers", "query")
    asked = f"{ORDERS}&oslc.select=wonum&oslc.orderBy=%2Bwonum"
    answers = [(await client.get(asked)).json()["member"] for _ in range(3)]
    assert ["".join(member["wonum"] for member in members) for members in answers] == ["AABC", "CBA", "ABC"]


async def test_a_fault_of_queries_leaves_a_write_as_it_is(client: httpx.AsyncClient, faults: Faults) -> None:
    tell(faults, "duplicate_answer", "create")
    answer = await client.post(ORDERS, json=NEW)
    assert (answer.status_code, answer.content, "location" in answer.headers) == (201, b"", True)


async def test_a_slow_server_still_answers(client: httpx.AsyncClient, faults: Faults) -> None:
    tell(faults, "slow", seconds=0.01)
    assert (await client.post(ORDERS, json=NEW)).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "headers", "operation"),
    [
        ("GET", "/os/mxapiwodetail", {}, "query"),
        ("GET", "/os/mxapiwodetail/_X", {}, "read"),
        ("GET", "/os/mxapiwodetail/_X/getlist~status", {}, "getlist"),
        ("GET", "/jsonschemas/mxapiwodetail", {}, "schema"),
        ("POST", "/os/mxapiwodetail", {}, "create"),
        ("POST", "/os/mxapiwodetail", {"x-method-override": "SYNC"}, "sync"),
        ("POST", "/os/mxapiwodetail", {"x-method-override": "BULK"}, "bulk"),
        ("POST", "/os/mxapiwodetail/_X", {"x-method-override": "PATCH"}, "update"),
        ("POST", "/os/mxapiwodetail/_X?action=wsmethod:changeStatus", {}, "changeStatus"),
        ("GET", "/os/mxapiasset", {}, "mxapiasset.query"),
        ("POST", "/os/mxapiasset", {"x-method-override": "SYNC"}, "mxapiasset.sync"),
    ],
)
async def test_every_request_has_a_name_for_its_faults(
    client: httpx.AsyncClient, faults: Faults, method: str, path: str, headers: dict[str, str], operation: str
) -> None:
    tell(faults, "status_500", operation)
    assert (await client.request(method, path, headers=headers)).status_code == 500
    assert faults.list() == ()


async def test_the_server_knows_every_kind_that_it_can_show(plant: MaximoServer, faults: Faults) -> None:
    for kind in SHOWN:
        tell(faults, kind, field="wopriority", code="BMXAA5401E")
    assert len(faults.list()) == len(SHOWN)
