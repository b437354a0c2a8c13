"""The webhooks of the sandbox's MaintainX: who is told what, with which signatures, and until when."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.clock import PlantClock
from sandbox.http_server import HttpServer
from sandbox.maintainx.server import MaintainXServer
from sandbox.maintainx.store import WorkOrder

START = datetime(2026, 11, 21, 6, 50, 10, tzinfo=UTC)
KEY = "eyJ-robot-key"
TYPE = "WORK_ORDER_STATUS_CHANGE"


@dataclass
class Receiver:
    """Somebody's web server, which keeps what it is sent."""

    status: int = 200
    got: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.got.append((await request.body(), dict(request.headers)))
        await Response(status_code=self.status)(scope, receive, send)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body, _ in self.got]


@dataclass
class Subscriber:
    """A MaintainX, a client with a key, and a receiver."""

    server: MaintainXServer
    http: httpx.AsyncClient
    receiver: Receiver
    url: str

    async def subscribe(self, **more: Any) -> dict[str, Any]:
        reply = await self.http.post("/subscriptions", json={"type": TYPE, "url": self.url, **more})
        assert reply.status_code == 201
        answer: dict[str, Any] = reply.json()
        return answer

    def order(self) -> WorkOrder:
        return self.server.open_order(self.server.add_asset("EQ-7"), "Bearing")

    async def move(self, order: WorkOrder, status: str) -> list[dict[str, Any]]:
        self.server.change_status(order, status)
        await self.server.subscriptions.delivered()
        return self.receiver.events()


@pytest.fixture
async def subscriber() -> AsyncIterator[Subscriber]:
    server, receiver = MaintainXServer(PlantClock(START), KEY), Receiver()
    listening = HttpServer(receiver)
    await server.start()
    await listening.start()
    http = httpx.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {KEY}"})
    yield Subscriber(server, http, receiver, f"{listening.url}/hooks/maintainx?site=1")
    await http.aclose()
    await server.stop()
    await listening.stop()


async def test_a_subscription_has_a_secret_and_can_be_listed_and_ended(subscriber: Subscriber) -> None:
    made = await subscriber.subscribe()
    assert set(made) >= {"id", "status", "secret"}
    assert made["status"] == "VALID"
    secret = (await subscriber.http.get(f"/subscriptions/{made['id']}/secret")).json()
    assert secret == {"secret": made["secret"]}
    (row,) = (await subscriber.http.get("/subscriptions")).json()["subscriptions"]
    assert (row["id"], row["url"], "secret" in row) == (made["id"], subscriber.url, False)
    await subscriber.http.delete(f"/subscriptions/{made['id']}")
    assert (await subscriber.http.get("/subscriptions")).json()["subscriptions"] == []


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"type": "EVERYTHING"}, "type"),
        ({"type": [TYPE]}, "type"),
        ({"url": "ftp://plant"}, "url"),
        ({"url": "https://plant.example/" + "x" * 500}, "url"),
        ({"events": []}, "events"),
    ],
    ids=["no type", "two types", "no address", "too long", "unknown"],
)
async def test_a_wrong_subscription_is_refused(subscriber: Subscriber, body: dict[str, Any], named: str) -> None:
    reply = await subscriber.http.post("/subscriptions", json={"type": TYPE, "url": subscriber.url, **body})
    assert (reply.status_code, reply.json()["errors"][0]["fieldPath"]) == (400, named)


async def test_an_event_is_signed_over_its_body_and_over_its_address(subscriber: Subscriber) -> None:
    secret = (await subscriber.subscribe())["secret"].encode()
    await subscriber.move(subscriber.order(), "IN_PROGRESS")
    ((body, headers),) = subscriber.receiver.got
    stamp = str(int(START.timestamp()))
    for name, signed in (("body", body), ("uri", subscriber.url.encode())):
        expected = hmac.new(secret, stamp.encode() + b"." + signed, hashlib.sha256).hexdigest()
        assert headers[f"x-maintainx-webhook-{name}-signature"] == f"t={stamp},v1={expected}"


@pytest.mark.parametrize(
    ("status", "told_as"),
    [
        ("IN_PROGRESS", ("IN_PROGRESS", None)),
        ("ON_HOLD", ("ON_HOLD", None)),
        ("DONE", ("DONE", None)),
        ("CANCELED", ("DONE", "CANCELED")),
        ("SKIPPED", ("DONE", "SKIPPED")),
    ],
)
async def test_what_was_not_done_is_told_as_done_with_a_sub_status(
    subscriber: Subscriber, status: str, told_as: tuple[str, str | None]
) -> None:
    await subscriber.subscribe()
    order = subscriber.order()
    (event,) = await subscriber.move(order, status)
    assert (event["newStatus"], event.get("newSubStatus")) == told_as
    assert (event["oldStatus"], event["workOrderId"], event["orgId"]) == ("OPEN", order.id, 1)
    assert "newWorkOrder" not in event
    _, back = await subscriber.move(order, "OPEN")
    assert (back["oldStatus"], back.get("oldSubStatus")) == told_as


async def test_an_event_may_have_the_whole_order(subscriber: Subscriber) -> None:
    await subscriber.subscribe(options={"serializeEntity": True})
    (event,) = await subscriber.move(subscriber.order(), "DONE")
    assert event["newWorkOrder"]["title"] == "Bearing"


async def test_only_the_wanted_states_of_the_wanted_type_are_told(subscriber: Subscriber) -> None:
    await subscriber.subscribe(filters={"oneOfStatuses": ["DONE"]})
    await subscriber.subscribe(type="NEW_COMMENT_ON_WORK_ORDER")
    order = subscriber.order()
    assert await subscriber.move(order, "ON_HOLD") == []
    assert [event["newStatus"] for event in await subscriber.move(order, "DONE")] == ["DONE"]


@pytest.mark.parametrize(("query", "events"), [("", 1), ("?skipWebhook=true", 0)])
async def test_a_client_may_keep_its_own_change_from_being_told(
    subscriber: Subscriber, query: str, events: int
) -> None:
    await subscriber.subscribe()
    order = subscriber.order()
    await subscriber.http.patch(f"/workorders/{order.id}/status{query}", json={"status": "DONE"})
    await subscriber.server.subscriptions.delivered()
    assert (len(subscriber.receiver.got), order.status) == (events, "DONE")


async def test_a_subscription_whose_receiver_fails_again_and_again_is_deleted(subscriber: Subscriber) -> None:
    await subscriber.subscribe()
    order = subscriber.order()
    subscriber.receiver.status = 500
    await subscriber.move(order, "IN_PROGRESS")
    await subscriber.move(order, "ON_HOLD")
    subscriber.receiver.status = 200
    await subscriber.move(order, "OPEN")
    subscriber.receiver.status = 500
    for status in ("IN_PROGRESS", "ON_HOLD", "DONE"):
        assert len((await subscriber.http.get("/subscriptions")).json()["subscriptions"]) == 1
        await subscriber.move(order, status)
    assert (await subscriber.http.get("/subscriptions")).json()["subscriptions"] == []
    assert len(await subscriber.move(order, "OPEN")) == 6
