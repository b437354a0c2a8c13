"""Between our work orders and Odoo's maintenance requests: pure functions and their tables."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from connectors.cmms.odoo.models import (
    CompletedRequest,
    ListedEquipment,
    MaintenanceEquipment,
    MaintenanceRequest,
    OpenRequest,
    RequestField,
    RequestMessage,
)
from connectors.cmms.odoo.settings import OdooMaintenanceSettings
from connectors.cmms.odoo.stages import SiteStages
from connectors.cmms.odoo.text import html_of, key_in_html, text_of
from connectors.json_reading import first_fault
from connectors.planner_words import day_in, day_or_start, rejection_in
from connectors.previewing import previewed
from connectors.text import TOUCHED_NOTE, cut, digest_of, long_text, note_mark, one_line
from domain.cmms import (
    ChangeFeed,
    CmmsCapabilities,
    Idempotency,
    ListedAsset,
    OrderApproval,
    OrderCancellation,
    PreviewedRecord,
    TextLimits,
)
from domain.open_work import OpenOrder
from domain.order_files import OrderFile
from domain.unreadable import UnreadableRecord, content_text
from domain.work_orders import (
    CompletionReport,
    Escalation,
    Touched,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)

SUMMARY_LENGTH: Final = 500
LONG_TEXT_LENGTH: Final = 32_000
"""Odoo sets no limits. These are what people can read."""

AnyRequest = MaintenanceRequest | OpenRequest | CompletedRequest
"""A request, read whole or in part."""

_MODULE: Final = "millwright"
_ORDER_PREFIX: Final = f"{_MODULE}.order_"
_PEOPLES_MESSAGES: Final = frozenset({"comment", "email"})
"""By the type of a message: what people wrote. The others are notices of Odoo."""


def listed_assets(rows: Iterable[ListedEquipment]) -> tuple[ListedAsset, ...]:
    """The equipment that can get requests: that with a serial number, which is its name."""
    return tuple(
        ListedAsset(external_id=row.serial_no, description=row.name, serial=row.serial_no)
        for row in rows
        if row.serial_no
    )


_OWN_FIELD: Final = "x_"
"""With what the name of a field begins that a site has added itself."""
_MEANINGS: Final[Mapping[str, str]] = {
    "id": "key",
    "name": "title",
    "equipment_id/.id": "asset",
    "stage_id/.id": "status",
    "maintenance_type": "work type",
    "priority": "priority",
    "request_date": "reported at",
    "description": "text",
    "company_id/.id": "company",
}
"""What the fields of a request mean."""


def capabilities(settings: OdooMaintenanceSettings) -> CmmsCapabilities:
    """What Odoo can do, as this site uses it."""
    return CmmsCapabilities(
        idempotency=Idempotency.ATOMIC,
        approval=OrderApproval.NONE if settings.approved_stage is None else OrderApproval.STATE,
        cancellation=OrderCancellation.DO_NOT_EXECUTE,
        search_by_key=True,
        changes=ChangeFeed.POLL,
        tombstones=False,
        raises_priority=True,
        priorities={ours: str(theirs) for ours, theirs in settings.priorities.items()},
        limits=TextLimits(summary=SUMMARY_LENGTH, description=LONG_TEXT_LENGTH, note=LONG_TEXT_LENGTH),
        # The counters of a piece of equipment are stored on it, so two requests for it at once conflict.
        one_at_a_time_per_asset=True,
    )


def external_id(key: str) -> str:
    """The external id of the request of a case. Odoo stores one record for each."""
    return f"{_ORDER_PREFIX}{key}"


def key_of(external: str) -> str | None:
    """The key of a case in an external id; None if the id is none of ours."""
    return external.removeprefix(_ORDER_PREFIX) if external.startswith(_ORDER_PREFIX) else None


def note_external_id(key: str, note_key: str) -> str:
    """The external id of a note on the request of a case."""
    return f"{_MODULE}.note_{key}_{digest_of(note_key, 16)}"


def request_values(
    draft: WorkOrderDraft, equipment: MaintenanceEquipment, stage: int, settings: OdooMaintenanceSettings
) -> dict[str, str]:
    """What is loaded for a draft."""
    values = {
        "id": external_id(draft.key),
        "name": one_line(draft.summary, SUMMARY_LENGTH),
        "equipment_id/.id": str(equipment.id),
        "stage_id/.id": str(stage),
        "maintenance_type": "corrective",
        "priority": str(settings.priorities[draft.priority]),
        "request_date": f"{draft.reported_at.astimezone(UTC):%Y-%m-%d}",
        "description": html_of(long_text(draft.paragraphs, draft.key, LONG_TEXT_LENGTH)),
    }
    company = equipment.company_id.id if equipment.company_id is not None else settings.company
    if company is not None:
        # Otherwise the request is of our user's own company, and Odoo refuses equipment of another.
        values["company_id/.id"] = str(company)
    return values


def raised(request: MaintenanceRequest, escalation: Escalation, settings: OdooMaintenanceSettings) -> int | None:
    """The priority that an escalation gives to a request; None if it is to keep its own."""
    own = {str(theirs): theirs for theirs in settings.priorities.values()}
    return escalation.raised(own.get(request.priority or ""), settings.priorities)


def preview(values: Mapping[str, str], stages: tuple[str, ...]) -> tuple[PreviewedRecord, ...]:
    """The request of some values as it would be created.

    Args:
        values: what is loaded.
        stages: the stages that it goes through, as the settings name them.
    """
    return (previewed("maintenance request", values, ", then ".join(stages), _MEANINGS),)


def unfilled(fields: Mapping[str, RequestField]) -> tuple[str, ...]:
    """The fields of the site's own that a request must have and ours has not, a sentence each. Odoo itself fills in the
    fields of its modules."""
    return tuple(
        f"the site requires the field {name} ({field.string}), which Millwright does not fill; give it a default "
        "there, or requests are refused"
        for name, field in sorted(fields.items())
        if field.required and name.startswith(_OWN_FIELD)
    )


def note_values(request: int, key: str, note_key: str, note: str) -> dict[str, str]:
    """What is loaded for a note, which begins with its mark."""
    return {
        "id": note_external_id(key, note_key),
        "model": "maintenance.request",
        "res_id": str(request),
        "message_type": "comment",
        "subtype_id/id": "mail.mt_note",
        "body": html_of(cut(f"{note_mark(note_key)} {note}", LONG_TEXT_LENGTH)),
    }


def file_external_id(key: str, file_key: str) -> str:
    """The external id of a file on the request of a case."""
    return f"{_MODULE}.file_{key}_{digest_of(file_key, 16)}"


def file_values(request: int, key: str, file: OrderFile) -> dict[str, str]:
    """What is loaded for a file."""
    return {
        "id": file_external_id(key, file.key),
        "name": file.name,
        "res_model": "maintenance.request",
        "res_id": str(request),
        "mimetype": file.media_type,
        "datas": base64.b64encode(file.content).decode("ascii"),
    }


def checksum_of(file: OrderFile) -> str:
    """What Odoo computes of the content of a file."""
    return hashlib.sha1(file.content, usedforsecurity=False).hexdigest()


def time_text(moment: datetime) -> str:
    """A time as Odoo compares it: UTC, in seconds, without an offset."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True)
class RequestNames:
    """What says whose requests are, and how far they are.

    Args:
        stages: the stages of the site.
        external_ids: the external ids of the requests, by their ids as text.
    """

    stages: SiteStages
    external_ids: Mapping[str, str]

    def key(self, request: AnyRequest) -> str | None:
        """The key by which a request is proved ours; None if it has none. People cannot write an external id."""
        return key_of(self.external_ids.get(str(request.id), ""))


@dataclass(frozen=True)
class RequestDetails(RequestNames):
    """What Odoo has about some requests in other records.

    Args:
        serial_numbers: of the equipment, by its id.
        messages: on each request, oldest first.
        unreadable_messages: whether a message cannot be read.
        own_user: the id of our user.
    """

    serial_numbers: Mapping[int, str | None]
    messages: Mapping[int, tuple[RequestMessage, ...]]
    unreadable_messages: bool
    own_user: int

    def is_own(self, row: MaintenanceRequest | RequestMessage) -> bool:
        """Whether our user created a record. People cannot change that."""
        return row.create_uid is not None and row.create_uid.id == self.own_user


def status_of(request: AnyRequest, stages: SiteStages) -> WorkOrderStatus | None:
    """Our status for a request; None if its stage has no known meaning."""
    meaning = stages.meaning_of(request.stage)
    if meaning is not None and meaning.status.finished:
        return meaning.status
    if request.archive and not stages.is_done(request.stage):
        return WorkOrderStatus.CANCELLED
    if meaning is not None and request.kanban_state == "blocked":
        return WorkOrderStatus.ON_HOLD
    return meaning.status if meaning is not None else None


def vendor_status(request: AnyRequest) -> str:
    """The stage of a request and its marks, in Odoo's words."""
    words = [request.stage_id.name if request.stage_id is not None else "no stage"]
    if request.kanban_state == "blocked":
        words.append("blocked")
    if request.archive:
        words.append("archived")
    return ", ".join(words)


def touched_by_others(request: MaintenanceRequest, details: RequestDetails) -> Touched:
    """Whether anybody but us has changed a request.

    Yes where another wrote it last, or where a message of another is on it, which Odoo writes of itself for most
    changes. Also where it is as we never write it: scheduled, marked, without our key in its text, in a stage that we
    never set, or with our own note that others had changed it.
    """
    messages = details.messages.get(request.id, ())
    meaning = details.stages.meaning_of(request.stage)
    if (
        (request.write_uid is not None and request.write_uid.id != details.own_user)
        or not details.is_own(request)
        or not all(details.is_own(message) for message in messages)
        or any(text_of(message.body).startswith(note_mark(TOUCHED_NOTE)) for message in messages)
        or request.schedule_date is not None
        or request.kanban_state != "normal"
        or key_in_html(request.description) is None
        or meaning is None
        or meaning.status not in (WorkOrderStatus.WAITING_APPROVAL, WorkOrderStatus.APPROVED)
    ):
        return Touched.YES
    return Touched.UNKNOWN if request.write_uid is None or details.unreadable_messages else Touched.NO


def record_of(
    request: MaintenanceRequest, key: str, details: RequestDetails, system: str, settings: OdooMaintenanceSettings
) -> WorkOrderRecord:
    """A request as our order.

    Args:
        key: that of its external id; empty for a request of people.
    """
    status = status_of(request, details.stages)
    equipment = request.equipment_id
    return WorkOrderRecord(
        ref=WorkOrderRef(system=system, id=str(request.id), locator=str(request.id), key=key),
        status=status or WorkOrderStatus.IN_PROGRESS,
        vendor_status=vendor_status(request),
        status_guessed=status is None,
        changed_at=request.write_date,
        touched=touched_by_others(request, details),
        asset_external_id=details.serial_numbers.get(equipment.id) if equipment is not None else None,
        priority=capabilities(settings).own_priority(request.priority),
        report=report_of(request, details) if status is WorkOrderStatus.COMPLETED else None,
        rejection=rejection_in(settings.planner_words.rejected, notes_of_people(request, details))
        if status is not None and status.not_done
        else None,
        put_off_until=put_off_on(request, details, settings) if status is WorkOrderStatus.ON_HOLD else None,
    )


def put_off_on(
    request: MaintenanceRequest, details: RequestDetails, settings: OdooMaintenanceSettings
) -> datetime | None:
    """Until when a request is put off: by a note of people, else its planned start; None if there is neither."""
    notes = (note for note, _ in notes_of_people(request, details))
    said = day_in(settings.planner_words.put_off, notes, UTC)
    return day_or_start(said, request.schedule_date, request.write_date)


def open_order(request: OpenRequest, names: RequestNames, system: str) -> OpenOrder:
    """A request that is open, to be compared with one that is to be made."""
    return OpenOrder(
        ref=WorkOrderRef(system=system, id=str(request.id), locator=str(request.id), key=names.key(request) or ""),
        status=status_of(request, names.stages) or WorkOrderStatus.IN_PROGRESS,
        vendor_status=vendor_status(request),
        reported_at=request.create_date,
        reported_by=request.create_uid.name if request.create_uid is not None else None,
        summary=request.name,
    )


def report_of(request: MaintenanceRequest, details: RequestDetails) -> CompletionReport:
    """What the technician reported: the stage, and the notes of people. Odoo has no codes, hours, parts or downtime,
    and of the end of the work only the date."""
    meaning = details.stages.meaning_of(request.stage)
    notes = tuple(note for note, _ in notes_of_people(request, details))
    return CompletionReport(disposition=meaning.name if meaning is not None else None, notes=notes)


def notes_of_people(request: MaintenanceRequest, details: RequestDetails) -> tuple[tuple[str, str | None], ...]:
    """What people wrote on a request, oldest first, each with the name of the user who wrote it."""
    notes = (
        (text_of(message.body), message.create_uid.name if message.create_uid is not None else None)
        for message in details.messages.get(request.id, ())
        if message.message_type in _PEOPLES_MESSAGES and not details.is_own(message)
    )
    return tuple((note, by) for note, by in notes if note)


def read_record(
    request: MaintenanceRequest,
    details: RequestDetails,
    system: str,
    settings: OdooMaintenanceSettings,
    masked: Callable[[str], str],
) -> WorkOrderRecord | UnreadableRecord:
    """A request as our order, or why it cannot be one: another key is in its description than in its external id, or
    a value that no record can have."""
    key = details.key(request) or ""
    written = key_in_html(request.description)
    if key and written not in (None, key):
        reason = f"has the key {written}, and its external id has {key}; put the right key there, or none"
        return _unreadable(request, system, "description", reason, masked)
    try:
        return record_of(request, key, details, system, settings)
    except ValidationError as error:
        field, problem = first_fault(error)
        return _unreadable(request, system, field or None, problem, masked)


def without_external_id(request: MaintenanceRequest, system: str, masked: Callable[[str], str]) -> UnreadableRecord:
    """The report on a request of ours whose external id was removed."""
    reason = f"is not there any more, and the description has the key {key_in_html(request.description)}"
    return _unreadable(request, system, "external id", reason, masked)


def _unreadable(
    request: MaintenanceRequest, system: str, field: str | None, reason: str, masked: Callable[[str], str]
) -> UnreadableRecord:
    content = request.model_dump(mode="json")
    return UnreadableRecord.of(system, str(request.id), field, masked(reason), content, masked(content_text(content)))
