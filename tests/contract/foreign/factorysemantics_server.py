"""A real FactorySemantics MES on loopback, with its simulated bottling line and its people: what `make test-foreign`
installs into `.tools/factorysemantics`. Nothing is installed here.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from tests.contract.foreign.odoo_server import TRUST, free_port
from tests.support.homes import new_folder

_ROOT: Final = Path(__file__).resolve().parents[3]
_VENV: Final = _ROOT / ".tools" / "factorysemantics" / "venv"
_PROGRAM: Final = _VENV / "bin" / "fsmes"
_PLANT: Final = "bottling"
_LONGEST_START_SECONDS: Final = 120
_PATIENCE_SECONDS: Final = 30.0
ACCOUNT: Final = "MILLWRIGHT"
PASSWORD: Final = "swordfish-of-the-mes"
_LAB: Final = {"ADMIN": "admin", "FLOOR-SUP": "supervisor", "SCOTT": "operator"}
"""The people whom the vendor's demonstration has."""


class FactorySemanticsRefused(Exception):
    """The server refuses what a person asks for."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"HTTP {status}: {words}")
        self.status = status
        self.words = words


@dataclass
class FactorySemanticsServer:
    """The processes of one plant: server, simulated machines, and people who do what a PLC does not tell.

    Args:
        tokens: of those who have signed in.
    """

    url: str
    home: Path
    tokens: dict[str, str] = field(default_factory=dict)

    @classmethod
    def start(cls) -> "FactorySemanticsServer":
        """Makes the plant, starts it, and makes our account (fifteen seconds).

        Raises:
            RuntimeError: it is not installed, or it did not start; the message says what to do, or has its log.
        """
        if not _PROGRAM.is_file():
            raise RuntimeError("FactorySemantics MES cannot start, it is not installed: run `make test-foreign`")
        home = new_folder()
        (shipped,) = _VENV.glob(f"lib/python3*/site-packages/fsmes/data/packs/{_PLANT}")
        pack = home / "packs" / _PLANT
        shutil.copytree(shipped, pack)
        port, opc = free_port(), free_port()
        text = re.sub(r"(?m)^api_port .*$", f"api_port = {port}", (pack / "plant.toml").read_text("utf-8"))
        (pack / "plant.toml").write_text(text.replace("127.0.0.1:4841", f"127.0.0.1:{opc}"), "utf-8")
        server = cls(f"http://127.0.0.1:{port}", home)
        try:
            server._run("demo", _PLANT, "--home", str(home))
            server._wait()
            server._make_account()
        except BaseException:
            server.end()
            raise
        return server

    def end(self) -> None:
        """Ends its processes, and removes its files."""
        try:
            self._run("demo", _PLANT, "stop", "--home", str(self.home))
        finally:
            shutil.rmtree(self.home, ignore_errors=True)

    async def ask(self, person: str, method: str, path: str, **body: Any) -> Any:
        """What a person does in the MES.

        Raises:
            FactorySemanticsRefused: it refuses it.
        """
        async with httpx.AsyncClient(base_url=self.url, timeout=_PATIENCE_SECONDS, verify=TRUST) as client:
            if person not in self.tokens:
                named = {"code": person, "password": {**_LAB, ACCOUNT: PASSWORD}[person]}
                self.tokens[person] = (await client.post("/auth/login", json=named)).json()["token"]
            headers = {"authorization": f"Bearer {self.tokens[person]}"}
            reply = await client.request(method, path, headers=headers, json=None if method == "GET" else body)
            if method != "GET":
                # The server answers before it commits. The next request that writes waits for that.
                await client.post("/workorders/NOSUCH/resume", headers=headers)
        if reply.is_error:
            raise FactorySemanticsRefused(reply.status_code, str(reply.json().get("detail")))
        return reply.json()

    def reasons_on(self, orders: Sequence[str]) -> list[tuple[str, bool]]:
        """The reasons of the holds by our account on work orders, as they stand in the database, oldest first, and
        whether each hold is open."""
        marks = ",".join("?" * len(orders))
        query = (
            "SELECT json_extract(a.after, '$.reason'), w.status = 'on_hold' AND NOT EXISTS (SELECT 1 FROM audit_log b "
            "WHERE b.entity_id = a.entity_id AND b.action = 'workorder.on_hold' AND b.id > a.id) FROM audit_log a "
            f"JOIN work_orders w ON w.code = a.entity_id WHERE a.entity_id IN ({marks}) AND a.actor = ? "
            "AND a.action = 'workorder.hold_reason' ORDER BY a.id"
        )
        with closing(sqlite3.connect(f"file:{self.home}/data/{_PLANT}.db?mode=ro", uri=True)) as connection:
            found = connection.execute(query, (*orders, ACCOUNT)).fetchall()
        return [(reason, bool(is_open)) for reason, is_open in found]

    def _make_account(self) -> None:
        """Makes our account, whose role may do nothing but hold work orders and read who did so."""
        with httpx.Client(base_url=self.url, timeout=_PATIENCE_SECONDS, verify=TRUST) as client:
            signed_in = client.post("/auth/login", json={"code": "ADMIN", "password": _LAB["ADMIN"]})
            client.headers["authorization"] = f"Bearer {signed_in.raise_for_status().json()['token']}"
            capabilities = ["plant.read", "orders.close", "audit.read"]
            role = {"code": "holder", "name": "Holds work orders", "capabilities": capabilities}
            client.post("/admin/roles", json=role).raise_for_status()
            person = {"code": ACCOUNT, "name": "Millwright", "password": PASSWORD, "role": "holder"}
            client.post("/auth/users", json=person).raise_for_status()

    def _wait(self) -> None:
        give_up = time.monotonic() + _LONGEST_START_SECONDS
        while time.monotonic() < give_up:
            try:
                if httpx.get(f"{self.url}/health", verify=TRUST).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise RuntimeError(f"FactorySemantics MES did not start:\n{self._log()}")

    def _run(self, *command: str) -> None:
        with self._log_file.open("ab") as log:
            done = subprocess.run(
                [_PROGRAM, *command], env=self._environment(), cwd=self.home, stdout=log, stderr=subprocess.STDOUT,
                check=False, timeout=_LONGEST_START_SECONDS,
            )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"FactorySemantics MES did not obey {' '.join(command)}:\n{self._log()}")

    def _environment(self) -> Mapping[str, str]:
        # Its own processes start `fsmes` by name.
        return {"PATH": f"{_VENV / 'bin'}:{os.environ['PATH']}", "HOME": str(self.home)}

    @property
    def _log_file(self) -> Path:
        return self.home / "commands.log"

    def _log(self) -> str:
        return self._log_file.read_text("utf-8")[-3000:]
