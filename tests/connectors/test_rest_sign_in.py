"""How requests are signed in, by each kind of sign-in that a description may name."""

import asyncio
import base64
from typing import Any

import httpx
import pytest

from domain.cmms import OrderQuery
from domain.errors import ActionRequired, Refused, Unavailable
from tests.connectors.rest_answers import KEY, SMALL, Recorder, connected, reply, sent, settings_of

SESSION = "{ kind: session, path: /auth, user_field: email, password_field: word, token_field: a.b, header: X-Token }"
SIGN_IN = {"token": None, "user": "bot@plant", "password": "Quartz-Harbor"}


@pytest.mark.parametrize(
    ("auth", "own", "header", "value"),
    [
        ("{ kind: bearer }", {}, "authorization", "Bearer the-token"),
        ("{ kind: header, header: X-Key }", {}, "x-key", "the-token"),
        (
            "{ kind: basic }",
            SIGN_IN,
            "authorization",
            "Basic " + base64.b64encode(b"bot@plant:Quartz-Harbor").decode(),
        ),
    ],
    ids=["bearer", "header", "basic"],
)
async def test_each_request_is_signed_in(auth: str, own: dict[str, Any], header: str, value: str) -> None:
    wire = Recorder(reply({"name": "bot"}))
    settings = settings_of(SMALL.replace("{ kind: bearer }", auth), **own)
    assert await connected(wire, settings).check() == "Acme Maintenance at acme.example answers; signed in as bot"
    assert wire.asked[0].headers[header] == value


async def test_a_session_is_opened_once_and_again_after_it_has_ended() -> None:
    opened = reply({"a": {"b": "token-1"}})
    again = reply({"a": {"b": "token-2"}})
    wire = Recorder(opened, reply({}, 401), again, reply({"name": "bot"}))
    settings = settings_of(SMALL.replace("{ kind: bearer }", SESSION), **SIGN_IN)
    await connected(wire, settings).check()
    assert sent(wire.asked[0]) == {"email": "bot@plant", "word": "Quartz-Harbor"}
    assert [request.headers.get("x-token") for request in wire.asked] == [None, "token-1", None, "token-2"]


async def test_a_check_asks_each_time_whether_the_system_answers() -> None:
    wire = Recorder(reply({"name": "bot"}), reply({}, 503), reply({"name": "bot-2"}))
    cmms = connected(wire)
    assert (await cmms.check()).endswith("signed in as bot")
    with pytest.raises(Unavailable):
        await cmms.check()
    assert (await cmms.check()).endswith("signed in as bot-2")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (reply({}, 401), "credentials"),
        (reply({}, 403), "credentials"),
        (reply({"a": None}), "no text at a.b"),
    ],
    ids=["401", "403", "no token"],
)
async def test_a_sign_in_that_fails_is_for_a_person_and_tells_no_password(answer: httpx.Response, told: str) -> None:
    settings = settings_of(SMALL.replace("{ kind: bearer }", SESSION), **SIGN_IN)
    with pytest.raises(ActionRequired, match=told) as refused:
        await connected(Recorder(answer), settings).check()
    assert "Quartz-Harbor" not in str(vars(refused.value))


async def test_an_answer_with_an_empty_token_is_no_sign_in() -> None:
    settings = settings_of(
        SMALL.replace("{ kind: bearer }", "{ kind: client_credentials }"), **SIGN_IN, token_url="https://acme.example/t"
    )
    with pytest.raises(Refused, match="access_token"):
        await connected(Recorder(reply({"access_token": ""})), settings).check()


async def test_a_token_that_the_system_repeats_is_masked() -> None:
    settings = settings_of(SMALL.replace("{ kind: bearer }", SESSION), **SIGN_IN)
    wire = Recorder(reply({"a": {"b": "token-1"}}), reply({"message": "no right for token-1"}, 403))
    with pytest.raises(ActionRequired, match=r"no right for \[secret\]"):
        await connected(wire, settings).check()


async def test_several_requests_at_once_open_one_session() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return reply({"a": {"b": "token-1"}, "name": "bot", "rows": []})

    asked: list[str] = []
    cmms = connected(answer, settings_of(SMALL.replace("{ kind: bearer }", SESSION), **SIGN_IN))
    await asyncio.gather(*(cmms.find_work_orders(OrderQuery(key=KEY)) for _ in range(4)))
    assert asked.count("/api/auth") == 1
