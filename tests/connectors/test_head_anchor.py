"""The anchor gets each head over the wire, and its refusals are errors of ours."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.head_anchor import HeadAnchor
from domain.errors import ActionRequired, ConnectorError, Unavailable
from sandbox.http_server import HttpServer

HEAD = "7:" + "ab" * 32
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Outside:
    """A system that keeps what it gets and answers as it is told."""

    def __init__(self) -> None:
        self.kept: list[tuple[Mapping[str, str], object]] = []
        self.answer = Response(status_code=204)
        self.server = HttpServer(Starlette(routes=[Route("/heads", self.take, methods=["POST"])]))

    async def take(self, request: Request) -> Response:
        self.kept.append((request.headers, json.loads(await request.body())))
        return self.answer

    def url(self, user: str = "", query: str = "") -> SecretStr:
        return SecretStr(f"http://{user}127.0.0.1:{self.server.port}/heads{query}")


@asynccontextmanager
async def _served() -> AsyncIterator[Outside]:
    outside = Outside()
    await outside.server.start()
    try:
        yield outside
    finally:
        await outside.server.stop()


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with _served() as served:
        yield served


@pytest.mark.parametrize("answer", [Response(status_code=204), Response(status_code=202), Response("kept")])
async def test_any_success_keeps_the_head(outside: Outside, answer: Response) -> None:
    outside.answer = answer
    await HeadAnchor(outside.url()).keep(HEAD, AT)
    assert [body for _, body in outside.kept] == [{"head": HEAD, "at": "2026-01-31T12:00:00.000000Z"}]


async def test_user_and_password_of_the_url_are_sent(outside: Outside) -> None:
    await HeadAnchor(outside.url("anchor:word@")).keep(HEAD, AT)
    assert outside.kept[0][0]["authorization"] == "Basic YW5jaG9yOndvcmQ="


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response("<html><title>Sign in</title><input type=password></html>", media_type="text/html"), ActionRequired),
        (Response("<html><title>Away</title></html>", status_code=202, media_type="text/html"), ConnectorError),
        (Response(status_code=302, headers={"location": "https://sign-in.test/"}), ActionRequired),
        (Response("no", status_code=403), ActionRequired),
        (Response("later", status_code=503), Unavailable),
    ],
)
async def test_what_is_no_success_is_an_error_without_the_url(
    outside: Outside, answer: Response, error: type[ConnectorError]
) -> None:
    outside.answer = answer
    with pytest.raises(error) as refused:
        await HeadAnchor(outside.url(query="?sig=a-secret")).keep(HEAD, AT)
    assert "a-secret" not in str(refused.value)


async def test_an_anchor_that_is_gone_is_unavailable() -> None:
    async with _served() as gone:
        url = gone.url()
    with pytest.raises(Unavailable, match="nothing answers"):
        await HeadAnchor(url).keep(HEAD, AT)


@pytest.mark.parametrize("url", ["anchor.test/heads", "https://anchor.test:port/heads", "https://\N{SNOWMAN}..test/"])
async def test_what_is_no_address_is_for_a_person_to_correct(url: str) -> None:
    with pytest.raises(ActionRequired):
        await HeadAnchor(SecretStr(url)).keep(HEAD, AT)
