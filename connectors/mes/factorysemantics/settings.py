"""Settings of the FactorySemantics connector."""

from datetime import timedelta

from pydantic import ConfigDict, Field, SecretStr, field_validator

from connectors.tls_files import TlsFiles
from domain.addresses import origin
from domain.model import Duration
from domain.production import HoldEnforcement


class FactorySemanticsSettings(TlsFiles):
    """Settings of one plant's server.

    Args:
        url: the address of the server, `https://host:port`. Plain http only to this machine itself.
        user: the code of the account in whose name holds are placed. Its role needs `orders.close` and `audit.read`.
            Nobody else uses it: its name in the audit trail proves that a hold is ours.
        password: the password of the account.
        enforcement: how strictly a hold is enforced there. The server stops no machine; the plant sets `enforced` if
            its machines stop when the server gives them no order code.
        settle: how long a work order may take to show the status that a call requested.
        timeout: maximum duration of one request.
        concurrency: maximum number of concurrent requests.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    user: str = Field(min_length=1, max_length=40)
    password: SecretStr = Field(min_length=1)
    enforcement: HoldEnforcement = HoldEnforcement.ADVISORY
    settle: Duration = Field(default=timedelta(seconds=2), ge=timedelta())
    timeout: Duration = Field(default=timedelta(seconds=10), gt=timedelta())
    concurrency: int = Field(default=4, ge=1)

    @field_validator("url")
    @classmethod
    def _is_an_origin(cls, url: str) -> str:
        return origin(url)
