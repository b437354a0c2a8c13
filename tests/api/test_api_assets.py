"""Acts on the register over HTTP."""

import httpx
import pytest
from fastapi import FastAPI

from millwright.bootstrap import Storage
from tests.api.conftest import Caller
from tests.support.ingress import NOW, rows
from tests.support.people import add
from tests.support.plant import MOTOR, PUMP

MAPPED = {"asset": "machine-001", "system": "cmms:hamburg", "external_id": "M-1", "attributes": {"siteid": "BEDFORD"}}
RETIRED = {"assets": [MOTOR], "reason": "replaced"}
SETTLED = {"system": "maximo", "record": "1300", "reason": "it was deleted"}


async def test_an_asset_gets_a_name_in_another_system(api: httpx.AsyncClient, storage: Storage) -> None:
    told = await api.post("/assets/aliases", json=MAPPED)
    assert (told.status_code, told.json()) == (200, MAPPED)
    found = await rows(storage.engine, "SELECT asset, owner FROM crosswalk WHERE external_id = 'M-1'")
    assert found == [("machine-001", "local")]


@pytest.mark.parametrize(
    ("changed", "status", "field"),
    [
        ({"system": "cmsm"}, 422, "system"),
        ({"asset": "pump-7"}, 409, "asset"),
        ({"external_id": ""}, 422, "external_id"),
        ({"by": "someone else"}, 422, "by"),
    ],
)
async def test_a_name_that_cannot_be_given_is_refused_with_its_field(
    api: httpx.AsyncClient, changed: dict[str, str], status: int, field: str
) -> None:
    refused = await api.post("/assets/aliases", json=MAPPED | changed)
    assert (refused.status_code, refused.json()["field"]) == (status, field)


async def test_many_assets_get_their_names_or_none_and_a_dry_run_stores_nothing(
    api: httpx.AsyncClient, storage: Storage
) -> None:
    wrong = {"names": [MAPPED, MAPPED | {"asset": "pump-7", "external_id": "P-7"}]}
    refused = await api.post("/assets/crosswalk", json=wrong)
    assert (refused.status_code, refused.json()["field"]) == (409, "names.1.asset")
    assert refused.json()["detail"] == "1 of 2 names are refused, so none was stored: there is no asset pump-7"
    assert [each["row"] for each in refused.json()["refused"]] == [1]
    dry = await api.post("/assets/crosswalk", json={"names": [MAPPED], "dry_run": True})
    assert (dry.status_code, dry.json()["stored"], len(dry.json()["changed"])) == (200, False, 1)
    found = "SELECT asset, owner FROM crosswalk WHERE external_id = 'M-1'"
    assert await rows(storage.engine, found) == []
    told = await api.post("/assets/crosswalk", json={"names": [MAPPED]})
    assert (told.status_code, told.json()["stored"]) == (200, True)
    assert await rows(storage.engine, found) == [("machine-001", "local")]


async def test_assets_are_retired_in_the_name_of_the_caller(api: httpx.AsyncClient, storage: Storage) -> None:
    told = await api.post("/assets/retirements", json=RETIRED)
    assert (told.status_code, told.json()["assets"]) == (200, [MOTOR])
    assert await rows(storage.engine, "SELECT actor FROM acts WHERE kind = 'asset-retired'") == [("local",)]
    assert (await api.post("/assets/retirements", json=RETIRED)).status_code == 409
    assert (await api.post("/assets/retirements", json=RETIRED | {"reason": " "})).status_code == 422
    assert (await api.post("/assets/retirements", json=RETIRED | {"assets": []})).status_code == 422


async def test_an_import_without_a_twin_graph_says_which_setting_is_missing(api: httpx.AsyncClient) -> None:
    refused = await api.post("/assets/imports", json={})
    assert refused.status_code == 422
    assert "MILLWRIGHT_" in refused.json()["fix"] or refused.json()["field"]


async def test_a_record_that_nobody_reported_is_not_settled(api: httpx.AsyncClient) -> None:
    assert (await api.get("/unreadable")).json() == []
    refused = await api.post("/unreadable/settlements", json=SETTLED)
    assert (refused.status_code, refused.json()["field"]) == (409, "record")


async def test_a_calendars_windows_are_kept_and_one_is_ended_by_its_id(api: httpx.AsyncClient) -> None:
    window = {
        "asset": PUMP,
        "from_at": "2015-01-16T00:00:00Z",
        "until_at": "2015-01-16T08:00:00Z",
        "reason": "overhaul",
        "source": "PM-12",
    }
    kept = await api.post("/suppressions/windows", json={"windows": [window]})
    assert (kept.status_code, kept.json()["new"], kept.json()["machines"]) == (200, 1, 1)
    (seen,) = (await api.get("/suppressions")).json()
    ended = await api.post(f"/suppressions/{seen['suppression']['id']}/end", json={"reason": "over"})
    assert ended.json()["ended_by"] == "local"


async def test_a_shelf_is_ended_by_the_asset_that_it_is_on(api: httpx.AsyncClient) -> None:
    await api.post("/suppressions", json={"asset": PUMP, "for": "PT8H", "reason": "noisy"})
    assert (await api.post(f"/suppressions/{PUMP}/end", json={"reason": "mended"})).json()["asset"] == PUMP


async def test_a_caller_is_told_who_they_are_and_the_time_of_the_plant(api: httpx.AsyncClient) -> None:
    told = (await api.get("/me")).json()
    assert (told["name"], told["now"]) == ("local", "2015-01-15T06:00:00Z")
    assert "operator" in told["roles"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/assets/aliases", MAPPED),
        ("/assets/crosswalk", {"names": [MAPPED]}),
        ("/assets/retirements", RETIRED),
        ("/assets/imports", {}),
        ("/unreadable/settlements", SETTLED),
    ],
)
async def test_it_takes_the_role_operator(
    app: FastAPI, storage: Storage, caller: Caller, path: str, body: dict[str, object]
) -> None:
    await add(storage.people, "paul", ["planner"], NOW, api_key="k")
    async with caller(app, headers={"Authorization": "Bearer k"}) as client:
        refused = await client.post(path, json=body)
    assert (refused.status_code, refused.json()["detail"]) == (403, "paul may not do this; it needs the role operator")
