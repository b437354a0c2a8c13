from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
import pytest

from sandbox.clock import PlantClock
from sandbox.faults import Faults
from sandbox.maximo import Machine, MaximoServer, Site

API = "http://cmms.test/maximo/api"
WORK_ORDERS = f"{API}/os/mxapiwodetail"


@pytest.fixture
def clock() -> PlantClock:
    return PlantClock(datetime(2015, 1, 10, 12, tzinfo=UTC))


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def plant(clock: PlantClock, faults: Faults, site: Site) -> MaximoServer:
    server = MaximoServer(None, clock, {"key-1": "MILLWRIGHT"}, faults=faults, site=site)
    server.register_assets([Machine(17, "Press 17", "LINE1-17"), Machine(18)])
    return server


async def ask_lean(request: httpx.Request) -> None:
    if "lean" not in request.url.params:
        request.url = request.url.copy_add_param("lean", "1")


@pytest.fixture
async def client(plant: MaximoServer) -> AsyncIterator[httpx.AsyncClient]:
    """A client that does as the contract tells: lean, API key, public address, no cookies."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(plant.app),
        base_url=API,
        headers={"apikey": "key-1", "x-public-uri": API},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        event_hooks={"request": [ask_lean]},
    ) as caller:
        yield caller


@pytest.fixture
def create(client: httpx.AsyncClient) -> Callable[..., Awaitable[str]]:
    """Creates a work order and returns its href."""

    async def post(**attributes: object) -> str:
        body = {"siteid": "BEDFORD", "description": "Bearing", "assetnum": "M017-COMP2", **attributes}
        answer = await client.post(WORK_ORDERS, json=body)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    return post


@pytest.fixture
def change(client: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    """Calls changeStatus on an href."""

    async def post(href: str, status: str, **params: str) -> httpx.Response:
        return await client.post(
            href,
            params={"action": "wsmethod:changeStatus"},
            headers={"x-method-override": "PATCH"},
            json={"status": status, **params},
        )

    return post
