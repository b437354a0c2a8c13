"""What every test may ask for."""

import itertools
import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.runtime.embedded import postgres
from millwright.storage.database.engine import open_engine
from millwright.storage.database.schema import upgrade
from policies.engine.judging import compile_policy
from tests.support.homes import new_folder

TEMPLATE = "millwright_template"
_numbers = itertools.count()

# Both judge the machine and what else runs on it, not the code. All else is as Hypothesis has it, here or in CI.
settings.register_profile(
    "unhurried",
    settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")


class _Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(autouse=True)
def no_errors_of_the_event_loop() -> Iterator[None]:
    """Fails a test in which a callback or a task of asyncio raises: asyncio only logs that, and the test would pass."""
    kept = _Kept()
    logger = logging.getLogger("asyncio")
    logger.addHandler(kept)
    yield
    logger.removeHandler(kept)
    assert kept.lines == []


@pytest.fixture(scope="session", autouse=True)
def versions_compile_once() -> Iterator[None]:
    """All catalogues of a test process share what they compile: a version takes a tenth of a second, and most tests
    load the same two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("policies.engine.catalogue.compile_policy", lru_cache(64)(compile_policy))
        yield


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of our own, with a migrated template database."""
    home = new_folder()
    directory = home / "postgres"
    url = postgres.start(directory)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    upgrade(_database(url, TEMPLATE))
    yield url
    postgres.stop(directory)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """A fresh database with this build's schema."""
    with fresh_database(postgres_url, f"millwright_test_{next(_numbers)}") as url:
        yield url


@pytest.fixture
async def storage_engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a fresh database."""
    engine = open_engine(database_url)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Where the repository is checked out."""
    return Path(__file__).resolve().parents[1]


@contextmanager
def fresh_database(postgres_url: str, name: str, template: str = TEMPLATE) -> Iterator[str]:
    """A copy of another database within the block."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield _database(postgres_url, name)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _database(url: str, name: str) -> str:
    return url.replace("/postgres?", f"/{name}?")
