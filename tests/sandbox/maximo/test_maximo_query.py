from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from sandbox.clock import PlantClock
from sandbox.maximo import MaximoServer

ORDERS = "/os/mxapiwodetail"
Create = Callable[..., Awaitable[str]]
Change = Callable[..., Awaitable[httpx.Response]]


async def numbers(client: httpx.AsyncClient, where: str, **params: str) -> list[str]:
    answer = await client.get(ORDERS, params={"oslc.where": where, "oslc.select": "wonum", **params})
    assert answer.status_code == 200, answer.text
    return [member["wonum"] for member in answer.json()["member"]]


@pytest.fixture
async def three(create: Create) -> None:
    await create(wonum="A", wopriority=1, externalrefid="REF-A", description="Bearing worn")
    await create(wonum="B", wopriority=2, assetnum="M018", description="Bearing (drive) and motor")
    await create(wonum="C", wopriority=3, externalrefid="REF-C", description="Motor")


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ('wonum="B"', ["B"]),
        ('wonum!="B"', ["A", "C"]),
        ("wopriority>=2", ["B", "C"]),
        ("wopriority>1 and wopriority<3", ["B"]),
        ("wopriority in [1,3]", ["A", "C"]),
        ('wonum in ["A","B"] and siteid="BEDFORD"', ["A", "B"]),
        ('description="Bearing%"', ["A", "B"]),
        ('description="%(drive) and%"', ["B"]),
        ('description="%otor"', ["B", "C"]),
        ('externalrefid="*"', ["A", "C"]),
        ('externalrefid!="*"', ["B"]),
        ("historyflag=0", ["A", "B", "C"]),
        ("historyflag=1", []),
        ('externalrefid!="REF-A"', ["C"]),
    ],
)
@pytest.mark.usefixtures("three")
async def test_a_where_clause_finds_what_it_says(client: httpx.AsyncClient, where: str, found: list[str]) -> None:
    assert await numbers(client, where, **{"oslc.orderBy": "+wonum"}) == found


@pytest.mark.parametrize(
    "where",
    [
        '(wonum="A")',
        'wonum="A" and (wopriority=1)',
        'wonum="A" or wonum="B"',
        "wonum=A",
        'wonum="A" and',
        'wonum in ("A")',
        "wonum",
    ],
)
async def test_what_is_not_the_language_is_refused(client: httpx.AsyncClient, where: str) -> None:
    answer = await client.get(ORDERS, params={"oslc.where": where})
    assert (answer.status_code, answer.json()["Error"]["reasonCode"]) == (400, "BMXAA8744E")


@pytest.mark.parametrize(
    ("where", "attribute"),
    [
        ('colour="red"', "colour"),
        ('wopriority="1"', "wopriority"),
        ("wonum=1201", "wonum"),
        ('description_longdescription="%x%"', "description_longdescription"),
    ],
)
async def test_a_filter_is_type_sensitive_and_knows_persistent_attributes_only(
    client: httpx.AsyncClient, where: str, attribute: str
) -> None:
    answer = await client.get(ORDERS, params={"oslc.where": where})
    assert (answer.status_code, answer.json()["Error"]["errorattrname"]) == (400, attribute)


async def test_without_a_select_members_are_only_links(client: httpx.AsyncClient, create: Create) -> None:
    href = await create()
    assert (await client.get(ORDERS)).json()["member"] == [{"href": href}]


async def test_select_shows_attributes_and_children_and_drops_nulls(client: httpx.AsyncClient, create: Create) -> None:
    await create(worklog=[{"description": "Seen by the twin"}])
    select = "wonum,actstart,worklog{description},labtrans{*}"
    (member,) = (await client.get(ORDERS, params={"oslc.select": select})).json()["member"]
    assert member.keys() == {"href", "_rowstamp", "wonum", "worklog"}
    assert member["worklog"][0]["description"] == "Seen by the twin"
    (member,) = (await client.get(ORDERS, params={"oslc.select": select, "_dropnulls": "0"})).json()["member"]
    assert (member["actstart"], member["labtrans"]) == (None, [])


@pytest.mark.parametrize("select", ["colour", "worklog", "worklog{colour}", "poline{*}"])
async def test_a_select_of_what_is_not_there_is_refused(client: httpx.AsyncClient, select: str) -> None:
    assert (await client.get(ORDERS, params={"oslc.select": select})).status_code == 400


@pytest.mark.usefixtures("three")
async def test_an_order_needs_its_sign_and_the_plus_its_encoding(client: httpx.AsyncClient) -> None:
    assert await numbers(client, 'wonum="*"', **{"oslc.orderBy": "-wopriority"}) == ["C", "B", "A"]
    assert (await client.get(ORDERS, params={"oslc.orderBy": "wopriority"})).status_code == 400
    assert (await client.get(f"{ORDERS}?oslc.orderBy=+wopriority")).status_code == 400
    assert (await client.get(f"{ORDERS}?oslc.orderBy=%2Bwopriority")).status_code == 200


@pytest.mark.usefixtures("three")
async def test_pages_follow_each_other_by_next_page(client: httpx.AsyncClient) -> None:
    params = {"oslc.pageSize": "2", "oslc.select": "wonum", "oslc.orderBy": "+wonum", "collectioncount": "1"}
    first = (await client.get(ORDERS, params=params)).json()
    info = first["responseInfo"]
    assert (info["pagenum"], info["totalCount"], info["totalPages"]) == (1, 3, 2)
    second = (await client.get(info["nextPage"]["href"])).json()
    assert [member["wonum"] for member in first["member"] + second["member"]] == ["A", "B", "C"]
    assert "nextPage" not in second["responseInfo"]


@pytest.mark.usefixtures("three")
async def test_counts_come_only_when_asked_for(client: httpx.AsyncClient) -> None:
    assert (await client.get(ORDERS, params={"count": "1", "oslc.where": "wopriority<3"})).json() == {"totalCount": 2}
    assert "totalCount" not in (await client.get(ORDERS)).json()["responseInfo"]


async def test_a_page_that_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get(ORDERS, params={"oslc.pageSize": "1001"})).status_code == 400
    assert (await client.get(ORDERS, params={"oslc.pageSize": "0"})).status_code == 400


@pytest.mark.usefixtures("three")
async def test_a_stable_page_expires_when_given_and_when_left_idle(
    client: httpx.AsyncClient, clock: PlantClock
) -> None:
    params = {"oslc.pageSize": "1", "stablepaging": "1"}
    first = (await client.get(ORDERS, params=params)).json()["responseInfo"]["nextPage"]["href"]
    second = (await client.get(first)).json()["responseInfo"]["nextPage"]["href"]
    clock.set(clock.now() + timedelta(minutes=5, seconds=1))
    assert (await client.get(second)).status_code == 410
    again = (await client.get(ORDERS, params=params)).json()["responseInfo"]["nextPage"]["href"]
    assert (await client.get(again)).status_code == 200
    assert (await client.get(again)).status_code == 410


async def test_a_filter_date_is_local_and_an_answer_has_its_offset(client: httpx.AsyncClient, create: Create) -> None:
    href = await create(wonum="A")
    order = (await client.get(href, params={"oslc.select": "statusdate"})).json()
    assert order["statusdate"] == "2015-01-10T07:00:00-05:00"
    assert await numbers(client, 'statusdate>="2015-01-10T07:00:00"') == ["A"]
    assert await numbers(client, 'statusdate>="2015-01-10T12:00:00"') == []
    assert await numbers(client, 'statusdate>="2015-01-10T12:00:00+00:00"') == []


async def test_the_last_status_date_matches_again_until_it_is_rounded_up_a_second(
    client: httpx.AsyncClient, create: Create
) -> None:
    await create(wonum="A")
    assert await numbers(client, 'statusdate>"2015-01-10T07:00:00"') == ["A"]
    assert await numbers(client, 'statusdate="2015-01-10T07:00:00"') == []
    assert await numbers(client, 'statusdate>="2015-01-10T07:00:01"') == []


async def test_internal_statuses_are_filtered_apart_from_external_ones(
    client: httpx.AsyncClient, create: Create, plant: MaximoServer
) -> None:
    await create(wonum="A")
    await create(wonum="B")
    plant.change_status("B", "APPR", "", "PLANNER")
    assert await numbers(client, 'wonum="*"', domaininternalwhere="status=APPR,INPRG") == ["B"]
    assert await numbers(client, 'wonum="*"', domaininternalwhere="status!=APPR,INPRG") == ["A"]
    assert (await client.get(ORDERS, params={"domaininternalwhere": "wonum=A"})).status_code == 400
