"""Local mode: a token in the home signs a caller in. Addresses and other headers never do."""

import asyncio
import contextlib
import itertools
import json
import logging
import re
import stat
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from domain.errors import Rejected
from millwright.api.app import ROUTERS, create_app
from millwright.api.running import run_api
from millwright.bootstrap import Storage
from millwright.runtime.embedded.occupancy import ADDRESS_FILE, LOCAL_HEADER_FILE
from millwright.runtime.local_mode import local_authorization
from millwright.settings import Settings
from tests.api.conftest import Caller
from tests.support.ingress import until
from tests.support.local_mode import AS_LOCAL, LOCAL_TOKEN
from tests.support.plant import PUMP

OPEN = {
    ("POST", "/people/1/enrol"),
    ("POST", "/webhooks/1"),
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/openapi.json"),
    ("HEAD", "/openapi.json"),
    ("OPTIONS", "/events"),
}
"""What everybody may call: health, the description, the handshake of CloudEvents, enrolment with a code, and a CMMS
with webhooks that its signature proves."""
REFUSAL = (
    "send `Authorization: Bearer <API key>`; `millwright people enrol` makes a key. On the API's machine, with "
    "MILLWRIGHT_LOCAL_MODE=true, you may send the header in `api.header` of its home instead"
)
SHELF = {"asset": PUMP, "for": "PT8H", "reason": "noisy"}
ANYWHERE = "0.0.0.0"  # noqa: S104 - it is the address that is refused


def calls(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Each method and path of an application, with a value for each parameter of the path."""
    described = [route for route in app.routes if isinstance(route, Route)]
    assert len(app.routes) == len(described) + len(ROUTERS)
    for route in itertools.chain(described, *(router.routes for router in ROUTERS)):
        assert isinstance(route, Route)
        for method in route.methods or ():
            yield method, re.sub(r"{\w+}", "1", route.path)


async def actor(client: httpx.AsyncClient) -> str:
    """Whose name an act of this client has."""
    shelf = (await client.post("/suppressions", json=SHELF)).json()["id"]
    ended = await client.post(f"/suppressions/{shelf}/end", json={"reason": "mended"})
    return str(ended.json()["ended_by"])


async def open_calls(app: FastAPI, client: httpx.AsyncClient) -> set[tuple[str, str]]:
    """The calls that are not refused as not signed in."""
    replies = {(method, path): await client.request(method, path) for method, path in calls(app)}
    # Too many wrong keys are locked out.
    return {call for call, reply in replies.items() if reply.status_code not in (401, 429)}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "203.0.113.7"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost:8080"},
        {"Host": "[::1]:8080"},
        {"Origin": "http://127.0.0.1:8080"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1;host=localhost"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {LOCAL_TOKEN}"},
        {"Authorization": LOCAL_TOKEN},
    ],
)
async def test_no_route_signs_a_caller_in_by_its_address_or_by_another_header(
    shared_app: FastAPI, caller: Caller, host: str, headers: dict[str, str]
) -> None:
    async with caller(shared_app, host, headers=headers) as client:
        assert await open_calls(shared_app, client) == OPEN


@pytest.mark.parametrize("origin", ["http://localhost:8080", "https://example.org", "null"])
async def test_every_route_refuses_a_page_of_another_site(
    shared_app: FastAPI, shared_api: httpx.AsyncClient, origin: str
) -> None:
    replies = [await shared_api.request(*call, headers={"Origin": origin}) for call in calls(shared_app)]
    assert {reply.status_code for reply in replies} == {403}


async def test_the_refusal_says_how_to_sign_in(shared_app: FastAPI, caller: Caller) -> None:
    async with caller(shared_app) as client:
        reply = await client.post("/events", json=[])
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert (reply.json()["detail"], reply.json()["fix"]) == ("sign in with an API key", REFUSAL)


async def test_a_page_of_another_site_is_refused_also_with_the_token(
    shared_app: FastAPI, caller: Caller, shared_api: httpx.AsyncClient
) -> None:
    reply = await shared_api.get("/events", headers={"Origin": "https://example.org"})
    assert (reply.status_code, reply.json()["detail"]) == (403, "a page of another site may not call this API")
    async with caller(shared_app, headers={"Origin": "https://example.org"}) as page:
        asked = await page.options("/cases", headers={"Access-Control-Request-Headers": "authorization"})
    assert not [name for name in asked.headers if name.startswith("access-control-")]


async def test_the_token_signs_in_as_local_from_any_address(app: FastAPI, caller: Caller) -> None:
    async with caller(app, "203.0.113.7", headers=AS_LOCAL) as client:
        assert await actor(client) == "local"


async def test_local_mode_is_off_by_default(storage: Storage, settings: Settings, caller: Caller) -> None:
    assert Settings().local_mode is False
    app = create_app(storage, settings, None)
    async with caller(app, headers=AS_LOCAL) as client:
        assert await open_calls(app, client) == OPEN


@contextlib.asynccontextmanager
async def api_of(storage: Storage, settings: Settings) -> AsyncIterator[str]:
    """A running API; gives its address."""
    stop = asyncio.Event()
    (settings.home / ADDRESS_FILE).unlink(missing_ok=True)
    running = asyncio.create_task(run_api(settings, storage, stop, None))

    async def published() -> bool:
        return running.done() or (settings.home / ADDRESS_FILE).exists()

    await until(published)
    try:
        yield str(json.loads((settings.home / ADDRESS_FILE).read_text())["url"])
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)


@contextlib.asynccontextmanager
async def relay_to(url: str) -> AsyncIterator[str]:
    """A plain TCP relay on this machine; gives its address."""
    target = httpx.URL(url)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(target.host, target.port)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
def local_settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"local_mode": True})


async def test_a_relay_on_the_machine_gives_nobody_a_role_without_the_token(
    storage: Storage, local_settings: Settings
) -> None:
    async with api_of(storage, local_settings) as url, relay_to(url) as relay:
        signed = {"Authorization": local_authorization(local_settings.home)}
        async with httpx.AsyncClient(base_url=relay) as client:
            assert (await client.get("/cases")).status_code == 401
            assert (await client.post("/suppressions", json=SHELF)).status_code == 401
            assert (await client.post("/events", json=[])).status_code == 401
        async with httpx.AsyncClient(base_url=relay, headers=signed) as client:
            assert await actor(client) == "local"


async def test_the_token_file_is_for_its_owner_only_and_is_gone_at_the_end(
    storage: Storage, local_settings: Settings
) -> None:
    file = local_settings.home / LOCAL_HEADER_FILE
    async with api_of(storage, local_settings):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert re.fullmatch(r"Authorization: Bearer [\w-]{43}\n", file.read_text())
    assert [path.name for path in local_settings.home.glob(f"{LOCAL_HEADER_FILE}*")] == []


async def test_without_local_mode_no_token_is_written(storage: Storage, settings: Settings) -> None:
    async with api_of(storage, settings):
        assert not (settings.home / LOCAL_HEADER_FILE).exists()


async def test_the_token_of_an_earlier_process_is_refused(storage: Storage, local_settings: Settings) -> None:
    async with api_of(storage, local_settings):
        earlier = local_authorization(local_settings.home)
    async with api_of(storage, local_settings) as url, httpx.AsyncClient(base_url=url) as client:
        now = local_authorization(local_settings.home)
        assert (await client.get("/cases", headers={"Authorization": earlier})).status_code == 401
        assert (await client.get("/cases", headers={"Authorization": now})).status_code == 200


@pytest.mark.parametrize("host", [ANYWHERE, "", "192.168.1.20", "203.0.113.7"])
async def test_local_mode_is_refused_where_other_machines_may_reach_the_api(
    storage: Storage, local_settings: Settings, host: str
) -> None:
    settings = local_settings.model_copy(update={"api_host": host})
    with pytest.raises(Rejected, match="MILLWRIGHT_LOCAL_MODE is on, but the API would listen on") as refused:
        await run_api(settings, storage, asyncio.Event(), None)
    assert "set MILLWRIGHT_API_HOST=127.0.0.1, or MILLWRIGHT_LOCAL_MODE=false" in str(refused.value)
    assert not (settings.home / LOCAL_HEADER_FILE).exists()


async def test_an_api_whose_port_is_taken_leaves_the_token_of_the_running_one(
    storage: Storage, local_settings: Settings
) -> None:
    async with api_of(storage, local_settings) as url:
        before = local_authorization(local_settings.home)
        taken = local_settings.model_copy(update={"api_port": httpx.URL(url).port})
        with pytest.raises(Rejected, match="cannot listen"):
            await run_api(taken, storage, asyncio.Event(), None)
        assert local_authorization(local_settings.home) == before


async def test_the_token_is_in_no_log_line_and_no_answer(
    storage: Storage, local_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with api_of(storage, local_settings) as url, httpx.AsyncClient(base_url=url) as client:
        signed = {"Authorization": local_authorization(local_settings.home)}
        replies = [await client.get(path, headers=signed) for path in ("/cases", "/cases/none", "/idle?until=never")]
    token = signed["Authorization"].removeprefix("Bearer ")
    assert [reply.status_code for reply in replies] == [200, 404, 422]
    assert token not in caplog.text + "".join(reply.text for reply in replies)
