"""Settings of the Odoo MRP connector."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from domain.addresses import origin
from domain.model import Duration
from domain.production import HoldEnforcement


class OdooSettings(BaseModel):
    """Settings of one Odoo.

    Args:
        url: the address of the server, `https://host:port`. Plain http only to this machine itself.
        database: the name of the database on the server.
        api_key: the API key of the user whose name stands on our holds; its group is Manufacturing / User.
        company: the id of the company whose work centres count; None means every company of the user.
        loss_reason: the external id of the loss reason of our holds. Its category is Availability or Quality, because a
            time log of another one does not block a work centre.
        enforcement: how strictly this Odoo enforces a hold; None means what its version says.
        timeout: maximum duration of one request.
        concurrency: maximum number of concurrent requests.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    database: str = Field(min_length=1, pattern=r"^[!-~]+$")
    api_key: SecretStr = Field(min_length=1)
    company: int | None = Field(default=None, ge=1)
    loss_reason: str = Field(default="mrp.block_reason1", pattern=r"^\w+\.[\w.-]+$")
    enforcement: HoldEnforcement | None = None
    timeout: Duration = Field(default=timedelta(seconds=10), gt=timedelta())
    concurrency: int = Field(default=4, ge=1)

    @field_validator("url")
    @classmethod
    def _is_an_origin(cls, url: str) -> str:
        return origin(url, ": the API is at /json/2")
