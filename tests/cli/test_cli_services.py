"""The long-lived processes: they wait for their parts in one sentence, and end in good order when asked to."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import StorageUnavailable
from domain.loops import Ended
from domain.processes import SETTINGS_TAKEN, ProcessKind
from millwright.cli.lifetime import once_there
from millwright.runtime.local_mode import local_authorization
from millwright.storage.ledger.settings_taken import settings_running
from tests.support.ingress import rows

PATIENCE = 30
OUTGROWN = "UPDATE alembic_version SET version_num = 'later'; COMMENT ON TABLE alembic_version IS 'later'"
AWAY = "postgresql://millwright:hidden-word@127.0.0.1:9/plant"
CONNECTORS = {
    "MILLWRIGHT_CMMS__CONNECTOR": "maximo",
    "MILLWRIGHT_CMMS__URL": "http://127.0.0.1:9/maximo/api",
    "MILLWRIGHT_CMMS__API_KEY": "cmms-hidden-key",
    "MILLWRIGHT_CMMS__TIME_ZONE": "UTC",
    "MILLWRIGHT_MES__CONNECTOR": "opcua_job_control",
    "MILLWRIGHT_MES__URL": "opc.tcp://127.0.0.1:9",
    "MILLWRIGHT_TWINS__CONNECTOR": "digital_twins",
    "MILLWRIGHT_TWINS__ENDPOINT": "http://127.0.0.1:9",
}


class Service:
    """A process of ours, and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said = ""

    async def says(self, words: str) -> None:
        """Waits until it has said something."""
        assert self._process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while words not in self.said:
                line = await self._process.stderr.readline()
                assert line, f"it ended without saying {words!r}: {self.said}"
                self.said += line.decode()

    def shown(self) -> bytes:
        """Its command line and its environment, as `ps` shows them."""
        folder = Path(f"/proc/{self._process.pid}")
        return (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()

    async def ends(self, number: signal.Signals) -> int:
        """Asks it to end; gives its exit code."""
        self._process.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        """Waits until it has ended; gives its exit code."""
        async with asyncio.timeout(PATIENCE):
            _, rest = await self._process.communicate()
        self.said += rest.decode()
        assert self._process.returncode is not None
        return self._process.returncode


@contextlib.asynccontextmanager
async def service(command: str, **settings: str) -> AsyncIterator[Service]:
    """A service with these settings and no others."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("MILLWRIGHT_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "millwright",
        command,
        env={**environment, **settings},
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Service(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_service_waits_for_its_database_in_one_sentence_and_ends_when_asked(tmp_path: Path) -> None:
    async with service("intake", MILLWRIGHT_HOME=str(tmp_path), MILLWRIGHT_DATABASE_URL=AWAY) as intake:
        await intake.says("waiting for the database at postgresql://millwright:***@127.0.0.1:9/plant")
        assert await intake.ends(signal.SIGTERM) == 0
        assert len(intake.said.splitlines()) == 1
        assert "hidden-word" not in intake.said


async def test_a_worker_waits_for_the_engine_and_ends_on_ctrl_c(database_url: str, tmp_path: Path) -> None:
    settings = {"MILLWRIGHT_DATABASE_URL": database_url, "MILLWRIGHT_TEMPORAL_ADDRESS": "127.0.0.1:9", **CONNECTORS}
    async with service("worker", MILLWRIGHT_HOME=str(tmp_path), **settings) as worker:
        await worker.says("waiting for the workflow engine at 127.0.0.1:9")
        assert await worker.ends(signal.SIGINT) == 0
        assert "Traceback" not in worker.said
        assert "cmms-hidden-key" not in worker.said


async def test_the_api_serves_until_it_is_asked_to_end(database_url: str, tmp_path: Path) -> None:
    settings = {"MILLWRIGHT_DATABASE_URL": database_url, "MILLWRIGHT_API_PORT": "0", "MILLWRIGHT_LOG": "json"}
    async with service("api", MILLWRIGHT_HOME=str(tmp_path), **settings) as api:
        await api.says("the API is at http://127.0.0.1:")
        assert (tmp_path / "api.json").exists()
        assert await api.ends(signal.SIGTERM) == 0
        assert "Traceback" not in api.said


async def test_a_service_records_its_settings_at_its_start_and_a_restart_with_the_same_records_nothing(
    database_url: str, storage_engine: AsyncEngine, tmp_path: Path
) -> None:
    settings = {"MILLWRIGHT_DATABASE_URL": database_url, "MILLWRIGHT_API_PORT": "0"}
    for limit in ("P7D", "P7D", "P2D"):
        more = {"MILLWRIGHT_WINDOW_LIMIT": limit, "MILLWRIGHT_HEAD_ANCHOR": "https://anchor.example/hidden-word"}
        async with service("api", MILLWRIGHT_HOME=str(tmp_path), **settings, **more) as api:
            await api.says("the API is at http://127.0.0.1:")
            (running,) = await settings_running(storage_engine)
            assert (running.process, running.values["window_limit"]) == (ProcessKind.API, limit)
            assert await api.ends(signal.SIGTERM) == 0
    acts = await rows(
        storage_engine,
        "SELECT subject, body::json -> 'detail' -> 'settings' ->> 'window_limit' FROM acts WHERE kind = :kind "
        "ORDER BY id",
        kind=SETTINGS_TAKEN,
    )
    assert acts == [("settings/api", "P7D"), ("settings/api", "P2D")]


async def test_an_api_on_a_database_that_cannot_be_written_serves_and_records_its_settings_when_it_can(
    database_url: str, storage_engine: AsyncEngine, tmp_path: Path
) -> None:
    name = storage_engine.url.database
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode())
        settings = {"MILLWRIGHT_DATABASE_URL": database_url, "MILLWRIGHT_API_PORT": "0"}
        async with service("api", MILLWRIGHT_HOME=str(tmp_path), **settings) as api:
            await api.says("the API is at http://127.0.0.1:")
            owner.execute("SET default_transaction_read_only = off")
            owner.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'.encode())
            await api.says("settings of api in the record: ")
            assert await api.ends(signal.SIGTERM) == 0
            assert "Traceback" not in api.said


async def test_a_worker_records_the_settings_of_both_kinds_of_work_and_no_secret(
    database_url: str, storage_engine: AsyncEngine, tmp_path: Path
) -> None:
    settings = {"MILLWRIGHT_DATABASE_URL": database_url, "MILLWRIGHT_TEMPORAL_ADDRESS": "127.0.0.1:9", **CONNECTORS}
    async with service("worker", MILLWRIGHT_HOME=str(tmp_path), **settings) as worker:
        await worker.says("waiting for the workflow engine at 127.0.0.1:9")
        assert [taken.process for taken in await settings_running(storage_engine)] == [
            ProcessKind.JUDGING,
            ProcessKind.CASES,
        ]
        assert await worker.ends(signal.SIGINT) == 0
    bodies = [str(body) for (body,) in await rows(storage_engine, "SELECT body FROM acts ORDER BY id")]
    assert ['"subject":"settings/judging"' in bodies[0], '"subject":"settings/cases"' in bodies[1]] == [True, True]
    assert '"cmms.maximo.api_key":"set"' in bodies[1]
    assert "cmms-hidden-key" not in "".join(bodies)


async def test_an_address_in_use_is_one_sentence(database_url: str, tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = str(taken.sockets[0].getsockname()[1])
    async with taken:
        settings = {"MILLWRIGHT_DATABASE_URL": database_url, "MILLWRIGHT_API_PORT": port}
        async with service("api", MILLWRIGHT_HOME=str(tmp_path), **settings) as api:
            await api.says("(set MILLWRIGHT_API_PORT to a free port, or to 0)")
            assert len(api.said.splitlines()) == 2


async def test_local_mode_on_all_addresses_is_refused_in_one_sentence(database_url: str, tmp_path: Path) -> None:
    settings = {"MILLWRIGHT_DATABASE_URL": database_url, "MILLWRIGHT_API_PORT": "0", "MILLWRIGHT_API_HOST": "0.0.0.0"}  # noqa: S104
    async with service("api", MILLWRIGHT_HOME=str(tmp_path), MILLWRIGHT_LOCAL_MODE="true", **settings) as api:
        await api.says("MILLWRIGHT_LOCAL_MODE is on, but the API would listen on 0.0.0.0")
        assert await api.ended() == 1
        assert len(api.said.splitlines()) == 2


async def test_the_token_of_local_mode_is_in_no_command_line_and_no_environment(
    database_url: str, tmp_path: Path
) -> None:
    settings = {"MILLWRIGHT_DATABASE_URL": database_url, "MILLWRIGHT_API_PORT": "0", "MILLWRIGHT_LOCAL_MODE": "true"}
    async with service("api", MILLWRIGHT_HOME=str(tmp_path), **settings) as api:
        await api.says("the API is at http://127.0.0.1:")
        token = local_authorization(tmp_path).removeprefix("Bearer ").encode()
        assert token not in api.shown()
        assert await api.ends(signal.SIGTERM) == 0
        assert token.decode() not in api.said
        assert not (tmp_path / "api.header").exists()


class Part:
    """A part that is away a few times."""

    def __init__(self, times: int) -> None:
        self._left = times

    async def answer(self) -> str:
        if self._left:
            self._left -= 1
            raise StorageUnavailable("nothing answers")
        return "here"


async def test_a_part_that_comes_late_is_announced_once_away_and_once_back(caplog: pytest.LogCaptureFixture) -> None:
    found = await once_there("the database", Part(4).answer, asyncio.Event(), pause=0.001)
    assert found == "here"
    assert caplog.messages == ["waiting for the database: nothing answers", "the database answers now"]


async def test_a_part_that_is_there_is_not_spoken_of(caplog: pytest.LogCaptureFixture) -> None:
    assert await once_there("the database", Part(0).answer, asyncio.Event()) == "here"
    assert caplog.messages == []


async def test_waiting_ends_when_the_process_is_asked_to_end() -> None:
    stop = asyncio.Event()
    stop.set()
    with pytest.raises(Ended):
        await once_there("the database", Part(9).answer, stop)


async def test_a_service_ends_in_one_sentence_when_the_tables_outgrow_it(database_url: str, tmp_path: Path) -> None:
    settings = {"MILLWRIGHT_DATABASE_URL": database_url, "MILLWRIGHT_API_PORT": "0"}
    async with service("api", MILLWRIGHT_HOME=str(tmp_path), **settings) as api:
        await api.says("the API is at")
        with psycopg.connect(database_url) as connection:
            connection.execute(OUTGROWN)
        await api.says("which this build does not know")
        assert await api.ended() == 1
        assert "Traceback" not in api.said


async def test_a_service_that_is_started_on_tables_it_does_not_know_waits_and_says_so(
    database_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(OUTGROWN)
    async with service("api", MILLWRIGHT_HOME=str(tmp_path), MILLWRIGHT_DATABASE_URL=database_url) as api:
        await api.says("revision later, which this build does not know")
        assert await api.ends(signal.SIGTERM) == 0
