"""Requests that were sent to the name of another site, which was given our address (DNS rebinding)."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from domain.errors import Rejected
from millwright.api.app import create_app
from millwright.bootstrap import Storage
from millwright.runtime.home import settings_from
from millwright.settings import Settings
from tests.api.conftest import Caller
from tests.api.test_api_local_mode import calls
from tests.support.local_mode import AS_LOCAL, LOCAL_TOKEN_HASH
from tests.support.served_api import served

FOREIGN = [
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "127.0.0.1.evil.example:8080",
    "evil-localhost",
    "203.0.113.7:8080",
    "[2001:db8::1]:8080",
    "127.0.0.1.",
    "millwright",
]
UNREADABLE = ["", "127.0.0.1:8080:80", "user@127.0.0.1", "127.0.0.1/evil", "[::1", "[evil]", "127.0.0.1, evil.example"]
OURS = ["127.0.0.1:8080", "127.0.0.1", "localhost", "LocalHost:9000", "127.3.2.1", "[::1]:8080", "[0:0:0:0:0:0:0:1]"]


async def asked(app: FastAPI, caller: Caller, host: str) -> httpx.Response:
    """What a page of the host gets that has even the token: for its browser it is on the API's own site."""
    headers = AS_LOCAL | {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    async with caller(app, headers=headers) as page:
        return await page.get("/events")


@pytest.mark.parametrize("host", FOREIGN)
async def test_a_name_that_is_not_ours_is_refused(shared_app: FastAPI, caller: Caller, host: str) -> None:
    reply = await asked(shared_app, caller, host)
    assert (reply.status_code, reply.json()["field"]) == (421, "Host")
    assert reply.json()["detail"].startswith("this API does not answer under the host `")
    assert "MILLWRIGHT_API_NAMES" in reply.json()["fix"]


@pytest.mark.parametrize("host", UNREADABLE)
async def test_a_host_that_cannot_be_read_is_refused(shared_app: FastAPI, caller: Caller, host: str) -> None:
    reply = await asked(shared_app, caller, host)
    assert (reply.status_code, reply.json()["field"]) == (400, "Host")


@pytest.mark.parametrize("host", OURS)
async def test_loopback_is_ours_under_each_of_its_names(shared_app: FastAPI, caller: Caller, host: str) -> None:
    assert (await asked(shared_app, caller, host)).status_code == 200


async def test_every_route_refuses_another_name_whoever_sends_it(
    shared_app: FastAPI, shared_api: httpx.AsyncClient
) -> None:
    replies = [await shared_api.request(*call, headers={"Host": "evil.example"}) for call in calls(shared_app)]
    assert {reply.status_code for reply in replies} == {421}


async def test_the_names_of_the_setting_and_of_the_bind_are_ours(
    shared_storage: Storage, shared_app: FastAPI, caller: Caller
) -> None:
    settings = settings_from(
        {"MILLWRIGHT_API_NAMES": '["Millwright.plant.example"]', "MILLWRIGHT_API_HOST": "api-7.plant.example"}
    )
    app = create_app(shared_storage, settings, None, LOCAL_TOKEN_HASH)
    for host in ("millwright.plant.example", "MILLWRIGHT.plant.example:443", "api-7.plant.example:8080"):
        assert (await asked(app, caller, host)).status_code == 200
        assert (await asked(shared_app, caller, host)).status_code == 421
    assert (await asked(app, caller, "plant.example")).status_code == 421


@pytest.mark.parametrize("name", ["https://millwright.example", "millwright.example:443", "*", "*.example", "a b", ""])
def test_a_setting_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(Rejected, match="write host names without scheme and port") as refused:
        settings_from({"MILLWRIGHT_API_NAMES": f'["{name}"]'})
    assert refused.value.field == "api_names"


async def says(url: httpx.URL, text: str) -> str:
    """The first line of what the API answers to these bytes."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(text.encode())
    line = (await reader.readline()).decode()
    writer.close()
    return line


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["GET /health HTTP/1.1", "host: localhost"], 200),
        (["GET /health HTTP/1.1"], 400),
        (["GET /health HTTP/1.0"], 400),
        (["GET /health HTTP/1.1", "host: localhost", "host: evil.example"], 400),
        (["GET /health HTTP/1.1", "host: evil.example", "x-forwarded-host: localhost"], 421),
        (["GET http://localhost/health HTTP/1.1", "host: evil.example"], 421),
        (["POST /events HTTP/1.1", "host: evil.example", "content-length: 99", "expect: 100-continue"], 421),
        (["POST /events/%ff HTTP/1.1", "host: evil.example", "content-length: 9999999"], 421),
    ],
)
async def test_the_host_is_looked_at_before_anything_else(
    app: FastAPI, settings: Settings, lines: list[str], status: int
) -> None:
    async with served(app, settings) as url:
        assert (await says(url, "\r\n".join([*lines, "", ""]))).startswith(f"HTTP/1.1 {status} ")


async def test_an_api_on_all_addresses_answers_under_each_of_its_own_and_no_name(
    storage: Storage, settings: Settings
) -> None:
    everywhere = settings.model_copy(update={"api_host": "0.0.0.0"})  # noqa: S104
    async with served(create_app(storage, everywhere, None), everywhere) as url:
        for address, host, status in (
            ("127.0.0.9", "127.0.0.9:8080", 200),
            ("127.0.0.1", f"0.0.0.0:{url.port}", 200),
            ("127.0.0.1", "203.0.113.7", 421),
            ("127.0.0.1", "evil.example", 421),
        ):
            answer = await says(url.copy_with(host=address), f"GET /health HTTP/1.1\r\nhost: {host}\r\n\r\n")
            assert answer.startswith(f"HTTP/1.1 {status} ")
