"""Which names of assets a CMMS does not know any more."""

import pytest

from domain.asset_drift import NamedAsset, compared_names
from domain.cmms import ListedAsset, ListedAssets

NAMED = NamedAsset(asset="pump-7", site="bedford", external_id="P-7", attributes={"siteid": "BEDFORD"})


def listed(name: str, **attributes: str) -> ListedAsset:
    return ListedAsset(external_id=name, attributes=attributes)


@pytest.mark.parametrize(
    "found",
    [listed("P-7", siteid="BEDFORD"), listed("p-7", siteid="bedford"), listed("P-7"), listed("P-7", orgid="EAGLE")],
)
def test_an_asset_that_is_listed_is_no_drift(found: ListedAsset) -> None:
    drift, identities, complete = compared_names("maximo", [NAMED], ListedAssets([listed("P-6"), found]))
    assert (drift, set(identities), complete) == ((), {"asset/pump-7"}, True)


@pytest.mark.parametrize("found", [listed("P-70", siteid="BEDFORD"), listed("P-7", siteid="NASHUA")])
def test_a_name_that_is_not_listed_or_only_at_another_site_is_drift(found: ListedAsset) -> None:
    [drift], identities, complete = compared_names("maximo", [NAMED], ListedAssets([found]))
    assert (set(identities), complete) == ({"asset/pump-7"}, True)
    assert (drift.kind, drift.identity, drift.subject) == ("asset_gone", "asset/pump-7", "pump-7")
    assert drift.ours == "P-7, siteid=BEDFORD"


def test_a_cmms_that_lists_nothing_is_one_difference_and_not_one_for_each_asset() -> None:
    named = [NAMED.model_copy(update={"asset": f"pump-{number}"}) for number in range(100)]
    [drift], identities, complete = compared_names("maximo", named, ListedAssets([]))
    assert (identities, complete) == (frozenset(), False)
    assert (drift.kind, drift.subject, drift.ours) == ("no_assets", "maximo", "assets that have a name there: 100")


def test_where_no_asset_has_a_name_nothing_differs() -> None:
    assert compared_names("maximo", [], ListedAssets([])) == ((), frozenset(), True)


def test_where_records_cannot_be_read_no_asset_is_gone() -> None:
    other = NAMED.model_copy(update={"asset": "pump-8", "external_id": "P-8"})
    [drift], identities, complete = compared_names("maximo", [NAMED, other], ListedAssets([listed("P-8")], left_out=2))
    assert (drift.kind, drift.subject) == ("no_assets", "maximo")
    assert drift.theirs == "records of assets that cannot be read: 2; assets that are not among the others: 1"
    assert (set(identities), complete) == ({"asset/pump-8"}, False)


def test_a_record_that_cannot_be_read_is_no_drift_where_all_names_are_listed() -> None:
    drift, identities, complete = compared_names("maximo", [NAMED], ListedAssets([listed("P-7")], left_out=1))
    assert (drift, set(identities), complete) == ((), {"asset/pump-7"}, True)
