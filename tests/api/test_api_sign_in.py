"""Who may do what, and how they are known."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from millwright.api import sign_in
from millwright.bootstrap import Storage
from tests.api.conftest import Caller
from tests.support.people import add
from tests.support.plant import START, TestClock

ELSEWHERE = "203.0.113.7"


@pytest.fixture(scope="session")
async def keys(shared_app: FastAPI, shared_storage: Storage) -> dict[str, str]:
    """The API keys of four persons with one role each."""
    keys = {}
    for role in ("ingest", "planner", "operator", "reader"):
        keys[role] = (await add(shared_storage.people, f"{role}-person", [role], START)).api_key
    # Storage may have been asked less than a second ago, for a test with a wrong key.
    shared_app.state.deps.keys = sign_in.KeyRing(shared_storage.engine, TestClock(START))
    return keys


def signed(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "Basic bG9jYWw6", "wrong"])
async def test_a_wrong_key_is_refused_also_in_local_mode(shared_api: httpx.AsyncClient, header: str) -> None:
    reply = await shared_api.get("/events", headers={"Authorization": header})
    assert reply.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/events", {"ingest"}),
        ("POST", "/alarms", {"operator", "planner"}),
        ("GET", "/events", {"reader", "planner", "operator"}),
        ("POST", "/events/1/redrive", {"operator"}),
        ("GET", "/cases", {"reader", "planner", "operator"}),
        ("POST", "/cases/MW1/decision", {"planner"}),
        ("POST", "/hints/maximo", {"operator", "ingest"}),
        ("GET", "/summary", {"reader", "planner", "operator"}),
    ],
)
async def test_each_role_may_do_its_own_and_no_more(
    shared_app: FastAPI, caller: Caller, keys: dict[str, str], method: str, path: str, allowed: set[str]
) -> None:
    async with caller(shared_app, ELSEWHERE) as client:
        statuses = {
            role: (await client.request(method, path, headers=signed(key), json={})).status_code
            for role, key in keys.items()
        }
    assert {role for role, status in statuses.items() if status != 403} == allowed
    assert 401 not in statuses.values()


async def test_a_person_who_came_is_known_at_once_and_one_who_left_is_forgotten(
    app: FastAPI, caller: Caller, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "_KEPT_FOR", 0.0)
    key = (await add(storage.people, "rita", ["reader"], START)).api_key
    async with caller(app, ELSEWHERE, headers=signed(key)) as client:
        assert (await client.get("/events")).status_code == 200
        async with storage.engine.begin() as connection:
            await connection.exec_driver_sql("UPDATE people SET left_at = now()")
        assert (await client.get("/events")).status_code == 401


async def test_no_key_is_ever_logged(
    shared_app: FastAPI, caller: Caller, keys: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with caller(shared_app, ELSEWHERE) as client:
        await client.get("/events", headers=signed(keys["reader"]))
        await client.get("/events", headers=signed("a-wrong-key"))
    assert keys["reader"] not in caplog.text
    assert "a-wrong-key" not in caplog.text


async def test_an_expired_key_is_refused_without_another_look_at_storage(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = TestClock(START)
    key = (await add(storage.people, "rita", ["reader"], START)).api_key
    ring = sign_in.KeyRing(storage.engine, clock)
    assert await ring.person(key) is not None
    monkeypatch.setattr(sign_in, "_KEPT_FOR", float("inf"))
    monkeypatch.setattr(sign_in, "_LOOK_AGAIN_AFTER", float("inf"))
    clock.time = START + timedelta(days=100 * 365)
    assert await ring.person(key) is None
