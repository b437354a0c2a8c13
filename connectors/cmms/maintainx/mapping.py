"""Between our work orders and those of MaintainX: pure functions and the tables that they read."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from connectors.call import Call
from connectors.cmms.maintainx import texts
from connectors.cmms.maintainx.models import MaintainXListed, MaintainXMark, MaintainXOrder
from connectors.cmms.maintainx.settings import MaintainXSettings
from connectors.json_reading import first_fault
from connectors.planner_words import day_of, rejection_of
from connectors.previewing import previewed
from connectors.text import digest_of, moment_text
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
from domain.errors import ActionRequired
from domain.keys import CASE_ID
from domain.open_work import OpenOrder
from domain.unreadable import content_text
from domain.work_orders import (
    CompletionReport,
    Escalation,
    FindingRole,
    OrderRejection,
    ReportedCode,
    Touched,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)

logger = logging.getLogger(__name__)

OPEN: Final = "OPEN"
CANCELED: Final = "CANCELED"
STATUSES: Final[Mapping[str, WorkOrderStatus]] = {
    OPEN: WorkOrderStatus.APPROVED,
    "IN_PROGRESS": WorkOrderStatus.IN_PROGRESS,
    "ON_HOLD": WorkOrderStatus.ON_HOLD,
    "DONE": WorkOrderStatus.COMPLETED,
    CANCELED: WorkOrderStatus.CANCELLED,
    "SKIPPED": WorkOrderStatus.SKIPPED,
}
OPEN_STATUSES: Final = tuple(word for word, status in STATUSES.items() if not status.finished)
_DONE: Final = "DONE"
_UNDONE: Final = (CANCELED, "SKIPPED")
"""Sub-statuses by which a webhook says that a DONE order was not done. An answer may say it in the same way."""
_WRITTEN: Final = ("title", "description", "priority", "assetId", "dueDate")
"""What we write, and compare with what is there."""
_WORKED: Final = ("assignees", "parts", "times", "timeItems", "expenditures")
"""What is empty on an order on which nobody has worked."""


class MaintainXFieldError(ValueError):
    """A field of an order that has a form which we do not know."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


UNMAPPABLE: Final = (ValueError, OverflowError)
"""What `record_of` raises for an order whose values no record can have."""


_MEANINGS: Final[Mapping[str, str]] = {
    "title": "title",
    "description": "text",
    "priority": "priority",
    "type": "work type",
    "assetId": "asset",
    "dueDate": "due",
    "externalData.millwright": "key",
}
"""What the fields of an order mean."""


def capabilities(settings: MaintainXSettings) -> CmmsCapabilities:
    """What MaintainX can do."""
    return CmmsCapabilities(
        idempotency=Idempotency.LOOK_UP,
        approval=OrderApproval.NONE,
        cancellation=OrderCancellation.STATE,
        search_by_key=False,
        changes=ChangeFeed.POLL,
        tombstones=False,
        raises_priority=True,
        priorities=dict(settings.priorities),
        limits=TextLimits(summary=texts.SUMMARY_LENGTH, description=texts.DESCRIPTION_LENGTH, note=texts.NOTE_LENGTH),
    )


def number_of(name: str) -> int | None:
    """An id by its text, such as the name of an asset in the crosswalk; None if it is none."""
    return int(name) if name.isascii() and name.isdigit() and 0 < int(name) < 2**63 else None


def asset_of(call: Call, name: str) -> int:
    """The id of an asset by its name in the crosswalk.

    Raises:
        ActionRequired: the name is no id.
    """
    number = number_of(name)
    if number is None:
        raise call.error(
            ActionRequired,
            f"the asset is named {name}, and MaintainX names an asset by a number; correct it with `assets map`",
            field="assetId",
        )
    return number


def locator_of(order: int, settings: MaintainXSettings) -> str:
    """The locator of an order: its id, and before it the organisation of the settings. No answer says of which
    organisation an order is, and for another one it looks deleted."""
    return str(order) if settings.organization is None else f"{settings.organization}/{order}"


def order_at(locator: str) -> tuple[str, int | None]:
    """The organisation that a locator names, empty if it names none, and the id of the order."""
    organization, _, name = locator.rpartition("/")
    return organization, number_of(name)


def draft_body(draft: WorkOrderDraft, asset: int, settings: MaintainXSettings) -> dict[str, Json]:
    """What is posted for a draft."""
    title = texts.title_of(draft.summary, draft.key)
    description = texts.description_of(draft.paragraphs, draft.key)
    priority = settings.priorities[draft.priority]
    due = None if draft.due_at is None else moment_text(draft.due_at)
    body: dict[str, Json] = {
        "title": title,
        "description": description,
        "priority": priority,
        "type": "REACTIVE",
        "assetId": asset,
        "externalData": {
            "millwright": draft.key,
            "written": _digest(title, description, priority, asset, due),
        },
    }
    # The contract names only a number here, so a plan with another name is in the text alone.
    template = None if draft.job_plan is None else number_of(draft.job_plan)
    more = {"dueDate": due, "procedureTemplateId": template}
    return {**body, **{name: value for name, value in more.items() if value is not None}}


def escalated(row: MaintainXOrder, escalation: Escalation, settings: MaintainXSettings) -> dict[str, Json]:
    """What is sent for an escalation; empty if the order is to keep what it has.

    The digest of what we wrote goes with it, if the order is as we wrote it.
    """
    priority = escalation.raised(row.priority, settings.priorities)
    due = escalation.brought_forward(_moment(row.dueDate))
    changes: dict[str, Json] = {} if priority is None else {"priority": priority}
    if due is not None:
        changes["dueDate"] = moment_text(due)
    mark = _mark(row)
    if not changes or mark is None or mark.written != _written(row):
        return changes
    after = row.model_copy(update=changes)
    return {**changes, "externalData": {"millwright": mark.millwright, "written": _written(after)}}


def preview(body: Mapping[str, Json]) -> tuple[PreviewedRecord, ...]:
    """The order of a body as it would be created."""
    return (previewed("work order", body, OPEN, _MEANINGS),)


def key_in_data(row: MaintainXOrder) -> str | None:
    """The key in the external data, which proves that the order is ours: a person does not copy it with the text."""
    mark = _mark(row)
    return mark.millwright if mark is not None and CASE_ID.fullmatch(mark.millwright) else None


def keys_on(row: MaintainXOrder) -> Mapping[str, str]:
    """The keys on an order, by the field that has each."""
    found = {"externalData": key_in_data(row), "title": texts.key_in_title(row.title)}
    return {field: key for field, key in found.items() if key is not None}


def vendor_status(row: MaintainXOrder | MaintainXListed) -> str:
    """The status in the vendor's words: a sub-status says more, if it says that the order was not done."""
    undone = row.status == _DONE and row.subStatus in _UNDONE
    return (row.subStatus if undone else row.status) or ""


def open_order(row: MaintainXListed, system: str, settings: MaintainXSettings) -> OpenOrder:
    """An order of a list that is open, to be compared with one that is to be made.

    A list has no external data, so its key is that in the title. It does not say who reported the order.
    """
    key = texts.key_in_title(row.title or "") or ""
    return OpenOrder(
        ref=WorkOrderRef(system=system, id=row.number, locator=locator_of(row.id, settings), key=key),
        status=status_of(row),
        vendor_status=vendor_status(row),
        reported_at=row.createdAt,
        summary=row.title or None,
    )


def status_of(row: MaintainXOrder | MaintainXListed) -> WorkOrderStatus:
    """Our status for an order; a state that we do not know is taken as work under way, never as its end."""
    status = STATUSES.get(vendor_status(row))
    if status is None:
        logger.warning("order %s has the status %s, taken as in progress", row.number, row.status)
        return WorkOrderStatus.IN_PROGRESS
    return status


def touched_by_others(row: MaintainXOrder, settings: MaintainXSettings) -> Touched:
    """Whether anybody but us has changed an order. MaintainX names nobody, so what is there is compared with what we
    wrote.

    Yes if it is in a state that we never set or only at its end, if a text or field is not as we wrote it, or if
    somebody was assigned or has worked on it. Unknown if the answer lacks one of these fields. A comment is not seen.
    """
    mark, told = _mark(row), row.model_fields_set
    changed = mark is None or mark.written != _written(row)
    if changed and mark is not None and not set(_WRITTEN) <= told and row.status == OPEN:
        return Touched.UNKNOWN
    worked = any(getattr(row, name) not in (None, [], {}) for name in _WORKED) or _has_progress(row)
    if changed or worked or row.status != OPEN or _findings(row, settings) != ((), ()):
        return Touched.YES
    return Touched.NO if set(_WORKED) <= told else Touched.UNKNOWN


def record_of(
    row: MaintainXOrder, system: str, settings: MaintainXSettings, ref: WorkOrderRef | None = None
) -> WorkOrderRecord:
    """An order of MaintainX as ours; `report` only if the work is completed.

    Args:
        ref: of the order, if the row no longer has its key.
    """
    key = ref.key if ref is not None else key_in_data(row) or ""
    status = status_of(row)
    return WorkOrderRecord(
        ref=WorkOrderRef(system=system, id=row.number, locator=locator_of(row.id, settings), key=key),
        status=status,
        vendor_status=vendor_status(row),
        status_guessed=vendor_status(row) not in STATUSES,
        changed_at=row.updatedAt,
        touched=touched_by_others(row, settings),
        asset_external_id=None if row.assetId is None else str(row.assetId),
        priority=capabilities(settings).own_priority(row.priority),
        report=report_of(row, settings) if status is WorkOrderStatus.COMPLETED else None,
        rejection=rejection_on(row, settings) if status.not_done else None,
        put_off_until=put_off_on(row, settings) if status is WorkOrderStatus.ON_HOLD else None,
    )


def rejection_on(row: MaintainXOrder, settings: MaintainXSettings) -> OrderRejection | None:
    """Why an order was not done, from the extra field of the settings. MaintainX does not say who filled it in.

    Raises:
        MaintainXFieldError: the field is neither a text nor a number nor a list of them.
    """
    name = settings.rejection_field
    return None if name is None else rejection_of(" ".join(_values(row, name)))


def put_off_on(row: MaintainXOrder, settings: MaintainXSettings) -> datetime | None:
    """Until when an order is put off, from the extra field of the settings.

    Raises:
        MaintainXFieldError: the field is neither a text nor a number nor a list of them.
    """
    name = settings.put_off_field
    return None if name is None else day_of(" ".join(_values(row, name)), UTC)


def report_of(row: MaintainXOrder, settings: MaintainXSettings) -> CompletionReport:
    """What the technician reported, in the extra fields that the settings name. The contract has no start of the work,
    and does not say what is in the lists of parts, times and costs."""
    codes, notes = _findings(row, settings)
    return CompletionReport(finished_at=row.completedAt, codes=codes, notes=notes)


def field_and_problem(error: Exception) -> tuple[str | None, str]:
    """Which field made `record_of` refuse an order, and why."""
    if isinstance(error, ValidationError):
        field, problem = first_fault(error)
        return field or None, problem
    return error.field if isinstance(error, MaintainXFieldError) else None, str(error)


def _findings(row: MaintainXOrder, settings: MaintainXSettings) -> tuple[tuple[ReportedCode, ...], tuple[str, ...]]:
    """The codes and the words of the technician."""
    codes = tuple(
        ReportedCode(role=FindingRole(role), code=value)
        for role, name in settings.finding_fields.items()
        for value in _values(row, name)
    )
    return codes, tuple(value for name in settings.note_fields for value in _values(row, name))


def _values(row: MaintainXOrder, name: str) -> tuple[str, ...]:
    """What is in an extra field: a text, a number, or a list of them.

    Raises:
        MaintainXFieldError: something else is there.
    """
    fields = {} if row.extraFields is None else row.extraFields
    if not isinstance(fields, dict):
        raise MaintainXFieldError("extraFields", "is no object with the names of extra fields and their values")
    value = fields.get(name)
    values = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(each, str | int | float) and not isinstance(each, bool) for each in values):
        raise MaintainXFieldError(f"extraFields.{name}", "is neither a text nor a number nor a list of them")
    return tuple(text for each in values if (text := str(each).strip()))


def _mark(row: MaintainXOrder) -> MaintainXMark | None:
    try:
        return MaintainXMark.model_validate(row.externalData)
    except ValidationError:
        return None


def _has_progress(row: MaintainXOrder) -> bool:
    done = row.progress.get("doneCount") if isinstance(row.progress, dict) else None
    return isinstance(done, int) and done > 0


def _written(row: MaintainXOrder) -> str:
    return _digest(row.title, row.description, row.priority, row.assetId, row.dueDate)


def _digest(title: str, description: str | None, priority: str | None, asset: int | None, due: object) -> str:
    """A short name for what we wrote. Our notes in the description do not count."""
    text = texts.without_notes(description)
    return digest_of(content_text([texts.without_notes(title), text, priority, asset, _instant(due)]), 16)


def _instant(due: object) -> str | None:
    """A due date, whatever zone and precision MaintainX shows it in."""
    moment = _moment(due)
    if moment is not None:
        return moment.isoformat()
    return None if due is None else str(due)


def _moment(due: object) -> datetime | None:
    """A due date in UTC, in whole seconds; None if there is none, or if it is no time with a zone."""
    try:
        moment = datetime.fromisoformat(str(due))
        return moment.astimezone(UTC).replace(microsecond=0) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
