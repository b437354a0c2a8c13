"""Our own certificate and its key, as a server gets to know us."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from connectors.call import Call
from domain.errors import ActionRequired

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LONGEST: Final = 65_536
"""Maximum size of a file in bytes that is read."""
_SHORTEST_KEY_BITS: Final = 2048
_LONGEST_KEY_BITS: Final = 4096
"""What all three security policies take (OPC 10000-7)."""


@dataclass(frozen=True)
class ClientCertificate:
    """Our certificate, its key, and the application URI that the certificate names. We announce this one, because a
    server compares the two."""

    certificate: x509.Certificate
    key: RSAPrivateKey = field(repr=False)
    application_uri: str


def read_certificate(call: Call, certificate_file: Path | None, key_file: Path | None) -> ClientCertificate:
    """Our certificate and key from their files.

    Raises:
        ActionRequired: no file is set, or one cannot be read, is not safe, or does not hold what it must. The error
            never says what a file holds.
    """
    if certificate_file is None or key_file is None:
        raise call.error(ActionRequired, "no certificate of ours is set", field="client_certificate")
    key = _key(call, key_file)
    try:
        held = _read(certificate_file)
        pem = held.lstrip().startswith(b"-----BEGIN")
        certificate = x509.load_pem_x509_certificate(held) if pem else x509.load_der_x509_certificate(held)
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = named.get_values_for_type(x509.UniformResourceIdentifier)
        matches = certificate.public_key() == key.public_key()
    except OSError as error:
        raise _problem(call, "client_certificate", certificate_file, f"cannot be read: {error.strerror}") from None
    except x509.ExtensionNotFound:
        uris, matches = [], True
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    ):
        raise _problem(call, "client_certificate", certificate_file, "holds no certificate that can be read") from None
    if not uris:
        raise _problem(call, "client_certificate", certificate_file, "names no application URI")
    if not matches:
        raise _problem(call, "client_certificate", certificate_file, f"is not that of the key in {key_file}")
    return ClientCertificate(certificate, key, uris[0])


def _key(call: Call, file: Path) -> RSAPrivateKey:
    try:
        held = _read(file, secret=True)
        pem = held.lstrip().startswith(b"-----BEGIN")
        key = load_pem_private_key(held, None) if pem else load_der_private_key(held, None)
    except PermissionError as error:
        raise _problem(call, "client_key", file, f"cannot be used: {error.strerror}") from None
    except OSError as error:
        raise _problem(call, "client_key", file, f"cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the cause: its words may quote what the file holds.
        raise _problem(call, "client_key", file, "holds no key that can be read without a password") from None
    if not isinstance(key, RSAPrivateKey) or not _SHORTEST_KEY_BITS <= key.key_size <= _LONGEST_KEY_BITS:
        raise _problem(call, "client_key", file, "holds no RSA key of 2048 to 4096 bits")
    return key


def _read(file: Path, *, secret: bool = False) -> bytes:
    """The content of a file, of a regular one only.

    Raises:
        OSError: it cannot be read, or it is secret and other users may use it.
    """
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise OSError(0, "it is no regular file")
        if secret and state.st_mode & _OTHERS:
            raise PermissionError(
                0, f"it has mode {stat.S_IMODE(state.st_mode):04o}, so other users may use it; chmod 600"
            )
        return os.read(descriptor, _LONGEST)
    finally:
        os.close(descriptor)


def _problem(call: Call, setting: str, file: Path, words: str) -> ActionRequired:
    return call.error(ActionRequired, f"{setting}: {file} {words}", field=setting)
