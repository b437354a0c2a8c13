"""`mes-certificate` as whoever runs the host of the workers meets it."""

from pathlib import Path

import pytest

from connectors.call import Call
from connectors.opcua.certificate import read_certificate
from tests.cli.conftest import Millwright


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, nowhere: Millwright, tmp_path: Path) -> Path:
    """Where the settings of two MES say that certificates and keys are to be."""
    for prefix, name in (("MES", "first"), ("MES_INSTANCES__HAMBURG", "second")):
        monkeypatch.setenv(f"MILLWRIGHT_{prefix}__CONNECTOR", "opcua_job_control")
        monkeypatch.setenv(f"MILLWRIGHT_{prefix}__URL", "opc.tcp://mes.test:4840")
        monkeypatch.setenv(f"MILLWRIGHT_{prefix}__CLIENT_CERTIFICATE", str(tmp_path / f"{name}.pem"))
        monkeypatch.setenv(f"MILLWRIGHT_{prefix}__CLIENT_KEY", str(tmp_path / f"{name}.key"))
    monkeypatch.setenv("MILLWRIGHT_MES_INSTANCES__HAMBURG__SITES", '["HH"]')
    return tmp_path


def test_a_certificate_is_made_where_the_settings_say_and_told_to_the_server_s_administrator(
    nowhere: Millwright, folder: Path
) -> None:
    said = nowhere.says("mes-certificate", "create")
    ours = read_certificate(Call("mes", "check"), folder / "first.pem", folder / "first.key")
    assert f"Application URI: {ours.application_uri}" in said
    assert "PRIVATE" not in said
    assert "first.pem is there already" in nowhere.refuses("mes-certificate", "create")


def test_each_mes_has_its_own(nowhere: Millwright, folder: Path) -> None:
    made = nowhere.json("mes-certificate", "create", "hamburg", "--valid-for", "P30D")
    assert sorted(made) == ["application_uri", "thumbprint", "thumbprint_sha1", "valid_until"]
    assert (folder / "second.key").is_file()
    assert not (folder / "first.key").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("bremen",), "mes: no connector is named"),
        (("--valid-for", "soon"), "valid-for: "),
        (("--valid-for", "PT0S"), "the certificate would end before it is valid"),
    ],
)
def test_what_cannot_be_made_is_said(nowhere: Millwright, folder: Path, arguments: tuple[str, ...], words: str) -> None:
    assert words in nowhere.refuses("mes-certificate", "create", *arguments)
    assert not (folder / "first.key").exists()


def test_without_the_two_settings_nothing_says_where_the_files_are_to_be(
    nowhere: Millwright, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MILLWRIGHT_MES__CLIENT_CERTIFICATE")
    assert "go together" in nowhere.refuses("mes-certificate", "create")
    monkeypatch.delenv("MILLWRIGHT_MES__CLIENT_KEY")
    assert "set client_certificate and client_key of the MES" in nowhere.refuses("mes-certificate", "create")
    assert list(folder.glob("*.key")) == []
