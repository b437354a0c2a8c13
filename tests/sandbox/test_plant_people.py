"""The planner and the technicians, in a CMMS of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx
import pytest

from sandbox.clock import PlantClock
from sandbox.faults import Faults
from sandbox.maximo.screen import API_KEYS, MaximoScreen, order_of
from sandbox.maximo.work_order_view import WorkOrderView
from sandbox.plant.dataset import ComponentEvent, Dataset
from sandbox.plant.generator import generate
from sandbox.plant.people import People
from sandbox.twins.graph import PlantMachine

REPORTED = 100


@dataclass
class Shop:
    """A CMMS with two machines, and its people, who know a failure and replacements by hour."""

    plant: Dataset
    clock: PlantClock
    cmms: MaximoScreen
    http: httpx.AsyncClient

    def people(self, failed: list[int], replaced: list[int], component: str = "comp2") -> People:
        def events(hours: list[int]) -> tuple[ComponentEvent, ...]:
            return tuple(ComponentEvent(self.plant.hour(hour), 1, component) for hour in hours)

        return People(self.cmms, replace(self.plant, failures=events(failed), replacements=events(replaced)))

    def at(self, hour: int) -> datetime:
        self.clock.set(self.plant.hour(hour))
        return self.clock.now()

    async def report(self, hour: int = REPORTED, asset: str = "M001-COMP2", **more: str) -> str:
        self.at(hour)
        body = {"siteid": "BEDFORD", "description": "shift", "assetnum": asset, "worktype": "CM", **more}
        headers = {"apikey": next(iter(API_KEYS)), "properties": "wonum"}
        answer = await self.http.post("/maximo/api/os/mxapiwodetail?lean=1", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        self.http.cookies.clear()
        return str(answer.json()["wonum"])

    def work(self, people: People, wonum: str, limit: int = 20) -> WorkOrderView:
        """Let the people act whenever they want to, as the conductor does."""
        for _ in range(limit):
            due = people.next_act_time()
            if due is None:
                break
            self.clock.set(max(due, self.clock.now()))
            people.act(self.clock.now())
        return self.cmms.server.work_order(wonum)


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    plant = replace(generate(1, machines=2, days=20), failures=(), replacements=())
    clock = PlantClock(plant.first)
    machines = [PlantMachine(number, "model1", 5) for number in (1, 2)]
    cmms = MaximoScreen(None, clock, machines, 0, Faults())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(cmms.server.app), base_url="http://cmms") as http:
        yield Shop(plant, clock, cmms, http)
    await cmms.server.stop()


async def test_an_order_goes_one_step_in_each_act_and_waits_in_progress(shop: Shop) -> None:
    people = shop.people(failed=[124], replaced=[124])
    wonum = await shop.report()
    states = []
    for _ in range(3):
        acts = people.act(shop.clock.now())
        states.append((acts, shop.cmms.server.work_order(wonum).status))
    assert states == [(1, "APPR"), (1, "INPRG"), (0, "INPRG")]
    assert people.next_act_time() == shop.plant.hour(124)


@pytest.mark.parametrize(
    ("failed", "replaced", "ended", "hour"),
    [
        ([124], [124], "confirmed", 124),
        ([101], [101], "confirmed", 101),
        ([172], [172], "confirmed", 172),
        ([], [124], "prevented", 124),
        ([150], [124, 150], "prevented", 124),
        ([173], [173], "nothing_found", 108),
        ([124], [], "nothing_found", 108),
        ([], [], "nothing_found", 108),
        ([99], [99], "cancelled", 100),
        ([77], [77], "cancelled", 100),
        ([100], [100], "cancelled", 100),
        ([76], [76], "nothing_found", 108),
    ],
)
async def test_orders_end_as_the_truth_says(
    shop: Shop, failed: list[int], replaced: list[int], ended: str, hour: int
) -> None:
    people = shop.people(failed, replaced)
    order = shop.work(people, await shop.report())
    assert order_of(order).closed_as == ended
    assert order.statusdate == shop.plant.hour(hour)
    assert people.next_act_time() is None
    assert people.open_orders() == 0


async def test_another_components_replacement_closes_nothing(shop: Shop) -> None:
    people = shop.people([124], [124], component="comp1")
    assert order_of(shop.work(people, await shop.report())).closed_as == "nothing_found"


async def test_a_confirmed_order_carries_codes_part_hours_downtime_and_notes(shop: Shop) -> None:
    people = shop.people(failed=[124], replaced=[124])
    order = shop.work(people, await shop.report())
    done = shop.plant.hour(124)
    assert (order.failurecode, order.problem, order.cause, order.remedy) == (
        "ROTATE",
        "LOWSPEED",
        "BEARING",
        "REPLACE",
    )
    assert (order.actstart, order.actfinish) == (done - timedelta(hours=5), done)
    assert shop.cmms.server.downtimes("M001-COMP2") == [(done - timedelta(hours=5), done)]
    query = f'/maximo/api/os/mxapiwodetail?lean=1&oslc.select=*&oslc.where=wonum="{order.wonum}"'
    row = (await shop.http.get(query, headers={"apikey": next(iter(API_KEYS))})).json()["member"][0]
    assert [(each["laborcode"], each["regularhrs"]) for each in row["labtrans"]] == [("CORTEZ", 5.0)]
    assert [each["itemnum"] for each in row["matusetrans"]] == ["PDM-COMP2"]
    assert "bearing seized" in row["worklog"][0]["description"]


@pytest.mark.parametrize(
    ("failed", "replaced", "codes"),
    [
        ([], [124], ("LOWSPEED", "BEARING", "REPAIR")),
        ([], [], ("NOFAULT", "NOCAUSE", "NOACTION")),
    ],
)
async def test_without_a_breakdown_there_is_no_downtime_and_the_codes_say_so(
    shop: Shop, failed: list[int], replaced: list[int], codes: tuple[str, str, str]
) -> None:
    order = shop.work(shop.people(failed, replaced), await shop.report())
    assert (order.problem, order.cause, order.remedy) == codes
    assert shop.cmms.server.downtimes("M001-COMP2") == []


async def test_a_second_order_for_the_same_component_is_cancelled_with_a_memo(shop: Shop) -> None:
    people = shop.people(failed=[124], replaced=[124])
    first = await shop.report()
    people.act(shop.clock.now())
    second, other = await shop.report(103), await shop.report(103, "M001-COMP3")
    shop.work(people, second)
    ends = {wonum: order_of(shop.cmms.server.work_order(wonum)).closed_as for wonum in (first, second, other)}
    assert ends == {first: "confirmed", second: "cancelled", other: "nothing_found"}


async def test_of_two_orders_in_one_act_the_older_is_kept(shop: Shop) -> None:
    people = shop.people(failed=[124], replaced=[124])
    first, second = await shop.report(), await shop.report()
    assert people.act(shop.clock.now()) == 2
    assert [shop.cmms.server.work_order(wonum).status for wonum in (first, second)] == ["APPR", "CAN"]


async def test_an_order_on_the_whole_machine_is_read_by_its_failure_class(shop: Shop) -> None:
    people = shop.people(failed=[124], replaced=[124])
    by_class = shop.work(people, await shop.report(asset="M001", failurecode="ROTATE"))
    unsaid = shop.work(people, await shop.report(asset="M002", hour=130))
    assert order_of(by_class).closed_as == "confirmed"
    assert order_of(unsaid).closed_as == "nothing_found"


async def test_orders_of_other_users_are_treated_the_same(shop: Shop) -> None:
    people = shop.people(failed=[124], replaced=[124])
    assert order_of(shop.work(people, await shop.report(reportedby="SHIFT2"))).closed_as == "confirmed"


async def test_nobody_acts_where_there_is_nothing_to_do(shop: Shop) -> None:
    people = shop.people(failed=[124], replaced=[124])
    assert people.act(shop.at(50)) == 0
    assert people.next_act_time() is None
