from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from sandbox.clock import PlantClock
from sandbox.maximo import MaximoServer, Site
from sandbox.maximo.errors import MaximoError
from sandbox.maximo.statuses import STANDARD_STATUSES, StatusValue

ACTION = {"action": "wsmethod:changeStatus"}
Create = Callable[..., Awaitable[str]]
Change = Callable[..., Awaitable[httpx.Response]]


def bring_to(plant: MaximoServer, wonum: str, *path: str) -> None:
    for status in path:
        plant.change_status(wonum, status, "", "PLANNER")


async def test_a_status_changes_by_the_action_and_is_kept_as_history(
    client: httpx.AsyncClient, create: Create, change: Change, clock: PlantClock
) -> None:
    href = await create()
    clock.set(clock.now() + timedelta(hours=1))
    answer = await change(href, "APPR", memo="Go ahead")
    assert (answer.status_code, answer.content) == (204, b"")
    order = (await client.get(href)).json()
    assert (order["status"], order["statusdate"]) == ("APPR", "2015-01-10T08:00:00-05:00")
    assert [(row["status"], row.get("memo"), row["changeby"]) for row in order["wostatus"]] == [
        ("WAPPR", None, "MILLWRIGHT"),
        ("APPR", "Go ahead", "MILLWRIGHT"),
    ]


@pytest.mark.parametrize("path", [["APPR", "WMATL", "INPRG", "COMP", "CLOSE"], ["WSCH", "CAN"], ["WPCOND", "INPRG"]])
async def test_the_ways_of_a_work_order_are_open(create: Create, change: Change, path: list[str]) -> None:
    href = await create()
    assert [(await change(href, status)).status_code for status in path] == [204] * len(path)


@pytest.mark.parametrize(
    ("path", "wanted", "reason"),
    [
        ([], "COMP", "BMXAA4590E"),
        ([], "INPRG", "BMXAA4590E"),
        ([], "NOSUCH", "BMXAA4590E"),
        (["APPR"], "APPR", "BMXAA4590E"),
        (["APPR", "INPRG", "COMP"], "APPR", "BMXAA4679E"),
        (["APPR", "INPRG", "COMP"], "INPRG", "BMXAA4638E"),
        (["APPR", "INPRG", "COMP"], "CAN", "BMXAA4590E"),
        (["APPR", "INPRG", "COMP", "CLOSE"], "APPR", "BMXAA4105E"),
        (["CAN"], "APPR", "BMXAA4590E"),
    ],
)
async def test_a_change_that_is_not_legal_is_refused(
    plant: MaximoServer, create: Create, change: Change, path: list[str], wanted: str, reason: str
) -> None:
    href = await create(wonum="A")
    bring_to(plant, "A", *path)
    answer = await change(href, wanted)
    error = answer.json()["Error"]
    assert (answer.status_code, error["reasonCode"], error["errorattrname"]) == (400, reason, "status")


async def test_a_status_date_in_the_future_is_refused(create: Create, change: Change) -> None:
    href = await create()
    answer = await change(href, "APPR", date="2015-01-10T07:00:01-05:00")
    assert answer.json()["Error"]["reasonCode"] == "BMXAA4599E"
    assert (await change(href, "APPR", date="2015-01-10T07:00:00")).status_code == 204


async def test_a_closed_order_is_read_only(client: httpx.AsyncClient, plant: MaximoServer, create: Create) -> None:
    href = await create(wonum="A")
    bring_to(plant, "A", "APPR", "INPRG", "COMP", "CLOSE")
    headers = {"x-method-override": "PATCH", "patchtype": "MERGE"}
    answer = await client.post(href, headers=headers, json={"description": "x"})
    assert (answer.status_code, answer.json()["Error"]["reasonCode"]) == (400, "BMXAA4105E")
    with pytest.raises(MaximoError, match="BMXAA4105E"):
        plant.report_actual("A", notes="late", by="ADAMS")
    assert (await client.get(href)).json()["historyflag"] is True


@pytest.mark.parametrize(
    ("params", "headers"),
    [(ACTION, {}), ({"action": "wsmethod:approve"}, {"x-method-override": "PATCH"})],
)
async def test_an_action_needs_its_override_header_and_its_name(
    client: httpx.AsyncClient, create: Create, params: dict[str, str], headers: dict[str, str]
) -> None:
    answer = await client.post(await create(), params=params, headers=headers, json={"status": "APPR"})
    assert answer.status_code == 400


async def test_the_list_of_statuses_is_what_may_follow(client: httpx.AsyncClient, create: Create) -> None:
    answer = await client.get(f"{await create()}/getlist~status", params={"oslc.select": "*"})
    assert [item["maxvalue"] for item in answer.json()["member"]] == ["APPR", "WSCH", "WMATL", "WPCOND", "CAN"]
    assert answer.json()["member"][0]["value"] == "APPR"


@pytest.mark.parametrize(
    "site",
    [
        Site(
            statuses=[
                *(value for value in STANDARD_STATUSES if value.maxvalue != "APPR"),
                StatusValue("GO", "APPR", "Go"),
                StatusValue("GOFAST", "APPR", "Go now", default=False),
            ]
        )
    ],
)
async def test_a_site_may_rename_its_statuses(
    client: httpx.AsyncClient, plant: MaximoServer, create: Create, change: Change
) -> None:
    href = await create()
    assert (await change(href, "APPR")).json()["Error"]["reasonCode"] == "BMXAA4590E"
    await change(href, "GOFAST")
    order = (await client.get(href, params={"oslc.select": "status"})).json()
    assert (order["status"], order["status_maxvalue"], order["status_description"]) == ("GOFAST", "APPR", "Go now")
    await create(wonum="B")
    assert plant.change_status("B", "APPR", "", "PLANNER").status == "GO"


@pytest.mark.parametrize("site", [Site(mandatory={"APPR": ("wopriority",)})])
async def test_a_field_the_site_demands_is_named_inside_the_refusal(
    client: httpx.AsyncClient, create: Create, change: Change
) -> None:
    href = await create()
    answer = await change(href, "APPR")
    error = answer.json()["Error"]
    assert (answer.status_code, error["reasonCode"], error["errorattrname"]) == (400, "BMXAA4590E", "wopriority")
    assert "BMXAA5401E" in error["message"]
    patch = {"x-method-override": "PATCH", "patchtype": "MERGE"}
    await client.post(href, headers=patch, json={"wopriority": 1})
    assert (await change(href, "APPR")).status_code == 204
