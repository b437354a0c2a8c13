"""Tokens by client credentials: how many are fetched, for how long one is used, and what a refusal says."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.call import Call
from connectors.http import JsonSystem, VendorFault
from connectors.oauth import ClientCredentials, OAuthClient
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from millwright.runtime.setting_files import SecretInFile

CALL = Call("acme", "check")
SECRET = "Quartz-Harbor-7719"
URL = "https://login.example/oauth/token"


class Server:
    """An address that gives tokens.

    Args:
        answer: of each request; None gives another token each time.
    """

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response] | None = None, **fields: Any) -> None:
        self._answer = answer
        self._fields = fields
        self.asked: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        await asyncio.sleep(0)
        if self._answer is not None:
            return self._answer(request)
        return httpx.Response(200, json={"access_token": f"token-{len(self.asked)}", **self._fields})

    def client(
        self,
        secret: SecretStr | None = None,
        sends_it_in: Literal["header", "form"] = "header",
        scope: str | None = None,
    ) -> ClientCredentials:
        json = JsonSystem(
            httpx.AsyncClient(transport=httpx.MockTransport(self)),
            timeout=timedelta(seconds=5),
            concurrency=4,
            read_fault=lambda _: VendorFault(),
        )
        named = OAuthClient(URL, "bot", secret or SecretStr(SECRET), "client_secret", sends_it_in, scope)
        return ClientCredentials(named, json)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of the event loop, which the test sets."""
    time = [100.0]

    class Loop:
        def time(self) -> float:
            return time[0]

    monkeypatch.setattr("connectors.oauth.asyncio.get_running_loop", Loop)
    return time


@pytest.mark.parametrize(
    ("life", "good_for"),
    [(3600, 3540.0), (600, 540.0), (100, 90.0), (1, 0.9), ("3599", 3539.0)],
)
async def test_a_token_is_used_until_shortly_before_its_end(life: object, good_for: float, now: list[float]) -> None:
    server = Server(expires_in=life)
    tokens = server.client()
    assert await tokens.token(CALL) == "token-1"
    now[0] = 100.0 + good_for - 0.01
    assert await tokens.token(CALL) == "token-1"
    now[0] = 100.0 + good_for
    assert await tokens.token(CALL) == "token-2"


@pytest.mark.parametrize("fields", [{}, {"expires_in": None}])
async def test_a_token_without_an_end_is_used_until_it_is_refused(fields: dict[str, Any], now: list[float]) -> None:
    tokens = Server(**fields).client()
    assert await tokens.token(CALL) == "token-1"
    now[0] = 1e9
    assert await tokens.token(CALL) == "token-1"
    assert await tokens.token(CALL, refused="token-1") == "token-2"
    assert await tokens.token(CALL, refused="token-1") == "token-2"


async def test_the_life_counts_from_before_the_token_was_asked_for(now: list[float]) -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        now[0] += 500.0
        return httpx.Response(200, json={"access_token": "a-token", "expires_in": 550})

    server = Server(slow)
    tokens = server.client()
    for _ in range(2):
        await tokens.token(CALL)
    assert len(server.asked) == 2


@given(callers=st.lists(st.sampled_from([None, "token-1", "an-older-one"]), min_size=1, max_size=12))
async def test_however_many_ask_at_once_one_token_is_fetched_for_each_that_was_refused(
    callers: list[str | None],
) -> None:
    server = Server()
    tokens = server.client()
    await tokens.token(CALL)
    given_out = await asyncio.gather(*(tokens.token(CALL, refused=refused) for refused in callers))
    assert len(server.asked) == 1 + ("token-1" in callers)
    assert set(given_out[-1:]) <= {"token-1", "token-2"}


@pytest.mark.parametrize(
    ("way", "own", "header"), [("header", {}, True), ("form", {"client_id": "bot", "client_secret": SECRET}, False)]
)
async def test_the_secret_is_sent_in_one_place(
    way: Literal["header", "form"], own: dict[str, str], header: bool
) -> None:
    server = Server()
    await server.client(sends_it_in=way, scope="orders").token(CALL)
    (asked,) = server.asked
    form = {name: values[0] for name, values in parse_qs(asked.content.decode()).items()}
    assert form == {"grant_type": "client_credentials", "scope": "orders", **own}
    assert ("authorization" in asked.headers) == header


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), "the client id or the client secret is wrong"),
        (httpx.Response(400, json={"error": "invalid_client"}), "the client id or the client secret is wrong"),
        (httpx.Response(400, json={"error": "invalid_scope"}), "may not ask for this scope"),
        (httpx.Response(400, json={"error": "unauthorized_client"}), "may not get tokens"),
        (httpx.Response(403), "may not be used from here"),
        (httpx.Response(401, text="no"), "is wrong, or may not be used from here"),
    ],
)
async def test_an_address_that_refuses_our_client_is_named_with_the_setting(reply: httpx.Response, words: str) -> None:
    with pytest.raises(ActionRequired, match=words) as refused:
        await Server(lambda _: reply).client().token(CALL)
    assert (refused.value.field, "login.example" in str(refused.value)) == ("client_secret", True)


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (httpx.Response(400, json={"error": "unsupported_grant_type"}), Refused, "unsupported_grant_type"),
        (httpx.Response(400, text="[]"), Refused, r"refuses \(HTTP 400\)"),
        (httpx.Response(404), Refused, "does not accept the request"),
        (httpx.Response(429, headers={"retry-after": "7"}), Unavailable, "slow down"),
        (httpx.Response(503), Unavailable, "failed inside"),
        (
            httpx.Response(200, html="<html><title>Log on</title><input type='password'>"),
            ActionRequired,
            "sign-in page",
        ),
        (httpx.Response(200, json={"access_token": ""}), Refused, "access_token"),
        (httpx.Response(200, json={"access_token": "x", "expires_in": "soon"}), Refused, "expires_in"),
        (httpx.Response(200, json={"access_token": "x", "expires_in": -1}), Refused, "expires_in"),
    ],
)
async def test_what_the_address_says(reply: httpx.Response, error: type[ConnectorError], words: str) -> None:
    tokens = Server(lambda _: reply).client()
    with pytest.raises(ConnectorError, match=words) as refused:
        await tokens.token(CALL)
    assert type(refused.value) is error


async def test_a_refusal_repeats_neither_the_secret_nor_its_encoded_form() -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        words = f"{SECRET} {request.headers['authorization']}"
        return httpx.Response(400, json={"error": "invalid_client", "error_description": words})

    secret = SecretStr(SECRET)
    server = Server(echo)
    json = JsonSystem(
        httpx.AsyncClient(transport=httpx.MockTransport(server)),
        timeout=timedelta(seconds=5),
        concurrency=1,
        read_fault=lambda _: VendorFault(),
        secrets=(secret,),
    )
    with pytest.raises(ActionRequired) as refused:
        await ClientCredentials(OAuthClient(URL, "bot", secret, "client_secret", "header"), json).token(CALL)
    told = f"{refused.value!r} {vars(refused.value)}"
    assert SECRET not in told
    assert server.asked[0].headers["authorization"].removeprefix("Basic ") not in told
    assert told.count("[secret]") >= 2


def replace(file: Path, text: str) -> None:
    file.write_text(text)


async def test_a_secret_that_is_replaced_while_it_is_refused_is_tried_once_more(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        replace(file, "the-new-one")
        if b"the-new-one" in request.content:
            return httpx.Response(200, json={"access_token": "a-token"})
        return httpx.Response(401, json={"error": "invalid_client"})

    file = tmp_path / "secret"
    replace(file, SECRET)
    server = Server(answer)
    assert await server.client(SecretInFile(file, "X_FILE"), "form").token(CALL) == "a-token"
    assert len(server.asked) == 2
