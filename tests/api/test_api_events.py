"""POST /events: every way in, and what a sender is told."""

import asyncio
import json

import httpx
import orjson
import pytest
from sqlalchemy import text

from domain.assets import Alias
from millwright.bootstrap import Storage
from tests.support.ingress import cloud_event, row, rows
from tests.support.plant import START

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
PLAIN = {"Content-Type": "application/json"}


async def post(api: httpx.AsyncClient, body: object, headers: dict[str, str]) -> httpx.Response:
    return await api.post("/events", content=body if isinstance(body, bytes) else orjson.dumps(body), headers=headers)


def event_grid(data: object) -> list[dict[str, object]]:
    return [
        {
            "id": "g1",
            "topic": "/subscriptions/s/topics/t",
            "subject": "machine-001",
            "eventType": "microsoft.iot.telemetry",
            "eventTime": "2015-01-10T08:00:00Z",
            "data": data,
            "dataVersion": "1.0",
        }
    ]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (cloud_event(row(100.1), "way-1"), STRUCTURED),
        (cloud_event(row(100.2), "way-2"), PLAIN),
        ([cloud_event(row(100.3), "way-3")], BATCH),
        ([cloud_event(row(100.4), "way-4")], PLAIN),
        (event_grid(row(100.5)), PLAIN | {"aeg-event-type": "Notification"}),
        (
            row(100.6),
            PLAIN
            | {
                "ce-specversion": "1.0",
                "ce-id": "way-0",
                "ce-source": "tests/adx",
                "ce-type": "microsoft.iot.telemetry",
            },
        ),
        (
            cloud_event(
                {"asset": "machine-001", "signal": "volt", "score": 6.0, "at": "2015-01-14T18:00:00Z"},
                "way-5",
                type="millwright.anomaly.v1",
            ),
            STRUCTURED,
        ),
    ],
    ids=["structured", "plain-single", "batch", "plain-array", "event-grid", "binary", "our-envelope"],
)
async def test_an_event_is_taken_in_every_way_that_it_may_travel(
    shared_api: httpx.AsyncClient, shared_storage: Storage, body: object, headers: dict[str, str]
) -> None:
    reply = await post(shared_api, body, headers)
    assert (reply.status_code, reply.json()["accepted"]) == (202, 1), reply.text
    [item] = reply.json()["items"]
    assert item["status"] == "accepted"
    stored = await rows(
        shared_storage.engine,
        "SELECT e.ingress, e.asset FROM events e JOIN pending p ON p.event_id = e.id WHERE e.external_id = :id",
        id=item["id"],
    )
    assert stored == [("http/local", "machine-001-comp1")]


async def test_each_event_of_a_batch_is_told_its_own_status(api: httpx.AsyncClient, storage: Storage) -> None:
    batch = [
        cloud_event(row(1), "new"),
        cloud_event(row(1), "same-observation"),
        cloud_event(row(2, score=-1), "negative"),
        cloud_event(row(2, device="PDM-999"), "unknown-device"),
        cloud_event({"volt": 3}, "calm"),
    ]
    reply = await post(api, batch, BATCH)
    assert reply.status_code == 202
    told = {item["id"]: (item["status"], item.get("field")) for item in reply.json()["items"]}
    assert told == {
        "new": ("accepted", None),
        "same-observation": ("duplicate", None),
        "negative": ("quarantined", "data.score"),
        "unknown-device": ("unmapped", "data.DeviceId"),
        "calm": ("not_an_anomaly", None),
    }
    assert (reply.json()["accepted"], reply.json()["duplicates"]) == (4, 1)
    counts = await storage.inbox.counts()
    assert counts["received"] == 5


@pytest.mark.parametrize(
    ("event", "status", "field"),
    [
        (cloud_event(row(1), "x0", specversion=None), 422, "specversion"),
        (cloud_event(row(1), "x1", source=None), 422, "source"),
        (cloud_event(row(1), "x2", type=7), 422, "type"),
        (cloud_event(row(1), "x3", id=""), 422, "id"),
        (cloud_event("text", "x4"), 422, "data"),
        (cloud_event(row(1, score="high"), "x5"), 422, "data.score"),
        (cloud_event(row(1, score=-3), "x6"), 422, "data.score"),
        (cloud_event(row(1, Timestamp="2099-01-01T00:00:00Z"), "x7"), 422, "data.Timestamp"),
        (cloud_event(row(1, Timestamp="yesterday"), "x8"), 422, "data.Timestamp"),
        (cloud_event(row(1, confidence=1.5), "x9"), 422, "data.confidence"),
        (cloud_event(row(1, confidence=-0.1), "x10"), 422, "data.confidence"),
        (cloud_event(row(1, DeviceId="PDM\x00001"), "x11"), 422, "data.DeviceId"),
        (cloud_event({"asset": 5}, "x12", type="millwright.anomaly.v1"), 422, "data.asset"),
        (cloud_event({}, "x13", type="millwright.anomaly.v9"), 422, "type"),
        (json.dumps(cloud_event(row(1, score=float("nan")), "x14")).encode(), 422, "data.score"),
        (b'{"specversion": "1.0", ', 400, None),
        (b"\xff\xfe\x00", 400, None),
        (b"[" * 100_000, 400, None),
        (b"7", 400, None),
    ],
)
async def test_an_unreadable_event_is_refused_by_the_name_of_its_field_and_kept(
    shared_api: httpx.AsyncClient, shared_storage: Storage, event: object, status: int, field: str | None
) -> None:
    reply = await post(shared_api, event, STRUCTURED)
    problem = reply.json()
    assert (reply.status_code, problem.get("field")) == (status, field), reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert problem["type"].startswith("urn:millwright:problem:")
    assert problem["detail"]
    stored = await rows(
        shared_storage.engine,
        "SELECT fate, field FROM events WHERE source = :source AND external_id = :id",
        source=problem["source"],
        id=problem["id"],
    )
    assert stored == [("quarantined", field)]


async def test_a_refused_event_sent_again_corrected_is_taken_as_that_event(
    api: httpx.AsyncClient, storage: Storage
) -> None:
    assert (await post(api, cloud_event(row(1, score=-3), "x"), STRUCTURED)).status_code == 422
    again = await post(api, cloud_event(row(1), "x"), STRUCTURED)
    assert again.json()["items"] == [{"id": "x", "status": "redriven"}]
    waiting = await rows(storage.engine, "SELECT e.asset FROM events e JOIN pending p ON p.event_id = e.id")
    assert waiting == [("machine-001-comp1",)]
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["duplicate"], counts["undecided"]) == (2, 1, 1)


async def test_event_grid_is_not_made_to_try_for_a_day(shared_api: httpx.AsyncClient) -> None:
    reply = await post(shared_api, event_grid(row(1, score=-3)), PLAIN | {"aeg-event-type": "Notification"})
    assert (reply.status_code, reply.json()["field"]) == (400, "data.score")


async def test_a_body_over_one_mebibyte_is_refused_with_the_limit(api: httpx.AsyncClient, storage: Storage) -> None:
    reply = await post(api, b" " * (1024 * 1024 + 1), BATCH)
    assert reply.status_code == 413
    assert "1048576 bytes" in reply.json()["detail"]

    async def unannounced() -> object:
        for _ in range(1025):
            yield b" " * 1024

    assert (await api.post("/events", content=unannounced(), headers=BATCH)).status_code == 413  # type: ignore[arg-type]
    assert await rows(storage.engine, "SELECT 1 FROM events") == []


async def test_a_body_of_just_one_mebibyte_is_read(shared_api: httpx.AsyncClient) -> None:
    event = orjson.dumps([cloud_event(row(1), "a")])
    assert (await post(shared_api, event + b" " * (1024 * 1024 - len(event)), BATCH)).status_code == 202


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x"])
async def test_a_media_type_that_is_not_read_here_is_refused(shared_api: httpx.AsyncClient, media_type: str) -> None:
    reply = await post(shared_api, b"x", {"Content-Type": media_type})
    assert (reply.status_code, reply.json()["field"]) == (415, "Content-Type")
    assert "application/cloudevents+json" in reply.json()["fix"]


async def test_an_empty_batch_is_no_fault(shared_api: httpx.AsyncClient) -> None:
    reply = await post(shared_api, [], BATCH)
    assert (reply.status_code, reply.json()) == (202, {"accepted": 0, "duplicates": 0, "refused": 0, "items": []})


async def test_requests_at_once_are_each_told_of_their_own(api: httpx.AsyncClient, storage: Storage) -> None:
    bodies = [[cloud_event(row(n / 100 + i / 1000), f"{n}-{i}") for i in range(5)] for n in range(20)]
    bodies += [bodies[0], bodies[1]]
    replies = await asyncio.gather(*(post(api, body, BATCH) for body in bodies))
    assert sum(reply.json()["accepted"] for reply in replies) == 100
    assert sum(reply.json()["duplicates"] for reply in replies) == 10
    assert [item["id"] for item in replies[7].json()["items"]] == [f"7-{i}" for i in range(5)]
    assert (await storage.inbox.counts())["received"] == 110


async def test_storage_that_is_away_is_said_with_when_to_come_back(api: httpx.AsyncClient, storage: Storage) -> None:
    await post(api, cloud_event(row(1), "a"), STRUCTURED)
    async with storage.engine.begin() as connection:
        await connection.execute(text("LOCK TABLE due IN ACCESS EXCLUSIVE MODE"))
        async with storage.engine.connect() as other:
            # What an administrator's command, or a crash, does to a connection in the middle of its work.
            request = asyncio.create_task(post(api, cloud_event(row(2), "b"), STRUCTURED))
            killed: object = None
            while killed is None:
                await asyncio.sleep(0.01)
                killed = await other.scalar(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE wait_event_type = 'Lock' AND datname = current_database()"
                    )
                )
                await other.rollback()
        reply = await asyncio.wait_for(request, 10)
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert await rows(storage.engine, "SELECT external_id FROM events") == [("a",)]


async def test_a_device_imported_a_moment_ago_is_known_at_once(api: httpx.AsyncClient, storage: Storage) -> None:
    await post(api, cloud_event(row(1), "a"), STRUCTURED)
    alias = Alias(system="device", external_id="PDM-002", asset="machine-001", valid_from=START)
    await storage.register.map_alias(alias, "tests")
    reply = await post(api, cloud_event(row(2, device="PDM-002"), "b"), STRUCTURED)
    assert reply.json()["items"][0]["status"] == "accepted"


async def test_one_item_that_storage_will_not_hold_does_not_take_the_others_with_it(
    api: httpx.AsyncClient, storage: Storage
) -> None:
    async with storage.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE events ADD CONSTRAINT odd CHECK (external_id <> 'e7')"))
    reply = await post(api, [cloud_event(row(n / 10), f"e{n}") for n in range(20)], BATCH)
    assert (reply.status_code, reply.json()["accepted"]) == (202, 20)
    counts = await storage.inbox.counts()
    assert (counts["undecided"], counts["quarantined"]) == (19, 1)
