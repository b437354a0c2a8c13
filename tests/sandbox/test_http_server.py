"""The loopback server under every HTTP emulator of the sandbox."""

import asyncio
import signal
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.http_server import HttpServer, drop_connection


async def _hello(_: Request) -> Response:
    return PlainTextResponse("hello")


async def _crash(request: Request) -> Response:
    await drop_connection(request.scope)
    return PlainTextResponse("never read")


async def _never(_: Request) -> Response:
    await asyncio.Event().wait()
    return PlainTextResponse("never sent")


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    app = Starlette(routes=[Route("/hello", _hello), Route("/crash", _crash), Route("/never", _never)])
    server = HttpServer(app)
    await server.start()
    yield server
    await server.stop()


async def test_the_application_answers_on_the_port_the_system_chose(server: HttpServer) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/hello")).text == "hello"


async def test_a_dropped_connection_brings_no_answer_and_the_next_request_is_served(
    server: HttpServer,
) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await client.get("/crash")
        assert (await client.get("/hello")).text == "hello"


async def test_without_the_server_there_is_no_connection_to_drop() -> None:
    with pytest.raises(ConnectionResetError):
        await drop_connection({"type": "http"})


async def test_a_stopped_server_frees_its_port_and_can_start_again() -> None:
    first = HttpServer(Starlette(routes=[Route("/hello", _hello)]))
    await first.start()
    port = first.port
    await first.stop()
    second = HttpServer(Starlette(routes=[Route("/hello", _hello)]), port)
    await second.start()
    assert second.port == port
    await second.stop()
    await second.start()
    await second.stop()


async def test_a_taken_port_is_an_os_error_not_an_exit(server: HttpServer) -> None:
    with pytest.raises(OSError, match="in use"):
        await HttpServer(Starlette(), server.port).start()


async def test_a_server_not_started_has_no_port_and_nothing_to_stop() -> None:
    server = HttpServer(Starlette())
    with pytest.raises(RuntimeError):
        _ = server.port
    await server.stop()


async def test_signal_handlers_stay_as_they_were() -> None:
    before = signal.getsignal(signal.SIGTERM)
    server = HttpServer(Starlette())
    await server.start()
    assert signal.getsignal(signal.SIGTERM) is before
    await server.stop()


async def test_a_request_without_end_does_not_keep_the_server_from_stopping() -> None:
    server = HttpServer(Starlette(routes=[Route("/never", _never)]))
    await server.start()
    async with httpx.AsyncClient(base_url=server.url, timeout=10) as client:
        asking = asyncio.create_task(client.get("/never"))
        await asyncio.sleep(0.05)
        await asyncio.wait_for(server.stop(), 5)
        with pytest.raises(httpx.HTTPError):
            (await asking).raise_for_status()
