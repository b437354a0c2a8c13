"""A real Odoo 19 on loopback, with its people: what `make test-foreign` installs into `.tools/odoo`, on a PostgreSQL of
its own. Nothing is installed here.
"""

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg

from millwright.runtime.embedded import postgres
from tests.support.homes import new_folder

_ROOT: Final = Path(__file__).resolve().parents[3]
_PYTHON: Final = _ROOT / ".tools" / "odoo" / "venv" / "bin" / "python"
_CODE: Final = _ROOT / ".tools" / "odoo" / "root" / "usr" / "lib" / "python3" / "dist-packages"
_SEED: Final = Path(__file__).parent / "odoo" / "seed.py"
_ROLE: Final = "odoo"
"""Odoo refuses to work as the database's superuser."""
_TEMPLATE: Final = "odoo_template"
_LONGEST_START_SECONDS: Final = 120
_LONGEST_END_SECONDS: Final = 15
_PATIENCE_SECONDS: Final = 30.0
TRUST: Final = ssl.create_default_context()
"""Made once: a client that makes its own takes longer for that than for a request."""


class OdooRefused(Exception):
    """Odoo refuses what a person asks for."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"HTTP {status}: {words}")
        self.status = status
        self.words = words


@dataclass(frozen=True)
class OdooDatabase:
    """A database of the server.

    Args:
        keys: the API key of each person: `millwright`, `operator` and `manager` of production, `cmms` (ours for
            maintenance), `planner` and `technician`.
        dsn: how a superuser reaches it beside Odoo.
    """

    url: str
    name: str
    keys: Mapping[str, str]
    dsn: str

    async def ask(self, person: str, model: str, method: str, **body: Any) -> Any:
        """What a person does in Odoo.

        Raises:
            OdooRefused: Odoo refuses it.
        """
        async with httpx.AsyncClient(timeout=_PATIENCE_SECONDS, verify=TRUST) as client:
            return _result(await client.post(**self._request(person, model, method, body)))

    def do(self, person: str, model: str, method: str, **body: Any) -> Any:
        """The same, for code that cannot wait.

        Raises:
            OdooRefused: Odoo refuses it.
        """
        with httpx.Client(timeout=_PATIENCE_SECONDS, verify=TRUST) as client:
            return _result(client.post(**self._request(person, model, method, body)))

    def rows(self, query: str, *values: object) -> Sequence[tuple[Any, ...]]:
        """What stands in the database, as neither Odoo nor our code shows it."""
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def holds_at(self, centre: int) -> list[tuple[str, bool]]:
        """The external ids of ours on time logs of a work centre, without the module, and whether each log is open,
        oldest first."""
        found = self.rows(
            "SELECT d.name, p.date_end IS NULL FROM mrp_workcenter_productivity p JOIN ir_model_data d "
            "ON d.res_id = p.id AND d.model = 'mrp.workcenter.productivity' AND d.module = 'millwright' "
            "WHERE p.workcenter_id = %s ORDER BY p.id",
            centre,
        )
        return [(name, is_open) for name, is_open in found]

    def change(self, statement: str, *values: object) -> None:
        """Changes the database behind Odoo."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute(statement.encode(), values)

    def _request(self, person: str, model: str, method: str, body: Any) -> dict[str, Any]:
        headers = {"authorization": f"bearer {self.keys[person]}", "x-odoo-database": self.name}
        return {"url": f"{self.url}/json/2/{model}/{method}", "headers": headers, "json": body}


def _result(reply: httpx.Response) -> Any:
    if reply.status_code != httpx.codes.OK:
        raise OdooRefused(reply.status_code, str(reply.json()["message"]))
    return reply.json()


class OdooServer:
    """One process of Odoo that serves every copy of a template database."""

    def __init__(
        self, home: Path, postgres_url: str, keys: Mapping[str, str], process: subprocess.Popen[bytes]
    ) -> None:
        self.url = ""
        self._home = home
        self._postgres = postgres_url
        self._keys = keys
        self._process = process
        self._copies = 0

    @classmethod
    def start(cls) -> "OdooServer":
        """Makes the template (half a minute) and starts the server.

        Raises:
            RuntimeError: what it needs is missing, or it did not start; the message says what to do, or has its log.
        """
        if not _PYTHON.is_file() or not _CODE.is_dir():
            raise RuntimeError("Odoo cannot start, it is not installed: run `make test-foreign`")
        home = new_folder()
        url = postgres.start(home / "postgres")
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"CREATE ROLE {_ROLE} LOGIN CREATEDB")
            keys = _made_template(home)
            return cls._serving(home, url, keys)
        except BaseException:
            _tidied(home)
            raise

    @classmethod
    def _serving(cls, home: Path, url: str, keys: Mapping[str, str]) -> "OdooServer":
        port = free_port()
        served = ["--http-interface=127.0.0.1", f"--http-port={port}", f"--db-filter=^{_ROLE}_test_"]
        with _log(home, "serve").open("wb") as log:
            process = subprocess.Popen(
                _command(home, *served), env=_environment(home), cwd=home, stdout=log, stderr=subprocess.STDOUT
            )
        server = cls(home, url, keys, process)
        server.url = f"http://127.0.0.1:{port}"
        try:
            server._wait()
        except BaseException:
            server._end_process()
            raise
        return server

    def _wait(self) -> None:
        give_up = time.monotonic() + _LONGEST_START_SECONDS
        while time.monotonic() < give_up and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/web/version").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise RuntimeError(f"Odoo did not start:\n{_log(self._home, 'serve').read_text('utf-8')[-3000:]}")

    def copy(self) -> OdooDatabase:
        """A fresh database of the template."""
        self._copies += 1
        name = f"{_ROLE}_test_{self._copies}"
        with psycopg.connect(self._postgres, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER {_ROLE} TEMPLATE {_TEMPLATE} STRATEGY FILE_COPY")
        return OdooDatabase(self.url, name, self._keys, self._postgres.replace("/postgres?", f"/{name}?"))

    def end(self) -> None:
        """Ends the server and its database, and removes its files."""
        self._end_process()
        _tidied(self._home)

    def _end_process(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_LONGEST_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _made_template(home: Path) -> Mapping[str, str]:
    """Makes the template database with its people; gives their API keys."""
    modules = ["-i", "maintenance,mrp,rpc", "--skip-auto-install", "--stop-after-init", "--no-http", "-d", _TEMPLATE]
    _run(home, "make", _command(home, *modules))
    shell = _command(home, "--no-http", "--log-level=error", "-d", _TEMPLATE, program="shell")
    said = _run(home, "seed", shell, _SEED.read_bytes())
    keys: dict[str, str] = json.loads(said.decode().strip().splitlines()[-1])
    return keys


def _run(home: Path, name: str, command: Sequence[str], given: bytes = b"") -> bytes:
    with _log(home, name).open("wb") as log:
        done = subprocess.run(
            command, env=_environment(home), cwd=home, input=given, stdout=subprocess.PIPE, stderr=log, check=False,
            timeout=_LONGEST_START_SECONDS,
        )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"Odoo's database was not made:\n{_log(home, name).read_text('utf-8')[-3000:]}")
    return done.stdout


def _command(home: Path, *options: str, program: str | None = None) -> list[str]:
    return [
        str(_PYTHON), "-m", "odoo", *([program] if program else []),
        f"--addons-path={_CODE / 'odoo' / 'addons'}", f"--data-dir={home / 'data'}", f"--db_host={home / 'postgres'}",
        "-r", _ROLE, "--no-database-list", "--load=base,rpc,web", "--max-cron-threads=0", *options,
    ]  # fmt: skip


def _environment(home: Path) -> dict[str, str]:
    # Nobody needs these databases after a power cut.
    fast = "-c synchronous_commit=off"
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(_CODE), "PGOPTIONS": fast}


def _log(home: Path, name: str) -> Path:
    return home / f"{name}.log"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _tidied(home: Path) -> None:
    postgres.stop(home / "postgres")
    shutil.rmtree(home, ignore_errors=True)
