"""The assets that a CMMS lists: every page of them, without those that get no orders."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.azure.digital_twins import TwinVocabulary
from connectors.azure.digital_twins.mapping import plant_register
from domain.cmms import ListedAsset
from tests.connectors.atlas_answers import ASSET, AtlasWire, connected, page
from tests.connectors.test_maximo_requests import BASE, Wire, members
from tests.connectors.test_odoo_cmms_requests import Turns, site

START = datetime(2015, 1, 5, 8, 0, tzinfo=UTC)


def asset_row(number: str, **more: object) -> dict[str, Any]:
    return {"assetnum": number, "siteid": "BEDFORD", "status": "OPERATING", **more}


async def test_maximo_lists_all_pages_with_the_site_and_leaves_out_what_is_decommissioned_or_unreadable() -> None:
    wire = Wire(
        members(
            asset_row("M001", description="Pump", serialnum="SN-1"),
            asset_row("M002", status="DECOMMISSIONED"),
            next_page=f"{BASE}/os/mxapiasset?pageno=2",
        ),
        members(asset_row("M003", parent="M001"), {"assetnum": 1.5, "siteid": "BEDFORD", "status": "OPERATING"}),
    )
    site_of = {"siteid": "BEDFORD"}
    found = await wire.connector().list_assets()
    assert found.left_out == 1
    assert found.assets == (
        ListedAsset(external_id="M001", attributes=site_of, description="Pump", serial="SN-1"),
        ListedAsset(external_id="M003", attributes=site_of, parent="M001"),
    )
    asked = wire.asked[0].url
    assert asked.path == "/maximo/api/os/mxapiasset"
    assert asked.params["oslc.select"] == "assetnum,siteid,status,description,serialnum,parent"


async def test_odoo_lists_all_pages_of_the_equipment_with_a_serial_number() -> None:
    rows = [{"id": number, "name": f"Pump {number}", "serial_no": f"S{number}"} for number in (1, 2, 3)]
    made = site(
        equipment_search=Turns(rows[:2], [rows[2], {"id": 4, "name": "Fan", "serial_no": False}], [{"id": True}])
    )
    found = await made.cmms(page_size=2, company=3).list_assets()
    assert found == (
        tuple(
            ListedAsset(external_id=f"S{number}", description=f"Pump {number}", serial=f"S{number}")
            for number in (1, 2, 3)
        ),
        1,
    )
    bodies = made.bodies("maintenance.equipment/search_read")
    assert [body.get("offset") for body in bodies] == [None, 2, 4]
    assert bodies[0]["domain"] == [["serial_no", "!=", False], ["company_id", "in", [3, False]]]
    assert set(bodies[0]["fields"]) == {"id", "name", "serial_no"}


async def test_atlas_lists_all_pages_by_the_field_of_the_settings_with_the_parents_name() -> None:
    part = {"id": 6, "name": "Motor", "barCode": "EQ-8", "serialNumber": "SN-8", "parentAsset": {"id": 5}}
    archived = {"id": 7, "name": "Old", "barCode": "EQ-9", "archived": True}
    nameless = {"id": 8, "name": "No code"}
    wire = AtlasWire()
    odd = {"id": "nine"}
    wire.answer({"POST /assets/search": [page(part, archived, odd, last=False), page(ASSET, nameless)]})
    found = await connected(wire).list_assets()
    assert found.left_out == 1
    assert found.assets == (
        ListedAsset(external_id="EQ-8", description="Motor", serial="SN-8", parent="EQ-7"),
        ListedAsset(external_id="EQ-7", description="Press 7"),
    )


@pytest.mark.parametrize(
    ("given", "serial"),
    [("SN-1 ", {"serial": "SN-1"}), (4711, {"serial": "4711"}), (True, {}), (None, {}), ("a\u0000b", {}), (1.5, {})],
)
def test_the_serial_number_of_a_twin_stands_at_its_name_and_an_odd_one_leaves_no_twin_out(
    given: object, serial: dict[str, str]
) -> None:
    line: dict[str, object] = {"$dtId": "line", "lineId": "LINE-1"}
    machine: dict[str, object] = {
        "$dtId": "m1", "deviceId": "D1", "assetClass": "pump", "criticality": "B", "cmmsAssetnum": "A1",
        "mesEquipmentId": "EQ-1", "serialNumber": given,
    }  # fmt: skip
    place: dict[str, object] = {"$sourceId": "line", "$targetId": "m1", "$relationshipName": "contains"}
    register = plant_register([line, machine], [place], {}, TwinVocabulary(), START)
    assert register.unreadable == ()
    assert [alias.attributes for alias in register.aliases if alias.external_id == "m1"] == [serial]
