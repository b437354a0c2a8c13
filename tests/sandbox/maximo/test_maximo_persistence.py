from pathlib import Path

import httpx

from sandbox.clock import PlantClock
from sandbox.maximo import Machine, MaximoServer

API = "http://cmms.test/maximo/api"
ORDERS = f"{API}/os/mxapiwodetail?lean=1"
NEW = {"siteid": "BEDFORD", "description": "Bearing", "assetnum": "M017-COMP2"}


async def post(plant: MaximoServer, body: object, **headers: str) -> httpx.Response:
    headers = {"apikey": "key-1", "x-public-uri": API, **headers}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(plant.app), headers=headers) as client:
        return await client.post(ORDERS, json=body)


def open_in(directory: Path, clock: PlantClock) -> MaximoServer:
    plant = MaximoServer(directory, clock, {"key-1": "MILLWRIGHT"})
    plant.register_assets([Machine(17)])
    return plant


async def test_a_server_goes_on_where_another_on_its_directory_was_killed(tmp_path: Path, clock: PlantClock) -> None:
    before = open_in(tmp_path, clock)
    await post(before, {**NEW, "worklog": [{"description": "one"}]}, transactionid="mw-1")
    before.change_status("1201", "APPR", "Go", "PLANNER")
    after = open_in(tmp_path, clock)
    assert after.work_orders() == before.work_orders()
    assert after.last_change == before.last_change
    assert (await post(after, NEW, transactionid="mw-1")).status_code == 409
    await post(after, NEW)
    assert [order.wonum for order in after.work_orders()] == ["1201", "1202"]
    await after.stop()
    await before.stop()


async def test_the_number_of_a_deleted_order_is_not_given_again(tmp_path: Path, clock: PlantClock) -> None:
    before = open_in(tmp_path, clock)
    href = (await post(before, NEW)).headers["location"]
    await post(before, [{"_action": "Delete", "href": href}], **{"x-method-override": "BULK"})
    await before.stop()
    after = open_in(tmp_path, clock)
    assert after.work_orders() == []
    await post(after, NEW)
    assert [order.wonum for order in after.work_orders()] == ["1202"]
    await after.stop()


async def test_registering_again_leaves_assets_as_they_are(tmp_path: Path, clock: PlantClock) -> None:
    before = open_in(tmp_path, clock)
    before.assets.set_status("M017", "DECOMMISSIONED")
    await before.stop()
    after = open_in(tmp_path, clock)
    assert (await post(after, {**NEW, "assetnum": "M017"})).json()["Error"]["reasonCode"] == "BMXAA0090E"
    await after.stop()
