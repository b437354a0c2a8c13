"""The embedded database killed with -9: it comes back where it was, with all that was committed."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from millwright.runtime.embedded import postgres
from tests.support.homes import new_folder


@pytest.fixture
def directory() -> Iterator[Path]:
    home = new_folder()
    yield home / "postgres"
    shutil.rmtree(home, ignore_errors=True)


def test_a_killed_database_comes_back_at_once_with_what_was_committed(directory: Path) -> None:
    url = postgres.start(directory)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (word text)")
            connection.execute("INSERT INTO kept VALUES ('here')")
            assert postgres.kill(directory) > 1
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        assert postgres.start(directory) == url
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT word FROM kept").fetchone() == ("here",)
    finally:
        postgres.stop(directory)


def test_two_databases_are_started_at_the_same_moment(directory: Path) -> None:
    directories = [directory, directory.with_name("engine")]
    try:
        with ThreadPoolExecutor() as pool:
            urls = list(pool.map(postgres.start, directories))
        for url in urls:
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        for started in directories:
            postgres.stop(started)


def test_where_no_database_runs_there_is_none_to_kill(tmp_path: Path) -> None:
    assert postgres.kill(tmp_path) == 0


def test_a_process_that_has_the_number_of_a_dead_server_is_left_alone(directory: Path) -> None:
    url = postgres.start(directory)
    named = (directory / "postmaster.pid").read_text().splitlines()
    postgres.stop(directory)
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        (directory / "postmaster.pid").write_text("\n".join([str(stranger.pid), *named[1:]]))
        assert postgres.kill(directory) == 0
        postgres.stop(directory)
        assert postgres.start(directory) == url
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert stranger.poll() is None
    finally:
        postgres.stop(directory)
        stranger.kill()
        stranger.communicate()
