from collections.abc import Awaitable, Callable

import httpx
import pytest

from sandbox.maximo import MaximoServer

API = "http://cmms.test/maximo/api"
ORDERS = f"{API}/os/mxapiwodetail"
NEW = {"siteid": "BEDFORD", "description": "Bearing"}
Create = Callable[..., Awaitable[str]]


async def test_a_request_needs_a_known_api_key(client: httpx.AsyncClient) -> None:
    for key in ("", "key-2"):
        answer = await client.get(ORDERS, headers={"apikey": key})
        assert (answer.status_code, answer.json()["Error"]["reasonCode"]) == (401, "BMXAA0021E")
    assert (await client.get(f"{ORDERS}?apikey=key-1", headers={"apikey": ""})).status_code == 200


async def test_a_client_that_keeps_the_cookie_it_is_given_is_logged_out(plant: MaximoServer) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(plant.app), headers={"apikey": "key-1"}) as careless:
        first = await careless.get(ORDERS)
        assert (first.status_code, "JSESSIONID" in first.cookies) == (200, True)
        second = await careless.get(ORDERS)
        assert (second.status_code, "BMXAA0021E" in second.text) == (401, True)
        careless.cookies.clear()
        assert (await careless.get(ORDERS)).status_code == 200


async def test_cookies_come_now_and_then_only(client: httpx.AsyncClient) -> None:
    tempted = ["set-cookie" in (await client.get(ORDERS)).headers for _ in range(7)]
    assert tempted == [True, False, False, False, False, True, False]


async def test_without_the_public_uri_hrefs_lead_to_the_native_login(client: httpx.AsyncClient) -> None:
    answer = await client.post(ORDERS, json=NEW, headers={"x-public-uri": ""})
    assert answer.headers["location"].startswith("http://cmms.test/maximo/oslc/os/mxapiwodetail/_")
    assert (await client.get(answer.headers["location"])).status_code == 401


async def test_an_href_is_the_primary_key_in_base64(client: httpx.AsyncClient, create: Create) -> None:
    href = await create(wonum="1201")
    assert href.endswith("/_QkVERk9SRC8xMjAx")
    for token in ("1201", "_MTIwMQ--", "_***", "_%FF"):
        answer = await client.get(f"{ORDERS}/{token}")
        assert (answer.status_code, answer.json()["Error"]["reasonCode"]) == (404, "BMXAA1496E")


async def test_without_lean_every_name_has_its_prefix(client: httpx.AsyncClient, create: Create) -> None:
    href = await create(worklog=[{"description": "one"}])
    answer = (await client.get(f"{ORDERS}?lean=0&oslc.select=spi:wonum,worklog{{description}}")).json()
    (member,) = answer["rdfs:member"]
    assert (member["rdf:about"], member["spi:wonum"]) == (href, "1201")
    assert member["spi:worklog"][0]["spi:description"] == "one"
    assert answer["prefixes"]["spi"].startswith("http://")
    refused = (await client.get(f"{ORDERS}?lean=0&oslc.where=(a)")).json()
    assert refused["oslc:Error"]["spi:reasonCode"] == "BMXAA8744E"


async def test_without_lean_plain_names_of_a_payload_are_silently_dropped(client: httpx.AsyncClient) -> None:
    body = {
        "spi:siteid": "BEDFORD",
        "spi:description": "Bearing",
        "spi:worklog": [{"spi:description": "kept", "logtype": "UPDATE"}],
        "worklog": [{"spi:description": "lost"}],
    }
    href = (await client.post(f"{ORDERS}?lean=0", json=body)).headers["location"]
    (row,) = (await client.get(href)).json()["worklog"]
    assert (row["description"], row["logtype"]) == ("kept", "CLIENTNOTE")
    assert (await client.post(f"{ORDERS}?lean=0", json=NEW)).status_code == 400


@pytest.mark.parametrize(
    ("path", "status"), [("os/mxapiinvoice", 404), ("nothing", 404), ("os/mxdomain", 403), ("jsonschemas/mxapi", 404)]
)
async def test_what_is_not_there_is_an_error_of_the_same_shape(
    client: httpx.AsyncClient, path: str, status: int
) -> None:
    answer = await client.get(f"{API}/{path}")
    assert (answer.status_code, answer.json()["Error"]["statusCode"]) == (status, str(status))


async def test_the_schema_tells_lengths_and_required_attributes(client: httpx.AsyncClient) -> None:
    schema = (await client.get(f"{API}/jsonschemas/mxapiwodetail?oslc.select=*")).json()
    properties = schema["properties"]
    assert (properties["externalrefid"]["maxLength"], properties["description"]["maxLength"]) == (10, 100)
    assert (properties["wopriority"]["type"], properties["statusdate"]["subType"]) == ("integer", "DATETIME")
    assert {"wonum", "siteid", "status"} <= set(schema["required"])
    rows = properties["labtrans"]["items"]
    assert (rows["required"], rows["properties"]["laborcode"]["maxLength"]) == (["laborcode", "regularhrs"], 8)


async def test_the_schema_without_a_select_links_to_its_children(client: httpx.AsyncClient) -> None:
    schema = (await client.get(f"{API}/jsonschemas/mxapiwodetail")).json()
    assert schema["properties"]["labtrans"]["$ref"].endswith("/jsonschemas/mxapiwodetail/labtrans")
    chosen = (await client.get(f"{API}/jsonschemas/mxapiwodetail?oslc.select=wonum,worklog{{*}}")).json()
    assert chosen["properties"].keys() == {"wonum", "worklog"}


async def test_allowed_actions_can_be_asked_for(client: httpx.AsyncClient, create: Create) -> None:
    order = (await client.get(await create(), params={"oslc.select": "allowedactions"})).json()
    assert "wsmethod:changeStatus" in order["allowedactions"]
