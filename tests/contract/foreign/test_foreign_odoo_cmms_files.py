"""A file on a maintenance request of a real Odoo: attached once, read back, and seen by a planner."""

import asyncio
import base64
from typing import Any

import pytest

from domain.errors import ActionRequired, Unavailable
from domain.order_files import OrderFile
from domain.work_orders import Touched, WorkOrderRef
from tests.contract.foreign.odoo_cmms_plant import OdooCmmsPlant
from tests.contract.odoo_people import REQUESTS

pytestmark = pytest.mark.foreign

TABLE = OrderFile(key="MW-evidence", name="evidence.csv", media_type="text/csv", content=b"at,value\n2026-11-30,1.5\n")
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CHART = OrderFile(key="MW-chart", name="evidence.png", media_type="image/png", content=DOT)


@pytest.fixture
def plant(odoo_cmms_plant: OdooCmmsPlant) -> OdooCmmsPlant:
    return odoo_cmms_plant


async def files(plant: OdooCmmsPlant, ref: WorkOrderRef) -> list[Any]:
    """The files on a request, as a planner reads them."""
    on = [["res_model", "=", REQUESTS], ["res_id", "=", int(ref.id)]]
    fields = ["name", "mimetype", "datas"]
    rows: list[Any] = await plant.database.ask("planner", "ir.attachment", "search_read", domain=on, fields=fields)
    return [(row["name"], row["mimetype"], base64.b64decode(row["datas"])) for row in rows]


async def test_files_are_attached_once_with_their_content_and_leave_the_request_untouched(plant: OdooCmmsPlant) -> None:
    cmms = plant.connector()
    order = await cmms.create_work_order(plant.draft())
    for _ in range(2):
        await cmms.attach_file(order.ref, TABLE)
        await cmms.attach_file(order.ref, CHART)
    assert sorted(await files(plant, order.ref)) == [
        ("evidence.csv", "text/csv", TABLE.content),
        ("evidence.png", "image/png", DOT),
    ]
    assert (await cmms.read_work_order(order.ref)).touched is Touched.NO
    assert (await cmms.withdraw_work_order(order.ref, "not needed")).status.finished


async def test_eight_calls_at_once_and_a_lost_answer_give_one_file(plant: OdooCmmsPlant) -> None:
    cmms = plant.connector()
    order = await cmms.create_work_order(plant.draft())
    plant.misbehave("file", "commit_then_drop")
    with pytest.raises(Unavailable):
        await cmms.attach_file(order.ref, TABLE)
    await asyncio.gather(*(plant.connector().attach_file(order.ref, TABLE) for _ in range(8)))
    await asyncio.gather(*(plant.connector().attach_file(order.ref, CHART) for _ in range(8)))
    assert len(await files(plant, order.ref)) == 2


async def test_a_file_that_is_there_stays_as_it_is(plant: OdooCmmsPlant) -> None:
    cmms = plant.connector()
    order = await cmms.create_work_order(plant.draft())
    await cmms.attach_file(order.ref, TABLE)
    await cmms.attach_file(order.ref, TABLE.model_copy(update={"content": b"other"}))
    assert await files(plant, order.ref) == [("evidence.csv", "text/csv", TABLE.content)]


async def test_a_request_that_is_gone_gets_no_file(plant: OdooCmmsPlant) -> None:
    cmms = plant.connector()
    order = await cmms.create_work_order(plant.draft())
    plant.delete(order.ref)
    with pytest.raises(ActionRequired):
        await cmms.attach_file(order.ref, TABLE)
