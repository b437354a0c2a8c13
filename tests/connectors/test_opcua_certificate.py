"""Our certificate and its key: what is made at set-up is what the connector reads, and what it refuses."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as some

from connectors.call import Call
from connectors.opcua.certificate import ClientCertificate, read_certificate
from domain.errors import ActionRequired, Rejected
from millwright.runtime.mes_certificate import create

CALL = Call("mes", "check")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
YEAR = timedelta(days=365)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key and its certificate."""
    folder = tmp_path_factory.mktemp("made")
    create(folder / "ours.pem", folder / "ours.key", NOW, YEAR)
    return folder


def read(folder: Path, certificate: str = "ours.pem", key: str = "ours.key") -> ClientCertificate:
    return read_certificate(CALL, folder / certificate, folder / key)


def refused(certificate: Path | None, key: Path | None) -> str:
    with pytest.raises(ActionRequired) as caught:
        read_certificate(CALL, certificate, key)
    return str(caught.value)


@pytest.mark.parametrize("name", ["ours.pem", "ours.der"])
def test_what_is_made_is_read_and_announced_under_the_uri_that_it_names(tmp_path: Path, name: str) -> None:
    told = create(tmp_path / "new" / name, tmp_path / "new" / "ours.key", NOW, YEAR)
    ours = read(tmp_path / "new", name)
    assert ours.application_uri == told.application_uri
    assert told.application_uri.endswith(":millwright")
    assert told.valid_until == NOW + YEAR == ours.certificate.not_valid_after_utc
    assert (tmp_path / "new" / name).read_bytes().startswith(b"-----BEGIN") is (name == "ours.pem")


def test_the_certificate_has_what_the_standard_asks_for(made: Path) -> None:
    extensions = read(made).certificate.extensions
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.content_commitment) == (True, True)
    assert (usage.key_encipherment, usage.data_encipherment) == (True, True)
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    identifiers = (x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier, x509.ExtendedKeyUsage)
    assert [kind for kind in identifiers if not extensions.get_extension_for_class(kind)] == []


def test_the_key_is_for_its_owner_only(made: Path) -> None:
    assert stat.S_IMODE((made / "ours.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("there", ["ours.pem", "ours.key"])
def test_nothing_is_overwritten_and_nothing_is_left_half_made(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(Rejected, match=f"{there} is there already"):
        create(tmp_path / "ours.pem", tmp_path / "ours.key", NOW, YEAR)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(there, "mine")]


@pytest.mark.parametrize("valid_for", [timedelta(), timedelta(days=-1), timedelta.max])
def test_a_certificate_that_is_valid_at_no_time_is_not_made(tmp_path: Path, valid_for: timedelta) -> None:
    with pytest.raises(Rejected) as caught:
        create(tmp_path / "ours.pem", tmp_path / "ours.key", NOW, valid_for)
    assert caught.value.field == "valid-for"
    with pytest.raises(Rejected, match="name one file"):
        create(tmp_path / "ours.pem", tmp_path / "ours.pem", NOW, YEAR)
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_others_may_use_is_refused(made: Path, tmp_path: Path) -> None:
    key = tmp_path / "open.key"
    key.write_bytes((made / "ours.key").read_bytes())
    key.chmod(0o640)
    assert "it has mode 0640, so other users may use it; chmod 600" in refused(made / "ours.pem", key)


def test_what_cannot_be_used_is_told_with_setting_and_file(made: Path, tmp_path: Path) -> None:
    create(tmp_path / "other.pem", tmp_path / "other.key", NOW, YEAR)
    key, certificate = made / "ours.key", made / "ours.pem"
    assert "no certificate of ours is set" in refused(None, None)
    assert f"client_key: {tmp_path / 'none.key'} cannot be read" in refused(certificate, tmp_path / "none.key")
    assert f"client_certificate: {tmp_path / 'none.pem'} cannot be read" in refused(tmp_path / "none.pem", key)
    assert f"{tmp_path} cannot be read: it is no regular file" in refused(certificate, tmp_path)
    assert "is not that of the key in" in refused(tmp_path / "other.pem", key)
    assert "holds no certificate that can be read" in refused(key, key)
    assert "holds no RSA key of 2048 to 4096 bits" in refused(certificate, elliptic_key(tmp_path / "elliptic.key"))
    assert "holds no key that can be read without a password" in refused(certificate, locked_key(key, tmp_path))


def elliptic_key(file: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    return file


def locked_key(key: Path, folder: Path) -> Path:
    loaded = load_pem_private_key(key.read_bytes(), None)
    file = folder / "locked.key"
    file.write_bytes(loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a-passphrase")))
    file.chmod(0o600)
    return file


def test_a_key_is_never_shown(made: Path) -> None:
    ours = read(made)
    assert "key" not in repr(ours)
    assert str(ours.key.private_numbers().d) not in repr(ours)


@given(
    held=some.one_of(
        some.binary(max_size=200),
        some.builds(lambda body: b"-----BEGIN CERTIFICATE-----\n" + body, some.binary(max_size=200)),
        some.builds(lambda body: b"-----BEGIN PRIVATE KEY-----\n" + body, some.binary(max_size=200)),
    )
)
@bounded(max_examples=60, deadline=None)
def test_files_of_any_bytes_are_refused_in_a_sentence(made: Path, held: bytes) -> None:
    odd = made / "odd"
    odd.write_bytes(held)
    odd.chmod(0o600)
    assert "holds no certificate that can be read" in refused(odd, made / "ours.key")
    assert "holds no key that can be read" in refused(made / "ours.pem", odd)
