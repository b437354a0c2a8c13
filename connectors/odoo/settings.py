"""The settings that every connector to Odoo has."""

from datetime import timedelta

from pydantic import ConfigDict, Field, SecretStr, field_validator

from connectors.tls_files import TlsFiles
from domain.addresses import origin
from domain.model import Duration


class OdooConnection(TlsFiles):
    """How one Odoo is reached.

    Args:
        url: the address of the server, `https://host:port`. Plain http only to this machine itself.
        database: the name of the database on the server.
        api_key: the API key of our user.
        timeout: maximum duration of one request.
        concurrency: maximum number of concurrent requests.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    database: str = Field(min_length=1, pattern=r"^[!-~]+$")
    api_key: SecretStr = Field(min_length=1)
    timeout: Duration = Field(default=timedelta(seconds=10), gt=timedelta())
    concurrency: int = Field(default=4, ge=1)

    @field_validator("url")
    @classmethod
    def _is_an_origin(cls, url: str) -> str:
        return origin(url, ": the API is at /json/2")
