"""Settings of the OPC UA Job Control connector."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from domain.model import Duration
from domain.production import HoldEnforcement


class JobControlSettings(BaseModel):
    """Settings of one Job Control server.

    Args:
        url: the endpoint, `opc.tcp://host:port/path`.
        user: the user name, or None to sign in anonymously.
        password: the user's password; it is sent as the endpoint's security policy requires.
        timeout: maximum duration of one request.
        connect_timeout: maximum duration of connecting and reading the server's types.
        shared_for: how long one reading of the job list is shared by all cases that read the state of production; a
            hold is always planned, placed and released on a separate reading.
        settle: how long a job may take to reach the state that a method requested.
        stop_masters: the work masters of planned stops that the plant's calendar enters as job orders.
        shortest_stop: minimum length of a gap between two jobs that counts as a planned stop, if no stop is entered.
        silent_success: whether the server answers Good with ReturnStatus 0, which says nothing, for what it has done.
            Then such an answer counts as success if the job has changed as requested.
        enforcement: how strictly the MES enforces a hold; the plant sets it, because the standard has no way to read
            it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    user: str | None = None
    password: SecretStr | None = None
    timeout: Duration = Field(default=timedelta(seconds=5), gt=timedelta())
    connect_timeout: Duration = Field(default=timedelta(seconds=15), gt=timedelta())
    shared_for: Duration = Field(default=timedelta(seconds=15), ge=timedelta())
    settle: Duration = Field(default=timedelta(seconds=2), ge=timedelta())
    stop_masters: tuple[str, ...] = ("PLANNED-STOP",)
    shortest_stop: Duration = Field(default=timedelta(hours=1), gt=timedelta())
    silent_success: bool = False
    enforcement: HoldEnforcement = HoldEnforcement.ENFORCED

    @field_validator("url")
    @classmethod
    def _is_an_endpoint(cls, url: str) -> str:
        if not url.startswith("opc.tcp://") or "@" in url:
            raise ValueError("needs the form opc.tcp://host:port, without a user or a password in it")
        return url

    @model_validator(mode="after")
    def _password_has_its_user(self) -> "JobControlSettings":
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        return self
