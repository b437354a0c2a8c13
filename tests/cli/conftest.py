"""The command line as a person meets it, on a real database."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from domain.anomaly import Fate
from millwright.cli import app
from millwright.storage.database.engine import open_engine
from tests.support.api_thread import ApiThread
from tests.support.cli_commands import acts
from tests.support.judged_plant import Plant
from tests.support.logging_as_found import logging_as_found
from tests.support.plant import START, code, deviation


@dataclass(frozen=True)
class Millwright:
    """Runs commands under a home of its own. With an API, that is started before the first command that acts."""

    home: Path
    api: ApiThread | None = None

    def __call__(self, *arguments: str) -> Result:
        if self.api is not None and not self.api.runs and acts(arguments):
            self.api.start()
        return CliRunner().invoke(app, ["--home", str(self.home), *arguments])

    def restart_api(self) -> None:
        """Ends the API; the next command that acts starts it again, with the settings of then."""
        assert self.api is not None
        self.api.stop()

    def says(self, *arguments: str) -> str:
        """What a command that succeeds says."""
        found = self(*arguments)
        assert found.exit_code == 0, found.output
        return found.stdout

    def json(self, *arguments: str) -> Any:
        return orjson.loads(self.says(*arguments, "--json"))

    def refuses(self, *arguments: str) -> str:
        """The one sentence of a command that fails."""
        found = self(*arguments)
        assert found.exit_code == 1, found.output
        assert found.stdout == ""
        (sentence,) = found.stderr.splitlines()
        assert "Traceback" not in sentence
        return sentence


@pytest.fixture(scope="session", autouse=True)
def _one_command() -> Iterator[None]:
    """Typer makes its command from our functions once, as in a process of ours, and not for each call."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("typer.testing._get_command", cache(get_command))
        yield


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    with logging_as_found():
        yield


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting comes from the machine on which the tests run."""
    for name in [name for name in os.environ if name.startswith("MILLWRIGHT_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def nowhere(unset: None, tmp_path: Path) -> Millwright:
    """The command line where nothing was installed."""
    return Millwright(tmp_path / "home")


@pytest.fixture
def millwright(nowhere: Millwright, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Millwright]:
    """The command line on a fresh database, with an API in local mode."""
    monkeypatch.setenv("MILLWRIGHT_DATABASE_URL", database_url)
    api = ApiThread(nowhere.home)
    yield Millwright(nowhere.home, api)
    api.stop()


def on_plant(database_url: str, work: Callable[[Plant], Awaitable[None]]) -> None:
    """Does something with the plant of a database, outside any command."""

    async def done() -> None:
        engine = open_engine(database_url)
        try:
            await work(Plant(engine))
        finally:
            await engine.dispose()

    asyncio.run(done())


@pytest.fixture
def played(millwright: Millwright, database_url: str) -> Millwright:
    """A plant with a register, policies in force, one case, and a message in quarantine."""

    async def play(plant: Plant) -> None:
        await plant.prepare()
        await plant.take(deviation(1), deviation(2), code(3), deviation(3))
        stuck = deviation(5, external_id="bad").model_copy(
            update={"anomaly": None, "line": None, "fate": Fate.QUARANTINED, "field": "data.score", "reason": "is text"}
        )
        await plant.inbox.store([stuck], START)

    on_plant(database_url, play)
    return millwright


def names(rows: Sequence[dict[str, Any]], key: str) -> list[Any]:
    """One column of JSON rows."""
    return [row[key] for row in rows]
