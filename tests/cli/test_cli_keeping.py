"""Commands that write: the database, people, the audit's head and export."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from millwright.runtime.embedded import postgres
from millwright.runtime.embedded.marking import ENVIRONMENT_FILE, POSTGRES
from tests.cli.conftest import Millwright
from tests.support.homes import new_folder
from tests.support.people import join


@pytest.fixture
def empty_database(postgres_url: str) -> str:
    """A database without tables."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS millwright_cli WITH (FORCE)")
        connection.execute("CREATE DATABASE millwright_cli")
    return postgres_url.replace("/postgres?", "/millwright_cli?")


def test_the_database_is_brought_up_checked_and_left_alone_afterwards(
    nowhere: Millwright, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLWRIGHT_DATABASE_URL", empty_database)
    before = nowhere("db", "check")
    assert (before.exit_code, before.stdout) == (1, "")
    assert "run `millwright db upgrade`" in before.stderr
    assert "it was empty" in nowhere.says("db", "upgrade")
    assert "already" in nowhere.says("db", "upgrade")
    assert nowhere.json("db", "check")["problem"] is None


def test_a_table_that_somebody_altered_is_found(millwright: Millwright, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE cursors ADD COLUMN surprise text")
    found = millwright("db", "check")
    assert found.exit_code == 1
    assert "surprise" in found.stderr


def test_a_decision_needs_a_reason_a_known_key_and_the_role(played: Millwright) -> None:
    (case,) = played.json("case", "list")
    reader = join(played.home, "rita", "reader")
    decide = ("case", "decide", case["id"], "--approve", "--reason")
    assert played.refuses(*decide, " ") == "reason: is empty (say why)"
    assert "nobody has this API key" in played.refuses(*decide, "seen it", "--key", "guessed")
    assert "rita may not do this" in played.refuses(*decide, "seen it", "--key", reader)


def test_a_decision_is_stored_while_there_is_no_workflow_engine(played: Millwright) -> None:
    (case,) = played.json("case", "list")
    assert f"local approved {case['id']}." in played.says("case", "decide", case["id"], "--approve", "--reason", "yes")
    assert played.json("case", "show", case["id"])["case"]["decision"]["by"] == "local"
    assert "Acts by `local`: 1." in played.says("audit", "verify")


def test_the_audit_agrees_until_somebody_alters_a_row(played: Millwright, database_url: str) -> None:
    report = played.json("audit", "verify")
    assert report["verified"] is True
    assert report["verdicts"]["stored"] == report["verdicts"]["reproduced"] > 0
    assert "Everything agrees." in played.says("audit", "verify")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE verdicts DISABLE TRIGGER append_only")
        connection.execute("UPDATE verdicts SET rung = 0 WHERE rung = 4")
    found = played("audit", "verify")
    assert found.exit_code == 1
    assert "the record does not agree" in found.stdout


def test_a_published_head_shows_that_the_tail_was_cut(played: Millwright) -> None:
    head = played.says("audit", "head").strip()
    assert played("audit", "verify", "--head", head).exit_code == 0
    assert played("audit", "verify", "--head", "last").exit_code == 0
    seq, _ = head.split(":")
    assert played("audit", "verify", "--head", f"{int(seq) + 1}:{'0' * 64}").exit_code == 1
    assert "is no head" in played.refuses("audit", "verify", "--head", "yesterday's")


def test_no_head_was_published_yet(played: Millwright) -> None:
    assert "no head was published" in played.refuses("audit", "verify", "--head", "last")


def test_an_export_is_checked_by_the_file_that_lies_in_it(played: Millwright, tmp_path: Path) -> None:
    exported = played.json("audit", "export", str(tmp_path / "export"))
    command = [sys.executable, "offline_verify.py", ".", "--head", exported["head"]]
    found = subprocess.run(command, cwd=tmp_path / "export", capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.fixture
def embedded(unset: None) -> Iterator[Millwright]:
    """The command line with an embedded database of its own."""
    home = new_folder()
    yield Millwright(home)
    postgres.stop(home / POSTGRES)
    shutil.rmtree(home, ignore_errors=True)


def test_an_embedded_database_is_made_once_and_comes_back_whenever_it_is_needed(embedded: Millwright) -> None:
    assert "it was empty" in embedded.says("db", "upgrade")
    written = {"MILLWRIGHT_DATABASE_URL": postgres.start(embedded.home / POSTGRES), "MILLWRIGHT_LOG": "json"}
    (embedded.home / ENVIRONMENT_FILE).write_text(json.dumps(written))
    first = ("people", "first", "anna", "--name", "Anna Berg")
    assert embedded.json(*first)["person"] == "anna"
    assert "No embedded database runs" in embedded.says("db", "stop")
    assert not (embedded.home / POSTGRES / "postmaster.pid").exists()
    assert "looks like another person's name" in embedded.refuses(*first)
