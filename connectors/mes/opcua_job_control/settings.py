"""What the OPC UA Job Control connector needs to know of a plant."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from domain.production import HoldEnforcement


class JobControlSettings(BaseModel):
    """Settings of one Job Control server.

    Args:
        url: the endpoint, `opc.tcp://host:port/path`.
        user: the user name, or None to sign in anonymously.
        password: the user's password; it goes over the wire as the endpoint's security policy has it.
        timeout: the longest that one request may take.
        connect_timeout: the longest that connecting and learning the server's types may take.
        shared_for: how long one reading of the job list serves all cases that ask what production is doing; a hold is
            always planned, placed and released on a reading of its own.
        settle: how long a job may take to reach the state that a method was to bring about.
        stop_masters: the work masters by which the plant's calendar enters planned stops as job orders.
        shortest_stop: from which length on a gap between two jobs counts as a planned stop, where no stop is entered.
        enforcement: what a hold is worth there; the standard has no way of asking, so it is the plant's word.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    user: str | None = None
    password: SecretStr | None = None
    timeout: timedelta = Field(default=timedelta(seconds=5), gt=timedelta())
    connect_timeout: timedelta = Field(default=timedelta(seconds=15), gt=timedelta())
    shared_for: timedelta = Field(default=timedelta(seconds=15), ge=timedelta())
    settle: timedelta = Field(default=timedelta(seconds=2), ge=timedelta())
    stop_masters: tuple[str, ...] = ("PLANNED-STOP",)
    shortest_stop: timedelta = Field(default=timedelta(hours=1), gt=timedelta())
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
