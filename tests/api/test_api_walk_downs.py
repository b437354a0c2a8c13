"""Walk-downs through the API: begun and released by production, looked at by maintenance, a proof withdrawn."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from domain.canonical import timestamp
from domain.production import READY_TO_RUN
from domain.walk_downs import MAY_BE_STOPPED, STANDS_STILL, SignedWord, WalkDown
from millwright.bootstrap import Storage
from millwright.settings import Settings
from tests.api.conftest import Caller
from tests.support.ingress import NOW, settings_over
from tests.support.local_mode import AS_LOCAL
from tests.support.people import add
from tests.support.walk_downs import begin_word, look_word, plan, prove, release_word, target

SYSTEM = "opcua_job_control"


@pytest.fixture
def settings(plant_url: str, tmp_path: Path) -> Settings:
    return settings_over(plant_url, tmp_path, cmms={"connector": "maximo"}, mes={"connector": "opcua_job_control"})


@pytest.fixture
async def people(storage: Storage) -> None:
    for name, role in (("petra", "production"), ("paula", "planner"), ("olaf", "operator")):
        await add(storage.people, name, [role], NOW, api_key=name)


async def client(app: FastAPI, caller: Caller, key: str) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app, "203.0.113.7", headers={"Authorization": f"Bearer {key}"}) as opened:
        yield opened


@pytest.fixture
async def petra(app: FastAPI, caller: Caller, people: None) -> AsyncIterator[httpx.AsyncClient]:
    del people
    async for opened in client(app, caller, "petra"):
        yield opened


@pytest.fixture
async def paula(app: FastAPI, caller: Caller, people: None) -> AsyncIterator[httpx.AsyncClient]:
    del people
    async for opened in client(app, caller, "paula"):
        yield opened


def sent(word: SignedWord) -> dict[str, object]:
    return {"meaning": word.meaning, "at": timestamp(word.at), "signature": word.signature}


def begins(**more: object) -> dict[str, object]:
    return {"machine": "machine-001", "equipment": "EQ-001", **sent(begin_word(NOW, SYSTEM)), **more}


async def held(storage: Storage, key: str) -> WalkDown:
    """What the worker does: the machine is held."""
    walk_down, _ = await storage.walk_downs.read(key)
    await storage.walk_downs.intend(key, plan(walk_down, target()))
    await storage.walk_downs.record_held(key, NOW)
    return (await storage.walk_downs.read(key))[0]


async def test_two_persons_prove_a_machine(
    petra: httpx.AsyncClient, paula: httpx.AsyncClient, storage: Storage
) -> None:
    begun = await petra.post("/walk-downs", json=begins())
    assert begun.status_code == 202, begun.text
    assert begun.json()["state"] == "begun"
    key = begun.json()["key"]
    walk_down = await held(storage, key)
    shown = (await paula.get(f"/walk-downs/{key}")).json()
    assert (shown["state"], shown["plan"]["target"]["receiver"]) == ("held", "R1")
    assert shown["digest"] == walk_down.target_digest
    looked = await paula.post(f"/walk-downs/{key}/look", json=sent(look_word(walk_down, NOW)))
    assert (looked.status_code, looked.json()["state"]) == (202, "looked")
    assert looked.json()["signed"][1]["meaning"] == STANDS_STILL
    release = release_word(walk_down, NOW)
    body = {"meaning": READY_TO_RUN, "reason": release.reason, "at": timestamp(NOW), "signature": release.signature}
    released = await petra.post(f"/walk-downs/{key}/release", json=body)
    assert (released.status_code, released.json()["state"]) == (202, "releasing")
    await storage.walk_downs.record_release_call(key, unanswered=True)
    await storage.walk_downs.finish(key, NOW)
    [machine] = (await petra.get("/walk-downs/machines")).json()
    assert (machine["machine"], machine["state"], machine["proof"]) == ("machine-001", "proved", key)
    assert [each["key"] for each in (await petra.get("/walk-downs", params={"state": "proofs"})).json()] == [key]
    assert (await petra.get("/walk-downs")).json() == []


async def test_a_machine_is_not_proved_by_being_known(petra: httpx.AsyncClient) -> None:
    [machine] = (await petra.get("/walk-downs/machines")).json()
    assert (machine["equipment"], machine["system"], machine["state"]) == ("EQ-001", SYSTEM, "not_proved")


async def test_what_is_stated_stands_in_the_request(petra: httpx.AsyncClient, paula: httpx.AsyncClient) -> None:
    refused = await petra.post("/walk-downs", json=begins(meaning="it may"))
    assert refused.status_code == 422
    assert refused.json()["fix"].endswith(MAY_BE_STOPPED)
    refused = await petra.post("/walk-downs", json=begins(equipment="EQ-002"))
    assert (refused.status_code, refused.json()["field"]) == (409, "equipment")
    refused = await petra.post("/walk-downs", json=begins(machine="machine-009"))
    assert "no MES knows a machine machine-009" in refused.json()["detail"]
    unknown = await paula.post(
        "/walk-downs/WDAAAAAAAA/look", json=sent(begin_word(NOW, SYSTEM)) | {"meaning": STANDS_STILL}
    )
    assert unknown.status_code == 404
    assert (await petra.get("/walk-downs", params={"state": "some"})).status_code == 422


async def test_each_act_takes_its_role_and_a_name(
    app: FastAPI, caller: Caller, petra: httpx.AsyncClient, paula: httpx.AsyncClient
) -> None:
    assert (await paula.post("/walk-downs", json=begins())).status_code == 403
    assert (await petra.post("/walk-downs/WDAAAAAAAA/look", json={})).status_code == 403
    assert (await paula.post("/walk-downs/WDAAAAAAAA/release", json={})).status_code == 403
    async with caller(app, headers=AS_LOCAL) as local:
        assert (await local.post("/walk-downs", json=begins())).status_code == 403
    async for olaf in client(app, caller, "olaf"):
        assert (await olaf.post("/walk-downs/WDAAAAAAAA/withdraw", json={"reason": "so"})).status_code == 403


async def test_a_proof_is_withdrawn_by_one_person(paula: httpx.AsyncClient, storage: Storage) -> None:
    proof = await prove(storage.walk_downs, NOW, SYSTEM)
    withdrawn = await paula.post(f"/walk-downs/{proof.key}/withdraw", json={"reason": "the press was moved"})
    assert (withdrawn.status_code, withdrawn.json()["how_it_stands"]) == (200, "withdrawn: the press was moved")
    again = await paula.post(f"/walk-downs/{proof.key}/withdraw", json={"reason": "again"})
    assert again.status_code == 409
