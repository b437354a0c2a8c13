"""The plant's SAP, and what its people do at SAP's screens: an order is a notification with the order made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from sandbox import naming
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.plant.findings import Finding, closed_by
from sandbox.plant.orders import OrderState, PlantOrder
from sandbox.sap_pm.functions import NOT_EXECUTED
from sandbox.sap_pm.server import USERS, SapPmServer
from sandbox.sap_pm.store import Entity
from sandbox.twins.graph import PlantMachine

_PLANNER: Final = "PLANNER"
CODES: Final[Mapping[str, str]] = {
    "OVERVOLT": "0110",
    "LOWSPEED": "0120",
    "OVERPRES": "0130",
    "HIGHVIB": "0140",
    "NOFAULT": "0900",
    "REGULATR": "0210",
    "BEARING": "0220",
    "VALVE": "0230",
    "IMBALANC": "0240",
    "NOCAUSE": "0910",
    "REPLACE": "0310",
    "REPAIR": "0320",
    "NOACTION": "0920",
}
"""The catalog's codes, which have four characters. The failure class is the code group."""
_WORDS: Final = {code: word for word, code in CODES.items()}


class SapPmScreen:
    """It satisfies `sandbox.cmms.PlantCmms`. It keeps nothing on disk."""

    asset_ids: Mapping[str, str] = {}

    def __init__(
        self, _directory: Path | None, clock: Clock, machines: Sequence[PlantMachine], port: int, faults: Faults
    ) -> None:
        equipment = [name for machine in machines for name in naming.assetnums(machine.id)]
        self.server = SapPmServer(clock, equipment, port, faults=faults)

    @property
    def access(self) -> Mapping[str, str]:
        user, password = next(iter(USERS.items()))
        return {"cmms_user": user, "cmms_password": password}

    def orders(self) -> list[PlantOrder]:
        return [self._order(made) for made in self.server.store.notifications.values()]

    def approve(self, order: PlantOrder) -> None:
        made = self.server.order_of(order.number)
        number = made.number if made else self.server.make_order(order.number, by=_PLANNER)
        self.server.act(number, "ReleaseMaintenanceOrder", by=_PLANNER)

    def cancel(self, order: PlantOrder, memo: str) -> None:
        self.server.write_below(order.number, f"Rejected: {memo}")
        self.server.flag_notification(order.number)

    def take(self, order: PlantOrder, labor: str) -> None:
        self.server.confirm(self._made_of(order), final=False, by=labor)

    def complete(self, order: PlantOrder, finding: Finding) -> None:
        number, labor, group = self._made_of(order), finding.trade.labor, finding.trade.failure_class
        damage, cause, activity = (CODES[word] for word in finding.codes)
        item = {
            "MaintNotifDamageCodeGroup": group,
            "MaintNotificationDamageCode": damage,
            "to_ItemCause": [{"MaintNotifCauseCodeGroup": group, "MaintNotificationCauseCode": cause}],
            "to_ItemActivity": [{"MaintNotifActivityCodeGroup": group, "MaintNotificationActivityCode": activity}],
        }
        downtime = finding.downtime and finding.downtime[1] - finding.downtime[0]
        self.server.confirm(number, final=True, by=labor)
        self.server.report(order.number, [item], started=finding.begun, ended=finding.ended, downtime=downtime)
        self.server.write_below(order.number, finding.notes)
        self.server.act(number, "SetMaintOrdToTechCompleted", by=labor, AssignedMaintNotifIsToBeClosed="true")

    def _made_of(self, order: PlantOrder) -> str:
        made = self.server.order_of(order.number)
        if made is None:
            raise ValueError(f"notification {order.number} has no order")
        return made.number

    def _order(self, notification: Entity) -> PlantOrder:
        made = self.server.store.order_of(notification)
        state = _state_of(notification, made)
        changes = [each.values.get("LastChangeDateTime") for each in (notification, made) if each is not None]
        reported = notification.values.get("CreationDateTime")
        key = notification.values.get("MaintNotifExtReferenceNumber")
        return PlantOrder(
            number=notification.number,
            place=int(notification.number),
            asset=str(notification.values.get("TechnicalObject") or ""),
            key=str(key) if key else None,
            status=" ".join((made or notification).statuses),
            state=state,
            reported=reported if isinstance(reported, datetime) else None,
            changed=max((at for at in changes if isinstance(at, datetime)), default=None),
            closed_as=closed_by(state, *_codes_of(notification)),
        )


def _state_of(notification: Entity, order: Entity | None) -> OrderState:
    if order is not None and order.has("TECO", "CLSD"):
        return OrderState.COMPLETED
    if notification.has("DLFL") or (order is not None and order.has("DLFL", NOT_EXECUTED)):
        return OrderState.CANCELLED
    if notification.has("NOCO"):
        return OrderState.COMPLETED
    if order is None or order.has("CRTD"):
        return OrderState.WAITING
    return OrderState.IN_PROGRESS if order.has("PCNF", "CNF") else OrderState.APPROVED


def _codes_of(notification: Entity) -> tuple[str, str]:
    """The words of the damage and the activity that were reported last; empty where there are none."""
    if not notification.items:
        return "", ""
    item = notification.items[-1]
    activities = item["to_ItemActivity"]
    last = activities[-1]["MaintNotificationActivityCode"] if isinstance(activities, list) and activities else ""
    return _WORDS.get(str(item.get("MaintNotificationDamageCode")), ""), _WORDS.get(str(last), "")
