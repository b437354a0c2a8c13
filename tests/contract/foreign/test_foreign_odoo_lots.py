"""What a work centre made, on a real Odoo whose product is tracked by lots."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.foreign.odoo_plant import OdooPlant

pytestmark = pytest.mark.foreign

_HOUR = timedelta(hours=1)


async def test_the_lot_that_a_manufacturing_order_makes_is_listed_with_its_timer(odoo_plant: OdooPlant) -> None:
    [order] = await odoo_plant.ask(
        "manager", "mrp.workorder", "read", ids=[odoo_plant.orders[0]], fields=["production_id", "product_id"]
    )
    product, made_by = order["product_id"][0], order["production_id"][0]
    await odoo_plant.ask("manager", "product.product", "write", ids=[product], vals={"tracking": "lot"})
    lot = {"name": f"LOT-{odoo_plant.equipment}", "product_id": product}
    [number] = await odoo_plant.ask("manager", "stock.lot", "create", vals_list=[lot])
    values = {"lot_producing_ids": [[6, 0, [number]]]}
    await odoo_plant.ask("manager", "mrp.production", "write", ids=[made_by], vals=values)
    now = datetime.now(UTC)
    [made] = await odoo_plant.connector().lots_made(odoo_plant.equipment, now - _HOUR, now + _HOUR)
    assert (made.lot, made.material, made.until_at) == (f"LOT-{odoo_plant.equipment}", "Part", None)
    assert made.from_at is not None
    assert abs(made.from_at - now) < timedelta(minutes=5)


async def test_a_machine_without_a_timer_in_the_period_made_nothing(odoo_plant: OdooPlant) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=30)
    assert await odoo_plant.connector().lots_made(odoo_plant.equipment, long_ago, long_ago + _HOUR) == []
