"""The settings of an installation: from the environment, and from what a run left under its home."""

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import Rejected
from millwright.runtime.embedded.marking import ENVIRONMENT_FILE, POSTGRES
from millwright.runtime.home import installed, load_settings
from millwright.settings import Settings


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


@pytest.mark.parametrize(
    ("variable", "read"),
    [
        ("MILLWRIGHT_CMMS__API_KEY_FILE", lambda settings: settings.cmms.own()["api_key"].get_secret_value()),
        (
            "MILLWRIGHT_CMMS_INSTANCES__HAMBURG__API_KEY_FILE",
            lambda settings: settings.all_cmms()["hamburg"].own()["api_key"].get_secret_value(),
        ),
        ("MILLWRIGHT_TEMPORAL_API_KEY_FILE", lambda settings: settings.temporal_api_key.get_secret_value()),
    ],
)
def test_a_value_may_stand_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, read: Callable[[Settings], object]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    monkeypatch.setenv("MILLWRIGHT_CMMS__CONNECTOR", "maximo")
    monkeypatch.setenv("MILLWRIGHT_CMMS_INSTANCES__HAMBURG__CONNECTOR", "maximo")
    monkeypatch.setenv("MILLWRIGHT_CMMS_INSTANCES__HAMBURG__SITES", '["HH"]')
    monkeypatch.setenv(variable, str(secret))
    assert read(load_settings(tmp_path)) == "s3cret"


def test_a_database_whose_address_stands_in_a_file_is_another_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, CLOCK="file:plant/clock")
    (tmp_path / "address").write_text("postgresql://db.example/plant")
    monkeypatch.setenv("MILLWRIGHT_DATABASE_URL_FILE", str(tmp_path / "address"))
    settings = load_settings(tmp_path)
    assert settings.clock == "wall"
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://db.example/plant"


def test_a_setting_that_is_given_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("s3cret")
    monkeypatch.setenv("MILLWRIGHT_CMMS__API_KEY", "other")
    monkeypatch.setenv("MILLWRIGHT_CMMS__API_KEY_FILE", str(tmp_path / "secret"))
    with pytest.raises(Rejected, match="and so is MILLWRIGHT_CMMS__API_KEY_FILE") as caught:
        load_settings(tmp_path)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe", "has no text in UTF-8"),
        (b"\n", "is empty"),
        (b"x" * 70_000, "is larger than 65536 bytes"),
    ],
    ids=["missing", "no text", "empty", "large"],
)
def test_a_file_that_has_no_value_is_told_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, problem: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("MILLWRIGHT_CMMS__API_KEY_FILE", str(file))
    with pytest.raises(Rejected, match=problem) as caught:
        load_settings(tmp_path)
    assert caught.value.field == "MILLWRIGHT_CMMS__API_KEY_FILE"


def test_the_file_of_a_passphrase_is_for_the_command_that_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLWRIGHT_PASSPHRASE_FILE", str(tmp_path / "not-there"))
    assert load_settings(tmp_path).clock == "wall"
