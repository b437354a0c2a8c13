"""The settings of an installation: from the environment, and from what a run left under its home."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import Rejected
from millwright.runtime.embedded.marking import ENVIRONMENT_FILE, POSTGRES
from millwright.runtime.home import installed, load_settings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MILLWRIGHT_")]:
        monkeypatch.delenv(name)


def written(home: Path, **variables: str) -> None:
    home.mkdir(exist_ok=True)
    (home / ENVIRONMENT_FILE).write_text(json.dumps({f"MILLWRIGHT_{name}": text for name, text in variables.items()}))


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert (settings.home, settings.clock, settings.database_url) == (tmp_path, "wall", None)
    assert not installed(settings)


def test_what_a_run_wrote_under_its_home_holds_afterwards(tmp_path: Path) -> None:
    written(tmp_path, CLOCK="file:plant/clock", POLL_INTERVAL="PT12H", CMMS__CONNECTOR="maximo", CMMS__URL="http://c")
    settings = load_settings(tmp_path)
    assert (settings.clock, settings.poll_interval) == ("file:plant/clock", timedelta(hours=12))
    assert settings.cmms is not None
    assert settings.cmms.own() == {"url": "http://c"}


def test_the_environment_wins_over_the_file_even_within_one_connector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, CLOCK="file:plant/clock", CMMS__CONNECTOR="maximo", CMMS__URL="http://c")
    monkeypatch.setenv("MILLWRIGHT_CLOCK", "wall")
    monkeypatch.setenv("MILLWRIGHT_CMMS__API_KEY", "given")
    settings = load_settings(tmp_path)
    assert settings.clock == "wall"
    assert settings.cmms is not None
    assert settings.cmms.own() == {"url": "http://c", "api_key": "given"}


def test_an_environment_with_a_database_of_its_own_does_not_read_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, CLOCK="file:plant/clock", CMMS__CONNECTOR="maximo")
    monkeypatch.setenv("MILLWRIGHT_DATABASE_URL", "postgresql://db.example/plant")
    settings = load_settings(tmp_path)
    assert (settings.clock, settings.cmms) == ("wall", None)


def test_the_home_comes_from_the_environment_where_none_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, CLOCK="file:plant/clock")
    monkeypatch.setenv("MILLWRIGHT_HOME", str(tmp_path))
    assert load_settings().clock == "file:plant/clock"


def test_a_database_that_ended_with_its_run_is_started_again_from_the_home(tmp_path: Path) -> None:
    written(tmp_path, DATABASE_URL=f"postgresql://postgres:@/postgres?host={tmp_path / POSTGRES}")
    (tmp_path / POSTGRES).mkdir()
    settings = load_settings(tmp_path)
    assert settings.database_url is None
    assert installed(settings)


def test_a_database_that_still_answers_is_used(tmp_path: Path, database_url: str) -> None:
    written(tmp_path, DATABASE_URL=database_url)
    found = load_settings(tmp_path).database_url
    assert found is not None
    assert found.get_secret_value() == database_url


def test_whoever_makes_the_installation_again_does_not_read_what_is_there(tmp_path: Path) -> None:
    (tmp_path / ENVIRONMENT_FILE).write_text("{")
    assert load_settings(tmp_path, anew=True).home == tmp_path


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_file_that_holds_no_variables_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / ENVIRONMENT_FILE).write_text(text)
    with pytest.raises(Rejected, match=ENVIRONMENT_FILE):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("MILLWRIGHT_API_PORT", "many", "MILLWRIGHT_API_PORT"),
        ("MILLWRIGHT_LOG", "loud", "MILLWRIGHT_LOG"),
        ("MILLWRIGHT_DATABASE_URL", "mysql://db", "MILLWRIGHT_DATABASE_URL"),
        ("MILLWRIGHT_CMMS", "{", "cmms"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, named: str
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(Rejected, match=named):
        load_settings(tmp_path)
