"""The auditor's questions over HTTP."""

from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from fastapi import FastAPI

from domain.canonical import timestamp
from millwright.audit.questions.asking import QUESTIONS
from millwright.bootstrap import Storage
from tests.api.conftest import Caller
from tests.support.ingress import NOW
from tests.support.judged_plant import Plant
from tests.support.people import add
from tests.support.plant import PUMP, code, deviation

TERMS = {
    "signed": {"ref": "1.1.0"},
    "affected": {"ref": "1.1.0"},
    "in-force": {"at": timestamp(NOW), "asset": PUMP},
    "changed": {},
    "suppressed": {},
    "duties": {},
    "settings": {"at": timestamp(NOW)},
}


@pytest.fixture
async def signed_in(app: FastAPI, storage: Storage, caller: Caller) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """An auditor and a planner, each calling from elsewhere with their own key."""
    await Plant(storage.engine).prepare()
    clients = {}
    for role in ("auditor", "planner"):
        person = await add(storage.people, role, [role], NOW)
        clients[role] = caller(app, "10.0.0.9", headers={"Authorization": f"Bearer {person.api_key}"})
    yield clients
    for client in clients.values():
        await client.aclose()


@pytest.mark.parametrize("question", TERMS)
async def test_an_auditor_is_answered(signed_in: dict[str, httpx.AsyncClient], question: str) -> None:
    reply = await signed_in["auditor"].get(f"/audit/{question}", params=TERMS[question])
    assert reply.status_code == 200, reply.text
    told = orjson.loads(reply.content)
    assert (told["question"], list(told)) == (
        question,
        ["asked", "columns", "head", "proofs", "question", "rows", "words"],
    )


@pytest.mark.parametrize("question", ["decided", "not-done", "remade"])
async def test_an_auditor_is_answered_about_an_event(storage: Storage, api: httpx.AsyncClient, question: str) -> None:
    plant = Plant(storage.engine)
    await plant.prepare()
    await plant.take(code(1), deviation(2))
    (number,) = (row[0] for row in await plant.rows("SELECT event_id FROM evidence WHERE how = 'opened'"))
    for ref in (f"event/{number}", "nobody knows this"):
        reply = await api.get(f"/audit/{question}", params={"ref": ref})
        assert (reply.status_code, "nothing is known" in reply.text) in ((200, False), (409, True)), reply.text


async def test_only_an_auditor_may_ask(signed_in: dict[str, httpx.AsyncClient]) -> None:
    reply = await signed_in["planner"].get("/audit/duties")
    assert (reply.status_code, orjson.loads(reply.content)["type"]) == (403, orjson.loads(reply.content)["type"])
    assert "auditor" in reply.text


async def test_an_answer_comes_as_csv_where_it_is_asked_for(signed_in: dict[str, httpx.AsyncClient]) -> None:
    reply = await signed_in["auditor"].get("/audit/changed", params={"format": "csv"})
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.text.startswith("at,local,by,name,did,subject,why,terms,ledger,digest\r\n")
    assert "policy approved" in reply.text


async def test_what_is_not_known_is_said_in_one_sentence(signed_in: dict[str, httpx.AsyncClient]) -> None:
    reply = await signed_in["auditor"].get("/audit/decided", params={"ref": "nobody knows this"})
    assert reply.status_code in (404, 409, 422)
    assert "nothing is known" in reply.text


async def test_every_question_has_its_address(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    assert {path.removeprefix("/audit/") for path in paths if path.startswith("/audit/")} == set(QUESTIONS)
