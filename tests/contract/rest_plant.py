"""A project of the sandbox's ticket system, described in YAML, and its people."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import httpx

from connectors.cmms import rest
from domain.work_orders import FindingRole, WorkOrderDraft, WorkOrderRef
from sandbox.tickets.server import PATH, TicketServer
from sandbox.tickets.store import Issue
from tests.connectors.atlas_answers import key_of
from tests.contract.cmms_plant import SENT_TWICE, CompletedWork, draft_of
from tests.contract.sandbox_site import PATIENT, SandboxSite

TOKEN = "glpat-Quartz-Harbor-9213"


class TicketsPlant(SandboxSite[TicketServer]):
    """A project whose issues are work orders, by the description `gitlab_issues`."""

    secrets: Sequence[str] = (TOKEN,)
    told = CompletedWork(
        codes={
            FindingRole.PROBLEM: (None, "OVERVOLT"),
            FindingRole.CAUSE: (None, "REGULATR"),
            FindingRole.REMEDY: (None, "REPLACE"),
        },
        work_lasted=timedelta(hours=2),
    )
    names_fields = True
    host = "127.0.0.1"
    not_applicable: Mapping[str, str] = {
        "a_request_sent_twice_makes_one_order": SENT_TWICE,
        # The description makes the word of a status from a state and labels.
        "an_unknown_status_ends_no_order": "the status 'open' is not one word in the answers of this system",
    }
    target = "tickets"
    # A released draft is created without the label of what waits, so its status is part of its creation.
    operations: Mapping[str, str] = {"create": "create", "query": "list", "note": "add_note", "status": "create"}

    def __init__(self, _directory: Path | None = None) -> None:
        super().__init__()
        self.server = TicketServer(self.clock, TOKEN, self.faults)
        for name in ("asset: M001-COMP1", "asset: M002-COMP1"):
            self.server.add_label(name)
        self.failure_modes: Mapping[str, str] = {}
        """The table of codes that the connector is given."""

    def connector(self, *, secret: str | None = None, http: httpx.AsyncClient | None = None) -> rest.RestCmms:
        settings = rest.RestSettings.model_validate(
            {
                "description": "gitlab_issues",
                "url": self.server.url,
                "token": secret or TOKEN,
                "values": {"project": PATH},
                "page_size": 3,
                "timeout": PATIENT,
                "failure_modes": self.failure_modes,
            }
        )
        return rest.connect(settings, http or self.client(), system="rest", clock=self.clock)

    def draft(self, *, released: bool = False, asset: str = "M001-COMP1") -> WorkOrderDraft:
        return draft_of(key_of(self.next_number()), asset, self.clock.now(), released=released)

    def orders_of(self, key: str) -> int:
        return sum(f"[{key}]" in issue.title for issue in self.server.store.issues.values())

    def issue(self, ref: WorkOrderRef) -> Issue:
        """What a reference stands for."""
        return self.server.store.issues[int(ref.id)]

    async def notes(self, ref: WorkOrderRef) -> list[str]:
        return [note.body for note in self.issue(ref).notes if note.body.startswith("[MW:")]

    def approve(self, ref: WorkOrderRef) -> None:
        self.server.approve(self.issue(ref))

    def cancel(self, ref: WorkOrderRef) -> None:
        self.server.cancel(self.issue(ref))

    def reject(self, ref: WorkOrderRef, reason: str) -> str | None:
        self.server.comment(self.issue(ref), f"Rejected: {reason}")
        self.server.cancel(self.issue(ref))
        return self.server.planner.username

    def set_aside(self, ref: WorkOrderRef) -> None:
        self.server.set_aside(self.issue(ref))

    def put_off(self, ref: WorkOrderRef, day: str) -> timedelta:
        self.server.comment(self.issue(ref), f"Put off until: {day}, no seal")
        self.set_aside(ref)
        return timedelta()

    def delete(self, ref: WorkOrderRef) -> None:
        self.server.delete(self.issue(ref))

    def put_key(self, ref: WorkOrderRef, key: str | None) -> None:
        title = "Machine 1, comp1: voltage" + (f" [{key}]" if key else "")
        self.server.edit(self.issue(ref), title, f"Millwright key: {key}" if key else "")

    async def people_open(self, asset: str) -> str:
        return str(self.server.open_issue("It drips.", f"asset: {asset}").iid)

    async def people_code(self, ref: WorkOrderRef) -> None:
        """Somebody labels an issue with its problem."""
        self.server.label(self.issue(ref), add="problem: OVERVOLT")

    async def people_uncode(self, ref: WorkOrderRef) -> None:
        """Somebody takes the problem off an issue."""
        self.server.label(self.issue(ref), remove="problem: OVERVOLT")

    def complete(self, ref: WorkOrderRef, note: str) -> None:
        self.server.start_work(self.issue(ref))
        self.wait(timedelta(hours=2))
        self.server.finish_work(self.issue(ref), note, "problem: OVERVOLT", "cause: REGULATR", "remedy: REPLACE")
