"""How commands fail, and how they begin: one sentence, the right exit code, no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from millwright.runtime import home
from tests.cli.conftest import Millwright

READING = [
    ("case", "list"),
    ("events", "list"),
    ("assets", "list"),
    ("policy", "show"),
    ("audit", "verify"),
    ("audit", "head"),
    ("db", "check"),
    ("people", "first", "anna", "--name", "Anna Berg"),
    ("worker",),
    ("intake",),
    ("api",),
]


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_where_nothing_is_installed_every_command_says_so(nowhere: Millwright, command: tuple[str, ...]) -> None:
    assert f"there is no installation under {nowhere.home}" in nowhere.refuses(*command)
    assert not nowhere.home.exists()


@pytest.mark.parametrize("command", READING[:4], ids=" ".join)
def test_a_database_that_is_away_is_one_sentence(
    nowhere: Millwright, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLWRIGHT_DATABASE_URL", "postgresql://nobody:hidden-word@127.0.0.1:9/none")
    sentence = nowhere.refuses(*command)
    assert "127.0.0.1" in sentence
    assert "hidden-word" not in sentence


def test_a_database_without_tables_names_the_command_that_makes_them(
    nowhere: Millwright, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLWRIGHT_DATABASE_URL", postgres_url)
    assert nowhere.refuses("case", "list") == ("database_url: the database has no tables (run `millwright db upgrade`)")


def test_a_wrong_setting_is_named(nowhere: Millwright, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLWRIGHT_API_PORT", "many")
    assert nowhere.refuses("case", "list").endswith("(set MILLWRIGHT_API_PORT)")


def test_a_worker_without_an_engine_says_which_setting_is_missing(
    millwright: Millwright, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLWRIGHT_CMMS__CONNECTOR", "sap")
    assert (
        millwright.refuses("worker")
        == "cmms: no connector 'sap' (set MILLWRIGHT_CMMS__CONNECTOR to atlas, maintainx, maximo, odoo, rest, sap_pm)"
    )


@pytest.mark.parametrize("arguments", [("bogus",), ("case", "show"), ("case", "list", "--lane", "nowhere")])
def test_a_wrong_command_line_exits_with_two(nowhere: Millwright, arguments: tuple[str, ...]) -> None:
    assert nowhere(*arguments).exit_code == 2


def test_a_fault_of_ours_is_a_sentence_with_the_place_of_its_report(
    millwright: Millwright, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError("a bug")

    monkeypatch.setattr(home, "load_settings", broken)
    sentence = millwright.refuses("case", "list")
    assert sentence.startswith("Internal error, LookupError: a bug.")
    report = Path(sentence.rsplit(" ", 1)[1].rstrip("."))
    assert "Traceback" in report.read_text()
    report.unlink()


def test_ctrl_c_is_quiet(millwright: Millwright, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(home, "load_settings", interrupted)
    found = millwright("case", "list")
    assert (found.exit_code, found.output) == (130, "")


def test_help_imports_no_library_that_it_does_not_need(project_root: Path) -> None:
    heavy = ("sqlalchemy", "temporalio", "azure", "asyncua", "fastapi", "alembic", "cel_expr_python", "pyarrow")
    script = (
        "import sys; from millwright.cli import app\n"
        "try: app(['--help'])\n"
        f"except SystemExit: sys.exit(','.join(name for name in {heavy!r} if name in sys.modules) or 0)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=project_root, capture_output=True, text=True, timeout=60, check=False
    )
    assert (found.returncode, found.stderr) == (0, "")
