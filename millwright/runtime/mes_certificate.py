"""Makes the key and the certificate with which we show an OPC UA server who we are."""

import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from domain.errors import Rejected
from millwright.runtime.new_files import write_new

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

_KEY_BITS: Final = 2048
"""The only size that every server and all three security policies take."""
_IF_THERE: Final = "name another file, or remove it"
_CLOCKS_DIFFER: Final = timedelta(days=1)
"""How long before it was made a certificate is valid, because the server's clock may be behind ours."""


@dataclass(frozen=True)
class MadeCertificate:
    """What the administrator of a server needs to know of a new certificate.

    Args:
        thumbprint: SHA-256 in hexadecimal, as we name a server's.
        thumbprint_sha1: SHA-1 in hexadecimal, as many servers name ours.
    """

    application_uri: str
    thumbprint: str
    thumbprint_sha1: str
    valid_until: datetime


def create(certificate_file: Path, key_file: Path, now: datetime, valid_for: timedelta) -> MadeCertificate:
    """Makes a key, and a certificate that it signs itself.

    The key is not encrypted, because the worker starts unattended: its password would lie beside it. The certificate is
    written in DER if its file ends in `.der`, otherwise in PEM.

    Raises:
        Rejected: one of the files is there already or cannot be written, both are one file, or the certificate would
            not be valid at any time that can be written. Then no file is made.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if certificate_file == key_file:
        raise Rejected("client_certificate and client_key name one file", field="client_key")
    try:
        end = (now + valid_for).replace(microsecond=0)
    except OverflowError:
        raise Rejected("the time is too long", field="valid-for", fix="write it as P1825D") from None
    if end <= now:
        raise Rejected("the certificate would end before it is valid", field="valid-for", fix="write it as P1825D")
    key = generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    host = socket.gethostname()
    application_uri = f"urn:{host}:millwright"
    certificate = _certificate(key, application_uri, host, now - _CLOCKS_DIFFER, end)
    encoding = Encoding.DER if certificate_file.suffix.lower() == ".der" else Encoding.PEM
    public = certificate.public_bytes(encoding)
    write_new(certificate_file, public, 0o644, field="client_certificate", if_there=_IF_THERE)
    try:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_new(key_file, pem, 0o600, field="client_key", if_there=_IF_THERE)
    except Rejected:
        with suppress(OSError):
            certificate_file.unlink()
        raise
    return MadeCertificate(
        application_uri=application_uri,
        thumbprint=certificate.fingerprint(SHA256()).hex(),
        thumbprint_sha1=certificate.fingerprint(SHA1()).hex(),  # noqa: S303 - a name, which protects nothing
        valid_until=end,
    )


def _certificate(
    key: "RSAPrivateKey", application_uri: str, host: str, begin: datetime, end: datetime
) -> "Certificate":
    """A certificate with the fields that OPC 10000-6, 6.2.2 asks for."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509.oid import ExtendedKeyUsageOID

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Millwright")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    alternatives = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(application_uri), x509.DNSName(host)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, SHA256())
    )
