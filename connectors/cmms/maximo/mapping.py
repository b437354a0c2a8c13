"""Between our work orders and Maximo's: pure functions and the tables they read."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from connectors.cmms.maximo.cursor import instant
from connectors.cmms.maximo.models import (
    CompletedOrderRow,
    DowntimeRow,
    ListedAssetRow,
    MaterialRow,
    ObjectSchema,
    OpenOrderRow,
    WorkOrderRow,
)
from connectors.cmms.maximo.planner_notes import put_off_on, rejection_on
from connectors.cmms.maximo.settings import MaximoSettings
from connectors.json_reading import first_fault
from connectors.previewing import previewed
from connectors.text import TOUCHED_NOTE, digest_of, is_marked, key_in, long_text, note_mark, one_line
from domain.canonical import Json
from domain.cmms import (
    ChangeFeed,
    CmmsCapabilities,
    Idempotency,
    ListedAsset,
    OrderApproval,
    OrderCancellation,
    OrderQuery,
    PreviewedRecord,
    TextLimits,
)
from domain.keys import CASE_PREFIX
from domain.open_work import OpenOrder
from domain.unreadable import UnreadableRecord
from domain.work_orders import (
    CompletionReport,
    FindingRole,
    Labor,
    Part,
    ReportedCode,
    Touched,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)

logger = logging.getLogger(__name__)

STATUSES: Final[Mapping[str, WorkOrderStatus]] = {
    "WAPPR": WorkOrderStatus.WAITING_APPROVAL,
    "APPR": WorkOrderStatus.APPROVED,
    "WSCH": WorkOrderStatus.APPROVED,
    "WMATL": WorkOrderStatus.ON_HOLD,
    "WPCOND": WorkOrderStatus.ON_HOLD,
    "INPRG": WorkOrderStatus.IN_PROGRESS,
    "COMP": WorkOrderStatus.COMPLETED,
    "CLOSE": WorkOrderStatus.COMPLETED,
    "CAN": WorkOrderStatus.CANCELLED,
}
"""By internal status: sites rename the external ones."""

FINISHED: Final = tuple(status for status, ours in STATUSES.items() if ours.finished)
"""The internal statuses that end an order."""

_MEANINGS: Final[Mapping[str, str]] = {
    "siteid": "site",
    "assetnum": "asset",
    "description": "title",
    "description_longdescription": "text",
    "worktype": "work type",
    "wopriority": "priority",
    "reportedby": "reported by",
    "reportdate": "reported at",
    "targcompdate": "due",
    "externalrefid": "key",
}
"""What the fields of an order mean."""

_RETIRED: Final = frozenset({"DECOMMISSIONED"})
"""The statuses of an asset that gets no orders any more."""

_OURS_TO_SET: Final = frozenset({"WAPPR", "APPR", "CAN"})

DESCRIPTION_LENGTH: Final = 100
LONG_TEXT_LENGTH: Final = 32_000
REFERENCE_LENGTH: Final = 10
"""Stock lengths, where the site's schema does not say: ALN 100, a CLOB (this is a practical limit), ALN 10."""

MEMO_LENGTH: Final = 50
NOTE_LENGTH: Final = 100


def length_of(schema: ObjectSchema | None, attribute: str, otherwise: int) -> int:
    """How long an attribute may be, by the site's schema where it says."""
    field = schema.properties.get(attribute) if schema else None
    return field.max_length if field and field.max_length else otherwise


def listed_assets(rows: Iterable[ListedAssetRow]) -> tuple[ListedAsset, ...]:
    """The assets that can get orders. Numbers are unique only within a site."""
    return tuple(
        ListedAsset(
            external_id=row.assetnum,
            attributes={"siteid": row.siteid},
            description=row.description,
            serial=row.serialnum,
            parent=row.parent,
        )
        for row in rows
        if row.status.upper() not in _RETIRED
    )


def capabilities(settings: MaximoSettings) -> CmmsCapabilities:
    """What Maximo can do, as this site uses it. It forgets a transaction id after five minutes (escalation OSLCTXN)."""
    return CmmsCapabilities(
        idempotency=Idempotency.KEYED,
        key_lifetime=timedelta(minutes=5),
        approval=OrderApproval.STATE,
        cancellation=OrderCancellation.STATE,
        search_by_key=True,
        changes=ChangeFeed.POLL,
        tombstones=False,
        raises_priority=True,
        priorities={ours: str(theirs) for ours, theirs in settings.priorities.items()},
        limits=TextLimits(summary=DESCRIPTION_LENGTH, description=LONG_TEXT_LENGTH, note=NOTE_LENGTH),
        failure_modes=settings.failure_modes,
    )


def attributes_of(query: OrderQuery, schema: ObjectSchema | None, settings: MaximoSettings) -> dict[str, str]:
    """The attributes that orders must have for a query."""
    wanted: dict[str, str] = {}
    if query.key is not None:
        wanted["externalrefid"] = reference_of(query.key, schema)
    if query.asset_external_id is not None:
        wanted |= asset_attributes_of(query.asset_external_id, query.asset_attributes, settings)
    return wanted


def asset_attributes_of(asset: str, attributes: Mapping[str, str], settings: MaximoSettings) -> dict[str, str]:
    """The attributes that the orders of an asset have."""
    site = attributes.get("siteid") or settings.site
    return {"assetnum": asset} | ({"siteid": site} if site else {})


def reported_at(row: WorkOrderRow, zone: ZoneInfo) -> tuple[datetime, str]:
    """By what orders are sorted, oldest first."""
    return instant(row.reportdate or row.statusdate, zone), row.wonum


def reference_of(key: str, schema: ObjectSchema | None) -> str:
    """What is in `externalrefid` for a key at this site: the key if it fits, else a short form made of it."""
    limit = length_of(schema, "externalrefid", REFERENCE_LENGTH)
    return key if len(key) <= limit else (CASE_PREFIX + digest_of(key, limit))[:limit]


def order_body(
    draft: WorkOrderDraft, site: str, settings: MaximoSettings, schema: ObjectSchema | None
) -> dict[str, Json]:
    """What is posted for a draft.

    `reportdate` and `targcompdate` are sent only where the site's object structure is known to have them.
    """
    body: dict[str, Json] = {
        "siteid": site,
        "assetnum": draft.asset_external_id,
        "description": one_line(draft.summary, length_of(schema, "description", DESCRIPTION_LENGTH)),
        "description_longdescription": long_text(
            draft.paragraphs, draft.key, length_of(schema, "description_longdescription", LONG_TEXT_LENGTH)
        ),
        "worktype": settings.work_type,
        "wopriority": settings.priorities[draft.priority],
        "reportedby": settings.user,
        "externalrefid": reference_of(draft.key, schema),
    }
    known: Collection[str] = schema.properties if schema else ()
    dates = {"reportdate": draft.reported_at, "targcompdate": draft.due_at}
    body |= {
        name: date.astimezone(settings.zone).isoformat(timespec="seconds")
        for name, date in dates.items()
        if date and name in known
    }
    return body


def preview(body: Mapping[str, Json], settings: MaximoSettings, *, released: bool) -> tuple[PreviewedRecord, ...]:
    """The order of a body as it would be created."""
    status = settings.approved_status if released else "WAPPR"
    return (previewed("work order", body, status, _MEANINGS),)


def note_body(note_key: str, note: str) -> dict[str, Json]:
    """A worklog row that carries its key; the whole text goes to the long description where one line is too short."""
    line = f"{note_mark(note_key)} {note}"
    row: dict[str, Json] = {"description": one_line(line, NOTE_LENGTH)}
    if row["description"] != line:
        row["description_longdescription"] = note
    return {"worklog": [row]}


def has_note(row: WorkOrderRow, note_key: str) -> bool:
    """Whether the note with this key stands there already."""
    mark = note_mark(note_key)
    return any((entry.description or "").lstrip().startswith(mark) for entry in row.worklog)


def key_of(row: WorkOrderRow, schema: ObjectSchema | None) -> str:
    """Our full key for an order: the one in its long description where `externalrefid` holds its short form."""
    reference = row.externalrefid or ""
    full = key_in(row.description_longdescription)
    return full if full and reference_of(full, schema) == reference else reference


def proves_key(row: WorkOrderRow, key: str, schema: ObjectSchema | None) -> bool:
    """Whether an order found by `externalrefid` is the one of this key.

    Another key in its long description disproves it. No key line at all (planners edit) disproves it only where
    `externalrefid` was too short for the whole key.
    """
    written = key_in(row.description_longdescription)
    return written == key if written else reference_of(key, schema) == key


def status_of(row: WorkOrderRow | OpenOrderRow) -> WorkOrderStatus:
    """Our status for an order; an internal status that we do not know is taken as work under way, never as its end."""
    status = STATUSES.get(row.internal_status)
    if status is None:
        logger.warning("order %s has the internal status %s, taken as in progress", row.wonum, row.internal_status)
    return status or WorkOrderStatus.IN_PROGRESS


def touched_by_others(row: WorkOrderRow, user: str) -> Touched:
    """Whether anybody but us has changed an order.

    Yes where a change, a status or a note bears another's name; where a note of ours says so; where our key was taken
    off it; where there is work on it; or where it is in a state that we never set. Unknown where Maximo names nobody.
    """
    named = {name.upper() for name in (row.changeby, *(change.changeby for change in row.wostatus)) if name}
    noted_by_others = any(
        note.createby.upper() != user.upper() if note.createby else not is_marked(note.description)
        for note in row.worklog
    )
    worked_on = bool(row.actstart or row.actfinish or row.failurereport or row.labtrans or row.matusetrans)
    if (
        not row.externalrefid
        or noted_by_others
        or has_note(row, TOUCHED_NOTE)
        or worked_on
        or named - {user.upper()}
        or row.internal_status not in _OURS_TO_SET
    ):
        return Touched.YES
    return Touched.NO if named else Touched.UNKNOWN


def record_of(
    row: WorkOrderRow,
    system: str,
    settings: MaximoSettings,
    schema: ObjectSchema | None,
    downtime: timedelta | None = None,
    key: str | None = None,
) -> WorkOrderRecord:
    """An order of Maximo's as ours; `report` only where the work is completed.

    Args:
        key: the key of its case where that is known, empty for an order of a person; else the one that the order
            carries.
    """
    status = status_of(row)
    own = key_of(row, schema) if key is None else key
    coded = not own and status is not WorkOrderStatus.COMPLETED and bool(settings.failure_modes)
    return WorkOrderRecord(
        ref=WorkOrderRef(system=system, id=row.wonum, locator=row.href, key=own),
        status=status,
        vendor_status=row.status,
        status_guessed=row.internal_status not in STATUSES,
        changed_at=instant(row.statusdate, settings.zone),
        touched=touched_by_others(row, settings.user),
        asset_external_id=row.assetnum,
        priority=capabilities(settings).own_priority(None if row.wopriority is None else str(row.wopriority)),
        report=report_of(row, settings.zone, downtime) if status is WorkOrderStatus.COMPLETED else None,
        codes=codes_of(row) if coded else (),
        rejection=rejection_on(row, settings) if status.not_done else None,
        put_off_until=put_off_on(row, settings) if status is WorkOrderStatus.ON_HOLD else None,
    )


def open_order(row: OpenOrderRow, system: str, zone: ZoneInfo) -> OpenOrder:
    """An order that is open, to be compared with one that is to be made. Its key may be the short form of ours."""
    reference = row.externalrefid or ""
    key = reference if reference.startswith(CASE_PREFIX) else ""
    return OpenOrder(
        ref=WorkOrderRef(system=system, id=row.wonum, locator=row.href, key=key),
        status=status_of(row),
        vendor_status=row.status,
        reported_at=instant(row.reportdate, zone) if row.reportdate else None,
        reported_by=row.reportedby,
        summary=row.description,
        codes=() if key else codes_of(row),
    )


def key_on_a_persons(row: WorkOrderRow) -> str | None:
    """The key of a case that is on an order of a person by now; None if there is none. People use references too."""
    reference = row.externalrefid or ""
    return reference if reference.startswith(CASE_PREFIX) else key_in(row.description_longdescription)


UNMAPPABLE: Final = (ValueError, OverflowError)
"""What `record_of` raises for a row whose values no record can have, such as hours that add up to infinity."""


def unreadable_record(row: WorkOrderRow, system: str, error: Exception) -> UnreadableRecord:
    """The report on a row that `record_of` refused."""
    field, problem = first_fault(error) if isinstance(error, ValidationError) else ("", str(error))
    return UnreadableRecord.of(system, row.wonum, field or None, problem, row.model_dump(mode="json"))


def report_of(row: WorkOrderRow, zone: ZoneInfo, downtime: timedelta | None) -> CompletionReport:
    """What the technician reported on an order."""
    notes = (
        entry.description_longdescription or entry.description
        for entry in row.worklog
        if not is_marked(entry.description)
    )
    return CompletionReport(
        started_at=instant(row.actstart, zone) if row.actstart else None,
        finished_at=instant(row.actfinish, zone) if row.actfinish else None,
        group=row.failurecode,
        codes=codes_of(row),
        parts=_parts(row.matusetrans),
        labor=_labor(row),
        downtime=downtime,
        notes=tuple(note for note in notes if note),
    )


def codes_of(row: WorkOrderRow | OpenOrderRow | CompletedOrderRow) -> tuple[ReportedCode, ...]:
    """The codes of the failure report, under the failure class of the order."""
    chosen = {entry.kind: entry.failurecode for entry in row.failurereport}
    named = (
        (FindingRole.PROBLEM, chosen.get("PROBLEM") or row.problemcode),
        (FindingRole.CAUSE, chosen.get("CAUSE")),
        (FindingRole.REMEDY, chosen.get("REMEDY")),
    )
    return tuple(ReportedCode(role=role, group=row.failurecode, code=code) for role, code in named if code)


def _parts(rows: Iterable[MaterialRow]) -> tuple[Part, ...]:
    used: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        returned = (row.issuetype_maxvalue or row.issuetype or "").upper() == "RETURN"
        if row.itemnum:
            used[row.itemnum] += -abs(row.quantity) if returned else abs(row.quantity)
    return tuple(Part(item=item, quantity=quantity) for item, quantity in used.items() if quantity > 0)


def _labor(row: WorkOrderRow) -> tuple[Labor, ...]:
    hours: defaultdict[str, float] = defaultdict(float)
    for entry in row.labtrans:
        if entry.laborcode:
            hours[entry.laborcode] += entry.regularhrs
    return tuple(Labor(code=code, hours=worked) for code, worked in hours.items())


def downtime_of(row: WorkOrderRow, periods: Iterable[DowntimeRow], zone: ZoneInfo) -> timedelta | None:
    """How long the asset was reported down around the work.

    Maximo keeps downtime on the asset, not on the order: counted are the periods that overlap the work, whole,
    because a machine is down before the technician comes; overlapping periods count once.
    """
    if row.actstart is None or row.actfinish is None:
        return None
    started, finished = instant(row.actstart, zone), instant(row.actfinish, zone)
    spans = sorted(
        (instant(period.startdate, zone), instant(period.enddate, zone) if period.enddate else finished)
        for period in periods
        if period.startdate
    )
    total, reached = timedelta(), datetime.min.replace(tzinfo=started.tzinfo)
    for begin, end in spans:
        if begin < finished and end > started and end > reached:
            total += end - max(begin, reached)
            reached = end
    return total or None
