"""What a reconcile lists of the names of assets in the CMMS."""

import asyncio

import pytest
from sqlalchemy import text

from activities import reconciling
from connectors.cmms.maximo.connector import MaximoCmms
from domain.cmms import ListedAssets
from domain.errors import ActionRequired
from tests.contract.test_drift_cases import Reconciled, reconciled
from tests.support.plant import PUMP

__all__ = ["reconciled"]


async def test_an_asset_that_was_retired_in_the_cmms_is_listed_until_it_is_active_again(reconciled: Reconciled) -> None:
    reconciled.site._server.assets.set_status("M001-COMP1", "DECOMMISSIONED")
    gone = [each for each in await reconciled.night() if each[0] == "asset_gone"]
    assert gone == [("asset_gone", PUMP)]
    reconciled.site._server.assets.set_status("M001-COMP1", "OPERATING")
    assert await reconciled.night() == []
    [(kind, ours, theirs)] = await reconciled.ended()
    assert (kind, theirs) == ("asset_gone", "no asset of this name for which an order can be created")
    assert str(ours).startswith("M001-COMP1")


async def test_an_asset_that_stays_retired_stays_one_line_of_the_list(reconciled: Reconciled) -> None:
    reconciled.site._server.assets.set_status("M001-COMP1", "DECOMMISSIONED")
    for _ in range(3):
        assert ("asset_gone", PUMP) in await reconciled.night()
    assert await reconciled.ended() == []


async def test_a_cmms_that_refuses_to_list_its_assets_keeps_no_reconcile_from_its_end(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(self: MaximoCmms) -> ListedAssets:
        raise ActionRequired("the user may not read MXAPIASSET", system="maximo", operation="list-assets", key="")

    monkeypatch.setattr(MaximoCmms, "list_assets", refused)
    assert await reconciled.night() == [("no_assets", "maximo")]
    monkeypatch.undo()
    assert await reconciled.night() == []


async def test_a_list_of_assets_that_does_not_end_keeps_no_reconcile_from_its_end_and_ends_no_drift(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless(self: MaximoCmms) -> ListedAssets:
        await asyncio.Event().wait()
        return ListedAssets(())

    reconciled.site._server.assets.set_status("M001-COMP1", "DECOMMISSIONED")
    assert ("asset_gone", PUMP) in await reconciled.night()
    monkeypatch.setattr(MaximoCmms, "list_assets", endless)
    monkeypatch.setattr(reconciling, "_ASSETS_LISTED_WITHIN", 0.01)
    assert set(await reconciled.night()) == {("asset_gone", PUMP), ("no_assets", "maximo")}


async def test_where_no_asset_has_a_name_none_is_listed(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def not_asked(self: MaximoCmms) -> ListedAssets:
        raise AssertionError("assets are listed although none has a name")

    monkeypatch.setattr(MaximoCmms, "list_assets", not_asked)
    async with reconciled.plant.engine.begin() as connection:
        await connection.execute(text("UPDATE crosswalk SET valid_to = now() WHERE system LIKE 'cmms%'"))
    assert await reconciled.night() == []
