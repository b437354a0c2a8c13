from collections.abc import Awaitable, Callable

import httpx

from sandbox.maximo import MaximoServer

ORDERS = "/os/mxapiwodetail"
BULK = {"x-method-override": "BULK", "patchtype": "MERGE"}
NEW = {"_action": "Add", "siteid": "BEDFORD", "description": "Bearing"}
Create = Callable[..., Awaitable[str]]


def fates(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200
    return [item["_responsemeta"]["status"] for item in answer.json()]


async def test_a_bulk_request_is_answered_200_whatever_becomes_of_its_items(
    client: httpx.AsyncClient, create: Create, plant: MaximoServer
) -> None:
    first, second = await create(wonum="A"), await create(wonum="B")
    items = [
        NEW,
        {**NEW, "siteid": "NOWHERE"},
        {"_action": "Update", "href": first, "description": "Motor"},
        {"_action": "Delete", "href": second},
        {"_action": "AddChange", "siteid": "BEDFORD", "wonum": "A", "wopriority": 1},
        {"_action": "Explode"},
        {"_action": "Update", "href": "nowhere"},
    ]
    answer = await client.post(ORDERS, headers=BULK, json=items)
    assert fates(answer) == ["201", "400", "204", "200", "204", "400", "404"]
    body = answer.json()
    assert (await client.get(body[0]["_responsemeta"]["Location"])).status_code == 200
    assert body[1]["_responsedata"]["Error"]["reasonCode"] == "BMXAA4153E"
    assert [(order.wonum, order.description, order.wopriority) for order in plant.work_orders()] == [
        ("A", "Motor", 1),
        ("1201", "Bearing", None),
    ]


async def test_all_or_nothing_keeps_nothing_when_one_item_is_refused(
    client: httpx.AsyncClient, plant: MaximoServer
) -> None:
    headers = {**BULK, "allornothing": "1", "transactionid": "mw-9"}
    answer = await client.post(ORDERS, headers=headers, json=[NEW, {**NEW, "siteid": "NOWHERE"}])
    assert fates(answer) == ["400", "400"]
    assert plant.work_orders() == []
    assert fates(await client.post(ORDERS, headers=headers, json=[NEW, NEW])) == ["201", "201"]
    assert (await client.post(ORDERS, headers=headers, json=[NEW, NEW])).status_code == 409
    assert [order.wonum for order in plant.work_orders()] == ["1201", "1202"]


async def test_many_orders_change_status_at_once(
    client: httpx.AsyncClient, create: Create, plant: MaximoServer
) -> None:
    items = [{"href": await create(), "status": "APPR"}, {"href": await create(), "status": "COMP"}]
    answer = await client.post(ORDERS, headers=BULK, params={"action": "wsmethod:changeStatus"}, json=items)
    assert fates(answer) == ["204", "400"]
    assert answer.json()[1]["_responsedata"]["Error"]["reasonCode"] == "BMXAA4590E"
    assert [order.status for order in plant.work_orders()] == ["APPR", "WAPPR"]


async def test_an_approved_order_is_not_deleted(client: httpx.AsyncClient, create: Create, plant: MaximoServer) -> None:
    href = await create(wonum="A")
    plant.change_status("A", "APPR", "", "PLANNER")
    assert fates(await client.post(ORDERS, headers=BULK, json=[{"_action": "Delete", "href": href}])) == ["400"]


async def test_a_bulk_payload_that_is_no_list_is_refused(client: httpx.AsyncClient) -> None:
    bodies: tuple[object, ...] = ({}, ["text"])
    for body in bodies:
        assert (await client.post(ORDERS, headers=BULK, json=body)).status_code == 400
