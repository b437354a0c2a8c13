"""Between our work orders and the requests and orders of Atlas: pure functions and the tables that they read."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from connectors.cmms.atlas import texts
from connectors.cmms.atlas.models import (
    AtlasAsset,
    AtlasComment,
    AtlasLabor,
    AtlasListedAsset,
    AtlasOrder,
    AtlasPartUse,
    AtlasRequest,
)
from connectors.cmms.atlas.planner_notes import by_time, may_have_words, put_off_on, rejection_on
from connectors.cmms.atlas.rows import AtlasRecord
from connectors.cmms.atlas.settings import AssetField, AtlasSettings
from connectors.json_reading import first_fault
from connectors.previewing import previewed
from connectors.rows import Rows
from connectors.text import TOUCHED_NOTE, moment_text
from domain.canonical import Json
from domain.cmms import (
    ChangeFeed,
    CmmsCapabilities,
    FoundAsset,
    Idempotency,
    ListedAsset,
    OrderApproval,
    OrderCancellation,
    PreviewedRecord,
    TextLimits,
)
from domain.errors import ConnectorError
from domain.open_work import OpenOrder
from domain.unreadable import UnreadableRecord
from domain.work_orders import (
    CompletionReport,
    FindingRole,
    Labor,
    Part,
    RecordKind,
    ReportedCode,
    Touched,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)

logger = logging.getLogger(__name__)

STATUSES: Final[Mapping[str, WorkOrderStatus]] = {
    "OPEN": WorkOrderStatus.APPROVED,
    "IN_PROGRESS": WorkOrderStatus.IN_PROGRESS,
    "ON_HOLD": WorkOrderStatus.ON_HOLD,
    "COMPLETE": WorkOrderStatus.COMPLETED,
}
"""The states of an order. A request has none: it waits, was rejected, or became an order."""

ASSET_FIELDS: Final[tuple[AssetField, ...]] = ("barCode", "customId", "serialNumber", "name")
"""The fields of an asset that may have the crosswalk's name."""

OPEN_STATUSES: Final = tuple(word for word, status in STATUSES.items() if not status.finished)
_OPEN: Final = "OPEN"
_PENDING: Final = "PENDING"
_REJECTED: Final = "CANCELLED"
_MEANINGS: Final[Mapping[str, str]] = {
    "title": "title",
    "description": "text",
    "priority": "priority",
    "asset.id": "asset",
    "location.id": "location",
    "dueDate": "due",
}
"""What the fields of a request or an order mean."""
_SECONDS_PER_HOUR: Final = 3600.0

UNMAPPABLE: Final = (ValueError, OverflowError)
"""What `record_of` raises for a row whose values no record can have, such as hours that add up to infinity."""


@dataclass(frozen=True)
class AtlasWork:
    """What people did on an order beside the order itself. What could not be read is counted, and left out."""

    comments: Rows[AtlasComment]
    labor: Rows[AtlasLabor]
    parts: Rows[AtlasPartUse]

    @property
    def is_of_people(self) -> bool:
        """Whether there is anything that we did not write."""
        rows = (self.comments, self.labor, self.parts)
        theirs = any(not comment.system and not texts.is_ours(comment.content) for comment in self.comments.rows)
        return theirs or bool(self.labor.rows or self.parts.rows) or any(each.unreadable for each in rows)


@dataclass(frozen=True)
class AtlasView:
    """What is known beside a row.

    Args:
        system: the instance.
        user: the id of our user.
        asset: the crosswalk's name of the row's asset.
        work: what people did on the order, as far as it was asked for.
    """

    system: str
    user: int
    asset: str | None
    work: AtlasWork | None = None


def capabilities(settings: AtlasSettings) -> CmmsCapabilities:
    """What Atlas can do."""
    return CmmsCapabilities(
        idempotency=Idempotency.LOOK_UP,
        approval=OrderApproval.REQUEST,
        cancellation=OrderCancellation.DO_NOT_EXECUTE,
        search_by_key=True,
        changes=ChangeFeed.POLL,
        tombstones=False,
        raises_priority=True,
        priorities=dict(settings.priorities),
        limits=TextLimits(summary=texts.SUMMARY_LENGTH, description=texts.OWN_TEXT_LENGTH, note=texts.NOTE_LENGTH),
        one_at_a_time_per_asset=True,
        failure_modes=settings.failure_modes,
    )


def draft_body(draft: WorkOrderDraft, asset: AtlasAsset, settings: AtlasSettings) -> dict[str, Json]:
    """What is posted for a draft, as a request or as an order."""
    body: dict[str, Json] = {
        "title": texts.title_of(draft.summary, draft.key),
        "description": texts.description_of(draft.paragraphs, draft.key),
        "priority": settings.priorities[draft.priority],
        "asset": {"id": asset.id},
    }
    if asset.location is not None:
        body["location"] = {"id": asset.location.id}
    if draft.due_at is not None:
        body["dueDate"] = moment_text(draft.due_at)
    return body


def preview(body: Mapping[str, Json], *, released: bool) -> tuple[PreviewedRecord, ...]:
    """The request, or the order, of a body as it would be created."""
    kind, status = ("work order", _OPEN) if released else ("request", _PENDING)
    return (previewed(kind, body, status, _MEANINGS),)


def asset_name(asset: AtlasAsset | None, settings: AtlasSettings) -> str | None:
    """The crosswalk's name of an asset."""
    if asset is None:
        return None
    names: Mapping[str, str | None] = {
        "barCode": asset.barCode,
        "customId": asset.customId,
        "serialNumber": asset.serialNumber,
        "name": asset.name,
    }
    return names[settings.asset_field]


def listed_assets(assets: Sequence[AtlasListedAsset], settings: AtlasSettings) -> tuple[ListedAsset, ...]:
    """The assets that can get orders: those that have a name and are not archived."""
    names = {asset.id: asset_name(asset, settings) for asset in assets}
    return tuple(
        ListedAsset(
            external_id=name,
            description=asset.name,
            serial=asset.serialNumber,
            parent=None if asset.parentAsset is None else names.get(asset.parentAsset.id),
        )
        for asset in assets
        if (name := names[asset.id]) and not asset.archived
    )


def asset_to_try(
    assets: Sequence[AtlasAsset], fields: Sequence[AssetField], settings: AtlasSettings
) -> FoundAsset | None:
    """An asset with a value in one of these fields that no other of the assets has; None if there is none.

    An archived one gets no orders, but its name is taken.
    """
    for field in fields:
        seen = settings.model_copy(update={"asset_field": field})
        named = [(name, asset) for asset in assets if (name := asset_name(asset, seen))]
        names = [name for name, _ in named]
        for name, asset in named:
            if names.count(name) == 1 and not asset.archived:
                changed = {} if field == settings.asset_field else {"asset_field": field}
                return FoundAsset(external_id=name, settings=changed)
    return None


def keys_on(row: AtlasRecord) -> tuple[str, ...]:
    """The keys on a record. An order without one has that of its request."""
    found = texts.keys_on(row.title, row.description)
    parent = row.parentRequest if isinstance(row, AtlasOrder) else None
    return found or texts.keys_on((parent.title if parent else None) or "", None)


def status_of(row: AtlasRecord) -> WorkOrderStatus:
    """Our status for a record; a state that we do not know is taken as work under way, never as its end."""
    if isinstance(row, AtlasRequest):
        return WorkOrderStatus.CANCELLED if row.cancelled else WorkOrderStatus.WAITING_APPROVAL
    status = STATUSES.get(row.status)
    if status is None:
        logger.warning("order %s has the status %s, taken as in progress", row.number, row.status)
        return WorkOrderStatus.IN_PROGRESS
    return WorkOrderStatus.CANCELLED if row.archived and status is not WorkOrderStatus.COMPLETED else status


def is_closed(row: AtlasRecord) -> bool:
    """Whether an order is finished, or a request was rejected or became an order, which is a record of its own."""
    return status_of(row).finished or (isinstance(row, AtlasRequest) and row.workOrder is not None)


def open_order(row: AtlasRecord, system: str, settings: AtlasSettings) -> OpenOrder:
    """A record that is open, to be compared with one that is to be made. Of who reported it, it has only a number."""
    key = next(iter(keys_on(row)), "")
    made = ref_of(row, system, key)
    return OpenOrder(
        ref=made,
        order=order_ref(row, system, key) if isinstance(row, AtlasOrder) and made.kind is RecordKind.REQUEST else None,
        status=status_of(row),
        vendor_status=_vendor_status(row),
        reported_at=row.createdAt,
        summary=texts.words_of(row.title) or None,
        codes=() if key else codes_on(row, settings),
    )


def codes_on(row: AtlasRecord, settings: AtlasSettings) -> tuple[ReportedCode, ...]:
    """The codes on an open order, where the site says which failure modes they name. A request has none."""
    return _codes(row, settings) if isinstance(row, AtlasOrder) and settings.failure_modes else ()


def needs_work(row: AtlasRecord, user: int, settings: AtlasSettings) -> bool:
    """Whether what people did on it is needed: to report it, because nothing else says that it was touched, or to find
    what planners said of it."""
    if isinstance(row, AtlasRequest):
        return False
    if may_have_words(row, settings):
        return True
    return row.status == "COMPLETE" or (row.status == _OPEN and {row.createdBy, row.updatedBy} == {user})


def touched_by_others(row: AtlasRecord, view: AtlasView) -> Touched:
    """Whether anybody but us has changed a record.

    Yes if another user made or changed it last, or did so before a change of ours, which its description says then;
    if our key was taken off it, if there is work, a part or a comment of another on it, or if it is in a state that we
    never set. Unknown if Atlas names no user.
    """
    users = {row.createdBy, row.updatedBy}
    by_others = bool(users - {view.user, None})
    by_others = by_others or texts.has_note(row.description, TOUCHED_NOTE)
    worked_on = isinstance(row, AtlasOrder) and row.status != _OPEN
    if by_others or worked_on or not keys_on(row) or (view.work is not None and view.work.is_of_people):
        return Touched.YES
    return Touched.UNKNOWN if None in users else Touched.NO


def ref_of(row: AtlasRecord, system: str, key: str) -> WorkOrderRef:
    """The record that we made: the request, if the order was made from one."""
    parent = row.parentRequest if isinstance(row, AtlasOrder) else None
    if isinstance(row, AtlasRequest):
        return WorkOrderRef(system=system, kind=RecordKind.REQUEST, id=row.number, locator=f"{row.id}", key=key)
    if parent is not None:
        return WorkOrderRef(
            system=system,
            kind=RecordKind.REQUEST,
            id=parent.customId or str(parent.id),
            locator=f"{parent.id}/{row.id}",
            key=key,
        )
    return order_ref(row, system, key)


def order_ref(row: AtlasOrder, system: str, key: str) -> WorkOrderRef:
    """The order itself."""
    return WorkOrderRef(system=system, kind=RecordKind.ORDER, id=row.number, locator=str(row.id), key=key)


def record_of(
    row: AtlasRecord, view: AtlasView, settings: AtlasSettings, ref: WorkOrderRef | None = None
) -> WorkOrderRecord:
    """A record of Atlas as ours; `report` only if the work is completed.

    Args:
        ref: of the record that we made, if the row no longer names it.
    """
    key = ref.key if ref is not None else next(iter(keys_on(row)), "")
    made = ref_of(row, view.system, key)
    if ref is not None and ref.kind is not made.kind:
        made = ref
    status = status_of(row)
    order = row if isinstance(row, AtlasOrder) else None
    comments = view.work.comments.rows if view.work else ()
    return WorkOrderRecord(
        ref=made,
        order=order_ref(order, view.system, key) if order and made.kind is RecordKind.REQUEST else None,
        status=status,
        vendor_status=_vendor_status(row),
        status_guessed=order is not None and order.status not in STATUSES,
        changed_at=row.updatedAt,
        touched=touched_by_others(row, view),
        asset_external_id=view.asset,
        priority=capabilities(settings).own_priority(row.priority),
        report=report_of(order, view, settings) if order and status is WorkOrderStatus.COMPLETED else None,
        codes=codes_on(row, settings) if not key and status is not WorkOrderStatus.COMPLETED else (),
        rejection=rejection_on(row, view.user, comments, settings) if status.not_done else None,
        put_off_until=put_off_on(order, comments, settings) if status is WorkOrderStatus.ON_HOLD else None,
    )


def unreadable_record(row: AtlasRecord, system: str, error: Exception) -> UnreadableRecord:
    """The report on a row that `record_of` refused, or beside which Atlas does not tell what is needed."""
    field, problem = first_fault(error) if isinstance(error, ValidationError) else ("", str(error))
    problem = error.problem if isinstance(error, ConnectorError) else problem
    return UnreadableRecord.of(system, row.number, field or None, problem, row.model_dump(mode="json"))


def _vendor_status(row: AtlasRecord) -> str:
    if isinstance(row, AtlasRequest):
        return _REJECTED if row.cancelled else _PENDING
    return f"{row.status}, archived" if row.archived else row.status


def report_of(row: AtlasOrder, view: AtlasView, settings: AtlasSettings) -> CompletionReport:
    """What the technician reported on an order. Atlas keeps no start of the work but that of its labour."""
    labor = view.work.labor.rows if view.work else ()
    comments = view.work.comments.rows if view.work else ()
    parts = view.work.parts.rows if view.work else ()
    starts = [each.startedAt for each in labor if each.startedAt is not None]
    return CompletionReport(
        started_at=min(starts, default=None),
        finished_at=row.completedOn,
        codes=_codes(row, settings),
        parts=_parts(parts),
        labor=_labor(labor),
        notes=_notes(row, comments),
    )


def _codes(row: AtlasOrder, settings: AtlasSettings) -> tuple[ReportedCode, ...]:
    roles = {label: FindingRole(role) for role, label in settings.finding_fields.items()}
    chosen = ((roles.get(each.customField.label), texts.words_of(each.value)) for each in row.customFieldValues)
    return tuple(ReportedCode(role=role, code=code) for role, code in chosen if role is not None and code)


def _parts(used: tuple[AtlasPartUse, ...]) -> tuple[Part, ...]:
    names = {each.part.id: texts.words_of(each.part.name) or str(each.part.id) for each in used}
    totals: defaultdict[int, float] = defaultdict(float)
    for each in used:
        totals[each.part.id] += each.quantity
    return tuple(Part(item=names[part], quantity=total) for part, total in totals.items() if total > 0)


def _labor(booked: tuple[AtlasLabor, ...]) -> tuple[Labor, ...]:
    names = {each.assignedTo.id: each.assignedTo.name for each in booked if each.assignedTo is not None}
    hours: defaultdict[int, float] = defaultdict(float)
    for each in booked:
        if each.assignedTo is not None:
            hours[each.assignedTo.id] += each.duration / _SECONDS_PER_HOUR
    return tuple(Labor(code=names[person], hours=worked) for person, worked in hours.items() if worked > 0)


def _notes(row: AtlasOrder, comments: tuple[AtlasComment, ...]) -> tuple[str, ...]:
    words = [*(texts.words_of(each.content) for each in by_time(comments)), texts.words_of(row.feedback)]
    return tuple(each for each in words if each)
