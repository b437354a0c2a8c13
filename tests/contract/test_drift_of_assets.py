"""What a reconcile lists of the names of assets in the CMMS."""

import pytest

from connectors.cmms.maximo.connector import MaximoCmms
from domain.cmms import ListedAsset
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


async def test_a_cmms_that_refuses_to_list_its_assets_keeps_no_reconcile_from_its_end(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(self: MaximoCmms) -> tuple[ListedAsset, ...]:
        raise ActionRequired("the user may not read MXAPIASSET", system="maximo", operation="list-assets", key="")

    monkeypatch.setattr(MaximoCmms, "list_assets", refused)
    assert await reconciled.night() == [("no_assets", "maximo")]
    monkeypatch.undo()
    assert await reconciled.night() == []
