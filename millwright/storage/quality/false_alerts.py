"""Reads what the record holds of false alerts, for `domain.blame`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.blame import BlameFacts
from domain.outcomes import OutcomeClass
from domain.verdict import Rung

_WRONG = [outcome.value for outcome in OutcomeClass if outcome.false_alarm]
_NAMED = "array_agg(e.source || '|' || e.external_id ORDER BY e.at, e.id)"
_FACTS = text(f"""
SELECT f.case_id AS case, f.outcome, f.closed_as,
    a.finding_acts, a.decision_acts, a.order_acts, a.verified_acts,
    coalesce((c.decision ->> 'approved')::boolean, false) AS approved, c.rung = :inspect AS asked_inspection,
    v.bad_events, v.suspected_events, v.revised_events, n.moved_names, w.draft ->> 'asset_external_id' AS drafted_for,
    w.record ->> 'asset_external_id' AS ordered_for,
    o.twins, o.siblings, CASE WHEN w.open_work IS NOT NULL AND w.open_work ->> 'problem' IS NULL
        THEN ARRAY(SELECT concat_ws(' ', r.value -> 'ref' ->> 'system', r.value -> 'ref' ->> 'id')
            FROM jsonb_array_elements(w.open_work -> 'orders') r) END AS open_orders,
    CASE WHEN (c.normal ->> 'at')::timestamptz < f.placed_at THEN a.normal_act END AS normal_before_order,
    (SELECT x.body::jsonb -> 'operating' ->> 'state' FROM verdicts b JOIN contexts x
        ON x.digest = b.body::jsonb ->> 'context'
        WHERE b.event_id = c.opened_by AND b.role = 'active' ORDER BY b.revision, b.version LIMIT 1) AS state_then,
    (SELECT array_agg('verdict of version ' || left(s.version, 12) ORDER BY s.version) FROM
        (SELECT DISTINCT ON (version) version, rung FROM verdicts WHERE event_id = c.opened_by AND version <> c.version
        ORDER BY version, revision DESC) s WHERE s.rung < :inspect) AS milder_versions
FROM alert_facts f JOIN cases c ON c.id = f.case_id LEFT JOIN work_orders w ON w.case_id = c.id
LEFT JOIN LATERAL (SELECT
        array_agg('act ' || id ORDER BY id) FILTER (WHERE kind IN
            ('outcome-found', 'outcome-stated', 'outcome-reclassified')) AS finding_acts,
        array_agg('act ' || id ORDER BY id) FILTER (WHERE kind = 'case-decided') AS decision_acts,
        array_agg('act ' || id ORDER BY id) FILTER (WHERE kind IN ('order-placed', 'order-changed')) AS order_acts,
        array_agg('act ' || id ORDER BY id) FILTER (WHERE kind = 'work-verified') AS verified_acts,
        max('act ' || id) FILTER (WHERE kind = 'fault-normal') AS normal_act
    FROM acts WHERE subject = 'case/' || c.id) a ON true
LEFT JOIN LATERAL (SELECT
        {_NAMED} FILTER (WHERE e.anomaly ->> 'quality' IN ('bad', 'uncertain')) AS bad_events,
        {_NAMED} FILTER (WHERE e.anomaly #>> '{{reading,failed,0}}' IS NOT NULL OR EXISTS (
            SELECT FROM suppressions s WHERE s.asset = e.anomaly #>> '{{reading,limits,sensor}}'
            AND s.from_at <= e.at AND s.end_at > e.at)) AS suspected_events,
        {_NAMED} FILTER (WHERE l.rung < :inspect) AS revised_events
    FROM (SELECT DISTINCT event_id FROM evidence WHERE case_id = c.id AND how IN ('opened', 'raised')) d
    JOIN events e ON e.id = d.event_id
    LEFT JOIN LATERAL (SELECT rung FROM verdicts WHERE event_id = d.event_id AND version = c.version
        ORDER BY revision DESC LIMIT 1) l ON true) v ON true
LEFT JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('system', k.system, 'name', k.external_id, 'to', m.asset,
        'at', m.valid_from) ORDER BY k.system, k.external_id) AS moved_names
    FROM crosswalk k JOIN crosswalk m ON m.system = k.system AND m.external_id = k.external_id
        AND m.valid_from = k.valid_to AND m.asset <> k.asset
    WHERE k.asset IN (c.asset, c.machine) AND k.valid_from <= c.event_at AND k.valid_to > c.event_at) n ON true
LEFT JOIN LATERAL (SELECT
        array_agg('case ' || s.case_id ORDER BY s.case_id) FILTER (WHERE s.failure_mode = c.failure_mode) AS twins,
        array_agg('case ' || s.case_id ORDER BY s.case_id) FILTER (WHERE s.failure_mode <> c.failure_mode) AS siblings
    FROM alert_facts s WHERE s.asset = c.asset AND s.case_id <> c.id AND s.placed_at < coalesce(f.found_at, 'infinity')
        AND f.placed_at < coalesce(s.found_at, 'infinity')) o ON true
WHERE f.opened_at >= :since AND f.opened_at < :until
    AND ((f.outcome = ANY(:wrong) AND NOT f.cancelled) OR f.closed_as = 'rejected')
ORDER BY f.opened_at, f.case_id
""")


async def read_false_alerts(connection: AsyncConnection, since: datetime, until: datetime) -> list[BlameFacts]:
    """The false alerts whose case was opened in a period, by the plant's clock."""
    values = {"since": since, "until": until, "wrong": _WRONG, "inspect": int(Rung.INSPECT)}
    rows = (await connection.execute(_FACTS, values)).mappings()
    return [_facts(dict(row)) for row in rows]


def _facts(row: Mapping[str, Any]) -> BlameFacts:
    return BlameFacts.model_validate({name: value for name, value in row.items() if value is not None} | _unknown(row))


def _unknown(row: Mapping[str, Any]) -> dict[str, None]:
    """The fields that must be given, also if they are not known."""
    return {name: None for name in ("outcome", "closed_as") if row[name] is None}
