"""Compares what an order is about to say with the record, before anything is sent."""

from typing import NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import Json, sha256
from domain.errors import ActionRequired
from domain.judging import recorded_verdict
from domain.keys import case_workflow_id
from domain.verdict import Verdict
from domain.work_orders import WorkOrderDraft
from millwright.storage.database.asset_rows import REGISTER_HELD

_GROUNDS = text(
    f"""
    SELECT c.verdict, c.asset, v.body, v.digest,
        EXISTS (SELECT FROM acts WHERE kind = '{REGISTER_HELD}') AS register_held,
        (SELECT json_agg(a.detail) FROM (SELECT DISTINCT ON (d.detail ->> 'system', d.detail ->> 'external_id') d.detail
            FROM acts a, LATERAL (SELECT a.body::json -> 'detail' AS detail) d
            WHERE a.subject = 'asset/' || c.asset AND a.kind = 'alias-recorded'
            ORDER BY d.detail ->> 'system', d.detail ->> 'external_id', a.id DESC) a) AS names
    FROM cases c LEFT JOIN LATERAL (SELECT v.body, v.digest FROM evidence d
        JOIN verdicts v ON (v.event_id, v.revision, v.version) = (d.event_id, d.revision, c.version)
        WHERE d.case_id = c.id AND d.how IN ('opened', 'raised') AND v.role = 'active'
        ORDER BY d.id DESC LIMIT 1) v ON true
    WHERE c.id = :case
    """
)
_INTENDED = text("SELECT body FROM acts WHERE subject = :subject AND kind = 'order-intended' ORDER BY id DESC LIMIT 1")


class _GroundsRow(NamedTuple):
    verdict: object
    asset: str
    body: str | None
    digest: str | None
    register_held: bool
    names: list[dict[str, Json]] | None


async def check_grounds(connection: AsyncConnection, case: str, draft: WorkOrderDraft) -> None:
    """Compares a new draft with the verdict that its case rests on, and with the name of the asset as it was recorded.

    Raises:
        ActionRequired: something differs, so that somebody has altered the database.
    """
    row = _GroundsRow._make((await connection.execute(_GROUNDS, {"case": case})).one())
    for field, wrong in (("priority", _verdict_fault(row, draft)), ("asset", _asset_fault(row, draft))):
        if wrong is not None:
            raise _altered(wrong, case, field)


async def check_kept_draft(connection: AsyncConnection, case: str, draft: WorkOrderDraft) -> None:
    """Compares a draft that was kept before an earlier attempt with the act that recorded it.

    Raises:
        ActionRequired: it differs, so that somebody has altered the database.
    """
    body = await connection.scalar(_INTENDED, {"subject": case_workflow_id(case)})
    recorded = None if body is None else orjson.loads(body)["detail"]["draft"]
    if recorded is None or WorkOrderDraft.model_validate(recorded) != draft:
        raise _altered("the draft is not the one in the record", case, "draft")


def _altered(wrong: str, case: str, field: str) -> ActionRequired:
    return ActionRequired(
        f"{wrong}; nothing is sent: run `millwright audit verify`, and find out who changed it",
        system="record",
        operation="create-work-order",
        key=case,
        field=field,
    )


def _verdict_fault(row: _GroundsRow, draft: WorkOrderDraft) -> str | None:
    if row.body is None or sha256(row.body.encode()) != row.digest:
        return "the verdict that this case rests on is gone or was altered"
    kept = Verdict.model_validate(row.verdict)
    recorded = recorded_verdict(orjson.loads(row.body), kept.policy, kept.version)
    if recorded != kept:
        return "the verdict in the case is not the one in the record"
    if draft.priority != recorded.priority:
        return f"the draft has priority {draft.priority}, and the verdict in the record {recorded.priority}"
    return None


def _asset_fault(row: _GroundsRow, draft: WorkOrderDraft) -> str | None:
    if draft.asset != row.asset:
        return f"the draft is on {draft.asset}, and its case on {row.asset}"
    # Earlier builds did not record the names of assets.
    if not row.register_held:
        return None
    named = [(name["external_id"], name["attributes"]) for name in row.names or () if name["valid_to"] is None]
    if (draft.asset_external_id, draft.asset_attributes) not in named:
        return f"in the record {draft.asset} has another name or other attributes than {draft.asset_external_id}"
    return None
