"""The notifications and orders of a client, and what SAP itself does to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from sandbox.clock import Clock
from sandbox.sap_pm.errors import business, malformed
from sandbox.sap_pm.fields import ACTIVITY, CAUSE, ITEM, NOTIFICATION, ORDER, Property
from sandbox.sap_pm.odata import Value, day_of, taken, time_of

_DUE: Final = {
    "1": timedelta(days=1),
    "2": timedelta(days=3),
    "3": timedelta(days=14),
    "4": timedelta(days=30),
}
"""Within what time each priority is to be done. SAP computes the required end from it."""
_OPEN, _IN_PROCESS, _DONE = "1", "3", "4"
_MIDNIGHT: Final = "PT00H00M00S"


@dataclass
class Entity:
    """A record.

    Args:
        number: its key.
        statuses: its system status words, in order.
        items: the findings of a notification.
    """

    number: str
    values: dict[str, Value]
    statuses: list[str]
    version: int = 1
    items: list[dict[str, object]] = field(default_factory=list)

    @property
    def etag(self) -> str:
        return f"W/\"'{self.number}.{self.version}'\""

    def has(self, *words: str) -> bool:
        """Whether it has one of some status words."""
        return any(word in self.statuses for word in words)

    def put(self, word: str, *instead_of: str) -> None:
        """Sets a status word in the place of others."""
        self.statuses = [each for each in self.statuses if each not in (word, *instead_of)] + [word]


class Store:
    """All records. Every change is made in the name of a user.

    Args:
        equipment: the technical objects that the client knows.
    """

    def __init__(self, clock: Clock, equipment: Iterable[str]) -> None:
        self._clock = clock
        self.equipment = set(equipment)
        self.notifications: dict[str, Entity] = {}
        self.orders: dict[str, Entity] = {}
        self._made = 0

    def add_notification(self, given: Mapping[str, object], by: str) -> Entity:
        """Makes a notification.

        Raises:
            Refusal: a property is not allowed, or the technical object is not known.
        """
        values = _values(given, NOTIFICATION, creating=True)
        if not values.get("NotificationType"):
            raise business("IM/105", "Enter a notification type", "NotificationType")
        if not values.get("NotificationText"):
            raise business("IM/106", "Enter a short text", "NotificationText")
        self._check_object(values.get("TechnicalObject"), "TechnicalObject")
        self._made += 1
        number = str(10_000_000 + self._made)
        made = Entity(number, dict.fromkeys(NOTIFICATION) | values, ["OSNO"])
        now = self._now()
        made.values |= {"MaintenanceNotification": number, "CreationDateTime": now, "CreatedByUser": by}
        made.values["ReportedByUser"] = values.get("ReportedByUser") or by
        made.values["MaintObjDowntimeDurationUnit"] = values.get("MaintObjDowntimeDurationUnit") or "H"
        self.notifications[number] = made
        self.settle_notification(made, priority=True)
        return made

    def change_notification(self, made: Entity, given: Mapping[str, object]) -> None:
        """Changes properties of a notification.

        Raises:
            Refusal: a property is not allowed, or the notification is completed.
        """
        values = _values(given, NOTIFICATION, creating=False)
        if made.has("NOCO"):
            raise business("IM/404", f"Notification {made.number} is completed")
        made.values |= values
        self.settle_notification(made, priority="MaintPriority" in values)

    def complete_notification(self, made: Entity) -> None:
        """Completes a notification.

        Raises:
            Refusal: it is completed, or its order is not.
        """
        order = self.order_of(made)
        if made.has("NOCO"):
            raise business("IM/403", f"Notification {made.number} is already completed")
        if order is not None and not order.has("TECO", "CLSD"):
            raise business("IM/420", f"Order {order.number} is not technically completed")
        made.put("NOCO", "OSNO", "NOPR")
        made.values["NotificationCompletionDate"] = day_of(self._now())
        self.settle_notification(made)

    def process_notification(self, made: Entity) -> None:
        """Puts a notification in process."""
        if made.has("NOCO"):
            raise business("IM/403", f"Notification {made.number} is already completed")
        made.put("NOPR", "OSNO")
        self.settle_notification(made)

    def report(self, made: Entity, items: Iterable[Mapping[str, object]]) -> None:
        """Adds findings to a notification: items with causes and activities.

        Raises:
            Refusal: a property is not allowed.
        """
        for item in items:
            own = {name: value for name, value in item.items() if name in ITEM}
            kept: dict[str, object] = dict(_values(own, ITEM, creating=True))
            for link, of in (("to_ItemCause", CAUSE), ("to_ItemActivity", ACTIVITY)):
                rows = item.get(link)
                kept[link] = [_values(row, of, creating=True) for row in (rows if isinstance(rows, list) else [])]
            made.items.append(kept)
        self.settle_notification(made)

    def add_order(self, given: Mapping[str, object], by: str) -> Entity:
        """Makes an order, of a notification if it names one.

        Raises:
            Refusal: a property is not allowed, or what it names is not known.
        """
        values = _values(given, ORDER, creating=True)
        if not values.get("MaintenanceOrderType"):
            raise business("IW/005", "Enter an order type", "MaintenanceOrderType")
        self._check_object(values.get("Equipment"), "Equipment")
        notification = str(values.get("MaintenanceNotification") or "")
        if notification and notification not in self.notifications:
            raise business("IM/001", f"Notification {notification} does not exist", "MaintenanceNotification")
        number = str(4_000_001 + len(self.orders))
        made = Entity(number, dict.fromkeys(ORDER) | values, ["CRTD"])
        now = self._now()
        made.values |= {"MaintenanceOrder": number, "MaintOrderCreationDateTime": now, "CreatedByUser": by}
        made.values["TechnicalObject"] = values.get("Equipment") or values.get("FunctionalLocation")
        made.values["TechObjIsEquipOrFuncnlLoc"] = "EAMS_EQUI" if values.get("Equipment") else "EAMS_FL"
        made.values["MaintenanceNotification"] = notification
        self.orders[number] = made
        self.settle_order(made, by)
        if notification:
            assigned = self.notifications[notification]
            assigned.values["MaintenanceOrder"] = number
            assigned.put("ORAS")
            self.settle_notification(assigned)
        return made

    def settle_order(self, made: Entity, by: str) -> None:
        """What SAP does when an order was changed."""
        made.version += 1
        made.values |= {
            "LastChangeDateTime": self._now(),
            "LastChangeByUser": by,
            "SystemStatusText": " ".join(made.statuses),
        }

    def notification_of(self, order: Entity) -> Entity | None:
        """The notification of an order; None if it has none."""
        return self.notifications.get(str(order.values.get("MaintenanceNotification") or ""))

    def order_of(self, notification: Entity) -> Entity | None:
        """The order that a notification names; None if it names none."""
        return self.orders.get(str(notification.values.get("MaintenanceOrder") or ""))

    def settle_notification(self, made: Entity, *, priority: bool = False) -> None:
        """What SAP does when a notification was changed.

        Args:
            priority: whether its priority is new.
        """
        made.version += 1
        values = made.values
        due = _DUE.get(str(values.get("MaintPriority") or ""))
        if priority and due is not None:
            # SAP overwrites required dates that the client sent.
            start, end = self._now(), self._now() + due
            values |= {"RequiredStartDate": day_of(start), "RequiredStartTime": time_of(start)}
            values |= {"RequiredEndDate": day_of(end), "RequiredEndTime": time_of(end)}
        for which in ("Start", "End"):
            values[f"Malfunction{which}DateTime"] = _moment(
                values.get(f"Malfunction{which}Date"), values.get(f"Malfunction{which}Time")
            )
        values["MaintNotificationLongText"] = values.get("MaintNotifLongTextForEdit")
        values["ConcatenatedActiveSystStsName"] = " ".join(made.statuses)
        values["NotifProcessingPhase"] = _DONE if made.has("NOCO") else _IN_PROCESS if made.has("NOPR") else _OPEN
        values["LastChangeDateTime"] = self._now()

    def _check_object(self, name: Value, property_name: str) -> None:
        if name and str(name) not in self.equipment:
            raise business("IM/203", f"Technical object {name} does not exist", property_name)

    def _now(self) -> datetime:
        return self._clock.now().replace(microsecond=0)


def _values(given: Mapping[str, object], properties: Mapping[str, Property], *, creating: bool) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name, value in given.items():
        of = properties.get(name)
        if of is None:
            raise malformed(f"Property '{name}' is invalid", name)
        if not (of.creatable if creating else of.updatable):
            raise malformed(f"Property '{name}' is read-only", name)
        values[name] = taken(name, value, of)
    return values


def _moment(day: Value, time: Value) -> datetime | None:
    if not isinstance(day, datetime):
        return None
    text = str(time or _MIDNIGHT)
    hours, minutes, seconds = int(text[2:4]), int(text[5:7]), int(text[8:10])
    return day.astimezone(UTC) + timedelta(hours=hours, minutes=minutes, seconds=seconds)
