"""How the connection to the workflow engine is encrypted, and how we prove who we are."""

from pathlib import Path

from temporalio.service import TLSConfig

from domain.errors import Rejected
from millwright.settings import Settings

_TLS_ON = "set MILLWRIGHT_TEMPORAL_TLS=true"


def tls_of(settings: Settings) -> TLSConfig | bool:
    """The TLS settings of the connection; False for none.

    Raises:
        Rejected: an API key or a certificate is set without TLS, only one of certificate and key is set, or a file
            cannot be read.
    """
    if "://" in (settings.temporal_address or ""):
        raise Rejected("is a URL", field="temporal_address", fix="set MILLWRIGHT_TEMPORAL_ADDRESS to host:port")
    if not settings.temporal_tls:
        _refuse_without_tls(settings)
        return False
    if (settings.temporal_client_certificate is None) != (settings.temporal_client_key is None):
        raise Rejected(
            "a client certificate and its key go together",
            field="temporal_client_certificate",
            fix="set MILLWRIGHT_TEMPORAL_CLIENT_CERTIFICATE and MILLWRIGHT_TEMPORAL_CLIENT_KEY",
        )
    return TLSConfig(
        server_root_ca_cert=_read(settings.temporal_server_ca, "temporal_server_ca"),
        domain=settings.temporal_server_name,
        client_cert=_read(settings.temporal_client_certificate, "temporal_client_certificate"),
        client_private_key=_read(settings.temporal_client_key, "temporal_client_key"),
    )


def _refuse_without_tls(settings: Settings) -> None:
    if settings.temporal_api_key is not None:
        raise Rejected("would send the engine's API key unencrypted", field="temporal_tls", fix=_TLS_ON)
    for name in ("temporal_server_ca", "temporal_server_name", "temporal_client_certificate", "temporal_client_key"):
        if getattr(settings, name) is not None:
            raise Rejected("has no effect without TLS", field=name, fix=_TLS_ON)


def _read(file: Path | None, field: str) -> bytes | None:
    if file is None:
        return None
    try:
        return file.read_bytes()
    except OSError as error:
        raise Rejected(
            f"{file} cannot be read: {error.strerror}", field=field, fix=f"set MILLWRIGHT_{field.upper()} to a PEM file"
        ) from error
