"""The limits of requests, over sockets: head, body, time, sender, and number."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from fastapi import FastAPI

from millwright.api import running
from millwright.api.bounded_http import BoundedHttp
from millwright.api.dependencies import MOST_WAITING
from millwright.api.refusals import MOST_ADDRESSES, MOST_OF_ALL, MOST_OF_ONE, WINDOW, Refusals
from millwright.bootstrap import Storage
from millwright.settings import Settings
from tests.api.conftest import Caller
from tests.support.ingress import NOW, cloud_event, row, until
from tests.support.local_mode import AS_LOCAL
from tests.support.people import add
from tests.support.served_api import served

_SOON = 0.5
"""Seconds, in the place of the bounds on time."""
_KEY = f"authorization: {AS_LOCAL['Authorization']}\r\n"
_HEAD = "POST /stops HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"


class Conversation(NamedTuple):
    """A connection to the API."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def says(self, text: str | bytes) -> None:
        self.writer.write(text.encode() if isinstance(text, str) else text)
        await self.writer.drain()

    async def trickles(self, text: str) -> None:
        """Sends one character after the other until it is ended."""
        for character in text:
            await self.says(character)
            await asyncio.sleep(_SOON / 10)

    async def answer(self, within: float = 5 * _SOON) -> str:
        """Everything that comes until the API closes the connection, or the time is over."""
        found = b""
        try:
            async with asyncio.timeout(within):
                while piece := await self.reader.read(65536):
                    found += piece
        except (TimeoutError, ConnectionResetError):
            found += b"[still open]"
        return found.decode()


@pytest.fixture
async def url(app: FastAPI, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.URL]:
    for bound in ("longest_head", "longest_body", "longest_stall"):
        monkeypatch.setattr(BoundedHttp, bound, _SOON)
    monkeypatch.setattr(running, "_MOST_CONNECTIONS", 6)
    monkeypatch.setattr(running, "_MOST_OF_ONE", 2)
    async with served(app, settings) as url:
        yield url


Connect = Callable[..., Awaitable[Conversation]]


@pytest.fixture
async def connect(url: httpx.URL) -> AsyncIterator[Connect]:
    """Opens connections to the API from an address of this machine, which are closed at the end."""
    opened: list[Conversation] = []

    async def one_more(address: str = "127.0.0.1") -> Conversation:
        streams = await asyncio.open_connection(url.host, url.port, local_addr=(address, 0))
        opened.append(Conversation(*streams))
        return opened[-1]

    yield one_more
    for conversation in opened:
        conversation.writer.close()
        with suppress(ConnectionError):
            await conversation.writer.wait_closed()


async def test_a_connection_that_says_nothing_is_ended(connect: Connect) -> None:
    answer = await (await connect()).answer()
    assert answer.startswith("HTTP/1.1 408 Request Timeout\r\n")
    assert "the headers of the request took longer than 0.5 s" in answer
    assert answer.endswith("}")


async def test_headers_that_trickle_are_ended(connect: Connect) -> None:
    caller = await connect()
    trickling = asyncio.create_task(caller.trickles("GET /health HTTP/1.1\r\nx: " + "y" * 100))
    answer = await caller.answer()
    trickling.cancel()
    assert answer.startswith("HTTP/1.1 408 Request Timeout\r\n")


async def test_a_body_that_trickles_is_ended(connect: Connect) -> None:
    caller = await connect()
    await caller.says(f"{_HEAD}{_KEY}content-length: 100\r\n\r\n{{")
    trickling = asyncio.create_task(caller.trickles(" " * 90))
    answer = await caller.answer()
    trickling.cancel()
    assert answer.startswith("HTTP/1.1 408 Request Timeout\r\n")
    assert "the body of the request took longer than 0.5 s" in answer


@pytest.mark.parametrize(
    "head",
    [
        "GET /health HTTP/1.1\r\n" + "".join(f"x-{number}: {'y' * 1000}\r\n" for number in range(100)) + "\r\n",
        "GET /health HTTP/1.1\r\nx: " + "y" * 100_000,
        "GET /" + "y" * 100_000,
    ],
    ids=["many headers", "one endless header", "an endless path"],
)
async def test_a_head_that_is_too_large_is_refused(connect: Connect, head: str) -> None:
    caller = await connect()
    await caller.says(head)
    answer = await caller.answer()
    assert answer.startswith("HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert "larger than the limit of 65536 bytes" in answer


@pytest.mark.parametrize(
    "more",
    ["content-length: 1048576\r\n", "transfer-encoding: chunked\r\n", "content-length: 9\r\nexpect: 100-continue\r\n"],
)
@pytest.mark.parametrize("key", ["", "authorization: Bearer of nobody\r\n"])
async def test_a_body_without_a_key_is_refused_before_it_is_read(connect: Connect, more: str, key: str) -> None:
    caller = await connect()
    await caller.says(f"{_HEAD}{key}{more}\r\n")
    assert (await caller.reader.readline()) == b"HTTP/1.1 401 Unauthorized\r\n"


async def test_a_key_after_the_body_signs_nobody_in(connect: Connect) -> None:
    """A proxy that looks at the head has not seen a trailer."""
    caller = await connect()
    await caller.says(f"{_HEAD}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n{_KEY}\r\n")
    assert (await caller.reader.readline()) == b"HTTP/1.1 401 Unauthorized\r\n"


async def test_trailers_without_end_are_refused(connect: Connect) -> None:
    caller = await connect()
    trailers = "".join(f"x-{number}: {'y' * 1000}\r\n" for number in range(100))
    await caller.says(f"{_HEAD}{_KEY}transfer-encoding: chunked\r\n\r\n0\r\n{trailers}")
    assert (await caller.answer()).startswith("HTTP/1.1 431 Request Header Fields Too Large\r\n")


@pytest.mark.parametrize(("length", "status"), [(4096, 400), (4097, 413)])
async def test_an_enrolment_is_read_without_a_key_up_to_a_small_bound(
    connect: Connect, length: int, status: int
) -> None:
    caller = await connect()
    head = _HEAD.replace("/stops", "/people/anna/enrol")
    await caller.says(f"{head}content-length: {length}\r\n\r\n{' ' * length}")
    assert (await caller.reader.readline()).decode().startswith(f"HTTP/1.1 {status} ")


async def test_what_is_no_http_is_refused_in_words(connect: Connect) -> None:
    caller = await connect()
    await caller.says("\x16\x03\x01\x02\x00\x01\r\n\r\n")
    answer = await caller.answer()
    assert answer.startswith("HTTP/1.1 400 Bad Request\r\n")
    assert "this is not a request of HTTP/1.1" in answer


OUTSIDER, ANOTHER = "127.0.0.2", "127.0.0.3"
"""Addresses of this machine that are no proxy's."""
ASKS = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"


async def test_more_connections_than_the_limit_are_refused(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedHttp, "longest_head", 60)
    earlier = [await connect() for _ in range(6)]
    answer = await (await connect()).answer()
    assert answer.startswith("HTTP/1.1 503 Service Unavailable\r\n")
    assert "6 connections are open, and no more may be at once" in answer
    await earlier[0].says(ASKS)
    assert (await earlier[0].reader.readuntil(b"}")).endswith(b'{"status":"alive"}')


async def test_one_address_takes_its_own_connections_and_no_more(
    connect: Connect, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The two that stay say nothing, and must not be ended for it while the others are refused.
    monkeypatch.setattr(BoundedHttp, "longest_head", 60)
    first, _ = [await connect(OUTSIDER) for _ in range(2)]
    for _ in range(20):
        answer = await (await connect(OUTSIDER)).answer()
        assert answer.startswith("HTTP/1.1 503 Service Unavailable\r\n")
        assert "2 connections of this address are open, and no more may be at once" in answer
    for address in (ANOTHER, "127.0.0.1"):
        other = await connect(address)
        await other.says(ASKS)
        assert (await other.reader.readline()) == b"HTTP/1.1 200 OK\r\n"
    first.writer.close()
    await first.writer.wait_closed()

    async def one_is_free() -> bool:
        caller = await connect(OUTSIDER)
        await caller.says(ASKS)
        return await caller.reader.readline() == b"HTTP/1.1 200 OK\r\n"

    await until(one_is_free)
    assert [message for message in caplog.messages if message.startswith("a connection from")] == [
        "a connection from 127.0.0.2 is refused: 2 connections of this address are open, and no more may be at once"
    ]


@pytest.mark.parametrize("header", ["x-forwarded-for: 203.0.113.9", "forwarded: for=203.0.113.9", "x-real-ip: ::1"])
async def test_no_header_gives_an_address_more_connections(connect: Connect, header: str) -> None:
    for _ in range(2):
        caller = await connect(OUTSIDER)
        await caller.says(ASKS.replace("host:", f"{header}\r\nhost:"))
        assert (await caller.reader.readline()) == b"HTTP/1.1 200 OK\r\n"
    assert (await (await connect(OUTSIDER)).answer()).startswith("HTTP/1.1 503 ")


async def test_a_proxy_has_as_many_connections_as_all(
    app: FastAPI, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_MOST_OF_ONE", 2)
    proxied = settings.model_copy(update={"api_proxies": (IPv4Address(OUTSIDER),)})
    async with served(app, proxied) as url:
        for address, status in ((OUTSIDER, 200), ("127.0.0.1", 503)):
            streams = [await asyncio.open_connection(url.host, url.port, local_addr=(address, 0)) for _ in range(3)]
            callers = [Conversation(*of) for of in streams]
            with suppress(ConnectionError):
                await callers[2].says(ASKS)
            assert (await callers[2].reader.readline()).decode().startswith(f"HTTP/1.1 {status} ")
            for caller in callers:
                caller.writer.close()


async def test_a_caller_that_reads_nothing_is_ended(url: httpx.URL, connect: Connect) -> None:
    caller = await connect()
    async with httpx.AsyncClient(base_url=url) as client:
        once = len((await client.get("/openapi.json")).content)
    asked = 400
    await caller.says("GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n" * asked)
    await asyncio.sleep(4 * _SOON)
    assert len(await caller.answer()) < asked * once


async def test_a_connection_that_is_in_time_lives_on(connect: Connect) -> None:
    caller = await connect()
    await caller.says("GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert (await caller.reader.readuntil(b"}")).endswith(b'{"status":"alive"}')
    await asyncio.sleep(2 * _SOON)
    await caller.says("GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert (await caller.reader.readuntil(b"}")).endswith(b'{"status":"alive"}')


async def test_long_polls_leave_the_database_to_others_and_are_bounded(
    api: httpx.AsyncClient, storage: Storage
) -> None:
    sent = await api.post(
        "/events", json=cloud_event(row(1), "e-1"), headers={"content-type": "application/cloudevents+json"}
    )
    assert sent.json()["accepted"] == 1
    until = (NOW + timedelta(days=1)).isoformat()
    polls = [asyncio.create_task(api.get("/idle", params={"until": until, "wait": 3})) for _ in range(MOST_WAITING)]
    await asyncio.sleep(_SOON)
    begun = time.monotonic()
    assert (await api.get("/cases")).status_code == 200
    assert time.monotonic() - begun < 1
    refused = await api.get("/idle", params={"until": until, "wait": 3})
    assert (refused.status_code, refused.json()["detail"]) == (
        503,
        "16 long polls run already, and no more may at once",
    )
    assert {(await poll).json()["idle"] for poll in polls} == {False}


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {"origin": "https://evil.example"}, 403),
        ("GET", {"origin": "https://evil.example"}, 403),
        ("POST", {"origin": "null"}, 403),
        ("POST", {"origin": "http://127.0.0.1:1"}, 403),
        ("POST", {"sec-fetch-site": "cross-site"}, 403),
        ("POST", {"sec-fetch-site": "same-site"}, 403),
        ("POST", {"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"}, 422),
        ("GET", {"sec-fetch-site": "cross-site"}, 405),
        ("POST", {}, 422),
    ],
)
async def test_a_page_of_another_site_may_not_act(
    shared_api: httpx.AsyncClient, method: str, headers: dict[str, str], status: int
) -> None:
    assert (await shared_api.request(method, "/alarms", json={}, headers=headers)).status_code == status


@pytest.mark.parametrize("path", ["/health", "/events", "/none-such", "/openapi.json", "/events/%ff"])
async def test_every_answer_says_that_nothing_is_guessed_or_kept(
    shared_app: FastAPI, caller: Caller, path: str
) -> None:
    async with caller(shared_app) as client:
        headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


async def test_wrong_keys_are_locked_out_and_a_valid_key_never(
    app: FastAPI, caller: Caller, storage: Storage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    app.state.deps.refusals = Refusals(lambda: now[0])
    key = (await add(storage.people, "rita", ["reader"], NOW)).api_key
    async with caller(app, "203.0.113.7") as attacker, caller(app, "203.0.113.8") as other:
        wrong, right = {"authorization": "Bearer wrong"}, {"authorization": f"Bearer {key}"}
        statuses = [(await attacker.get("/events", headers=wrong)).status_code for _ in range(MOST_OF_ONE)]
        assert set(statuses) == {401}
        locked_out = await attacker.get("/events", headers=wrong)
        assert (locked_out.status_code, locked_out.headers["retry-after"]) == (429, "60")
        assert (await attacker.get("/events", headers=right)).status_code == 200
        assert (await other.get("/events", headers=wrong)).status_code == 401
        assert (await other.get("/events", headers=right)).status_code == 200
        now[0] = WINDOW
        assert (await attacker.get("/events", headers=wrong)).status_code == 401
    logged = [record.getMessage() for record in caplog.records if record.name == "millwright.api.refusals"]
    assert logged == [
        "20 sign-ins were refused within 60 s, 20 of them from 203.0.113.7; further ones wait for the next minute",
        "in all, 22 sign-ins from 2 addresses were refused in that minute",
    ]


def test_refused_sign_ins_from_everywhere_are_counted_in_bounded_memory() -> None:
    refusals = Refusals(lambda: 0.0)
    for number in range(MOST_OF_ALL - 1):
        refusals.add(f"address {number}")
    assert refusals.locked_out("another") is None
    for number in range(10 * MOST_ADDRESSES):
        refusals.add(f"address {number}")
    assert refusals.locked_out("another") == WINDOW
    assert len(refusals._by_address) == MOST_ADDRESSES
