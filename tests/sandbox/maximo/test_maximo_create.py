import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from sandbox.clock import PlantClock
from sandbox.maximo import MaximoServer

ORDERS = "/os/mxapiwodetail"
NEW = {"siteid": "BEDFORD", "description": "Bearing", "assetnum": "M017-COMP2"}
Create = Callable[..., Awaitable[str]]


async def test_a_created_order_is_answered_with_its_place_and_no_body(client: httpx.AsyncClient) -> None:
    answer = await client.post(ORDERS, json=NEW)
    assert (answer.status_code, answer.content) == (201, b"")
    assert re.fullmatch(r"http://cmms\.test/maximo/api/os/mxapiwodetail/_[\w-]+", answer.headers["location"])


async def test_the_properties_header_asks_for_a_body(client: httpx.AsyncClient) -> None:
    answer = await client.post(ORDERS, json=NEW, headers={"properties": "wonum,status,href,_rowstamp"})
    assert answer.status_code == 201
    assert answer.json().keys() == {"href", "_rowstamp", "wonum", "status", "status_maxvalue", "status_description"}
    assert answer.json()["href"] == answer.headers["location"]


async def test_a_new_order_waits_on_approval_and_stands_where_its_asset_stands(
    client: httpx.AsyncClient, create: Create
) -> None:
    order = (await client.get(await create(location="BAY-018", worktype="CM", wopriority=2))).json()
    assert (order["status"], order["location"]) == ("WAPPR", "LINE1-17")
    assert (order["reportedby"], order["reportdate"]) == ("MILLWRIGHT", "2015-01-10T07:00:00-05:00")
    assert [row["status"] for row in order["wostatus"]] == ["WAPPR"]


@pytest.mark.parametrize(
    ("body", "code", "attribute"),
    [
        ({"description": "x" * 101}, "BMXAA4049E", "description"),
        ({"externalrefid": "MW7F3A9C21X"}, "BMXAA4049E", "externalrefid"),
        ({"assetnum": "M099"}, "BMXAA0000E", "assetnum"),
        ({"location": "NOWHERE", "assetnum": None}, "BMXAA2661E", "location"),
        ({"siteid": "BEDFORDX"}, "BMXAA4153E", "siteid"),
        ({"siteid": None}, "BMXAA0000E", "siteid"),
        ({"worktype": "XX"}, "BMXAA0000E", "worktype"),
        ({"wopriority": "high"}, "BMXAA0000E", "wopriority"),
        ({"status": "APPR"}, "BMXAA0000E", "status"),
        ({"statusdate": "2015-01-01T00:00:00"}, "BMXAA0000E", "statusdate"),
        ({"colour": "red"}, "BMXAA0000E", "colour"),
        ({"reportdate": "yesterday"}, "BMXAA0000E", "reportdate"),
    ],
)
async def test_a_value_that_is_refused_is_named(
    client: httpx.AsyncClient, body: dict[str, object], code: str, attribute: str
) -> None:
    answer = await client.post(ORDERS, json={**NEW, **body})
    error = answer.json()["Error"]
    assert answer.status_code == 400
    assert (error["reasonCode"], error["errorattrname"], error["statusCode"]) == (code, attribute, "400")
    assert error["message"].startswith(f"{code} - ")
    assert error["extendedError"]["moreInfo"]["href"].endswith(f"/error/messages/{code}")


async def test_the_batcherror_header_asks_for_every_error(client: httpx.AsyncClient) -> None:
    body = {**NEW, "assetnum": "M099", "location": "NOWHERE"}
    answer = await client.post(ORDERS, json=body, headers={"batcherror": "1"})
    assert [item["Error"]["errorattrname"] for item in answer.json()["attrerrors"]] == ["assetnum", "location"]
    assert "attrerrors" not in (await client.post(ORDERS, json=body)).json()


async def test_an_asset_out_of_operation_gets_no_work_order(client: httpx.AsyncClient, plant: MaximoServer) -> None:
    plant.assets.set_status("M017-COMP2", "DECOMMISSIONED")
    answer = await client.post(ORDERS, json=NEW)
    assert answer.json()["Error"]["reasonCode"] == "BMXAA0090E"


async def test_a_wonum_that_exists_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post(ORDERS, json={**NEW, "wonum": "T100"})).status_code == 201
    answer = await client.post(ORDERS, json={**NEW, "wonum": "t100"})
    assert (answer.status_code, answer.json()["Error"]["reasonCode"]) == (400, "BMXAA4129E")


async def test_a_transaction_id_is_refused_for_five_minutes_of_plant_time(
    client: httpx.AsyncClient, plant: MaximoServer, clock: PlantClock
) -> None:
    headers = {"transactionid": "mw-1"}
    assert (await client.post(ORDERS, json=NEW, headers=headers)).status_code == 201
    clock.set(clock.now() + timedelta(seconds=299))
    assert (await client.post(ORDERS, json=NEW, headers=headers)).status_code == 409
    assert len(plant.work_orders()) == 1
    clock.set(clock.now() + timedelta(seconds=1))
    assert (await client.post(ORDERS, json=NEW, headers=headers)).status_code == 201
    assert len(plant.work_orders()) == 2


async def test_a_refused_request_leaves_its_transaction_id_free(client: httpx.AsyncClient) -> None:
    headers = {"transactionid": "mw-2"}
    assert (await client.post(ORDERS, json={**NEW, "assetnum": "M099"}, headers=headers)).status_code == 400
    assert (await client.post(ORDERS, json=NEW, headers=headers)).status_code == 201


async def test_what_is_not_a_json_object_is_refused(client: httpx.AsyncClient) -> None:
    for content in (b"{", b"[]", b'{"wopriority": NaN}'):
        assert (await client.post(ORDERS, content=content)).status_code == 400


async def test_people_see_the_order_in_utc(plant: MaximoServer, create: Create) -> None:
    before = plant.last_change
    await create(externalrefid="MW7F3A9C21")
    (order,) = plant.work_orders()
    assert (order.wonum, order.externalrefid, order.internal_status) == ("1201", "MW7F3A9C21", "WAPPR")
    assert order.reportdate == datetime(2015, 1, 10, 12, tzinfo=UTC)
    assert plant.last_change.number == before.number + 1
    assert plant.last_change.at == datetime(2015, 1, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        {"siteid": 5},
        {"siteid": ["BEDFORD"]},
        {"status": {}},
        {"wonum": "\x00" * 11},
        {"worklog": [None]},
        {"worklog": [{"description": None}]},
        {"failurereport": [{"type": "PROBLEM"}]},
        {"failurereport": [{"type": "GUESS", "failurecode": "LOWSPEED"}], "failurecode": "ROTATE"},
        {"labtrans": [{"laborcode": "ADAMS", "regularhrs": -1}]},
        {"wopriority": True},
        {"reportdate": "9999-12-31T23:59:59"},
        {"reportdate": "0001-01-01T00:00:00+00:00"},
    ],
)
async def test_a_malformed_payload_is_refused_and_nothing_is_made(
    client: httpx.AsyncClient, plant: MaximoServer, body: dict[str, object]
) -> None:
    assert (await client.post(ORDERS, json={**NEW, **body})).status_code == 400
    assert plant.work_orders() == []


async def test_properties_that_cannot_be_shown_are_refused_before_anything_is_made(
    client: httpx.AsyncClient, plant: MaximoServer
) -> None:
    assert (await client.post(ORDERS, json=NEW, headers={"properties": "colour"})).status_code == 400
    assert plant.work_orders() == []
