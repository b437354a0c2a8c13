"""SAP's words: entities of the services for maintenance notifications and orders (OData V2).

An empty text is how SAP says that there is none. Names, dates and numbers that cannot be read make a record unreadable.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from connectors.cmms.sap_pm.odata import instant_of
from connectors.rows import UnreadableRow
from domain.keys import CASE_ID
from domain.vendor_texts import VendorName, VendorText

SapDate = Annotated[datetime, BeforeValidator(instant_of)]
REFERENCE: Final = "MaintNotifExtReferenceNumber"
"""The field of a notification that has our key, in upper case."""
LONG_TEXT: Final = "MaintNotifLongTextForEdit"

Name = Annotated[VendorName, Field(min_length=1)]
Number = Annotated[float, Field(allow_inf_nan=False, ge=0)]

ChildT = TypeVar("ChildT")


def is_key(reference: str) -> bool:
    """Whether a reference is a key of ours. People use references too, and some begin with the same letters."""
    return CASE_ID.fullmatch(reference.upper()) is not None


def _children(value: object) -> object:
    # A navigation that was not expanded is a link.
    if isinstance(value, dict):
        return value.get("results", ())
    return () if value is None else value


Children = Annotated[tuple[ChildT, ...], BeforeValidator(_children)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class _Metadata(_Row):
    etag: VendorName | None = None


class CauseRow(_Row):
    """A cause of an item."""

    group: VendorText | None = Field(default=None, alias="MaintNotifCauseCodeGroup")
    code: VendorText | None = Field(default=None, alias="MaintNotificationCauseCode")
    text: VendorText | None = Field(default=None, alias="MaintNotifCauseText")
    deleted: bool | None = Field(default=None, alias="IsDeleted")


class ActivityRow(_Row):
    """What was done about an item."""

    group: VendorText | None = Field(default=None, alias="MaintNotifActivityCodeGroup")
    code: VendorText | None = Field(default=None, alias="MaintNotificationActivityCode")
    text: VendorText | None = Field(default=None, alias="MaintNotifActyTxt")
    deleted: bool | None = Field(default=None, alias="IsDeleted")


class ItemRow(_Row):
    """A finding: a damage on a part of the object, with its causes and activities."""

    damage_group: VendorText | None = Field(default=None, alias="MaintNotifDamageCodeGroup")
    damage: VendorText | None = Field(default=None, alias="MaintNotificationDamageCode")
    part_group: VendorText | None = Field(default=None, alias="MaintNotifObjPrtCodeGroup")
    part: VendorText | None = Field(default=None, alias="MaintNotifObjPrtCode")
    text: VendorText | None = Field(default=None, alias="MaintNotifItemText")
    deleted: bool | None = Field(default=None, alias="IsDeleted")
    causes: Children[CauseRow] = Field(default=(), alias="to_ItemCause")
    activities: Children[ActivityRow] = Field(default=(), alias="to_ItemActivity")


class SapPmNotification(_Row):
    """A notification, as far as we read it."""

    number: Name = Field(alias="MaintenanceNotification")
    reference: VendorName | None = Field(default=None, alias=REFERENCE)
    text: VendorText | None = Field(default=None, alias="NotificationText")
    long_text: VendorText | None = Field(default=None, alias=LONG_TEXT)
    whole_text: VendorText | None = Field(default=None, alias="MaintNotificationLongText")
    statuses: VendorText | None = Field(default=None, alias="ConcatenatedActiveSystStsName")
    priority: VendorText | None = Field(default=None, alias="MaintPriority")
    object_name: VendorName | None = Field(default=None, alias="TechnicalObject")
    object_kind: VendorName | None = Field(default=None, alias="TechObjIsEquipOrFuncnlLoc")
    order: VendorName | None = Field(default=None, alias="MaintenanceOrder")
    created_by: VendorText | None = Field(default=None, alias="CreatedByUser")
    created_at: SapDate = Field(alias="CreationDateTime")
    last_change: SapDate | None = Field(default=None, alias="LastChangeDateTime")
    started_at: SapDate | None = Field(default=None, alias="MalfunctionStartDateTime")
    ended_at: SapDate | None = Field(default=None, alias="MalfunctionEndDateTime")
    completed_on: SapDate | None = Field(default=None, alias="NotificationCompletionDate")
    notification_type: VendorText | None = Field(default=None, alias="NotificationType")
    downtime: Number | None = Field(default=None, alias="MaintObjectDowntimeDuration")
    downtime_unit: VendorText | None = Field(default=None, alias="MaintObjDowntimeDurationUnit")
    planning_plant: VendorText | None = Field(default=None, alias="MaintenancePlanningPlant")
    planner_group: VendorText | None = Field(default=None, alias="MaintenancePlannerGroup")
    work_center: VendorText | None = Field(default=None, alias="MainWorkCenter")
    work_center_plant: VendorText | None = Field(default=None, alias="MainWorkCenterPlant")
    reported_by: VendorText | None = Field(default=None, alias="ReportedByUser")
    responsible: VendorText | None = Field(default=None, alias="PersonResponsible")
    effect: VendorText | None = Field(default=None, alias="MalfunctionEffect")
    is_down: bool | None = Field(default=None, alias="MaintenanceObjectIsDown")
    code: VendorText | None = Field(default=None, alias="MaintNotificationCode")
    code_group: VendorText | None = Field(default=None, alias="MaintNotificationCodeGroup")
    items: Children[ItemRow] = Field(default=(), alias="to_Item")
    metadata: _Metadata = Field(default=_Metadata(), alias="__metadata")

    @property
    def changed_at(self) -> datetime:
        """SAP's stamp; a notification that was never changed may have none but that of its creation."""
        return self.last_change or self.created_at

    @property
    def stamp(self) -> datetime | None:
        """The stamp by which SAP sorts and filters it."""
        return self.last_change

    @property
    def upper_reference(self) -> str:
        """The reference on it, ours or a person's, as SAP keeps it: in upper case."""
        return (self.reference or "").upper()

    @property
    def key(self) -> str:
        """Our key on it; empty if it has none."""
        return self.upper_reference if is_key(self.upper_reference) else ""


class SapPmOrder(_Row):
    """An order, as far as we read it."""

    number: Name = Field(alias="MaintenanceOrder")
    notification: VendorName | None = Field(default=None, alias="MaintenanceNotification")
    order_type: VendorText | None = Field(default=None, alias="MaintenanceOrderType")
    text: VendorText | None = Field(default=None, alias="MaintenanceOrderDesc")
    statuses: VendorText | None = Field(default=None, alias="SystemStatusText")
    user_statuses: VendorText | None = Field(default=None, alias="UserStatusText")
    priority: VendorText | None = Field(default=None, alias="MaintPriority")
    object_name: VendorName | None = Field(default=None, alias="TechnicalObject")
    created_by: VendorText | None = Field(default=None, alias="CreatedByUser")
    changed_by: VendorText | None = Field(default=None, alias="LastChangeByUser")
    created_at: SapDate | None = Field(default=None, alias="MaintOrderCreationDateTime")
    last_change: SapDate = Field(alias="LastChangeDateTime")
    metadata: _Metadata = Field(default=_Metadata(), alias="__metadata")

    @property
    def changed_at(self) -> datetime:
        return self.last_change

    @property
    def stamp(self) -> datetime | None:
        return self.last_change


class _Results(_Row):
    results: tuple[Any, ...]
    next_page: VendorText | None = Field(default=None, alias="__next")


class SapPmList(_Row):
    """A list as it came. Its rows are read one by one, so that an unreadable one does not hide the others."""

    d: _Results


class SapPmEntity(_Row):
    """One record as it came."""

    d: Mapping[str, Any]


@dataclass(frozen=True)
class SapPmUnreadableRow(UnreadableRow):
    """A notification or an order that cannot be read.

    Args:
        ours: whether it may be ours: it has our key, or one that cannot be read.
        notification: the notification that an order names, if that can be read.
    """

    ours: bool
    notification: str | None = None


class _Message(_Row):
    value: VendorText | None = None


class _Detail(_Row):
    code: VendorText | None = None
    message: VendorText | None = None
    target: VendorText | None = None
    propertyref: VendorText | None = None


class _Inner(_Row):
    errordetails: tuple[_Detail, ...] = ()


class SapPmErrorBody(_Row):
    """What is under `error`."""

    code: VendorText | None = None
    message: _Message | VendorText | None = None
    innererror: _Inner | None = None


class SapPmErrorReply(_Row):
    """SAP's error reply."""

    error: SapPmErrorBody
