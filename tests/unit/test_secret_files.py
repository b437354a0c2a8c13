"""Secrets in files: which value counts when the file is written, replaced, empty or away, and what the log says."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from connectors.manifest import connector_folders
from domain.errors import Rejected
from millwright.runtime import logs
from millwright.runtime.connector_environment import checked_settings, settings_given
from millwright.runtime.connector_settings import cmms_settings_model, own_settings
from millwright.runtime.home import load_settings
from millwright.runtime.setting_files import SecretInFile, is_secret
from millwright.settings import CmmsSettings, Settings
from millwright.steering.values import settings_model

FIRST, SECOND = "Slate-Anchor-4417-first", "Birch-Signal-8830-other"
VARIABLE = "MILLWRIGHT_CMMS__API_KEY_FILE"


def written(file: Path, text: str) -> None:
    file.write_text(text)


def replaced(file: Path, text: str) -> None:
    """As an editor does, and the agent of a vault."""
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(file)


def linked(file: Path, text: str) -> None:
    """As Kubernetes does: the file is a link into a folder, and the link to the folder is replaced."""
    folder = file.parent / f"..{len(list(file.parent.iterdir()))}"
    folder.mkdir()
    (folder / file.name).write_text(text)
    link = file.parent / "..data.new"
    link.symlink_to(folder.name)
    link.replace(file.parent / "..data")
    if not file.is_symlink():
        file.unlink(missing_ok=True)
        file.symlink_to(f"..data/{file.name}")


def old(file: Path, text: str) -> None:
    """With the time of last year, as a copy that keeps times."""
    replaced(file, text)
    os.utime(file, (1_700_000_000, 1_700_000_000))


WAYS: tuple[Callable[[Path, str], None], ...] = (written, replaced, linked, old)


@pytest.mark.parametrize("change", WAYS)
def test_the_secret_is_what_the_file_has_now(tmp_path: Path, change: Callable[[Path, str], None]) -> None:
    file = tmp_path / "key"
    change(file, FIRST)
    secret = SecretInFile(file, VARIABLE)
    assert secret.get_secret_value() == FIRST
    change(file, f"{SECOND}\n")
    assert secret.get_secret_value() == SECOND
    assert (secret.known, len(secret)) == ((FIRST, SECOND), len(SECOND))
    assert FIRST[:5] not in f"{secret!r}{secret}"


@given(
    changes=st.lists(
        st.tuples(st.sampled_from(WAYS), st.sampled_from(["", "\n", FIRST, SECOND, "x" * 70_000, "third"])), max_size=8
    )
)
def test_it_is_always_the_last_good_content(changes: list[tuple[Callable[[Path, str], None], str]]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "key"
        file.write_text(FIRST)
        secret, good = SecretInFile(file, VARIABLE), FIRST
        for change, text in changes:
            change(file, text)
            good = text if 0 < len(text.strip()) < 70_000 else good
            assert secret.get_secret_value() == good
            assert secret.get_secret_value() == good


@pytest.mark.parametrize(
    ("spoil", "clear"),
    [
        (lambda file: file.write_bytes(b""), Path.unlink),
        (Path.unlink, lambda file: None),
        (lambda file: file.write_bytes(b"\xff\xfe"), Path.unlink),
        (lambda file: (file.unlink(), file.mkdir()), Path.rmdir),
    ],
    ids=["empty", "missing", "no text", "a folder"],
)
def test_a_file_that_has_no_secret_for_a_moment_is_told_once_and_the_last_one_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], object], clear: Callable[[Path], object]
) -> None:
    caplog.set_level(logging.INFO)
    file = tmp_path / "key"
    file.write_text(FIRST)
    secret = SecretInFile(file, VARIABLE)
    spoil(file)
    assert [secret.get_secret_value() for _ in range(5)] == [FIRST] * 5
    (line,) = caplog.messages
    assert line.startswith(f"{VARIABLE}: the secret as it was before is still used: {file} ")
    assert line.endswith("(correct the file, or restart with another)")
    clear(file)
    file.write_text(SECOND)
    assert secret.get_secret_value() == SECOND
    assert caplog.messages[1:] == [f"{VARIABLE}: the file has another secret, which is used from now on"]
    assert FIRST not in caplog.text
    assert SECOND not in caplog.text


def test_a_file_that_comes_back_as_it_was_is_told_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    file = tmp_path / "key"
    file.write_text(FIRST)
    secret = SecretInFile(file, VARIABLE)
    for text in ("", FIRST, "", FIRST):
        file.write_text(text)
        assert secret.get_secret_value() == FIRST
    assert [line.split(": ")[1] for line in caplog.messages] == [
        "the secret as it was before is still used",
        "the file can be read again, and has the secret as it was before",
    ] * 2


def test_a_file_that_stays_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    old(file, FIRST)
    secret = SecretInFile(file, VARIABLE)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))
    assert secret.get_secret_value() == FIRST


def test_only_the_newest_of_its_values_are_remembered(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(FIRST)
    secret = SecretInFile(file, VARIABLE)
    for number in range(40):
        file.write_text(f"value {number}")
        secret.get_secret_value()
    assert secret.known == tuple(f"value {number}" for number in range(24, 40))


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a vault, with the variables that name its files."""
    folder = tmp_path / "vault"
    folder.mkdir()
    for name, text in {
        "MILLWRIGHT_CMMS__API_KEY": FIRST,
        "MILLWRIGHT_CMMS__URL": "https://maximo.example/maximo/api",
        "MILLWRIGHT_CMMS__WEBHOOK_SECRETS": f'["{FIRST}"]',
        "MILLWRIGHT_HEAD_ANCHOR": f"https://anchor.example/?sig={FIRST}",
        "MILLWRIGHT_POLL_INTERVAL": "PT5M",
        "MILLWRIGHT_MES_INSTANCES__HAMBURG__PASSWORD": FIRST,
    }.items():
        (folder / name).write_text(text)
        monkeypatch.setenv(f"{name}_FILE", str(folder / name))
    monkeypatch.setenv("MILLWRIGHT_CMMS__CONNECTOR", "maximo")
    monkeypatch.setenv("MILLWRIGHT_MES_INSTANCES__HAMBURG__CONNECTOR", "factorysemantics")
    return folder


def test_the_secrets_of_the_settings_follow_their_files_and_nothing_else_does(tmp_path: Path, keys: Path) -> None:
    settings = load_settings(tmp_path)
    assert settings.cmms is not None
    assert settings.head_anchor is not None
    own = own_settings(settings.cmms, cmms_settings_model("maximo"), "cmms", "maximo")
    for file in keys.iterdir():
        file.write_text(file.read_text().replace(FIRST, SECOND).replace("maximo.example", "other.example"))
    assert own.model_dump(include={"url"}) == {"url": "https://maximo.example/maximo/api"}
    assert getattr(own, "api_key").get_secret_value() == SECOND  # noqa: B009
    assert settings.head_anchor.get_secret_value() == f"https://anchor.example/?sig={SECOND}"
    assert [secret.get_secret_value() for secret in settings.cmms.present_webhook_secrets()] == [SECOND]
    hamburg = settings.all_mes()["hamburg"].own()["password"]
    assert isinstance(hamburg, SecretStr)
    assert hamburg.get_secret_value() == SECOND


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MILLWRIGHT_HEAD_ANCHOR", "http://anchor.example/plain"),
        ("MILLWRIGHT_CMMS__WEBHOOK_SECRETS", '["short"]'),
        ("MILLWRIGHT_CMMS__WEBHOOK_SECRETS", "no JSON"),
        ("MILLWRIGHT_CMMS__WEBHOOK_SECRETS", f'["{SECOND}"'),
    ],
)
def test_a_value_that_the_setting_refuses_is_not_taken_and_not_told(
    tmp_path: Path, keys: Path, caplog: pytest.LogCaptureFixture, name: str, text: str
) -> None:
    settings = load_settings(tmp_path)
    assert settings.cmms is not None
    assert settings.head_anchor is not None
    (keys / name).write_text(text)
    for _ in range(3):
        assert settings.head_anchor.get_secret_value().endswith(FIRST)
        assert [secret.get_secret_value() for secret in settings.cmms.present_webhook_secrets()] == [FIRST]
    (line,) = caplog.messages
    assert line.startswith(f"{name}_FILE: the secret as it was before is still used: it has a value that the setting")
    assert text not in line


def test_every_value_that_was_read_is_masked_in_the_log(tmp_path: Path, keys: Path) -> None:
    settings = load_settings(tmp_path)
    assert settings.cmms is not None
    masking = logs.Masking(logs.PlainText(), logs.secrets(settings), logs.secrets_in_files(settings))
    for file in keys.iterdir():
        file.write_text(file.read_text().replace(FIRST, SECOND))
    settings.cmms.present_webhook_secrets()
    record = logging.LogRecord("millwright", logging.ERROR, "", 0, "old %s, new %s", (FIRST, SECOND), None)
    assert masking.format(record).endswith(f"old {logs.MASK}, new {logs.MASK}")


def test_a_setting_in_a_file_that_is_no_secret_is_not_masked_in_the_log(tmp_path: Path, keys: Path) -> None:
    settings = load_settings(tmp_path)
    masked = [*logs.secrets(settings), *(file.get_secret_value() for file in logs.secrets_in_files(settings))]
    assert FIRST in masked
    assert "https://maximo.example/maximo/api" not in masked
    masking = logs.Masking(logs.PlainText(), logs.secrets(settings), logs.secrets_in_files(settings))
    words = "nothing answers at https://maximo.example/maximo/api"
    record = logging.LogRecord("millwright", logging.ERROR, "", 0, words, (), None)
    assert masking.format(record).endswith(words)


def test_each_secret_of_a_connector_is_masked_by_its_name() -> None:
    secrets = {
        (connector, name)
        for connector in (folder.name for folder in connector_folders())
        for name, field in settings_model(connector).model_fields.items()
        if is_secret(field.annotation)
    }
    assert ("maximo", "api_key") in secrets
    for connector, name in secrets:
        given = CmmsSettings.model_validate({"connector": connector, name: FIRST})
        assert logs.secrets(Settings(cmms=given)) == [FIRST], (connector, name)


def test_a_command_for_a_connector_reads_its_secret_again_too(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(FIRST)
    variables = {"MILLWRIGHT_MAXIMO_API_KEY_FILE": str(file), "MILLWRIGHT_MAXIMO_URL": "https://a.example/maximo/api"}
    model: type[BaseModel] = cmms_settings_model("maximo")
    own = checked_settings("maximo", model, settings_given("maximo", model, variables), variables)
    file.write_text(SECOND)
    assert getattr(own, "api_key").get_secret_value() == SECOND  # noqa: B009
    file.unlink()
    with pytest.raises(Rejected, match="MILLWRIGHT_MAXIMO_API_KEY_FILE"):
        settings_given("maximo", model, variables)
