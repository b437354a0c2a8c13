"""What the tables say of suppression against what was recorded of it."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from domain.suppression import LONGEST_REPORTED
from millwright.storage.audit.record import Record

_MADE = "('shelved', 'window-opened')"
_REPORTED = "('order-placed', 'order-changed', 'order-attached', 'order-unmatched')"
_ENDED = "('unshelved', 'window-ended')"
_UNFOUNDED = f"""
SELECT 'suppression ' || s.id, 'is not what was recorded when it was made' FROM suppressions s
WHERE NOT EXISTS (SELECT FROM acts a, LATERAL (SELECT a.body::json -> 'detail' AS told) d
    WHERE a.subject = 'suppression/' || s.id AND a.kind IN {_MADE} AND a.actor = s.made_by
    AND (told ->> 'kind', told ->> 'asset', told ->> 'reason') = (s.kind, s.asset, s.reason)
    AND told ->> 'failure_mode' IS NOT DISTINCT FROM s.failure_mode
    AND told ->> 'spared_asset' IS NOT DISTINCT FROM s.spared_asset
    AND told ->> 'spared_mode' IS NOT DISTINCT FROM s.spared_mode
    AND told ->> 'source' IS NOT DISTINCT FROM s.source AND a.at = s.made_at
    AND (told ->> 'from_at')::timestamptz = s.from_at AND (told ->> 'until_at')::timestamptz = s.until_at)
UNION ALL
SELECT 'suppression ' || s.id, 'is of work that no CMMS reported as in progress, or lasts too long'
FROM suppressions s WHERE s.kind = 'work' AND (s.until_at - s.from_at > '{LONGEST_REPORTED.days} days'::interval
    OR NOT EXISTS (SELECT FROM acts a, LATERAL (SELECT a.body::json -> 'detail' -> 'record' AS told) d
        WHERE a.kind IN {_REPORTED} AND told ->> 'status' = 'in_progress'
        AND told ->> 'status_guessed' IS NULL
        AND told -> 'ref' ->> 'system' = s.made_by AND s.made_by || '/' || (told -> 'ref' ->> 'id') = s.source
        AND (told ->> 'changed_at')::timestamptz = s.from_at AND a.at <= s.made_at))
UNION ALL
SELECT 'suppression ' || s.id, 'is of a state that ' || s.made_by || ' did not report, or lasts too long'
FROM suppressions s LEFT JOIN LATERAL (SELECT a.body::json -> 'detail' -> 'said' -> s.asset ->> 'state' AS state
    FROM acts a WHERE a.subject = 'operating/' || s.made_by AND a.kind = 'operating-read'
    AND (a.body::json -> 'detail' ->> 'read_at')::timestamptz <= s.from_at
    AND a.id < (SELECT min(m.id) FROM acts m WHERE m.subject = 'suppression/' || s.id)
    AND a.body::json -> 'detail' -> 'said' -> s.asset IS NOT NULL ORDER BY a.id DESC LIMIT 1) a ON true
WHERE s.kind IN ('standstill', 'out_of_service') AND (s.until_at - s.from_at > '{LONGEST_REPORTED.days} days'::interval
    OR a.state IS NULL OR a.state NOT IN ('planned_stop', 'setup', 'maintenance', 'locked_out')
    OR (a.state IN ('planned_stop', 'setup')) <> (s.kind = 'standstill'))
UNION ALL
SELECT 'suppression ' || s.id, 'masks a sensor of which no reading failed a check before'
FROM suppressions s WHERE s.kind = 'mask' AND NOT EXISTS (SELECT FROM cases c JOIN events e ON e.id = c.opened_by
    WHERE 'case/' || c.id = s.source AND c.asset = s.asset AND e.at = s.from_at
    AND json_array_length((e.anomaly -> 'reading' -> 'failed')::json) > 0)
UNION ALL
SELECT 'suppression ' || s.id, 'ends at another time than was recorded, or another person or reason ended it'
FROM suppressions s LEFT JOIN LATERAL (SELECT a.actor, a.body::json -> 'detail' AS told FROM acts a
    WHERE a.subject = 'suppression/' || s.id AND a.kind IN {_ENDED} ORDER BY a.id DESC LIMIT 1) a ON true
WHERE (s.end_at, s.ended_by, s.ended_because) IS DISTINCT FROM
    (coalesce((a.told ->> 'end_at')::timestamptz, s.until_at), a.actor, a.told ->> 'reason')
UNION ALL
SELECT 'suppression ' || s.id, 'has returned without a record, or not returned though it was recorded'
FROM suppressions s WHERE s.returned_at IS DISTINCT FROM (SELECT min(a.at) FROM acts a
    WHERE a.subject = 'suppression/' || s.id AND a.kind = 'suppression-returned')
UNION ALL
SELECT 'suppression ' || s.id, 'held back event ' || u.event_id || ', which it does not cover, or without a record'
FROM suppressed u JOIN suppressions s ON s.id = u.suppression WHERE u.how = 'held_back' AND NOT (
    u.at >= s.from_at AND u.at < s.until_at AND (s.failure_mode IS NULL OR s.failure_mode = u.failure_mode)
    AND (s.spared_asset, s.spared_mode) IS DISTINCT FROM (u.asset, u.failure_mode)
    AND (EXISTS (SELECT FROM assets p WHERE p.id = u.asset AND s.asset IN (p.id, p.machine, p.line, p.site))
        OR EXISTS (SELECT FROM events m WHERE m.id = u.event_id
            AND m.anomaly -> 'reading' -> 'limits' ->> 'sensor' = s.asset))
    AND EXISTS (SELECT FROM verdicts v WHERE (v.event_id, v.version, v.revision) = (u.event_id, u.version, u.revision)
        AND (v.asset, v.failure_mode, v.rung, v.at) = (u.asset, u.failure_mode, u.rung, u.at))
    AND EXISTS (SELECT FROM acts a, LATERAL (SELECT a.body::json -> 'detail' AS told) d
        WHERE a.subject = 'event/' || u.event_id AND a.kind = 'action-suppressed'
        AND left(u.version, 12) = a.actor AND told ->> 'suppression' = s.id
        AND (told ->> 'revision')::int = u.revision
        AND a.ledger_seq > (SELECT min(m.ledger_seq) FROM acts m
            WHERE m.subject = 'suppression/' || s.id AND m.kind IN {_MADE})))
UNION ALL
SELECT 'suppression ' || u.suppression,
    'let in event ' || u.event_id || ', which it never held back, or that was not so judged'
FROM suppressed u WHERE u.how = 'let_in' AND NOT (
    EXISTS (SELECT FROM suppressed b WHERE b.how = 'held_back'
        AND (b.suppression, b.event_id, b.version) = (u.suppression, u.event_id, u.version))
    AND EXISTS (SELECT FROM verdicts v WHERE (v.event_id, v.version, v.revision) = (u.event_id, u.version, u.revision)
        AND (v.asset, v.failure_mode, v.rung, v.at) = (u.asset, u.failure_mode, u.rung, u.at)))
UNION ALL
SELECT 'suppression ' || coalesce(a.body::json -> 'detail' ->> 'suppression', ''),
    'was recorded to have held back ' || a.subject || ', and that is gone'
FROM acts a WHERE a.kind = 'action-suppressed' AND NOT EXISTS (SELECT FROM suppressed u
    WHERE 'event/' || u.event_id = a.subject AND u.suppression = a.body::json -> 'detail' ->> 'suppression'
    AND u.revision = (a.body::json -> 'detail' ->> 'revision')::int AND left(u.version, 12) = a.actor)
UNION ALL
SELECT replace(a.subject, '/', ' '), a.kind || ' was recorded, and what it tells of is gone'
FROM acts a WHERE a.kind IN {_MADE} AND NOT EXISTS (SELECT FROM suppressions s WHERE 'suppression/' || s.id = a.subject)
"""


class UnfoundedSuppression(NamedTuple):
    """Where a shelf, a window or what one held back is not as recorded, and in what."""

    where: str
    what: str


def unfounded_suppressions(record: Record) -> AsyncIterator[list[UnfoundedSuppression]]:
    """All that is not as recorded, in pages."""
    return record.pages(_UNFOUNDED, UnfoundedSuppression._make)
