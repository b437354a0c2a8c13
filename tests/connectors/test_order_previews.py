"""The preview of an order where no simulated plant shows it: Odoo, and orders that could not be created."""

import httpx
import pytest

from connectors.cmms import maintainx
from domain.clock import WallClock
from domain.errors import ActionRequired
from tests.connectors.atlas_answers import ASSET, AtlasWire, connected, page
from tests.connectors.test_atlas_requests import draft
from tests.connectors.test_maximo_requests import DRAFT as MAXIMO_DRAFT
from tests.connectors.test_maximo_requests import Wire
from tests.connectors.test_odoo_cmms_requests import DRAFT, site


async def test_odoo_loads_what_the_preview_shows() -> None:
    made = site()
    (record,) = await made.cmms().preview_order(DRAFT)
    assert made.bodies("maintenance.request/load") == []
    made.answers["maintenance.request/search_read"] = []
    with pytest.raises(ActionRequired):
        await made.cmms().create_work_order(DRAFT)
    (loaded,) = made.bodies("maintenance.request/load")
    assert [(field.field, field.value) for field in record.fields] == list(
        zip(loaded["fields"], loaded["data"][0], strict=True)
    )
    assert (record.kind, record.status) == ("maintenance request", "maintenance.stage_0")
    assert ("priority", "2") in [(field.meaning, field.value) for field in record.fields]


async def test_a_released_request_in_odoo_goes_through_both_stages() -> None:
    (record,) = await site().cmms(approved_stage="In Progress", stages={}).preview_order(DRAFT)
    assert record.status == "maintenance.stage_0, then In Progress"
    with pytest.raises(ActionRequired, match="no single stage 'Approved'"):
        await site().cmms(approved_stage="Approved").preview_order(DRAFT)


async def test_an_archived_asset_an_asset_without_site_and_a_name_that_is_no_number_have_no_preview() -> None:
    wire = AtlasWire()
    wire.answer({"POST /assets/search": page({**ASSET, "archived": True})})
    with pytest.raises(ActionRequired, match="archived there"):
        await connected(wire).preview_order(draft())
    with pytest.raises(ActionRequired, match="no site is known"):
        await Wire().connector().preview_order(MAXIMO_DRAFT.model_copy(update={"asset_attributes": {}}))
    settings = maintainx.MaintainXSettings.model_validate({"api_key": "key-of-a-user"})
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(500)))
    with pytest.raises(ActionRequired, match="names an asset by a number"):
        await maintainx.connect(settings, http, system="maintainx", clock=WallClock()).preview_order(draft())
