"""The people of a site with Odoo Maintenance, and what they do there: on the sandbox's server and on a real one."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from domain.work_orders import WorkOrderRef
from tests.contract.cmms_plant import CompletedWork

ASSETS: Final = ("M001-COMP1", "M002-COMP1")
REQUESTS: Final = "maintenance.request"
IN_PROGRESS, REPAIRED, SCRAP = 2, 3, 4
"""The stages that Odoo brings, by their ids."""
APPROVED: Final = "Approved"
"""The name of a site's own stage."""


class OdooPeople(ABC):
    """What planner and technician do with requests.

    Args:
        approved: the name of the site's stage for approved requests; None if it has the stages of Odoo.
    """

    told = CompletedWork(tells_end=False, disposition="maintenance.stage_3")
    names_fields = True
    host = "127.0.0.1"

    def __init__(self, approved: str | None) -> None:
        self._approved = approved

    @abstractmethod
    def do(self, person: str, model: str, method: str, **body: Any) -> Any:
        """What a person does in Odoo, by the names of its arguments."""

    async def notes(self, ref: WorkOrderRef) -> list[str]:
        """Our notes on a request, as a planner sees them."""
        marked = [["model", "=", REQUESTS], ["res_id", "=", int(ref.id)], ["body", "ilike", "[MW:"]]
        rows = self.do("planner", "mail.message", "search_read", domain=marked, fields=["body"])
        return [row["body"] for row in rows]

    def approve(self, ref: WorkOrderRef) -> None:
        """A planner takes a request for approved. Without a stage for that it is marked as ready for the next one."""
        stage = self.approved_stage()
        self.write(ref, {"kanban_state": "done"} if stage is None else {"stage_id": stage})

    def cancel(self, ref: WorkOrderRef) -> None:
        self.do("planner", REQUESTS, "archive_equipment_request", ids=[int(ref.id)])

    def reject(self, ref: WorkOrderRef, reason: str) -> str | None:
        note = f"Seen.\nRejected: {reason}"
        self.do("planner", REQUESTS, "message_post", ids=[int(ref.id)], body=note, message_type="comment")
        self.cancel(ref)
        return str(
            self.do("planner", "res.users", "search_read", domain=[["login", "=", "planner"]], fields=["name"])[0][
                "name"
            ]
        )

    def set_aside(self, ref: WorkOrderRef) -> None:
        self.write(ref, {"kanban_state": "blocked"})

    def put_off(self, ref: WorkOrderRef, day: str) -> timedelta:
        note = f"Put off until: {day}"
        self.do("planner", REQUESTS, "message_post", ids=[int(ref.id)], body=note, message_type="comment")
        self.set_aside(ref)
        return timedelta()

    def delete(self, ref: WorkOrderRef) -> None:
        self.do("planner", REQUESTS, "unlink", ids=[int(ref.id)])

    def write_key(self, ref: WorkOrderRef, line: str) -> None:
        """A planner writes another text with this line."""
        self.write(ref, {"description": f"<p>Seen.</p>{line}"})

    async def people_open(self, asset: str) -> str:
        equipment = self.do("planner", "maintenance.equipment", "search", domain=[["serial_no", "=", asset]])
        row = {"name": "It drips.", "equipment_id": equipment[0]}
        (made,) = self.do("planner", REQUESTS, "create", vals_list=[row])
        return str(made)

    def complete(self, ref: WorkOrderRef, note: str) -> None:
        number = int(ref.id)
        self.write(ref, {"stage_id": IN_PROGRESS}, by="technician")
        self.do("technician", REQUESTS, "message_post", ids=[number], body=note, message_type="comment")
        self.write(ref, {"stage_id": REPAIRED}, by="technician")

    def write(self, ref: WorkOrderRef, values: Mapping[str, object], by: str = "planner") -> None:
        """Somebody changes a request."""
        self.do(by, REQUESTS, "write", ids=[int(ref.id)], vals=values)

    def approved_stage(self) -> int | None:
        """The id of the stage for approved requests; None if the site has none."""
        named = [["name", "=", self._approved]]
        found = self.do("planner", "maintenance.stage", "search", domain=named) if self._approved else []
        return int(found[0]) if found else None


def key_line(key: str | None) -> str:
    """The line with a key in a description; empty without one."""
    return "" if key is None else f"<p>Millwright key: {key}</p>"
