"""What connectors offer besides the port, on the simulated plants: the list of assets, and the schema of a site."""

from pathlib import Path

from domain.cmms_offers import AssetLister, SchemaChecker
from tests.contract.atlas_plant import AtlasPlant
from tests.contract.conftest import MaximoPlant


async def test_maximo_lists_machines_and_their_components(tmp_path: Path) -> None:
    plant = MaximoPlant(tmp_path)
    await plant.start()
    try:
        found = (await plant.connector().list_assets()).assets
    finally:
        await plant.stop()
    assert [(each.external_id, each.parent) for each in found[:3]] == [
        ("M001", None),
        ("M001-COMP1", "M001"),
        ("M001-COMP2", "M001"),
    ]
    assert {each.attributes["siteid"] for each in found} == {"BEDFORD"}
    assert len(found) == 10


async def test_atlas_lists_the_assets_by_their_barcodes(tmp_path: Path) -> None:
    plant = AtlasPlant(tmp_path)
    await plant.start()
    try:
        connector = plant.connector()
        assert isinstance(connector, AssetLister)
        assert {each.external_id for each in (await connector.list_assets()).assets} >= set(plant.assets)
    finally:
        await plant.stop()


async def test_maximo_is_compared_by_its_schema_and_the_statuses_of_an_order_that_waits(tmp_path: Path) -> None:
    plant = MaximoPlant(tmp_path)
    await plant.start()
    try:
        connector = plant.connector()
        assert isinstance(connector, SchemaChecker)
        assert await connector.check_schema() == ()
        await connector.create_work_order(plant.draft())
        assert await connector.check_schema() == ()
    finally:
        await plant.stop()
