"""What the SAP Plant Maintenance connector needs to know of a site."""

from datetime import timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, SecretStr, StringConstraints, field_validator

from connectors.cmms.sap_pm.outcomes import CatalogCode, SapPmOutcomeTable
from connectors.finding_codes import Code
from connectors.planner_words import PlannerWords
from connectors.tls_files import TlsFiles
from domain.addresses import origin
from domain.maintenance_history import WorkKind
from domain.model import Duration, ZoneName


def _priorities() -> dict[int, str]:
    return {1: "1", 2: "2", 3: "3", 4: "4"}


Plant = Annotated[str, StringConstraints(to_upper=True, pattern=r"^\w{1,4}$")]
Status = Annotated[str, StringConstraints(to_upper=True, pattern=r"^\S+$")]


def _work_kinds() -> dict[str, WorkKind]:
    return {"M2": WorkKind.CORRECTIVE}


class SapPmSettings(TlsFiles):
    """Settings of one client of an SAP S/4HANA system.

    Args:
        url: the system, `https://host` with the port if there is one. Plain http only to this machine itself.
        user: the user that signs in.
        password: its password.
        changed_by: the user that SAP shows as the author of our records, if it is not `user`.
        sap_client: the client (`sap-client`), if it is not the default of the system.
        language: the `sap-language` to ask for, if the user's own is not English: status words are read in English.
        time_zone: the time zone of malfunction dates that we write.
        notification_type: M2 is a malfunction report, M1 a maintenance request.
        order_type: the type of an order that we make.
        work_kinds: why work of a type of notification is done, or of a type of order for orders without a notification.
            Work of a type that is not in it is of an unknown kind.
        planning_plant: the planning plant of our notifications; None leaves it to SAP.
        planner_group: likewise the planner group.
        work_center: likewise the main work centre.
        work_center_plant: its plant.
        equipment_word: what SAP writes in TechObjIsEquipOrFuncnlLoc for a piece of equipment.
        location_word: what it writes there for a functional location.
        detection: code group and code of how a malfunction was detected, `group/code`; None leaves it empty.
        priorities: from 1 (highest) to 4, what the site writes in MaintPriority; several may have the same value.
        cancel_order_by: the function that cancels an order of ours which nobody has touched.
        not_executed_statuses: status words of an order that is not to be executed, besides DLFL.
        on_hold_statuses: status words, the site's own included, of an order or notification that waits.
        timeout: maximum duration of one request.
        concurrency: maximum number of concurrent requests.
        page_size: how many records are asked for at once.
        overlap: how far before the last change the next poll begins.
        outcomes: what the site's damage, cause and activity codes mean.
        failure_modes: the failure mode that a damage on an open notification names, by code group and code.
        planner_words: with which planners begin the line of the long text that says why the work is not done.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    user: str = Field(pattern=r"^[^:\s]+$")
    password: SecretStr = Field(min_length=1)
    changed_by: str | None = Field(default=None, pattern=r"^\S{1,12}$")
    sap_client: str | None = Field(default=None, pattern=r"^\d{3}$")
    language: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    time_zone: ZoneName = "UTC"
    notification_type: str = Field(default="M2", pattern=r"^\w{2}$")
    order_type: str = Field(default="PM01", pattern=r"^\w{1,4}$")
    work_kinds: dict[str, WorkKind] = Field(default_factory=_work_kinds)
    planning_plant: Plant | None = None
    planner_group: str | None = Field(default=None, pattern=r"^\w{1,3}$")
    work_center: str | None = Field(default=None, pattern=r"^\S{1,8}$")
    work_center_plant: Plant | None = None
    equipment_word: str = Field(default="EAMS_EQUI", pattern=r"^\w{1,20}$")
    location_word: str = Field(default="EAMS_FL", pattern=r"^\w{1,20}$")
    detection: CatalogCode | None = None
    priorities: dict[int, str] = Field(default_factory=_priorities)
    cancel_order_by: Literal["deletion_flag", "do_not_execute"] = "deletion_flag"
    not_executed_statuses: tuple[Status, ...] = ()
    on_hold_statuses: tuple[Status, ...] = ()
    timeout: Duration = Field(default=timedelta(seconds=20), gt=timedelta())
    concurrency: int = Field(default=4, ge=1)
    page_size: int = Field(default=50, ge=1, le=100)
    overlap: Duration = Field(default=timedelta(minutes=2), ge=timedelta(seconds=1))
    outcomes: SapPmOutcomeTable = SapPmOutcomeTable()
    failure_modes: dict[CatalogCode, Code] = {}
    planner_words: PlannerWords = PlannerWords()

    @field_validator("url")
    @classmethod
    def _is_an_origin(cls, url: str) -> str:
        return origin(url, ": the paths of the services are known", "https://host")

    @field_validator("priorities")
    @classmethod
    def _maps_all_four(cls, priorities: dict[int, str]) -> dict[int, str]:
        if set(priorities) != {1, 2, 3, 4} or any(len(value) != 1 for value in priorities.values()):
            raise ValueError("needs one character for each of 1, 2, 3 and 4")
        return priorities

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of malfunction dates that we write."""
        return ZoneInfo(self.time_zone)

    @property
    def own_name(self) -> str:
        """The user that SAP shows as the author of our records."""
        return (self.changed_by or self.user).upper()
