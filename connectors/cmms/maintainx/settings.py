"""What the MaintainX connector needs to know of a site."""

from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, SecretStr, field_validator

from connectors.finding_codes import FindingCodeTable
from connectors.tls_files import TlsFiles
from domain.addresses import api_address
from domain.model import Duration

_BASE: Final = "https://api.getmaintainx.com/v1"

MaintainXPriority = Literal["NONE", "LOW", "MEDIUM", "HIGH"]


def _priorities() -> dict[int, MaintainXPriority]:
    return {1: "HIGH", 2: "MEDIUM", 3: "LOW", 4: "NONE"}


class MaintainXSettings(TlsFiles):
    """Settings of one MaintainX.

    Args:
        url: where the API is. Plain http only to this machine itself.
        api_key: of the user as whom we sign in (Settings > Integrations > API Keys).
        organization: the organisation that is meant, if the key counts for several.
        priorities: from 1 (highest) to 4, the priority in MaintainX; several may have the same.
        finding_fields: for problem, cause and remedy the extra field of the work order in which the technician chooses
            it.
        note_fields: the extra fields in which the technician writes in words.
        rejection_field: the extra field in which the planner writes why an order was cancelled or skipped.
        put_off_field: the extra field in which the planner writes the day until which an order on hold is put off.
        subscriptions: the ids of the webhook subscriptions that the plant relies on. `doctor` says if one is gone:
            MaintainX deletes a subscription whose receiver has failed for long. A worker that starts asks for them
            until all are there, and each costs a request, so there may be six at most.
        timeout: the longest that one request may take.
        concurrency: how many requests may be under way at once.
        requests_a_minute: how many requests a worker may make in a minute; more wait. MaintainX allows a user 100.
        page_size: how many orders are asked for at once. Each of a poll costs a further request, and MaintainX allows a
            user 100 requests in a minute.
        overlap: how far behind the last change the next poll begins again.
        outcomes: what the site's problem, cause and remedy codes mean.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str = _BASE
    api_key: SecretStr = Field(min_length=1)
    organization: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+$")
    priorities: dict[int, MaintainXPriority] = Field(default_factory=_priorities)
    finding_fields: dict[Literal["problem", "cause", "remedy"], str] = {}
    note_fields: tuple[str, ...] = ()
    rejection_field: str | None = Field(default=None, min_length=1)
    put_off_field: str | None = Field(default=None, min_length=1)
    subscriptions: tuple[Annotated[int, Field(gt=0)], ...] = Field(default=(), max_length=6)
    timeout: Duration = Field(default=timedelta(seconds=20), gt=timedelta())
    concurrency: int = Field(default=4, ge=1)
    requests_a_minute: int = Field(default=100, ge=1)
    page_size: int = Field(default=20, ge=1, le=50)
    overlap: Duration = Field(default=timedelta(minutes=2), ge=timedelta(seconds=1))
    outcomes: FindingCodeTable = FindingCodeTable()

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        return api_address(url, _BASE)

    @field_validator("priorities")
    @classmethod
    def _maps_all_four(cls, priorities: dict[int, MaintainXPriority]) -> dict[int, MaintainXPriority]:
        if set(priorities) != {1, 2, 3, 4}:
            raise ValueError("needs a priority of MaintainX for each of 1, 2, 3 and 4")
        return priorities
