"""What the connector to Odoo Maintenance needs to know of a site."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal

from pydantic import Field, field_validator, model_validator

from connectors.cmms.odoo.outcomes import OdooOutcomeTable
from connectors.odoo.settings import OdooConnection
from connectors.planner_words import PlannerWords
from domain.model import Duration
from domain.work_orders import WorkOrderStatus

StageStatus = Literal["in_progress", "on_hold", "completed", "cancelled", "skipped"]
"""What a stage after approval may mean."""

_STOCK: Final[Mapping[str, StageStatus]] = {
    "maintenance.stage_1": "in_progress",
    "maintenance.stage_3": "completed",
    "maintenance.stage_4": "completed",
}
"""The stages that Odoo brings: In Progress, Repaired and Scrap."""
_ODOO_PRIORITIES: Final = range(4)


def _priorities() -> dict[int, int]:
    return {1: 3, 2: 2, 3: 1, 4: 0}


class OdooMaintenanceSettings(OdooConnection):
    """Settings of one Odoo; the user of the API key is in the group Maintenance / Equipment Manager.

    A stage is named by its external id, such as `maintenance.stage_0`, or by its name in the language of that user. The
    external id stays when people rename the stage.

    Args:
        protocol: how the server is spoken to: `json2`, or `xmlrpc` where it has no JSON-2 API, as before Odoo 19.
        login: the login of the user of the API key; for `xmlrpc` only, which signs in with both.
        company: the id of the company of our requests; None means that of the equipment.
        new_stage: the stage in which our requests are created.
        approved_stage: the stage of a request that was approved and not begun. None means that the site has none: then
            a request in `new_stage` is approved already, and is created only after a person accepted it here.
        stages: what the other stages mean. A request in a stage that is not named is never taken as ended.
        priorities: from 1 (highest) to 4, the site's priority: 0 (very low) to 3 (high). Several may have the same.
        page_size: how many requests are asked for at once.
        overlap: how far behind the last change the next poll begins again.
        outcomes: what the stages and words of completed requests mean.
        planner_words: with which planners begin the line of a note that says why a request was cancelled.
    """

    protocol: Literal["json2", "xmlrpc"] = "json2"
    login: str | None = Field(default=None, min_length=1)
    company: int | None = Field(default=None, ge=1)
    new_stage: str = Field(default="maintenance.stage_0", min_length=1)
    approved_stage: str | None = Field(default=None, min_length=1)
    stages: dict[str, StageStatus] = Field(default_factory=lambda: dict(_STOCK))
    priorities: dict[int, int] = Field(default_factory=_priorities)
    page_size: int = Field(default=50, ge=1, le=1000)
    overlap: Duration = Field(default=timedelta(minutes=2), ge=timedelta(seconds=1))
    outcomes: OdooOutcomeTable = OdooOutcomeTable()
    planner_words: PlannerWords = PlannerWords()

    @field_validator("priorities")
    @classmethod
    def _maps_all_four(cls, priorities: dict[int, int]) -> dict[int, int]:
        if set(priorities) != {1, 2, 3, 4} or not set(priorities.values()) <= set(_ODOO_PRIORITIES):
            raise ValueError("needs a priority of Odoo, 0 to 3, for each of 1, 2, 3 and 4")
        return priorities

    @model_validator(mode="after")
    def _has_a_login_for_xml_rpc_only(self) -> "OdooMaintenanceSettings":
        if (self.protocol == "xmlrpc") != (self.login is not None):
            raise ValueError("needs a login if the protocol is xmlrpc, and only then")
        return self

    @model_validator(mode="after")
    def _names_each_stage_once(self) -> "OdooMaintenanceSettings":
        own = [name for name in (self.new_stage, self.approved_stage) if name is not None]
        if len(set(own)) < len(own) or set(own) & self.stages.keys():
            raise ValueError("names one stage twice: new_stage, approved_stage and stages are different stages")
        return self

    @property
    def meanings(self) -> Mapping[str, WorkOrderStatus]:
        """What each named stage means."""
        meanings = {name: WorkOrderStatus(status) for name, status in self.stages.items()}
        if self.approved_stage is None:
            return meanings | {self.new_stage: WorkOrderStatus.APPROVED}
        return meanings | {
            self.new_stage: WorkOrderStatus.WAITING_APPROVAL,
            self.approved_stage: WorkOrderStatus.APPROVED,
        }
