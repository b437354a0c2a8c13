"""The API over a real database, called in the process, in local mode or from elsewhere."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from millwright.api.app import create_app
from millwright.bootstrap import Storage, open_storage
from millwright.settings import Settings
from tests.conftest import TEMPLATE, fresh_database
from tests.support.ingress import settings_over
from tests.support.local_mode import AS_LOCAL, LOCAL_TOKEN_HASH
from tests.support.plant import register

Caller = Callable[..., httpx.AsyncClient]

_numbers = itertools.count()


@pytest.fixture(scope="session")
async def plant_database(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with the register of the plant, of which each test gets a copy."""
    name = "millwright_api_plant"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    url = postgres_url.replace("/postgres?", f"/{name}?")
    async with open_storage(settings_over(url, tmp_path_factory.mktemp("plant"), local_mode=True)) as storage:
        await storage.register.keep(register(), "tests")
    return name


@pytest.fixture
def plant_url(postgres_url: str, plant_database: str) -> Iterator[str]:
    """A fresh database with the register of the plant."""
    with fresh_database(postgres_url, f"millwright_api_{next(_numbers)}", plant_database) as url:
        yield url


@pytest.fixture
def settings(plant_url: str, tmp_path: Path) -> Settings:
    return settings_over(plant_url, tmp_path, cmms={"connector": "maximo"})


@pytest.fixture
async def storage(settings: Settings) -> AsyncIterator[Storage]:
    async with open_storage(settings.model_copy(update={"local_mode": True})) as storage:
        yield storage


@pytest.fixture
async def app(storage: Storage, settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(storage, settings, None, LOCAL_TOKEN_HASH)
    yield app
    await app.state.deps.close()


@pytest.fixture(scope="session")
async def shared_storage(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Storage]:
    """Storage for tests that look at nothing but their own event: a database for each would cost a minute."""
    async with storage_for_many(postgres_url, "millwright_api_shared", tmp_path_factory.mktemp("shared")) as storage:
        yield storage


@asynccontextmanager
async def storage_for_many(postgres_url: str, database: str, home: Path) -> AsyncIterator[Storage]:
    """Storage in a database of this name, for more than one test."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    url = postgres_url.replace("/postgres?", f"/{database}?")
    async with open_storage(settings_over(url, home, local_mode=True)) as storage:
        await storage.register.keep(register(), "tests")
        yield storage


@pytest.fixture(scope="session")
async def shared_app(shared_storage: Storage) -> AsyncIterator[FastAPI]:
    app = app_for_many(shared_storage)
    yield app
    await app.state.deps.close()


def app_for_many(storage: Storage) -> FastAPI:
    """The API over storage for more than one test."""
    return create_app(storage, Settings.model_validate({"cmms": {"connector": "maximo"}}), None, LOCAL_TOKEN_HASH)


@pytest.fixture
async def shared_api(shared_app: FastAPI, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """A caller in local mode, over storage that others use too."""
    async with caller(shared_app, headers=AS_LOCAL) as client:
        yield client


@pytest.fixture(scope="session")
def caller() -> Caller:
    """Makes a client of an application; `host` is the address it calls from."""

    def make(app: FastAPI, host: str = "127.0.0.1", **options: object) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(host, 40000))
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
async def api(app: FastAPI, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """A caller in local mode."""
    async with caller(app, headers=AS_LOCAL) as client:
        yield client
