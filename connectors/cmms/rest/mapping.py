"""Between our work orders and what a description says of the vendor's: pure functions."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from connectors.cmms.rest import texts
from connectors.cmms.rest.description import RestDescription, RestOrder
from connectors.cmms.rest.expressions import RestExpression, RestExpressionFailed, cel_value, moment_text
from connectors.planner_words import day_of, rejection_of
from connectors.text import long_text, one_line
from domain.cmms import ChangeFeed, CmmsCapabilities, Idempotency, OrderApproval, OrderCancellation, TextLimits
from domain.keys import CASE_ID
from domain.open_work import OpenOrder
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


@dataclass(frozen=True)
class RestRow:
    """An order, as far as one row of an answer tells it.

    Args:
        content: the row in the form that expressions see.
        keys: the keys on it, each once.
        word: the vendor's word for its status.
    """

    content: object
    id: str
    locator: str
    keys: tuple[str, ...]
    changed_at: datetime
    created_at: datetime
    word: str

    @property
    def version(self) -> str:
        """What differs once somebody has changed it. The status counts too: a stamp may have whole seconds only."""
        return "/".join((self.locator, self.changed_at.isoformat(), self.word, *self.keys))


def capabilities(description: RestDescription, failure_modes: Mapping[str, str] | None = None) -> CmmsCapabilities:
    """What the CMMS can do, as far as the description describes it.

    Args:
        failure_modes: the site's table of the problem codes on open orders.
    """
    limits, order = description.limits, description.order
    tagged = order is not None and order.key.title is not None
    return CmmsCapabilities(
        idempotency=Idempotency.LOOK_UP,
        approval=OrderApproval.STATE if description.release else OrderApproval.NONE,
        cancellation=OrderCancellation.STATE if description.withdraw else OrderCancellation.NONE,
        search_by_key=True,
        changes=ChangeFeed.POLL,
        tombstones=False,
        raises_priority=description.escalate is not None,
        priorities={**description.priorities},
        limits=TextLimits(
            summary=limits.summary - (texts.TAG_LENGTH if tagged else 0),
            description=limits.description,
            note=limits.note,
        ),
        failure_modes=dict(failure_modes or {}) if order is not None and order.problem is not None else {},
    )


def draft_values(draft: WorkOrderDraft, description: RestDescription, zone: ZoneInfo) -> dict[str, object]:
    """What expressions see of a draft."""
    limits = description.limits
    values: dict[str, object] = {
        "draft.key": draft.key,
        "draft.summary": one_line(draft.summary, limits.summary),
        "draft.title": texts.title_of(draft.summary, draft.key, limits),
        "draft.text": long_text(draft.paragraphs, draft.key, limits.description),
        "draft.asset": draft.asset_external_id,
        "draft.attributes": dict(draft.asset_attributes),
        "draft.failure_mode": draft.failure_mode,
        "draft.priority": description.priorities[draft.priority],  # type: ignore[index]
        "draft.released": draft.released,
        "draft.reported_at": moment_text(draft.reported_at, zone),
        "draft.due_at": moment_text(draft.due_at, zone),
    }
    return {name: cel_value(value) for name, value in values.items()}


def row_of(content: object, order: RestOrder, site: Mapping[str, object], zone: ZoneInfo) -> RestRow:
    """One row, read.

    Raises:
        RestExpressionFailed: a part of it cannot be read.
    """
    given = {**site, "row": content}
    number, locator = _needed(order.id, given), _needed(order.locator, given)
    changed_at, created_at = order.changed_at.moment_of(given, zone), order.created_at.moment_of(given, zone)
    if changed_at is None or created_at is None:
        missing = order.changed_at if changed_at is None else order.created_at
        raise RestExpressionFailed(missing.place, "is missing")
    word = order.status.word.text_of(given) or ""
    return RestRow(content, number, locator, keys_on(order, given), changed_at, created_at, word)


def keys_on(order: RestOrder, given: Mapping[str, object]) -> tuple[str, ...]:
    """The keys on a row, each once: of its field, its title and its text.

    Raises:
        RestExpressionFailed: one cannot be read.
    """
    found: list[str | None] = []
    if order.key.field is not None:
        name = order.key.field.name_of(given)
        found.append(name if name is not None and CASE_ID.fullmatch(name) else None)
    for source, read in ((order.key.title, texts.key_of_title), (order.key.text, texts.key_of_text)):
        if source is not None:
            try:
                found.append(read(source.text_of(given) or ""))
            except RestExpressionFailed:
                raise
            except ValueError as error:
                raise RestExpressionFailed(source.place, str(error)) from None
    return tuple(dict.fromkeys(key for key in found if key is not None))


def ref_of(row: RestRow, system: str, key: str) -> WorkOrderRef:
    """The reference to a row."""
    return WorkOrderRef(system=system, id=row.id, locator=row.locator, key=key)


def open_order(row: RestRow, order: RestOrder, site: Mapping[str, object], system: str) -> OpenOrder:
    """A row that is open, to be compared with an order that is to be made. It does not say who reported it.

    Raises:
        RestExpressionFailed: its words cannot be read.
    """
    source = order.key.title or order.key.text
    given = {**site, "row": row.content}
    words = source.text_of(given) if source is not None else None
    key = next(iter(row.keys), "")
    return OpenOrder(
        ref=ref_of(row, system, key),
        status=order.status.words.get(row.word) or WorkOrderStatus.IN_PROGRESS,
        vendor_status=row.word,
        reported_at=row.created_at,
        summary=words or None,
        codes=() if key else problem_on(order, given),
    )


def raised(
    row: RestRow, escalation: Escalation, description: RestDescription, order: RestOrder, site: Mapping[str, object]
) -> str | None:
    """The priority that an escalation gives to a row; None if it is to keep its own.

    Raises:
        RestExpressionFailed: its priority cannot be read.
    """
    status = order.status.words.get(row.word)
    if description.escalate is None or order.priority is None or (status is not None and status.finished):
        return None
    priorities = {int(number): value for number, value in description.priorities.items()}
    return escalation.raised(order.priority.text_of({**site, "row": row.content}), priorities)


def problem_on(order: RestOrder, given: Mapping[str, object]) -> tuple[ReportedCode, ...]:
    """The problem codes on an order that is not completed, as far as the description tells them.

    Raises:
        RestExpressionFailed: they cannot be read.
    """
    codes = order.problem.texts_of(given) if order.problem is not None else ()
    return tuple(ReportedCode(role=FindingRole.PROBLEM, code=code) for code in codes)


def record_of(
    row: RestRow,
    given: Mapping[str, object],
    description: RestDescription,
    order: RestOrder,
    system: str,
    zone: ZoneInfo,
    key: str | None = None,
) -> WorkOrderRecord:
    """A row as our record; `report` only if the work is completed.

    Args:
        given: what the expressions of an order see: the site's values, `row`, `us` and what was asked beside it.
        key: that of the case, if the row itself is not trusted to have it.

    Raises:
        RestExpressionFailed: a part of it cannot be read.
    """
    status = order.status.words.get(row.word)
    if status is None:
        logger.warning("order %s has the status %s, taken as in progress", row.id, row.word)
    known = status or WorkOrderStatus.IN_PROGRESS
    priority = order.priority.text_of(given) if order.priority is not None else None
    own = key if key is not None else next(iter(row.keys), "")
    return WorkOrderRecord(
        ref=ref_of(row, system, own),
        status=known,
        vendor_status=row.word,
        status_guessed=status is None,
        changed_at=row.changed_at,
        touched=_touched(row, given, order),
        asset_external_id=order.asset.name_of(given) if order.asset is not None else None,
        priority=capabilities(description).own_priority(priority),
        report=_report(given, order, zone) if known is WorkOrderStatus.COMPLETED else None,
        codes=() if own or known is WorkOrderStatus.COMPLETED else problem_on(order, given),
        rejection=_rejection(given, order) if known.not_done else None,
        put_off_until=_put_off_until(given, order, zone) if known is WorkOrderStatus.ON_HOLD else None,
    )


def _touched(row: RestRow, given: Mapping[str, object], order: RestOrder) -> Touched:
    """Yes also if our key was taken off: only people do that."""
    if not row.keys:
        return Touched.YES
    if order.touched is None:
        return Touched.UNKNOWN
    return Touched.YES if order.touched.is_true(given) else Touched.NO


def _rejection(given: Mapping[str, object], order: RestOrder) -> OrderRejection | None:
    if order.rejection is None:
        return None
    by = order.rejection.by.text_of(given) if order.rejection.by is not None else None
    return rejection_of(order.rejection.reason.text_of(given), by)


def _put_off_until(given: Mapping[str, object], order: RestOrder, zone: ZoneInfo) -> datetime | None:
    return None if order.put_off_until is None else day_of(order.put_off_until.text_of(given), zone)


def _report(given: Mapping[str, object], order: RestOrder, zone: ZoneInfo) -> CompletionReport:
    report = order.report
    group = report.group.text_of(given) if report.group is not None else None
    return CompletionReport(
        started_at=report.started_at.moment_of(given, zone) if report.started_at is not None else None,
        finished_at=report.finished_at.moment_of(given, zone) if report.finished_at is not None else None,
        group=group,
        codes=tuple(
            ReportedCode(role=role, group=group, code=code)
            for role, source in report.codes.items()
            for code in source.texts_of(given)
        ),
        disposition=report.disposition.text_of(given) if report.disposition is not None else None,
        downtime=report.downtime.span_of(given) if report.downtime is not None else None,
        notes=tuple(
            words.strip()
            for words in (report.notes.texts_of(given) if report.notes is not None else ())
            if not texts.is_ours(words) and words.strip()
        ),
    )


def _needed(source: RestExpression, given: Mapping[str, object]) -> str:
    name = source.name_of(given)
    if name is None:
        raise RestExpressionFailed(source.place, "is missing")
    return name
