"""The properties of both entities: type, length, and what a client may do with each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """The types of properties that are used."""

    TEXT = "Edm.String"
    DATE = "Edm.DateTime"
    TIME = "Edm.Time"
    MOMENT = "Edm.DateTimeOffset"
    FLAG = "Edm.Boolean"
    DOUBLE = "Edm.Double"


@dataclass(frozen=True)
class Property:
    """One property.

    Args:
        upper: its value is kept in upper case.
        values: the values that it may have; none listed means any.
    """

    kind: Kind = Kind.TEXT
    length: int | None = None
    creatable: bool = True
    updatable: bool = True
    filterable: bool = True
    upper: bool = False
    values: tuple[str, ...] = ()


def _text(length: int, *, upper: bool = True, values: tuple[str, ...] = ()) -> Property:
    return Property(length=length, upper=upper, values=values)


def _fixed(kind: Kind = Kind.TEXT, length: int | None = None, *, filterable: bool = True) -> Property:
    return Property(kind, length, creatable=False, updatable=False, filterable=filterable)


_DAY, _TIME = Property(Kind.DATE), Property(Kind.TIME)
_PRIORITIES: Final = ("", "1", "2", "3", "4")

NOTIFICATION: Final = {
    "MaintenanceNotification": _fixed(length=12),
    "NotificationText": _text(40, upper=False),
    "MaintPriority": _text(1, values=_PRIORITIES),
    "NotificationType": Property(length=2, updatable=False, upper=True, values=("M1", "M2", "M3")),
    "NotifProcessingPhase": _fixed(length=1),
    "LastChangeDateTime": _fixed(Kind.MOMENT),
    "CreationDateTime": _fixed(Kind.MOMENT),
    "CreatedByUser": _fixed(length=12),
    "ReportedByUser": _text(12),
    "PersonResponsible": _text(12),
    "MalfunctionEffect": _text(1),
    "MalfunctionStartDate": _DAY,
    "MalfunctionStartTime": _TIME,
    "MalfunctionEndDate": _DAY,
    "MalfunctionEndTime": _TIME,
    "MalfunctionStartDateTime": _fixed(Kind.MOMENT),
    "MalfunctionEndDateTime": _fixed(Kind.MOMENT),
    "MaintNotificationCode": _text(4),
    "MaintNotificationCodeGroup": _text(8),
    "MaintNotifDetectionCode": _text(4),
    "MaintNotifDetectionCodeGroup": _text(8),
    "RequiredStartDate": _DAY,
    "RequiredStartTime": _TIME,
    "RequiredEndDate": _DAY,
    "RequiredEndTime": _TIME,
    "MaintenanceObjectIsDown": Property(Kind.FLAG),
    "MaintNotificationLongText": _fixed(),
    "MaintNotifLongTextForEdit": _text(1333, upper=False),
    "TechnicalObject": _text(40),
    "TechObjIsEquipOrFuncnlLoc": _text(20, values=("EAMS_EQUI", "EAMS_FL")),
    "MaintenancePlanningPlant": _text(4),
    "MaintenancePlannerGroup": _text(3),
    "MainWorkCenter": _text(8),
    "MainWorkCenterPlant": _text(4),
    "MaintenanceOrder": _text(12),
    "ConcatenatedActiveSystStsName": _fixed(length=224, filterable=False),
    "MaintObjectDowntimeDuration": Property(Kind.DOUBLE),
    "MaintObjDowntimeDurationUnit": _text(3),
    "NotificationCompletionDate": _fixed(Kind.DATE),
    "MaintNotifExtReferenceNumber": _text(20),
}

ORDER: Final = {
    "MaintenanceOrder": _fixed(length=12),
    "MaintenanceOrderType": Property(length=4, updatable=False, upper=True, values=("PM01", "PM02", "PM03")),
    "MaintenanceOrderDesc": _text(40, upper=False),
    "MaintPriority": _text(1, values=_PRIORITIES),
    "MaintenancePlanningPlant": Property(length=4, updatable=False, upper=True),
    "MaintenancePlant": _text(4),
    "MainWorkCenter": _text(8),
    "MainWorkCenterPlant": _text(4),
    "Equipment": _text(18),
    "FunctionalLocation": _text(30, upper=False),
    "MaintenanceNotification": _text(12),
    "MaintOrdBasicStartDateTime": Property(Kind.MOMENT),
    "MaintOrdBasicEndDateTime": Property(Kind.MOMENT),
    "LastChangeByUser": _fixed(length=12),
    "LastChangeDateTime": _fixed(Kind.MOMENT),
    "CreatedByUser": _fixed(length=12),
    "MaintOrderCreationDateTime": _fixed(Kind.MOMENT),
    "SystemStatusText": _fixed(length=40, filterable=False),
    "UserStatusText": _fixed(length=40, filterable=False),
    "TechnicalObject": _fixed(length=40),
    "TechObjIsEquipOrFuncnlLoc": _fixed(length=20),
}

ITEM: Final = {
    "MaintNotifItemText": _text(40, upper=False),
    "MaintNotifDamageCodeGroup": _text(8),
    "MaintNotificationDamageCode": _text(4),
    "MaintNotifObjPrtCodeGroup": _text(8),
    "MaintNotifObjPrtCode": _text(4),
}
CAUSE: Final = {
    "MaintNotifCauseCodeGroup": _text(8),
    "MaintNotificationCauseCode": _text(4),
    "MaintNotifCauseText": _text(40, upper=False),
}
ACTIVITY: Final = {
    "MaintNotifActivityCodeGroup": _text(8),
    "MaintNotificationActivityCode": _text(4),
    "MaintNotifActyTxt": _text(40, upper=False),
}
