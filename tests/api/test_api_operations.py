"""Idleness, hints, figures, alarms, readiness and the OpenAPI document."""

import asyncio

import httpx
import orjson
from fastapi import FastAPI
from sqlalchemy import text

from domain.canonical import timestamp
from millwright.bootstrap import Storage
from tests.support.ingress import NOW, cloud_event, row, rows

UNTIL = {"until": timestamp(NOW)}


async def take(api: httpx.AsyncClient) -> None:
    await api.post(
        "/events",
        content=orjson.dumps(cloud_event(row(1), "a")),
        headers={"Content-Type": "application/cloudevents+json"},
    )


async def settle(storage: Storage) -> None:
    async with storage.engine.begin() as connection:
        await connection.execute(text("DELETE FROM pending"))
        await connection.execute(text("UPDATE due SET due_at = NULL"))


async def test_an_empty_plant_is_idle(api: httpx.AsyncClient) -> None:
    reply = await api.get("/idle", params=UNTIL)
    assert reply.json() == {"idle": True, "waiting_on": {"events": 0, "due": 0}, "next_case_due": None}


async def test_an_event_without_a_fate_keeps_the_plant_from_rest(api: httpx.AsyncClient) -> None:
    await take(api)
    reply = await api.get("/idle", params=UNTIL)
    assert reply.json()["waiting_on"] == {"events": 1, "due": 1}
    assert reply.json()["idle"] is False


async def test_who_waits_for_rest_is_told_as_soon_as_it_comes(api: httpx.AsyncClient, storage: Storage) -> None:
    await take(api)
    waiting = asyncio.create_task(api.get("/idle", params=UNTIL | {"wait": "30"}))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await settle(storage)
    reply = await asyncio.wait_for(waiting, 10)
    assert reply.json()["idle"] is True


async def test_what_falls_due_later_is_no_hindrance_but_is_told(api: httpx.AsyncClient, storage: Storage) -> None:
    async with storage.engine.begin() as connection:
        await connection.execute(
            text("INSERT INTO due VALUES ('case/MWX', '2015-02-01T00:00:00Z', 1), ('poll/x', '2015-01-20Z', 1)")
        )
    reply = await api.get("/idle", params=UNTIL)
    assert (reply.json()["idle"], reply.json()["next_case_due"]) == (True, "2015-02-01T00:00:00Z")


async def test_a_question_about_rest_needs_an_instant_and_a_bounded_wait(shared_api: httpx.AsyncClient) -> None:
    for query, field in (({}, "until"), ({"until": "noon"}, "until"), (UNTIL | {"wait": "31"}, "wait")):
        reply = await shared_api.get("/idle", params=query)
        assert (reply.status_code, reply.json()["field"]) == (422, field)


async def test_a_hint_wakes_the_poll_and_an_unknown_system_is_not_found(
    api: httpx.AsyncClient, storage: Storage
) -> None:
    reply = await api.post("/hints/maximo", content=b'{"whatever": "is not looked at"}')
    assert reply.status_code == 202
    assert await rows(storage.engine, "SELECT subject, due_at FROM due") == [("poll/maximo", NOW)]
    unknown = await api.post("/hints/sap")
    assert (unknown.status_code, unknown.json()["fix"]) == (404, "there is: maximo")


async def test_the_figures_add_up(api: httpx.AsyncClient) -> None:
    await take(api)
    await take(api)
    summary = (await api.get("/summary")).json()
    events = summary["events"]
    assert (events["received"], events["undecided"], events["duplicate"]) == (2, 1, 1)
    assert (await api.get("/verdicts/ordering")).json() == []
    assert (await api.get("/verdicts/ordering", params={"version": "9.9.9"})).status_code == 404


async def test_an_alarm_by_hand_goes_the_way_of_a_detectors(api: httpx.AsyncClient, storage: Storage) -> None:
    alarm = {"asset": "machine-001", "component": "machine-001-comp1", "text": "knocks at 1,500/min", "id": "round-7"}
    replies = [await api.post("/alarms", json=alarm) for _ in range(2)]
    assert [(reply.status_code, reply.json()["status"]) for reply in replies] == [(202, "accepted"), (202, "duplicate")]
    stored = await rows(
        storage.engine, "SELECT asset, failure_mode, anomaly->>'raised_by', anomaly->>'kind', at FROM events"
    )
    assert stored == [("machine-001-comp1", "PDE", "local", "manual", NOW)]


async def test_an_alarm_is_refused_by_the_name_of_its_field(shared_api: httpx.AsyncClient) -> None:
    for alarm, field in (
        ({"asset": "machine-001", "component": "x"}, "text"),
        ({"asset": "machine-001", "text": "smoke", "raised_by": "someone else", "component": "x"}, "raised_by"),
        ({"asset": "machine-001", "component": "machine-001-comp1", "text": " "}, "text"),
    ):
        reply = await shared_api.post("/alarms", json=alarm)
        assert (reply.status_code, reply.json()["field"]) == (422, field)


async def test_life_and_readiness_are_two_questions(shared_api: httpx.AsyncClient) -> None:
    assert (await shared_api.get("/health")).status_code == 200
    ready = await shared_api.get("/ready")
    assert (ready.status_code, ready.json()["storage"]) == (503, "answers")
    assert "not connected" in ready.json()["engine"]


async def test_every_route_is_described_in_the_openapi_document(shared_api: httpx.AsyncClient) -> None:
    document = (await shared_api.get("/openapi.json")).json()
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            assert route.get("description"), f"{method} {path}"
    assert "AnomalyEnvelope" in document["components"]["schemas"]


async def test_what_is_not_there_is_said_as_a_problem(shared_api: httpx.AsyncClient) -> None:
    assert (await shared_api.get("/nowhere")).headers["content-type"] == "application/problem+json"
    assert (await shared_api.delete("/events")).status_code == 405


async def test_a_fault_of_ours_shows_a_reference_and_no_traceback(app: FastAPI, api: httpx.AsyncClient) -> None:
    def broken() -> None:
        raise LookupError("secret detail")

    app.add_api_route("/broken", broken)
    reply = await api.get("/broken")
    assert reply.status_code == 500
    assert "secret detail" not in reply.text
    assert "logged as" in reply.json()["detail"]
