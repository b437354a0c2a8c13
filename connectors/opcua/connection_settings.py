"""Settings that every connector over OPC UA has."""

import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from domain.model import Duration

_SHA256: Final = re.compile("[0-9a-f]{64}")


class SecurityMode(StrEnum):
    """How the messages of a connection are protected, in ascending order (OPC 10000-4, MessageSecurityMode)."""

    NONE = "none"
    SIGN = "sign"
    SIGN_AND_ENCRYPT = "sign_and_encrypt"


def _is_thumbprint(written: str) -> str:
    thumbprint = re.sub("[: ]", "", written).lower()
    if not _SHA256.fullmatch(thumbprint):
        raise ValueError("needs the SHA-256 thumbprint of a certificate, 64 hexadecimal digits")
    return thumbprint


class OpcUaSettings(BaseModel):
    """How one OPC UA server is reached.

    Args:
        url: the endpoint, `opc.tcp://host:port/path`.
        user: the user name, or None to sign in anonymously.
        password: the user's password; it is sent encrypted, or not at all.
        security: the least protection of the connection; None means `sign` if there is a client certificate, otherwise
            `none`.
        client_certificate: the file of our certificate, in PEM or DER.
        client_key: the file of its private key, in PEM or DER, not encrypted.
        server_thumbprints: the SHA-256 thumbprints of the server certificates that are trusted.
        timeout: maximum duration of one request.
        connect_timeout: maximum duration of connecting and reading the server's types.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    user: str | None = None
    password: SecretStr | None = None
    security: SecurityMode | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    server_thumbprints: tuple[Annotated[str, AfterValidator(_is_thumbprint)], ...] = ()
    timeout: Duration = Field(default=timedelta(seconds=5), gt=timedelta())
    connect_timeout: Duration = Field(default=timedelta(seconds=15), gt=timedelta())

    @field_validator("url")
    @classmethod
    def _is_an_endpoint(cls, url: str) -> str:
        if not url.startswith("opc.tcp://") or "@" in url:
            raise ValueError("needs the form opc.tcp://host:port, without a user or a password in it")
        return url

    @model_validator(mode="after")
    def _password_has_its_user(self) -> "OpcUaSettings":
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        return self

    @model_validator(mode="after")
    def _security_has_its_certificate(self) -> "OpcUaSettings":
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("client_certificate and client_key go together")
        if self.security not in (None, SecurityMode.NONE) and self.client_certificate is None:
            raise ValueError(f"security {self.security} needs client_certificate and client_key")
        return self

    @property
    def least_security(self) -> SecurityMode:
        """The least protection of the connection. Whoever has made a certificate expects it to be used."""
        if self.security is not None:
            return self.security
        return SecurityMode.NONE if self.client_certificate is None else SecurityMode.SIGN
