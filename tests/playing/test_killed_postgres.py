"""The embedded database killed with -9: it comes back where it was, with all that was committed."""

from pathlib import Path

import psycopg
import pytest

from millwright.embedded import postgres


def test_a_killed_database_comes_back_at_once_with_what_was_committed(tmp_path: Path) -> None:
    directory = tmp_path / "postgres"
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


def test_where_no_database_runs_there_is_none_to_kill(tmp_path: Path) -> None:
    assert postgres.kill(tmp_path) == 0
