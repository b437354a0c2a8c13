"""The landed build plays a plant and is killed over open cases; this build upgrades its tables and plays on."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import psycopg
import pytest

from benchmarks.chaos.comparison import zeros
from millwright.bootstrap import open_storage, open_systems
from millwright.demo.conductor import Conductor, Tick
from millwright.demo.installation import Installation
from millwright.demo.local_sign_in import LocalSignIn
from millwright.demo.performance import STEP, count
from millwright.demo.preparation import migrate
from millwright.runtime.embedded.marking import ENVIRONMENT_FILE
from millwright.storage.reporting.condition import read_open_cases
from millwright.storage.reporting.figures import count_ordering_cases
from tests.e2e.played import verdicts_twice
from tests.support.earlier_build import take_out_landed
from tests.support.processes_of_home import none_left, processes_of

PATIENCE = 120
OPEN_WITH_ORDER = (
    "SELECT count(*) FROM cases c JOIN work_orders w ON w.case_id = c.id "
    "WHERE c.closed_at IS NULL AND w.external_id IS NOT NULL"
)


async def test_cases_open_under_the_landed_build_are_finished_after_the_tables_were_upgraded(
    plant_data: Path,
    new_home: Callable[[], Path],
    project_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MILLWRIGHT_DATA", str(plant_data))
    earlier = take_out_landed(project_root, tmp_path / "build")
    assert earlier.runs_its_own_code()
    home = new_home()
    played = earlier.plays(home, plant_data, tmp_path / "earlier.log")
    try:
        async with asyncio.timeout(PATIENCE):
            await _cases_are_open(home, lambda: played.poll() is None)
    finally:
        _kill_all(home, played.pid)
        played.wait()
    installation = Installation(home, STEP, _silent)
    try:
        endpoints = await installation.start_foundations()
        await migrate(installation.database_url)
        async with open_storage(installation.settings()) as storage:
            open_before = await read_open_cases(storage.engine)
            stored = {each.version for each in await storage.versions.versions()}
            assert open_before
            async with open_systems(installation.settings(), storage.clock) as systems:
                (cmms,) = systems.cmms
            api, sandbox = await installation.start_services(), str(endpoints["control_url"])
            # The earlier build's people may have kept their keys otherwise, so `local` answers for production.
            local, stand = LocalSignIn(installation.home), partial(_stand, installation)
            await Conductor(sandbox, api, local, cmms, STEP, stand, _unseen, None).play()
            summary = await count(installation, storage, str(endpoints["data"]), sandbox, time.monotonic())
            expected = await count_ordering_cases(storage.engine)
            assert await verdicts_twice(storage.engine) == 0
    finally:
        codes = installation.stop()
    assert set(summary.rungs) == stored, "the upgrade put another version in force than people did"
    assert expected >= len(open_before)
    assert not any(zeros(summary, expected).values()), summary
    assert codes == dict.fromkeys(codes, 0)


async def _cases_are_open(home: Path, plays: Callable[[], bool]) -> None:
    file = home / ENVIRONMENT_FILE
    while True:
        assert plays()
        with suppress(FileNotFoundError, json.JSONDecodeError, psycopg.Error):
            url = json.loads(file.read_text())["MILLWRIGHT_DATABASE_URL"]
            with psycopg.connect(url) as connection:
                row = connection.execute(OPEN_WITH_ORDER).fetchone()
            if row and row[0]:
                return
        await asyncio.sleep(0.02)


def _kill_all(home: Path, conductor: int) -> None:
    """kill -9 for all, and the addresses forgotten that they left."""
    for pid in [conductor, *processes_of(home)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    # The engine that comes next finds its file locked while the last one is still dying.
    none_left(home)
    for file in ("api.json", "plant/endpoints.json"):
        (home / file).unlink(missing_ok=True)


def _stand(installation: Installation) -> None:
    fallen = installation.fallen()
    assert fallen is None, fallen


def _silent(words: str) -> None:
    del words


def _unseen(tick: Tick) -> None:
    del tick
