"""What the Maximo connector needs to know of a site."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, SecretStr, field_validator

from connectors.cmms.maximo.outcomes import OutcomeTable
from connectors.finding_codes import FailureModes
from connectors.planner_words import PlannerWords
from connectors.tls_files import TlsFiles
from domain.addresses import api_address
from domain.maintenance_history import WorkKind
from domain.model import Duration, ZoneName


def _priorities() -> dict[int, int]:
    return {1: 1, 2: 2, 3: 3, 4: 4}


def _work_kinds() -> dict[str, WorkKind]:
    return {"CM": WorkKind.CORRECTIVE, "EM": WorkKind.CORRECTIVE, "PM": WorkKind.PREVENTIVE}


class MaximoSettings(TlsFiles):
    """Settings of one Maximo.

    Args:
        url: the API route, `https://host/maximo/api` (not `/oslc`, which asks for a sign-in page's session). Plain http
            only to this machine itself: that is the sandbox.
        api_key: the key of the user below.
        user: whose key it is. Orders are reported by this user, and what this user changes is not "touched".
        site: the `siteid` of assets whose crosswalk names none.
        time_zone: the site's own; filters are written in it, because Maximo reads them as local time.
        work_type: the site's word for work of ours.
        work_kinds: why work of a type is done. Work of a type that is not in it is of an unknown kind.
        priorities: from 1 (highest) to 4, what the site writes in `wopriority`; several may have the same value.
        approved_status: the site's own name for the internal status APPR.
        cancelled_status: the site's own name for the internal status CAN.
        timeout: the longest that one request may take.
        concurrency: how many requests may be under way at once.
        page_size: how many orders are asked for at once (`mxe.oslc.maxpagesize` must not be less).
        overlap: how far behind the last change the next poll begins again.
        outcomes: what the site's problem, cause and remedy codes mean.
        failure_modes: the failure mode that a problem code on an open order names.
        planner_words: with which planners begin a line of the worklog, beside the memo of a rejection.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    api_key: SecretStr = Field(min_length=1)
    user: str = Field(default="MILLWRIGHT", pattern=r'^[^"\s]+$')
    site: str | None = None
    time_zone: ZoneName = "UTC"
    work_type: str = "CM"
    work_kinds: dict[str, WorkKind] = Field(default_factory=_work_kinds)
    priorities: dict[int, int] = Field(default_factory=_priorities)
    approved_status: str = "APPR"
    cancelled_status: str = "CAN"
    timeout: Duration = Field(default=timedelta(seconds=20), gt=timedelta())
    concurrency: int = Field(default=4, ge=1)
    page_size: int = Field(default=50, ge=1, le=1000)
    overlap: Duration = Field(default=timedelta(minutes=2), ge=timedelta(seconds=1))
    outcomes: OutcomeTable = OutcomeTable()
    failure_modes: FailureModes = {}
    planner_words: PlannerWords = PlannerWords()

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        return api_address(url, "https://host/maximo/api")

    @field_validator("priorities")
    @classmethod
    def _maps_all_four(cls, priorities: dict[int, int]) -> dict[int, int]:
        if set(priorities) != {1, 2, 3, 4}:
            raise ValueError("needs a number of the site's for each of 1, 2, 3 and 4")
        return priorities

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.time_zone)
