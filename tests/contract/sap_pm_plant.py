"""A site's SAP Plant Maintenance, simulated, and its people."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from connectors.cmms import sap_pm
from domain.clock import WallClock
from domain.work_orders import FindingRole, WorkOrderDraft, WorkOrderRef
from sandbox.sap_pm.server import USERS, SapPmServer
from tests.contract.cmms_plant import SENT_TWICE, CompletedWork, draft_of
from tests.contract.sandbox_site import PATIENT, SandboxSite

USER, PASSWORD = next(iter(USERS.items()))
WAITS = "WPRT"
"""The site's own status for an order that waits for a part."""
_BASE32 = str.maketrans("0189", "ABCD")
"""A key has no other digits than 2 to 7."""
_NOTE = re.compile(r"\[MW:[^\]]+\]")


class SapPmPlant(SandboxSite[SapPmServer]):
    """A site. It satisfies `CmmsPlant` of the contract suite."""

    secrets: Sequence[str] = (PASSWORD,)
    told = CompletedWork(
        codes={
            FindingRole.PROBLEM: ("ELEC", "0110"),
            FindingRole.CAUSE: ("ELCAUSE", "0200"),
            FindingRole.REMEDY: ("ELACT", "0030"),
        },
        downtime=timedelta(hours=3),
        tells_end=False,
    )
    names_fields = True
    host = "127.0.0.1"
    not_applicable: Mapping[str, str] = {
        "a_request_sent_twice_makes_one_order": SENT_TWICE,
        "an_unknown_status_ends_no_order": "the status 'ORAS NOPR; order REL' is not one word in the answers of this "
        "system",
    }
    target = "sap_pm"
    operations: Mapping[str, str] = {
        "create": "create",
        "query": "query",
        "note": "change",
        "status": "ReleaseMaintenanceOrder",
    }

    def __init__(self, directory: Path | None = None, equipment: Sequence[str] = ("M001-COMP1", "M002-COMP1")) -> None:
        del directory  # The simulator keeps nothing on disk.
        super().__init__()
        self.server = SapPmServer(self.clock, equipment, faults=self.faults)
        self.failure_modes: Mapping[str, str] = {}
        """The table of codes that the connector is given."""

    @property
    def url(self) -> str:
        return self.server.url

    def connector(
        self, *, secret: str | None = None, http: httpx.AsyncClient | None = None, **more: Any
    ) -> sap_pm.SapPmCmms:
        settings = {
            "url": self.server.url,
            "user": USER,
            "password": secret or PASSWORD,
            "sap_client": "100",
            "planning_plant": "1010",
            "on_hold_statuses": [WAITS],
            "page_size": 3,
            "timeout": PATIENT,
            "failure_modes": self.failure_modes,
            "planner_words": {"rejected": "rejected", "put_off": "put off until"},
        }
        made = sap_pm.SapPmSettings.model_validate(settings | more)
        return sap_pm.connect(made, http or self.client(), system="sap_pm", clock=WallClock())

    def draft(self, *, released: bool = False, asset: str = "M001-COMP1") -> WorkOrderDraft:
        key = "MW" + f"{self.next_number():08d}".translate(_BASE32)
        return draft_of(key, asset, self.clock.now(), released=released)

    def orders_of(self, key: str) -> int:
        """How many notifications have a key, or orders were made of them, whichever is more."""
        store = self.server.store
        numbers = {
            each.number for each in store.notifications.values() if each.values["MaintNotifExtReferenceNumber"] == key
        }
        orders = [each for each in store.orders.values() if each.values["MaintenanceNotification"] in numbers]
        return max(len(numbers), len(orders))

    async def notes(self, ref: WorkOrderRef) -> list[str]:
        return _NOTE.findall(self.text(ref))

    def text(self, ref: WorkOrderRef) -> str:
        """The long text of a notification."""
        return str(self.server.store.notifications[ref.id].values["MaintNotifLongTextForEdit"])

    def order(self, ref: WorkOrderRef) -> str:
        """The order of a notification, which a planner makes if there is none."""
        found = self.server.order_of(ref.id)
        return found.number if found else self.server.make_order(ref.id, by="PLANNER")

    def approve(self, ref: WorkOrderRef) -> None:
        self.server.act(self.order(ref), "ReleaseMaintenanceOrder", by="PLANNER")

    def cancel(self, ref: WorkOrderRef) -> None:
        self.server.flag_notification(ref.id)

    def reject(self, ref: WorkOrderRef, reason: str) -> str | None:
        self.server.write_below(ref.id, f"Rejected: {reason}")
        self.server.flag_notification(ref.id)
        return None

    def set_aside(self, ref: WorkOrderRef) -> None:
        self.server.set_user_status(self.order(ref), WAITS, by="PLANNER")

    def put_off(self, ref: WorkOrderRef, day: str) -> timedelta:
        self.server.write_below(ref.id, f"Put off until: {day}")
        self.set_aside(ref)
        return timedelta()

    def delete(self, ref: WorkOrderRef) -> None:
        self.server.archive(ref.id)

    def put_key(self, ref: WorkOrderRef, key: str | None) -> None:
        self.server.edit(ref.id, MaintNotifExtReferenceNumber=key)

    async def people_open(self, asset: str) -> str:
        return self.server.open_notification(asset, "It drips.", by="PLANNER")

    async def people_code(self, ref: WorkOrderRef) -> None:
        """Somebody chooses the damage on a notification."""
        chosen = self.told.codes[FindingRole.PROBLEM]
        item = _code("MaintNotifDamageCodeGroup", "MaintNotificationDamageCode", chosen)
        self.server.store.report(self.server.store.notifications[ref.id], [item])

    async def people_uncode(self, ref: WorkOrderRef) -> None:
        """Somebody takes the damage off a notification."""
        found = self.server.store.notifications[ref.id]
        found.items.clear()
        self.server.store.settle_notification(found)

    def complete(self, ref: WorkOrderRef, note: str) -> None:
        now, codes = self.clock.now(), self.told.codes
        item = {
            **_code("MaintNotifDamageCodeGroup", "MaintNotificationDamageCode", codes[FindingRole.PROBLEM]),
            "to_ItemCause": [_code("MaintNotifCauseCodeGroup", "MaintNotificationCauseCode", codes[FindingRole.CAUSE])],
            "to_ItemActivity": [
                _code("MaintNotifActivityCodeGroup", "MaintNotificationActivityCode", codes[FindingRole.REMEDY])
            ],
        }
        self.server.confirm(self.order(ref), final=True, by="TECH1")
        started = now - timedelta(hours=2)
        self.server.report(ref.id, [item], started=started, ended=now, downtime=timedelta(hours=3))
        self.server.write_below(ref.id, note)
        self.server.act(
            self.order(ref), "SetMaintOrdToTechCompleted", by="TECH1", AssignedMaintNotifIsToBeClosed="true"
        )


def _code(group: str, code: str, chosen: tuple[str | None, str]) -> dict[str, str | None]:
    return {group: chosen[0], code: chosen[1]}
