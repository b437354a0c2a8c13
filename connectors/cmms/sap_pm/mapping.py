"""Between our work orders and SAP's notifications and orders: pure functions and the tables they read."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import ValidationError

from connectors.cmms.sap_pm import long_text as texts
from connectors.cmms.sap_pm.models import LONG_TEXT, REFERENCE, SapPmNotification, SapPmOrder
from connectors.cmms.sap_pm.odata import date_text, text_literal, time_text
from connectors.cmms.sap_pm.planner_notes import put_off_on, rejection_on
from connectors.cmms.sap_pm.settings import SapPmSettings
from connectors.cmms.sap_pm.statuses import COMPLETED_NOTIFICATION, is_cancelled, status_of, tokens_of
from connectors.json_reading import first_fault
from connectors.previewing import previewed
from connectors.text import key_in, long_text, one_line
from domain.canonical import Json
from domain.cmms import (
    ChangeFeed,
    CmmsCapabilities,
    Idempotency,
    OrderApproval,
    OrderCancellation,
    PreviewedRecord,
    TextLimits,
)
from domain.open_work import OpenOrder
from domain.unreadable import UnreadableRecord
from domain.work_orders import (
    CompletionReport,
    FindingRole,
    RecordKind,
    ReportedCode,
    Touched,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)

logger = logging.getLogger(__name__)

TEXT_LENGTH: Final = 40
EQUIPMENT_LENGTH: Final = 18
LOCATION_LENGTH: Final = 30
"""How long a technical object may be on an order; a notification has room for 40 characters."""
KIND_ATTRIBUTE: Final = "objectkind"
"""The crosswalk's attribute that says what the technical object is: `equipment`, or `functional_location`."""
_LOCATION: Final = "functional_location"
_NOTIFICATION_MEANINGS: Final[Mapping[str, str]] = {
    "NotificationType": "work type",
    "NotificationText": "title",
    LONG_TEXT: "text",
    "MaintPriority": "priority",
    "TechnicalObject": "asset",
    REFERENCE: "key",
    "MaintenancePlanningPlant": "site",
    "MaintenancePlannerGroup": "queue",
    "MainWorkCenter": "work centre",
    "MainWorkCenterPlant": "plant of the work centre",
}
"""What the fields of a notification mean."""
_ORDER_MEANINGS: Final[Mapping[str, str]] = {
    "MaintenanceOrderType": "work type",
    "MaintenanceOrderDesc": "title",
    "MaintPriority": "priority",
    "Equipment": "asset",
    "FunctionalLocation": "asset",
    "MaintenancePlanningPlant": "site",
    "MainWorkCenter": "work centre",
    "MainWorkCenterPlant": "plant of the work centre",
}
"""What the fields of an order mean."""
_NOT_OURS_TO_SET: Final = frozenset({"NOPR", "DLFL"})
"""Words that we never set on a notification without an order."""
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""For an order that does not say when it was reported, so that it comes last."""
_WORKED_ON: Final = frozenset({"PCNF", "CNF", "TECO", "CLSD"})
_DOWNTIME_UNITS: Final[Mapping[str, timedelta]] = {"H": timedelta(hours=1)}


@dataclass(frozen=True)
class SapPmWork:
    """A notification and the order that was made of it, if there is one."""

    notification: SapPmNotification
    order: SapPmOrder | None = None

    @property
    def changed_at(self) -> datetime:
        """The later of both stamps."""
        return max(self.notification.changed_at, self.order.changed_at) if self.order else self.notification.changed_at

    def status(self, settings: SapPmSettings) -> tuple[WorkOrderStatus, bool]:
        """The status, and whether it was guessed."""
        return status_of(self.notification, self.order, settings)


def capabilities(settings: SapPmSettings) -> CmmsCapabilities:
    """What SAP Plant Maintenance can do, as this site uses it."""
    return CmmsCapabilities(
        idempotency=Idempotency.LOOK_UP,
        approval=OrderApproval.REQUEST,
        cancellation=OrderCancellation.DO_NOT_EXECUTE,
        search_by_key=True,
        changes=ChangeFeed.POLL,
        tombstones=False,
        raises_priority=True,
        priorities=settings.priorities,
        limits=TextLimits(summary=TEXT_LENGTH, description=texts.DESCRIPTION_LENGTH, note=texts.NOTE_LENGTH),
        failure_modes=settings.failure_modes,
    )


def object_kind(attributes: Mapping[str, str], settings: SapPmSettings) -> str:
    """SAP's word for what the technical object of an asset is."""
    return settings.location_word if attributes.get(KIND_ATTRIBUTE) == _LOCATION else settings.equipment_word


def notification_body(draft: WorkOrderDraft, settings: SapPmSettings) -> dict[str, Json]:
    """What is posted for a draft.

    Required dates are not sent: SAP computes them from the priority and overwrites others.
    """
    reported = draft.reported_at.astimezone(settings.zone)
    group, _, code = (settings.detection or "").partition("/")
    body: dict[str, Json | None] = {
        "NotificationType": settings.notification_type,
        "NotificationText": one_line(draft.summary, TEXT_LENGTH),
        LONG_TEXT: texts.without_marks(long_text(draft.paragraphs, draft.key, texts.DESCRIPTION_LENGTH)),
        "MaintPriority": settings.priorities[draft.priority],
        "TechnicalObject": draft.asset_external_id,
        "TechObjIsEquipOrFuncnlLoc": object_kind(draft.asset_attributes, settings),
        REFERENCE: draft.key,
        "MalfunctionStartDate": date_text(reported),
        "MalfunctionStartTime": time_text(reported),
        "MaintNotifDetectionCodeGroup": group or None,
        "MaintNotifDetectionCode": code or None,
        "MaintenancePlanningPlant": settings.planning_plant,
        "MaintenancePlannerGroup": settings.planner_group,
        "MainWorkCenter": settings.work_center,
        "MainWorkCenterPlant": settings.work_center_plant,
    }
    return {name: value for name, value in body.items() if value is not None}


def order_body(row: SapPmNotification, settings: SapPmSettings) -> dict[str, Json]:
    """What is posted to make an order of a notification.

    Raises:
        ValueError: an order has no room for the technical object.
    """
    is_location = row.object_kind == settings.location_word
    field, limit = ("FunctionalLocation", LOCATION_LENGTH) if is_location else ("Equipment", EQUIPMENT_LENGTH)
    if len(row.object_name or "") > limit:
        raise ValueError(f"{field} of an order takes {limit} characters, and {row.object_name} has more")
    body: dict[str, Json | None] = {
        "MaintenanceOrderType": settings.order_type,
        "MaintenanceOrderDesc": row.text,
        "MaintenanceNotification": row.number,
        "MaintPriority": row.priority,
        field: row.object_name,
        "MaintenancePlanningPlant": settings.planning_plant or row.planning_plant,
        "MainWorkCenter": settings.work_center or row.work_center,
        "MainWorkCenterPlant": settings.work_center_plant or row.work_center_plant,
    }
    return {name: value for name, value in body.items() if value}


def preview(draft: WorkOrderDraft, settings: SapPmSettings) -> tuple[PreviewedRecord, ...]:
    """The notification of a draft as it would be created, and the order if the draft is to be released. What SAP fills
    in itself is not known before.

    Raises:
        ValueError: as `order_body`.
    """
    body = notification_body(draft, settings)
    notification = previewed("notification", body, "outstanding", _NOTIFICATION_MEANINGS)
    if not draft.released:
        return (notification,)
    made = SapPmNotification.model_construct(
        number="",
        created_at=draft.reported_at,
        text=str(body["NotificationText"]),
        priority=str(body["MaintPriority"]),
        object_name=str(body["TechnicalObject"]),
        object_kind=str(body["TechObjIsEquipOrFuncnlLoc"]),
        planning_plant=settings.planning_plant,
        work_center=settings.work_center,
        work_center_plant=settings.work_center_plant,
    )
    return (notification, previewed("order", order_body(made, settings), "released", _ORDER_MEANINGS))


def order_of(row: SapPmNotification, orders: Sequence[SapPmOrder], settings: SapPmSettings) -> SapPmOrder | None:
    """The order of a notification, among those that name it.

    Raises:
        ValueError: more than one that is not cancelled was made of it.
    """
    named = [order for order in orders if order.number == row.order]
    if named:
        return named[0]
    open_orders = [order for order in orders if not is_cancelled(order, settings)]
    if len(open_orders) > 1:
        numbers = ", ".join(sorted(order.number for order in open_orders))
        raise ValueError(f"has more than one order: {numbers}")
    return next(iter(open_orders), max(orders, key=lambda order: order.changed_at, default=None))


def touched_by_others(work: SapPmWork, settings: SapPmSettings) -> Touched:
    """Whether anybody but us has changed a notification or its order.

    SAP names who made a notification, but not who changed it last. So nobody has changed it only if it was never
    changed, or is as we left it (`long_text`).
    """
    row, order = work.notification, work.order
    people = (row.created_by, order.created_by, order.changed_by) if order else (row.created_by,)
    if not row.key or row.items or {name.upper() for name in people if name} - {settings.own_name}:
        return Touched.YES
    words = tokens_of(row.statuses)
    if order is None and words & _NOT_OURS_TO_SET:
        return Touched.YES
    if order is None and COMPLETED_NOTIFICATION in words and not texts.has_note(row, texts.WITHDRAWN):
        return Touched.YES
    if order is not None and tokens_of(order.statuses) & _WORKED_ON:
        return Touched.YES
    if not row.created_by or (order is not None and not order.changed_by):
        return Touched.UNKNOWN
    if texts.has_state(row):
        return Touched.NO if texts.is_as_we_left_it(row) else Touched.YES
    return Touched.NO if row.last_change in (None, row.created_at) else Touched.UNKNOWN


UNMAPPABLE: Final = (ValueError, OverflowError)
"""What `record_of` raises for a record whose values none of ours can have."""


def record_of(work: SapPmWork, system: str, settings: SapPmSettings, key: str | None = None) -> WorkOrderRecord:
    """A notification with its order as a work order; `report` only where the work is completed.

    Args:
        key: the key of its case where that is known, empty for a notification of a person; else the one that it
            carries.
    """
    row, order = work.notification, work.order
    own = row.key if key is None else key
    status, guessed = work.status(settings)
    coded = not own and status is not WorkOrderStatus.COMPLETED
    return WorkOrderRecord(
        ref=WorkOrderRef(system=system, kind=RecordKind.REQUEST, id=row.number, key=own),
        order=WorkOrderRef(system=system, id=order.number, key=own) if order else None,
        status=status,
        vendor_status=vendor_status(work),
        status_guessed=guessed,
        changed_at=work.changed_at,
        touched=touched_by_others(work, settings),
        asset_external_id=row.object_name or None,
        priority=capabilities(settings).own_priority(row.priority or None),
        report=report_of(row, own) if status is WorkOrderStatus.COMPLETED else None,
        codes=codes_on(row, settings) if coded else (),
        rejection=rejection_on(row, own, settings) if status.not_done else None,
        put_off_until=put_off_on(row, own, settings) if status is WorkOrderStatus.ON_HOLD else None,
    )


def record_of_order(order: SapPmOrder, system: str, settings: SapPmSettings) -> WorkOrderRecord:
    """An order that people made without a notification."""
    status, guessed = status_of(None, order, settings)
    return WorkOrderRecord(
        ref=WorkOrderRef(system=system, id=order.number, key=""),
        status=status,
        vendor_status=order_status(order),
        status_guessed=guessed,
        changed_at=order.changed_at,
        touched=Touched.YES,
        asset_external_id=order.object_name or None,
        priority=capabilities(settings).own_priority(order.priority or None),
    )


def about_asset(asset: str, attributes: Mapping[str, str], settings: SapPmSettings) -> list[str]:
    """The conditions of a query for the records of an asset."""
    kind = object_kind(attributes, settings)
    return [f"TechnicalObject eq {text_literal(asset)}", f"TechObjIsEquipOrFuncnlLoc eq {text_literal(kind)}"]


def open_orders(
    works: Sequence[SapPmWork], alone: Sequence[SapPmOrder], settings: SapPmSettings, system: str
) -> tuple[OpenOrder, ...]:
    """Those notifications and orders without one that are open, newest first."""
    found = [open_order(work, system, settings) for work in works]
    found += [open_order_alone(order, system, settings) for order in alone]
    is_open = (order for order in found if not order.status.finished)
    return tuple(sorted(is_open, key=lambda each: (each.reported_at or _LONG_AGO, each.ref.id), reverse=True))


def open_order(work: SapPmWork, system: str, settings: SapPmSettings) -> OpenOrder:
    """A notification with its order that is open, to be compared with one that is to be made."""
    row = work.notification
    return OpenOrder(
        ref=WorkOrderRef(system=system, kind=RecordKind.REQUEST, id=row.number, key=row.key),
        order=WorkOrderRef(system=system, id=work.order.number, key=row.key) if work.order else None,
        status=work.status(settings)[0],
        vendor_status=vendor_status(work),
        reported_at=row.created_at,
        reported_by=row.reported_by or row.created_by or None,
        summary=row.text or None,
        codes=() if row.key else codes_on(row, settings),
    )


def key_on_a_persons(row: SapPmNotification) -> str | None:
    """The key of a case that is on a notification of a person by now; None if there is none."""
    return row.key or key_in(texts.text_of(row))


def codes_on(row: SapPmNotification, settings: SapPmSettings) -> tuple[ReportedCode, ...]:
    """The codes on an open notification, where the site says which failure modes they name."""
    return tuple(_codes(row)) if settings.failure_modes else ()


def open_order_alone(order: SapPmOrder, system: str, settings: SapPmSettings) -> OpenOrder:
    """The same of an order that people made without a notification."""
    return OpenOrder(
        ref=WorkOrderRef(system=system, id=order.number, key=""),
        status=status_of(None, order, settings)[0],
        vendor_status=order_status(order),
        reported_at=order.created_at,
        reported_by=order.created_by or None,
        summary=order.text or None,
    )


def order_status(order: SapPmOrder) -> str:
    """SAP's status words of an order without a notification."""
    return " ".join((order.statuses or "").split())


def vendor_status(work: SapPmWork) -> str:
    """SAP's status words: the notification's, and the order's behind them."""
    words = " ".join((work.notification.statuses or "").split())
    if work.order is None:
        return words
    of_order = " ".join(f"{work.order.statuses or ''} {work.order.user_statuses or ''}".split())
    return f"{words}; order {of_order}"


def unreadable_record(row: SapPmNotification, system: str, error: Exception) -> UnreadableRecord:
    """The report on a record that cannot be made one of ours."""
    field, problem = first_fault(error) if isinstance(error, ValidationError) else ("MaintenanceOrder", str(error))
    return UnreadableRecord.of(system, row.number, field or None, problem, row.model_dump(mode="json", by_alias=True))


def report_of(row: SapPmNotification, key: str) -> CompletionReport:
    """What the technician reported on a notification. It has the times of the malfunction, and none of the work."""
    unit = _DOWNTIME_UNITS.get((row.downtime_unit or "").strip().upper())
    if row.downtime and unit is None:
        logger.warning("downtime of notification %s is left out: its unit is %s", row.number, row.downtime_unit)
    return CompletionReport(
        codes=tuple(_codes(row)),
        downtime=row.downtime * unit if row.downtime and unit else None,
        notes=tuple(_notes(row, key)),
    )


def _codes(row: SapPmNotification) -> Iterator[ReportedCode]:
    for item in row.items:
        if item.deleted:
            continue
        yield from _code(FindingRole.OBJECT_PART, item.part_group, item.part)
        yield from _code(FindingRole.PROBLEM, item.damage_group, item.damage)
        for cause in item.causes:
            if not cause.deleted:
                yield from _code(FindingRole.CAUSE, cause.group, cause.code)
        for activity in item.activities:
            if not activity.deleted:
                yield from _code(FindingRole.REMEDY, activity.group, activity.code)


def _code(role: FindingRole, group: str | None, code: str | None) -> Iterator[ReportedCode]:
    if code:
        yield ReportedCode(role=role, group=group or None, code=code)


def _notes(row: SapPmNotification, key: str) -> Iterator[str]:
    yield from texts.notes_of_people(row, key)
    for item in row.items:
        if item.deleted:
            continue
        found = (item.text, *(cause.text for cause in item.causes), *(activity.text for activity in item.activities))
        yield from (text for text in found if text)
