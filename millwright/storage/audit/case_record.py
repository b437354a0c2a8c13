"""What the tables say of cases and holds today, in the form in which acts tell of the same."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson
from pydantic import ValidationError

from domain.admission import Admission
from domain.attaching import OrderAttachment
from domain.canonical import Json, canonical, timestamp
from domain.cases import Decision, Rework
from domain.corrections import DraftCorrection
from domain.draft_findings import DraftCheck
from domain.hold_proposals import HoldProposal
from domain.holds import Release
from domain.machine_test_runs import MachineTestRun
from domain.model import Model
from domain.open_work import OpenWorkSeen
from domain.outcomes import Label, Outcome
from domain.production import ProductionContext
from domain.return_to_normal import ReturnToNormal, Verification
from domain.suspect_lots import SuspectLots
from domain.twin_writes import TwinWrite
from domain.verdict import Rung, UrgencyDecision
from domain.work_orders import WorkOrderDraft, WorkOrderRecord
from millwright.storage.audit.record import Record, stamped

Plain = dict[str, Json]
Row = Mapping[str, object]

_CASES = """
SELECT c.id, c.asset, c.failure_mode, c.rung, c.closed_as, c.decision, e.source, e.external_id,
       c.opened_at, c.closed_at, c.phase, c.urgency, c.production, c.hold_proposal, c.suspect_lots, c.rework,
       c.normal, c.verification, c.withdraw, c.waiting_for, c.waiting_step, c.waiting_until, c.lane,
       w.case_id, w.system, w.external_id, w.status, w.draft, w.open_work, w.draft_check, w.corrections, w.record,
       w.intended_at, w.placed_at, w.notes,
       o.outcome, o.cancelled, o.found_at, o.body, o.twin_etag, o.twin_write,
       (SELECT json_build_object('crew', n.crew, 'site', n.site, 'bound', n.bound, 'asked_at', n.asked_at,
            'admitted_at', n.admitted_at, 'exempt', n.exempt) FROM admissions n WHERE n.case_id = c.id),
       (SELECT json_agg(json_build_array(l.revision, l.outcome, l.body, l.made_at) ORDER BY l.revision)
        FROM labels l WHERE l.case_id = c.id),
       (SELECT json_agg(row_to_json(p) ORDER BY p.attached_at, p.external_id)
        FROM attached_orders p WHERE p.case_id = c.id)
FROM cases c LEFT JOIN events e ON e.id = c.opened_by
LEFT JOIN work_orders w ON w.case_id = c.id LEFT JOIN outcomes o ON o.case_id = c.id
WHERE %s::text[] IS NULL OR c.id = ANY(%s) ORDER BY c.id
"""
_HOLDS = """
SELECT h.key, h.system, h.equipment, h.state, h.release, h.intended_at, h.overruled_at, h.ended_at, h.reason,
       h.test_run,
       (SELECT json_agg(row_to_json(p) ORDER BY p.number)
        FROM hold_placements p WHERE p.hold_key = h.key),
       (SELECT json_agg(row_to_json(c) ORDER BY c.claimed_at, c.case_id)
        FROM hold_claims c WHERE c.hold_key = h.key)
FROM holds h WHERE %s::text[] IS NULL
   OR EXISTS (SELECT FROM hold_claims k WHERE k.hold_key = h.key AND k.case_id = ANY(%s)) ORDER BY h.key
"""
_DECIDING = """
SELECT v.asset, v.failure_mode, v.body FROM evidence d
JOIN verdicts v ON (v.event_id, v.revision) = (d.event_id, d.revision)
WHERE d.case_id = ANY(%s) AND d.how IN ('opened', 'raised') ORDER BY v.id
"""
# What an act tells of, and where it has to stand: by the case in the act's subject, a hold by its own key.
_MISSING = """
SELECT a.kind, a.subject FROM acts a LEFT JOIN cases c ON a.subject = 'case/' || c.id
WHERE a.kind = 'case-opened' AND c.id IS NULL
UNION ALL SELECT a.kind, a.subject FROM acts a LEFT JOIN work_orders w ON a.subject = 'case/' || w.case_id
WHERE a.kind = 'order-intended' AND w.case_id IS NULL
AND NOT EXISTS (SELECT FROM acts d WHERE d.subject = a.subject AND d.kind = 'order-detached' AND d.id > a.id)
UNION ALL SELECT a.kind, a.subject FROM acts a LEFT JOIN attached_orders o ON a.subject = 'case/' || o.case_id
AND a.body::json -> 'detail' -> 'record' -> 'ref' ->> 'id' = o.external_id
WHERE a.kind = 'order-attached' AND o.case_id IS NULL
UNION ALL SELECT a.kind, a.subject FROM acts a LEFT JOIN holds h ON a.body::json -> 'detail' ->> 'hold' = h.key
WHERE a.kind = 'hold-intended' AND h.key IS NULL
UNION ALL SELECT a.kind, a.subject FROM acts a LEFT JOIN hold_claims c
ON a.subject = 'case/' || c.case_id AND a.body::json -> 'detail' ->> 'hold' = c.hold_key
WHERE a.kind IN ('hold-intended', 'hold-shared', 'hold-passed') AND c.case_id IS NULL
UNION ALL SELECT a.kind, a.subject FROM acts a LEFT JOIN outcomes o ON a.subject = 'case/' || o.case_id
WHERE a.kind = 'outcome-found' AND o.case_id IS NULL
UNION ALL SELECT a.kind, a.subject FROM acts a LEFT JOIN labels l ON a.subject = 'case/' || l.case_id
WHERE a.kind = 'label-made' AND l.case_id IS NULL
"""


class _DecidingRow(NamedTuple):
    """A verdict, with the text that is hashed."""

    asset: str
    failure_mode: str
    body: str


class MissingRow(NamedTuple):
    """An act that tells of a row that is gone."""

    kind: str
    subject: str


class _CaseRow(NamedTuple):
    id: str
    asset: str
    failure_mode: str
    rung: int
    closed_as: str | None
    decision: object
    source: str | None
    external_id: str | None
    opened_at: datetime
    closed_at: datetime | None
    phase: str
    urgency: object
    production: object
    hold_proposal: object
    suspect_lots: object
    rework: object
    normal: object
    verification: object
    withdraw: str | None
    waiting_for: str | None
    waiting_step: str | None
    waiting_until: datetime | None
    lane: str | None
    ordered: str | None
    system: str
    order_id: str | None
    status: str | None
    draft: object
    open_work: object
    draft_check: object
    corrections: object
    record: object
    intended_at: datetime | None
    placed_at: datetime | None
    notes: list[str] | None
    outcome: str | None
    cancelled: bool | None
    found_at: datetime | None
    found: object
    twin_etag: str | None
    twin_write: object
    admission: object
    labels: list[tuple[int, str, object, str]] | None
    attached_orders: list[Row] | None


class _HoldRow(NamedTuple):
    key: str
    system: str
    equipment: str
    state: str
    release: object
    intended_at: datetime
    overruled_at: datetime | None
    ended_at: datetime | None
    reason: str | None
    test_run: object
    placements: list[Row] | None
    claims: list[Row] | None


async def case_files(record: Record, only: Sequence[str] | None = None) -> AsyncIterator[list[Plain]]:
    """Every case, or only some, with their orders, outcomes, decisions and labels, in pages."""
    async for page in record.pages(_CASES, _CaseRow._make, only, only):
        yield [_case(row) for row in page]


async def deciding_verdicts(record: Record, cases: Sequence[str]) -> list[dict[str, object]]:
    """The verdicts on the events that opened or raised these cases."""
    return [row._asdict() for row in await record.rows(_DECIDING, _DecidingRow._make, list(cases))]


async def hold_files(record: Record, only: Sequence[str] | None = None) -> AsyncIterator[list[Plain]]:
    """Every hold, or only those that some cases claimed, with all their claims, in pages."""
    async for page in record.pages(_HOLDS, _HoldRow._make, only, only):
        yield [
            {
                "key": row.key,
                "system": row.system,
                "equipment": row.equipment,
                "state": row.state,
                "release": told_as(Release, row.release),
                "intended_at": stamped(row.intended_at),
                "overruled_at": stamped(row.overruled_at),
                "ended_at": stamped(row.ended_at),
                "reason": row.reason,
                "test_run": told_as(MachineTestRun, row.test_run),
                "placements": [_placement(placement) for placement in row.placements or ()],
                "claims": {str(claim["case_id"]): _standing(claim) for claim in row.claims or ()},
                "claim_times": {
                    str(claim["case_id"]): {name: _moment(claim[name]) for name in _CLAIM_TIMES}
                    for claim in row.claims or ()
                },
            }
            for row in page
        ]


_CLAIM_TIMES = ("claimed_at", "ready_at", "dropped_at")
_PLACEMENT_TIMES = ("intended_at", "accepted_at", "release_called_at", "ended_at")


def _standing(claim: Row) -> str:
    if claim["dropped_at"] is not None:
        return "dropped"
    return "working" if claim["ready_at"] is None else "ready"


def _placement(row: Row) -> Plain:
    # The plan as it was written: an earlier build's has fewer fields.
    names = ("number", "plan", "state", "receiver", "job", "intended_by", "reason")
    read = row["in_effect_at"]
    return {
        **{name: _plain(row[name]) for name in names},
        **{name: _moment(row[name]) for name in _PLACEMENT_TIMES},
        # The time of a reading, which its act tells as part of what was read.
        "in_effect_at": None if read is None else _plain(datetime.fromisoformat(str(read))),
    }


def _moment(text: object) -> str | None:
    """A time that the database wrote into JSON, as acts tell of it."""
    return None if text is None else timestamp(datetime.fromisoformat(str(text)))


def missing_rows(record: Record) -> AsyncIterator[list[MissingRow]]:
    """Acts that tell of a row that is gone, in pages."""
    return record.pages(_MISSING, MissingRow._make)


def _case(row: _CaseRow) -> Plain:
    order: Plain | None = None
    if row.ordered is not None:
        order = {
            "system": row.system,
            "external_id": row.order_id,
            "status": row.status,
            "draft": told_as(WorkOrderDraft, row.draft),
            "open_work": told_as(OpenWorkSeen, row.open_work),
            "draft_check": told_as(DraftCheck, row.draft_check),
            "corrections": _corrections(row.corrections),
            "record": told_as(WorkOrderRecord, row.record),
            "intended_at": stamped(row.intended_at),
            "placed_at": stamped(row.placed_at),
            "notes": _plain(row.notes),
        }
    outcome: Plain | None = None
    if row.outcome is not None:
        outcome = {
            "outcome": row.outcome,
            "cancelled": row.cancelled,
            "found_at": _plain(row.found_at),
            "body": told_as(Outcome, row.found),
        }
    return {
        "id": row.id,
        "asset": row.asset,
        "failure_mode": row.failure_mode,
        "event": [row.source, row.external_id],
        "rung": Rung(row.rung).word if row.rung in set(Rung) else row.rung,
        "closed_as": row.closed_as,
        "opened_at": stamped(row.opened_at),
        "closed_at": stamped(row.closed_at),
        "phase": row.phase,
        "urgency": told_as(UrgencyDecision, row.urgency),
        "production": told_as(ProductionContext, row.production),
        "hold_proposal": told_as(HoldProposal, row.hold_proposal),
        "suspect_lots": told_as(SuspectLots, row.suspect_lots),
        "rework": told_as(Rework, row.rework),
        "normal": told_as(ReturnToNormal, row.normal),
        "verification": told_as(Verification, row.verification),
        "withdraw": row.withdraw,
        "admission": told_as(Admission, row.admission),
        "waiting_for": row.waiting_for,
        "waiting_step": row.waiting_step,
        "waiting_until": _plain(row.waiting_until),
        "lane": row.lane,
        "decision": told_as(Decision, row.decision),
        "order": order,
        "attached_orders": [_attached(attached) for attached in row.attached_orders or ()],
        "outcome": outcome,
        "twin_etag": row.twin_etag,
        "twin_write": told_as(TwinWrite, row.twin_write),
        "labels": [
            {"revision": revision, "outcome": name, "body": told_as(Label, body), "made_at": _moment(made_at)}
            for revision, name, body, made_at in row.labels or ()
        ],
    }


def _attached(row: Row) -> Plain:
    return {
        **{name: _plain(row[name]) for name in ("system", "kind", "external_id", "because")},
        "attachment": told_as(OrderAttachment, row["attachment"]),
        "attached_at": _moment(row["attached_at"]),
        "detached_at": _moment(row["detached_at"]),
    }


def _corrections(stored: object) -> Json:
    if stored is None:
        return []
    return [told_as(DraftCorrection, each) for each in stored] if isinstance(stored, list) else _plain(stored)


def told_as(shape: type[Model], stored: object) -> Json:
    """A stored value as acts tell of it; one that has lost its shape as it stands, so that it shows."""
    if stored is None:
        return None
    try:
        return _plain(shape.model_validate(stored))
    except ValidationError:
        return _plain(stored)


def _plain(value: Model | Mapping[str, object] | object) -> Json:
    plain: Json = orjson.loads(canonical(value))
    return plain
