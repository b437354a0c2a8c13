"""Both handshakes, by the tables of their specifications."""

import httpx
import orjson
import pytest

VALIDATION = {"aeg-event-type": "SubscriptionValidation", "Content-Type": "application/json"}


async def test_event_grid_gets_its_code_back_and_nothing_else(shared_api: httpx.AsyncClient) -> None:
    body = [
        {
            "id": "1",
            "topic": "t",
            "subject": "",
            "data": {"validationCode": "512d38b6", "validationUrl": "https://example.org/v"},
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": "2015-01-10T08:00:00Z",
        }
    ]
    reply = await shared_api.post("/events", content=orjson.dumps(body), headers=VALIDATION)
    assert (reply.status_code, reply.json()) == (200, {"validationResponse": "512d38b6"})


@pytest.mark.parametrize("body", [b"[]", b"{}", b"nonsense", b'[{"data": {}}]', b'[{"data": {"validationCode": 5}}]'])
async def test_a_validation_without_a_code_is_refused(shared_api: httpx.AsyncClient, body: bytes) -> None:
    reply = await shared_api.post("/events", content=body, headers=VALIDATION)
    assert (reply.status_code, reply.json()["field"]) == (400, "0.data.validationCode")


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ({"WebHook-Request-Origin": "eventemitter.example.com"}, ("eventemitter.example.com", "*")),
        (
            {"WebHook-Request-Origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120"},
            ("eventgrid.azure.net", "*"),
        ),
        ({}, (None, None)),
    ],
)
async def test_a_sender_that_asks_is_allowed(
    shared_api: httpx.AsyncClient, asked: dict[str, str], granted: tuple[str | None, str | None]
) -> None:
    reply = await shared_api.options("/events", headers=asked)
    assert reply.status_code == 200
    assert (reply.headers.get("webhook-allowed-origin"), reply.headers.get("webhook-allowed-rate")) == granted
    assert reply.headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("origin", ["", " ", "x" * 257])
async def test_an_origin_that_is_none_is_refused(shared_api: httpx.AsyncClient, origin: str) -> None:
    reply = await shared_api.options("/events", headers={"WebHook-Request-Origin": origin})
    assert (reply.status_code, reply.json()["field"]) == (400, "WebHook-Request-Origin")
