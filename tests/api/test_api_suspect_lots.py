"""People of quality read and review suspect lots through the API."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from domain.lots import MadeLot
from domain.suspect_lots import LotsUntil, SuspectLots
from millwright.bootstrap import Storage
from tests.api.conftest import Caller
from tests.support.ingress import NOW
from tests.support.prepared_rows import prepared
from tests.support.proposed_hold import propose_hold

REVIEW = {"note": "LOT-1 blocked, see NC-7"}
LOTS = SuspectLots(
    system="mes",
    equipment="EQ-001",
    from_at=NOW - timedelta(hours=3),
    until_at=NOW,
    until=LotsUntil.HELD,
    lots=(MadeLot(lot="LOT-1", job="J-1", from_at=NOW),),
    not_known=None,
    listed_at=NOW,
)


@pytest.fixture
async def case(storage: Storage) -> str:
    """A case with a list."""
    opened = await prepared(storage.engine, "proposed hold", lambda: propose_hold(storage))
    await storage.suspect_lots.keep(opened, LOTS)
    return opened


@pytest.fixture
async def quinn(app: FastAPI, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """A person of quality, from elsewhere."""
    async with caller(app, "203.0.113.7", headers={"Authorization": "Bearer quality"}) as client:
        yield client


async def test_quality_reads_the_list_and_reviews_it_once(quinn: httpx.AsyncClient, case: str) -> None:
    [seen] = (await quinn.get("/suspect-lots")).json()
    assert (seen["case"], seen["lots"]["lots"][0]["lot"], seen["lots"]["review"]) == (case, "LOT-1", None)
    reply = await quinn.post(f"/cases/{case}/lots-review", json=REVIEW)
    assert (reply.status_code, reply.json()["review"]["by"]) == (200, "quinn")
    assert (await quinn.post(f"/cases/{case}/lots-review", json=REVIEW)).json() == reply.json()
    again = await quinn.post(f"/cases/{case}/lots-review", json={"note": "all good"})
    assert again.status_code == 409
    assert (await quinn.get("/suspect-lots")).json() == []
    assert len((await quinn.get("/suspect-lots", params={"state": "all"})).json()) == 1
    assert (await quinn.get(f"/cases/{case}")).json()["case"]["suspect_lots"]["review"]["note"] == REVIEW["note"]


@pytest.mark.parametrize("body", [{}, {"note": ""}, {"note": "  "}, {"note": "x" * 2001}, {"note": "fine", "lot": "L"}])
async def test_a_review_that_says_nothing_is_refused(quinn: httpx.AsyncClient, case: str, body: object) -> None:
    reply = await quinn.post(f"/cases/{case}/lots-review", json=body)
    assert (reply.status_code, (await quinn.get("/suspect-lots")).json()[0]["lots"]["review"]) == (422, None)


async def test_another_role_reviews_nothing(app: FastAPI, caller: Caller, case: str) -> None:
    async with caller(app, "203.0.113.7", headers={"Authorization": "Bearer production"}) as petra:
        assert (await petra.get("/suspect-lots")).status_code == 200
        assert (await petra.post(f"/cases/{case}/lots-review", json=REVIEW)).status_code == 403
    async with caller(app, "203.0.113.7") as nobody:
        assert (await nobody.get("/suspect-lots")).status_code == 401


async def test_a_case_that_is_not_there_is_named(quinn: httpx.AsyncClient, case: str) -> None:
    assert (await quinn.post("/cases/MWNOSUCH/lots-review", json=REVIEW)).status_code == 404
