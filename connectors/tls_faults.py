"""What an error of TLS means: whose certificate is refused, and by whom."""

import ssl
from dataclasses import dataclass
from typing import Final

_REFUSALS: Final = {
    "CERTIFICATE_REQUIRED": "it asks for a certificate of ours",
    "HANDSHAKE_FAILURE": "it refuses the connection; it may ask for a certificate of ours",
    "UNKNOWN_CA": "it does not trust the authority of our certificate",
    "CERTIFICATE_EXPIRED": "our certificate has expired",
    "CERTIFICATE_REVOKED": "our certificate was revoked",
    "BAD_CERTIFICATE": "it refuses our certificate, or asks for one",
    "UNSUPPORTED_CERTIFICATE": "it does not take a certificate of this kind",
    "CERTIFICATE_UNKNOWN": "it refuses our certificate",
    "ACCESS_DENIED": "it does not let the owner of our certificate in",
}
"""The alerts of RFC 8446, 6.2 that are about our certificate, as OpenSSL ends their names."""


@dataclass(frozen=True)
class TlsFault:
    """Why no connection is made, and the setting by which a person corrects it."""

    problem: str
    field: str


def tls_fault(error: BaseException) -> TlsFault | None:
    """What a certificate has to do with an error, or with one that caused it; None if nothing."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return TlsFault(f"its certificate is not trusted ({cause.verify_message}); see server_ca", "server_ca")
    reason = cause.reason or ""
    words = next((words for name, words in _REFUSALS.items() if reason.endswith(name)), None)
    return None if words is None else TlsFault(f"{words}; see client_certificate", "client_certificate")


def was_reset(error: BaseException) -> bool:
    """Whether the other side cut the connection, which in TLS 1.3 may be all that one hears of a refused
    certificate."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ConnectionResetError | BrokenPipeError):
        cause = cause.__cause__ or cause.__context__
    return cause is not None
