"""The settings by which a connection over TLS is proved on both sides, for every connector over HTTP."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, model_validator


class TlsFiles(BaseModel):
    """The files of a connection over TLS. They are read again when they change.

    Args:
        server_ca: PEM file of the certificate authorities that the server's certificate is checked against; None takes
            those of the environment.
        client_certificate: PEM file of our certificate, with those between it and its authority, for a server that asks
            for one (mutual TLS).
        client_key: PEM file of its private key, without a passphrase.
    """

    server_ca: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None

    @model_validator(mode="after")
    def _certificate_and_key_go_together(self) -> Self:
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("client_certificate and client_key go together")
        return self
