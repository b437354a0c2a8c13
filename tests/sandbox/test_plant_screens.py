"""Each CMMS that the plant can have, as its people see it and as they work in it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from sandbox import cmms
from sandbox.atlas.screen import AtlasScreen
from sandbox.atlas.store import REQUEST
from sandbox.clock import PlantClock
from sandbox.cmms import PlantCmms, open_cmms
from sandbox.faults import Faults
from sandbox.maintainx.screen import API_KEY as MAINTAINX_KEY
from sandbox.maintainx.screen import MaintainXScreen
from sandbox.maximo.screen import API_KEYS, MaximoScreen
from sandbox.odoo.screen import OdooScreen
from sandbox.plant.findings import finding_of, part_of
from sandbox.plant.orders import ClosedAs, OrderState, PlantOrder
from sandbox.sap_pm.screen import SapPmScreen
from sandbox.twins.graph import PlantMachine

START = datetime(2015, 1, 5, 8, tzinfo=UTC)
KEY = "MWAAAAAAAA"
ASSET = "M001-COMP2"


class Shop:
    """A CMMS by its name, in which a machine reports orders."""

    def __init__(self, name: str) -> None:
        self.clock = PlantClock(START)
        self.cmms: PlantCmms = open_cmms(name, None, self.clock, [PlantMachine(1, "model1", 5)], 0, Faults())

    async def report(self) -> PlantOrder:
        """An order that waits, with our key."""
        match self.cmms:
            case MaximoScreen(server=maximo):
                body = {"siteid": "BEDFORD", "description": "It drips.", "assetnum": ASSET, "externalrefid": KEY}
                async with httpx.AsyncClient(headers={"apikey": next(iter(API_KEYS))}) as client:
                    reply = await client.post(f"{maximo.url}/os/mxapiwodetail", params={"lean": "1"}, json=body)
                assert reply.status_code == 201, reply.text
            case SapPmScreen(server=sap):
                number = sap.open_notification(ASSET, "It drips.", by="MILLWRIGHT")
                sap.edit(number, MaintNotifExtReferenceNumber=KEY)
            case AtlasScreen(server=atlas):
                asset = next(each for each in atlas.store.assets.values() if each.barcode == ASSET)
                content: dict[str, object] = {"title": f"It drips. [{KEY}]", "asset": {"id": asset.id}}
                atlas.store.add_record(REQUEST, await atlas.store.next_custom_id(REQUEST), content, atlas.robot.id)
            case OdooScreen(server=odoo):
                named = [["serial_no", "=", ASSET]]
                (equipment,) = odoo.do("cmms", "maintenance.equipment", "search", domain=named)
                row = {"name": "It drips.", "equipment_id": equipment, "description": f"<p>Our key: {KEY}</p>"}
                odoo.do("cmms", "maintenance.request", "create", vals_list=[row])
            case MaintainXScreen(server=maintainx, asset_ids=numbers):
                ordered = {"title": f"It drips. [{KEY}]", "assetId": int(numbers[ASSET]), "priority": "LOW"}
                async with httpx.AsyncClient(headers={"authorization": f"Bearer {MAINTAINX_KEY}"}) as client:
                    reply = await client.post(f"{maintainx.url}/workorders", json=ordered)
                assert reply.status_code == 200, reply.text
        return self.cmms.orders()[-1]

    def now(self, order: PlantOrder) -> PlantOrder:
        """An order as it is now."""
        return next(each for each in self.cmms.orders() if each.place == order.place)


@pytest.fixture(params=cmms.NAMES)
async def shop(request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    made = Shop(request.param)
    await made.cmms.server.start()
    yield made
    await made.cmms.server.stop()


async def test_an_order_that_was_reported_waits_with_its_asset_its_key_and_its_time(shop: Shop) -> None:
    order = await shop.report()
    assert (order.state, order.key, part_of(order)) == (OrderState.WAITING, KEY, (1, "comp2"))
    assert (order.reported, order.changed, order.closed_as) == (START, START, None)


async def test_a_cancelled_order_is_closed_as_that(shop: Shop) -> None:
    order = await shop.report()
    shop.clock.set(START + timedelta(hours=1))
    shop.cmms.cancel(order, "Not now")
    ended = shop.now(order)
    assert (ended.state, ended.closed_as, ended.changed) == (
        OrderState.CANCELLED,
        "cancelled",
        START + timedelta(hours=1),
    )


@pytest.mark.parametrize("closed_as", ["confirmed", "prevented", "nothing_found"])
async def test_an_order_is_approved_taken_and_completed_with_its_finding(shop: Shop, closed_as: ClosedAs) -> None:
    order = await shop.report()
    shop.cmms.approve(order)
    assert shop.now(order).state is OrderState.APPROVED
    shop.cmms.take(shop.now(order), "CORTEZ")
    assert shop.now(order).state is OrderState.IN_PROGRESS
    shop.clock.set(START + timedelta(hours=6))
    shop.cmms.complete(shop.now(order), finding_of("comp2", closed_as, START, shop.clock.now()))
    ended = shop.now(order)
    assert (ended.state, ended.closed_as, ended.changed) == (OrderState.COMPLETED, closed_as, shop.clock.now())
    assert (ended.key, ended.reported) == (KEY, START)


def test_a_name_that_the_sandbox_does_not_have_is_refused_with_those_that_it_has() -> None:
    with pytest.raises(ValueError, match="'plex' is not one of maximo, sap_pm, atlas, odoo, maintainx"):
        Shop("plex")
