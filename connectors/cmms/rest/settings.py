"""What the connector needs to know of a site besides the description."""

from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from connectors.cmms.rest.loading import RestDescriptionFile
from connectors.cmms.rest.outcomes import RestOutcomeTable
from connectors.finding_codes import FailureModes
from connectors.tls_files import TlsFiles
from domain.addresses import api_address
from domain.model import Duration, ZoneName

_NEEDED: Final = {
    "bearer": {"token"},
    "header": {"token"},
    "basic": {"user", "password"},
    "session": {"user", "password"},
    "client_credentials": {"user", "password", "token_url"},
}
"""The settings that each kind of `auth` needs."""


class RestSettings(TlsFiles):
    """Settings of one CMMS that a description describes.

    Args:
        description: the name of a description that is shipped, or the path of a YAML file.
        url: the address below which the paths of the description are. Plain http only to this machine itself.
        values: what the description asks of the site, by name.
        token: for `bearer` and `header`.
        user: for `basic` and `session`; the client id for `client_credentials`.
        password: for `basic` and `session`; the client secret for `client_credentials`.
        token_url: where `client_credentials` gets its token.
        time_zone: the zone of times without an offset.
        timeout: the longest that one request may take.
        concurrency: how many requests may be under way at once.
        page_size: how many rows are asked for at once, `limit` in the description.
        overlap: how far behind the last change the next poll begins again.
        outcomes: what the site's codes mean.
        failure_modes: the failure mode that a problem code on an open order names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)

    description: RestDescriptionFile
    url: str
    values: dict[str, str] = {}
    token: SecretStr | None = Field(default=None, min_length=1)
    user: str | None = Field(default=None, min_length=1)
    password: SecretStr | None = Field(default=None, min_length=1)
    token_url: str | None = None
    time_zone: ZoneName = "UTC"
    timeout: Duration = Field(default=timedelta(seconds=20), gt=timedelta())
    concurrency: int = Field(default=4, ge=1)
    page_size: int = Field(default=20, ge=1, le=1000)
    overlap: Duration = Field(default=timedelta(minutes=2), ge=timedelta(seconds=1))
    outcomes: RestOutcomeTable = RestOutcomeTable()
    failure_modes: FailureModes = {}

    @field_validator("description")
    @classmethod
    def _is_complete(cls, file: RestDescriptionFile) -> RestDescriptionFile:
        if file.description.lacks:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in file.description.lacks.items())
            raise ValueError(
                f"{file.file} does not describe all that is needed. Copy it, write these parts, and take them out of "
                f"`lacks`. {reasons}"
            )
        return file

    @field_validator("url", "token_url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        return None if url is None else api_address(url, "https://host/api")

    @field_validator("values")
    @classmethod
    def _are_those_asked_for(cls, values: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        file = info.data.get("description")
        asked = {} if file is None else file.description.values
        for name in sorted(asked.keys() - values.keys()):
            raise ValueError(f"needs {name}: {asked[name]}")
        for name in sorted(values.keys() - asked.keys() if file is not None else ()):
            raise ValueError(f"has {name}, for which the description does not ask")
        return values

    @field_validator("token", "user", "password", "token_url")
    @classmethod
    def _fits_the_sign_in(cls, given: object, info: ValidationInfo) -> object:
        file = info.data.get("description")
        kind = None if file is None else file.description.auth.kind
        if kind is not None and (given is not None) != (info.field_name in _NEEDED[kind]):
            words = "must not be set" if given is not None else "must be set"
            raise ValueError(f"{words}: the description signs in by `{kind}`")
        return given

    @property
    def zone(self) -> ZoneInfo:
        """The zone of times without an offset."""
        return ZoneInfo(self.time_zone)
