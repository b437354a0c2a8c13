"""Shelving through the API."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from millwright.bootstrap import Storage
from tests.api.conftest import Caller
from tests.support.ingress import NOW
from tests.support.people import add
from tests.support.plant import PUMP


async def shelve(api: httpx.AsyncClient, **other: Any) -> httpx.Response:
    return await api.post("/suppressions", json={"asset": PUMP, "for": "PT8H", "reason": "noisy"} | other)


async def test_an_asset_is_shelved_shown_and_brought_back(api: httpx.AsyncClient) -> None:
    made = await shelve(api)
    assert made.status_code == 201, made.text
    assert made.json()["machines"] == 1
    shelf = made.json()["id"]
    assert [row["suppression"]["id"] for row in (await api.get("/suppressions")).json()] == [shelf]
    assert (await api.get(f"/suppressions/{shelf}")).json()["arrived"] == []
    assert (await api.get("/summary")).json()["suppressed"]["shelf"] == 1
    assert (await api.post(f"/suppressions/{shelf}/end", json={"reason": "mended"})).json()["ended_by"] == "local"
    assert (await api.post(f"/suppressions/{shelf}/end", json={"reason": "mended"})).status_code == 409


@pytest.mark.parametrize(
    ("other", "status"),
    [({"for": "P30D"}, 409), ({"asset": "nothing"}, 409), ({"reason": " "}, 422), ({"for": "soon"}, 422)],
)
async def test_what_may_not_be_shelved_is_refused(api: httpx.AsyncClient, other: dict[str, Any], status: int) -> None:
    assert (await shelve(api, **other)).status_code == status


@pytest.mark.parametrize(
    ("other", "field", "fix"),
    [
        ({"asset": "BEDFROD"}, "asset", "did you mean BEDFORD?"),
        ({"failure_mode": "PDF"}, "failure_mode", "did you mean PDE?"),
    ],
)
async def test_a_shelf_on_a_misspelt_name_is_refused_with_the_nearest_one(
    api: httpx.AsyncClient, other: dict[str, str], field: str, fix: str
) -> None:
    refused = await shelve(api, **other)
    assert (refused.status_code, refused.json()["field"], refused.json()["fix"]) == (409, field, fix)


@pytest.mark.parametrize("length", ["05:00", "3600", 3600])
async def test_a_duration_that_is_not_iso_8601_is_refused_with_an_example(
    api: httpx.AsyncClient, length: object
) -> None:
    refused = await shelve(api, **{"for": length})
    assert (refused.status_code, refused.json()["field"]) == (422, "for")
    assert refused.json()["detail"] == "must be an ISO 8601 duration, such as PT8H or P1D"
    assert (await api.get("/suppressions")).json() == []


@pytest.mark.parametrize(("length", "status"), [("PT1H", 201), ("P1D", 201)])
async def test_an_iso_8601_duration_shelves(api: httpx.AsyncClient, length: str, status: int) -> None:
    assert (await shelve(api, **{"for": length})).status_code == status


async def test_no_such_shelf_is_not_found(api: httpx.AsyncClient) -> None:
    assert (await api.get("/suppressions/SHNONE")).status_code == 404


@pytest.mark.parametrize(("role", "status"), [("operator", 201), ("reader", 403)])
async def test_it_takes_a_role_to_shelve(
    app: FastAPI, storage: Storage, caller: Caller, role: str, status: int
) -> None:
    await add(storage.people, "p", [role], NOW, api_key="k")
    async with caller(app, host="10.0.0.9", headers={"Authorization": "Bearer k"}) as client:
        assert (await shelve(client)).status_code == status
