"""Connections over TLS whose server wants our certificate: who is let in, what a person is told, and how files are
replaced."""

import logging
import shutil
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from pydantic import ValidationError

from domain.errors import ActionRequired, ConnectorError, Rejected, Unavailable
from millwright.bootstrap import open_systems
from millwright.runtime.connecting import http_client
from millwright.runtime.home import settings_from
from tests.support.certificates import Authority, Issued
from tests.support.http_connectors import WAYS_IN, WayIn
from tests.support.plant import START, TestClock
from tests.support.tls_server import TlsServer, tls_server

MAXIMO = WAYS_IN[0]
TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@dataclass(frozen=True)
class Plant:
    """The authorities and certificates of a plant, and the files that the settings name."""

    authority: Authority
    server: Issued
    folder: Path

    @property
    def files(self) -> dict[str, Path]:
        names = {"server_ca": "ca.pem", "client_certificate": "client.pem", "client_key": "client.key"}
        return {name: self.folder / file for name, file in names.items()}

    def put(self, issued: Issued) -> None:
        """Puts a certificate and its key where the settings name them."""
        shutil.copy(issued.certificate, self.files["client_certificate"])
        shutil.copy(issued.key, self.files["client_key"])

    def served(self, version: ssl.TLSVersion = TLS_1_3, *, abrupt: bool = False) -> Iterator[TlsServer]:
        with tls_server(self.server, self.authority.certificate, version, abrupt=abrupt) as server:
            yield server


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    authority = Authority(tmp_path, "plant-authority")
    folder = tmp_path / "files"
    folder.mkdir()
    plant = Plant(authority, authority.issue("server"), folder)
    shutil.copy(authority.certificate, plant.files["server_ca"])
    plant.put(authority.issue("spring"))
    return plant


@pytest.fixture
def server(plant: Plant) -> Iterator[TlsServer]:
    yield from plant.served()


def variable(name: str) -> str:
    return f"MILLWRIGHT_CMMS__{name.upper()}"


async def told(way: WayIn, server: TlsServer, files: dict[str, Path]) -> ConnectorError:
    """What a connector says when it is checked. A server that let it in answers 503."""
    moved = way.at(server.url)
    async with http_client(moved.settings(**files), variable) as http:
        with pytest.raises((ActionRequired, Unavailable)) as error:
            await moved.connected(http, **files).check()
    return error.value


@pytest.mark.parametrize("way", WAYS_IN, ids=lambda way: way.name)
async def test_each_connector_shows_its_certificate(way: WayIn, plant: Plant, server: TlsServer) -> None:
    assert "it failed inside (HTTP 503)" in str(await told(way, server, plant.files))
    assert server.clients == ["spring"]
    without = {"server_ca": plant.files["server_ca"]}
    assert (await told(way, server, without)).problem.endswith("; see client_certificate")


Issue = Callable[[Plant, Path], Issued]
"""Gives a certificate of a plant that has a folder for more authorities."""


def ended(plant: Plant, _folder: Path) -> Issued:
    return plant.authority.issue("of-last-year", ended=True)


def of_another_authority(_plant: Plant, folder: Path) -> Issued:
    return Authority(folder, "another-authority").issue("of-another")


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (TLS_1_2, "it refuses the connection; it may ask for a certificate of ours"),
        (TLS_1_3, "it asks for a certificate of ours"),
    ],
)
async def test_a_certificate_that_is_missing_is_for_a_person(plant: Plant, version: ssl.TLSVersion, words: str) -> None:
    await refused_by_the_server(plant, version, {"server_ca": plant.files["server_ca"]}, words)


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
@pytest.mark.parametrize(
    ("issue", "words"),
    [
        (of_another_authority, "it does not trust the authority of our certificate"),
        (ended, "our certificate has expired"),
    ],
)
async def test_a_certificate_that_is_refused_is_for_a_person(
    plant: Plant, tmp_path: Path, version: ssl.TLSVersion, issue: Issue, words: str
) -> None:
    plant.put(issue(plant, tmp_path))
    await refused_by_the_server(plant, version, plant.files, words)


async def refused_by_the_server(plant: Plant, version: ssl.TLSVersion, files: dict[str, Path], words: str) -> None:
    for server in plant.served(version):
        error = await told(MAXIMO, server, files)
        assert isinstance(error, ActionRequired)
        assert error.field == "client_certificate"
        assert error.problem == f"no connection to 127.0.0.1: {words}; see client_certificate"
        assert server.clients == []


async def test_a_connection_that_is_cut_without_a_word_names_the_certificate_as_a_possible_reason(plant: Plant) -> None:
    for server in plant.served(abrupt=True):
        error = await told(MAXIMO, server, {"server_ca": plant.files["server_ca"]})
        assert isinstance(error, Unavailable)
        assert error.problem.endswith("; a server that refuses our certificate, or asks for one, may do that")


@pytest.mark.parametrize("title", ["400 No required SSL certificate was sent", "400 The SSL certificate error"])
@pytest.mark.parametrize("way", WAYS_IN, ids=lambda way: way.name)
async def test_a_proxy_that_asks_for_a_certificate_by_a_page_is_for_a_person(way: WayIn, title: str) -> None:
    page = httpx.Response(400, html=f"<html><head><title>{title}</title></head><body>nginx</body></html>")
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: page)) as http:
        with pytest.raises(ActionRequired, match="asks for a certificate of ours; see client_certificate") as refused:
            await way.connected(http).check()
    assert refused.value.field == "client_certificate"


@pytest.mark.parametrize("issue", [of_another_authority, ended])
async def test_a_server_that_is_not_trusted_gets_nothing_of_us(plant: Plant, tmp_path: Path, issue: Issue) -> None:
    with tls_server(issue(plant, tmp_path), plant.authority.certificate) as server:
        error = await told(MAXIMO, server, plant.files)
        assert isinstance(error, ActionRequired)
        assert (error.field, server.clients) == ("server_ca", [])
        assert "its certificate is not trusted" in error.problem
        assert error.problem.endswith("see server_ca")


async def test_new_connections_have_the_certificate_that_the_files_have_then(
    plant: Plant, server: TlsServer, caplog: pytest.LogCaptureFixture
) -> None:
    summer = plant.authority.issue("summer")
    moved = MAXIMO.at(server.url)
    async with http_client(moved.settings(**plant.files), variable) as http:
        cmms = moved.connected(http, **plant.files)

        async def asked() -> None:
            with pytest.raises(Unavailable, match="HTTP 503"):
                await cmms.check()

        await asked()
        shutil.copy(summer.certificate, plant.files["client_certificate"])
        await asked()
        await asked()
        assert server.clients == ["spring"] * 3
        (line,) = caplog.messages
        assert line.startswith(f"{variable('client_certificate')}: {plant.files['client_certificate']} is not the ")
        shutil.copy(summer.key, plant.files["client_key"])
        await asked()
        assert server.clients[3:] == ["summer"]
        plant.files["client_key"].unlink()
        await asked()
        assert server.clients[4:] == ["summer"]
        assert caplog.messages[1].startswith(f"{variable('client_key')}: {plant.files['client_key']} cannot be read: ")


async def test_an_authority_that_is_added_is_trusted_from_then_on(plant: Plant, tmp_path: Path) -> None:
    successor = Authority(tmp_path, "the-next-authority")
    with tls_server(successor.issue("next-server"), plant.authority.certificate) as server:
        moved = MAXIMO.at(server.url)
        async with http_client(moved.settings(**plant.files), variable) as http:
            cmms = moved.connected(http, **plant.files)
            with pytest.raises(ActionRequired, match="not trusted"):
                await cmms.check()
            shutil.copy(successor.certificate, plant.files["server_ca"])
            with pytest.raises(Unavailable, match="HTTP 503"):
                await cmms.check()


@pytest.mark.parametrize("name", ["server_ca", "client_certificate", "client_key"])
async def test_a_file_that_is_missing_is_told_at_the_start(plant: Plant, name: str) -> None:
    plant.files[name].unlink()
    await refused_at_the_start(plant, name, "cannot be read: No such file")


@pytest.mark.parametrize("name", ["server_ca", "client_certificate"])
async def test_a_file_without_a_certificate_is_told_at_the_start(plant: Plant, name: str) -> None:
    plant.files[name].write_bytes(b"no PEM")
    await refused_at_the_start(plant, name, "has no certificate in PEM")


async def test_a_key_with_a_passphrase_is_told_at_the_start_and_nobody_is_asked_for_it(plant: Plant) -> None:
    key = serialization.load_pem_private_key(plant.files["client_key"].read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"word")
    )
    plant.files["client_key"].write_bytes(locked)
    await refused_at_the_start(plant, "client_certificate", "passphrase")


async def test_a_key_of_another_certificate_is_told_at_the_start(plant: Plant) -> None:
    shutil.copy(plant.authority.issue("other").key, plant.files["client_key"])
    await refused_at_the_start(plant, "client_certificate", "is not the certificate of the key")


async def refused_at_the_start(plant: Plant, name: str, problem: str) -> None:
    given = {"connector": "maximo", "url": "https://maximo.example/maximo/api", "api_key": "a-key", **plant.files}
    settings = settings_from({f"MILLWRIGHT_CMMS__{key.upper()}": str(value) for key, value in given.items()})
    with pytest.raises(Rejected, match=problem) as refused:
        async with open_systems(settings, TestClock(START)):
            pass
    assert refused.value.field == variable(name)
    assert "BEGIN" not in str(refused.value)


def test_a_certificate_needs_its_key(plant: Plant) -> None:
    for name in ("client_certificate", "client_key"):
        with pytest.raises(ValidationError, match="client_certificate and client_key go together"):
            MAXIMO.settings(**{name: plant.files[name]})


async def test_nothing_is_read_again_while_no_file_changes(
    plant: Plant, server: TlsServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "millwright")
    await told(MAXIMO, server, plant.files)
    assert [record for record in caplog.records if record.name.startswith("millwright")] == []
