"""What the Atlas connector needs to know of a site."""

from datetime import timedelta
from typing import Literal

from pydantic import ConfigDict, Field, SecretStr, field_validator

from connectors.finding_codes import FailureModes, FindingCodeTable
from connectors.planner_words import PlannerWords
from connectors.tls_files import TlsFiles
from domain.addresses import api_address
from domain.model import Duration

AssetField = Literal["barCode", "customId", "serialNumber", "name"]
AtlasPriority = Literal["NONE", "LOW", "MEDIUM", "HIGH"]


def _priorities() -> dict[int, AtlasPriority]:
    return {1: "HIGH", 2: "MEDIUM", 3: "LOW", 4: "NONE"}


class AtlasSettings(TlsFiles):
    """Settings of one Atlas.

    Args:
        url: where the API is, e.g. `https://host/api`, or `https://host:8080` without a proxy. Plain http only to this
            machine itself.
        email: of the user as whom we sign in. It must be a user of its own: what it changes is not "touched".
        password: of this user.
        asset_field: the field of an asset that has the crosswalk's name.
        priorities: from 1 (highest) to 4, the priority in Atlas; several may have the same.
        finding_fields: for problem, cause and remedy the label of the work order's custom field in which the
            technician chooses it. Atlas 1.3 has no such fields.
        timeout: the longest that one request may take.
        concurrency: how many requests may be under way at once.
        requests_a_minute: how many requests a worker may make in a minute; more wait. Atlas 1.8+ allows a user 100,
            unless its owner switches that off.
        page_size: how many records are asked for at once. A page is given out whole, so it must be read within the 100
            requests that Atlas allows in a minute: an order costs three more, and each asset one until it is known.
        overlap: how far behind the last change the next poll begins again.
        outcomes: what the site's problem, cause and remedy codes mean.
        failure_modes: the failure mode that a problem code on an open order names.
        planner_words: with which planners begin the line of a comment that says why an order was archived.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    password: SecretStr = Field(min_length=1)
    asset_field: AssetField = "barCode"
    priorities: dict[int, AtlasPriority] = Field(default_factory=_priorities)
    finding_fields: dict[Literal["problem", "cause", "remedy"], str] = {}
    timeout: Duration = Field(default=timedelta(seconds=20), gt=timedelta())
    concurrency: int = Field(default=4, ge=1)
    requests_a_minute: int = Field(default=100, ge=1)
    page_size: int = Field(default=10, ge=1, le=20)
    overlap: Duration = Field(default=timedelta(minutes=2), ge=timedelta(seconds=1))
    outcomes: FindingCodeTable = FindingCodeTable()
    failure_modes: FailureModes = {}
    planner_words: PlannerWords = PlannerWords()

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        return api_address(url, "https://host/api")

    @field_validator("priorities")
    @classmethod
    def _maps_all_four(cls, priorities: dict[int, AtlasPriority]) -> dict[int, AtlasPriority]:
        if set(priorities) != {1, 2, 3, 4}:
            raise ValueError("needs a priority of Atlas for each of 1, 2, 3 and 4")
        return priorities
