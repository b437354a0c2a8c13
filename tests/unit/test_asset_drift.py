"""Which names of assets a CMMS does not know any more."""

import pytest

from domain.asset_drift import NamedAsset, asset_names_drift
from domain.cmms import ListedAsset

NAMED = NamedAsset(asset="pump-7", site="bedford", external_id="P-7", attributes={"siteid": "BEDFORD"})


def listed(name: str, **attributes: str) -> ListedAsset:
    return ListedAsset(external_id=name, attributes=attributes)


@pytest.mark.parametrize(
    "found",
    [listed("P-7", siteid="BEDFORD"), listed("p-7", siteid="BEDFORD"), listed("P-7"), listed("P-7", orgid="EAGLE")],
)
def test_an_asset_that_is_listed_is_no_drift(found: ListedAsset) -> None:
    assert asset_names_drift("maximo", [NAMED], [listed("P-6"), found]) == ()


@pytest.mark.parametrize("found", [listed("P-70", siteid="BEDFORD"), listed("P-7", siteid="NASHUA")])
def test_a_name_that_is_not_listed_or_only_at_another_site_is_drift(found: ListedAsset) -> None:
    [drift] = asset_names_drift("maximo", [NAMED], [found])
    assert (drift.kind, drift.identity, drift.subject) == ("asset_gone", "asset/pump-7", "pump-7")
    assert drift.ours == "P-7, siteid=BEDFORD"


def test_a_cmms_that_lists_nothing_is_one_difference_and_not_one_for_each_asset() -> None:
    named = [NAMED.model_copy(update={"asset": f"pump-{number}"}) for number in range(100)]
    [drift] = asset_names_drift("maximo", named, [])
    assert (drift.kind, drift.subject, drift.ours) == ("no_assets", "maximo", "assets that have a name there: 100")


def test_where_no_asset_has_a_name_nothing_differs() -> None:
    assert asset_names_drift("maximo", [], []) == ()
