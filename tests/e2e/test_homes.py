"""A home belongs to one run at a time, and keeps what people did in it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Millwright
from tests.support.logging_as_found import logging_as_found
from tests.support.people import join
from tests.support.processes_of_home import none_left, processes_of

PATIENCE = 120


@pytest.fixture(autouse=True)
def _as_found(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("MILLWRIGHT_")]:
        monkeypatch.delenv(name)
    with logging_as_found():
        yield


@contextlib.contextmanager
def runs(home: Path, data: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """`millwright run` in a process of its own; whatever is left of it afterwards is killed."""
    line = [sys.executable, "-m", "millwright", "--home", str(home), "run", "--data", str(data), *options]
    # Whoever runs the tests may ignore SIGHUP, as nohup does, and a child goes on ignoring what its parent ignored.
    usual = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGHUP, usual)
    try:
        yield process
    finally:
        for pid in [process.pid, *processes_of(home)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended(process: "subprocess.Popen[str]", number: signal.Signals) -> int:
    """Sends a signal to a process; gives its exit code."""
    process.send_signal(number)
    return process.wait(PATIENCE)


def people(home: Path) -> set[str]:
    """Who is known in the database of a home."""
    url = json.loads((home / "environment.json").read_text())["MILLWRIGHT_DATABASE_URL"]
    with psycopg.connect(url) as connection:
        return {str(row[0]) for row in connection.execute("SELECT id FROM people")}


def test_what_a_person_did_beside_a_run_outlives_every_other_run(
    new_home: Callable[[], Path], plant_data: Path
) -> None:
    home = new_home()
    millwright = Millwright(home)
    with runs(home, plant_data) as playing:
        until((home / "api.json").exists)
        join(home, "anna", "planner")
        for command in ("run", "up --fresh", "home remove --fresh", "db stop"):
            said = millwright.refuses(*command.split())
            assert f"{home} is in use by process {playing.pid} since 20" in said
            assert ", address http://127.0.0.1:" in said
        assert playing.poll() is None
        assert people(home) == {"iris", "grace", "olaf", "hanna", "milan", "anna"}
        assert ended(playing, signal.SIGTERM) == 128 + signal.SIGTERM
        none_left(home)
    for command in ("run", "home remove"):
        said = millwright.refuses(*command.split())
        assert "person-added person/anna by iris at 20" in said
        assert "people/anna.key" in said
        assert "--fresh" in said
    with runs(home, plant_data, "--fresh") as anew:
        until(lambda: not (home / "people" / "anna.key").exists())
        assert ended(anew, signal.SIGINT) == 128 + signal.SIGINT
        none_left(home)
    assert "was removed" in millwright.says("home", "remove")
    assert not home.exists()


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("logs/engine.log", signal.SIGHUP),
        ("postgres/PG_VERSION", signal.SIGKILL),
        ("environment.json", signal.SIGKILL),
    ],
)
def test_a_run_that_is_ended_leaves_no_process_and_a_home_that_can_be_removed(
    new_home: Callable[[], Path], plant_data: Path, moment: str, number: signal.Signals
) -> None:
    home = new_home()
    with runs(home, plant_data) as playing:
        until((home / moment).exists)
        assert ended(playing, number) != 0
        none_left(home)
        assert "was removed" in Millwright(home).says("home", "remove")
        assert not home.exists()


def test_of_two_runs_that_are_started_in_one_instant_one_plays(new_home: Callable[[], Path], plant_data: Path) -> None:
    home = new_home()
    with runs(home, plant_data) as first, runs(home, plant_data) as other:
        both = [first, other]
        until(lambda: any(process.poll() is not None for process in both))
        loser, winner = sorted(both, key=lambda process: process.poll() is None)
        assert loser.returncode == 1
        assert loser.stderr is not None
        assert f"{home} is in use by process {winner.pid}" in loser.stderr.read()
        assert ended(winner, signal.SIGTERM) == 128 + signal.SIGTERM
        none_left(home)
