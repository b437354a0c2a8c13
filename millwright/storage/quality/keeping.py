"""Keeps the tables that the figures on alert quality are computed from, as the ledger grows.

A row of `alert_facts` is computed again whenever the ledger has a new act or verdict on its case. Verdicts are never
changed, so those of new ledger rows are added to the counts. Rows of the ledger are committed in their order: a row
that is seen, and all rows before it, are complete.
"""

from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.storage.database.engine import transaction

# What was seen of a case until its last event, by its detectors. Everything else that is read here never changes, or is
# changed by an act on the case.
FACTS = """
SELECT c.id AS case_id, c.asset, c.failure_mode, x.body::jsonb ->> 'asset_class' AS asset_class, c.site,
    c.verdict ->> 'rule' AS rule, c.verdict ->> 'policy' AS policy, c.verdict ->> 'version' AS policy_version,
    c.version AS policy_digest, coalesce(d.detectors, '{{}}') AS detectors,
    coalesce(d.model_versions, '{{}}') AS model_versions, (e.anomaly ->> 'confidence')::double precision AS confidence,
    c.rung, c.event_at, c.opened_at, w.placed_at,
    (o.body -> 'report' ->> 'started_at')::timestamptz AS work_began_at, o.found_at, l.labelled_at, c.closed_as,
    o.outcome, o.cancelled, coalesce(w.record -> 'ref' ->> 'key' = '', false) AS attached,
    h.crew_hours, nullif(o.body -> 'report' -> 'parts', '[]') AS parts,
    extract(epoch FROM (o.body -> 'report' ->> 'downtime')::interval)::double precision AS downtime_s
FROM cases c
JOIN events e ON e.id = c.opened_by
LEFT JOIN LATERAL (SELECT v.body::jsonb ->> 'context' AS digest FROM verdicts v
    WHERE v.event_id = c.opened_by AND v.role = 'active' ORDER BY v.revision, v.version LIMIT 1) b ON true
LEFT JOIN contexts x ON x.digest = b.digest
LEFT JOIN LATERAL (SELECT
        array_agg(DISTINCT s.anomaly ->> 'detector' ORDER BY s.anomaly ->> 'detector')
            FILTER (WHERE s.anomaly ->> 'detector' <> '') AS detectors,
        array_agg(DISTINCT s.anomaly ->> 'model_version' ORDER BY s.anomaly ->> 'model_version')
            FILTER (WHERE s.anomaly ->> 'model_version' <> '') AS model_versions
    FROM evidence f JOIN events s ON s.id = f.event_id WHERE f.case_id = c.id) d ON true
LEFT JOIN work_orders w ON w.case_id = c.id
LEFT JOIN outcomes o ON o.case_id = c.id
LEFT JOIN LATERAL (SELECT sum((t ->> 'hours')::double precision) AS crew_hours
    FROM jsonb_array_elements(o.body -> 'report' -> 'labor') t) h ON true
LEFT JOIN LATERAL (SELECT min(made_at) AS labelled_at FROM labels WHERE case_id = c.id) l ON true
{which}
"""
_CHANGED = """
WITH changed AS (
    SELECT substr(subject, 6) AS id FROM acts
    WHERE subject LIKE 'case/%' AND ledger_seq > :after AND ledger_seq <= :until
    UNION SELECT f.case_id FROM verdicts v JOIN evidence f ON f.event_id = v.event_id
    WHERE v.ledger_seq > :after AND v.ledger_seq <= :until)
"""
_COLUMNS = (
    "case_id", "asset", "failure_mode", "asset_class", "site", "rule", "policy", "policy_version", "policy_digest",
    "detectors", "model_versions", "confidence", "rung", "event_at", "opened_at", "placed_at", "work_began_at",
    "found_at", "labelled_at", "closed_as", "outcome", "cancelled", "attached", "crew_hours", "parts", "downtime_s",
)  # fmt: skip
_KEEP_FACTS = text(
    f"{_CHANGED} INSERT INTO alert_facts ({', '.join(_COLUMNS)}) "
    f"{FACTS.format(which='WHERE c.id IN (SELECT id FROM changed)')} ON CONFLICT (case_id) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS[1:])
)
COUNTS = """
SELECT version, role, asset, failure_mode, (at AT TIME ZONE 'UTC')::date AS day, rung,
    body::json ->> 'severity' AS severity, count(*)::integer AS verdicts
FROM verdicts WHERE revision = 0 AND {which} GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
_KEEP_COUNTS = text(
    "INSERT INTO verdict_counts (version, role, asset, failure_mode, day, rung, severity, verdicts) "
    f"{COUNTS.format(which='ledger_seq > :after AND ledger_seq <= :until')} "
    "ON CONFLICT (version, role, asset, failure_mode, day, rung, severity) "
    "DO UPDATE SET verdicts = verdict_counts.verdicts + excluded.verdicts"
)
_PROGRESS = text("SELECT ledger_seq FROM quality_progress FOR UPDATE")
_HEAD = text("SELECT coalesce(max(seq), 0) FROM ledger")
_MOVE = text("UPDATE quality_progress SET ledger_seq = :until")


STEP: Final = 10_000


class AddedRows(NamedTuple):
    """The rows of the ledger that were added: after the first, up to the second."""

    after: int
    until: int


async def keep_now(engine: AsyncEngine, step: int = STEP) -> AddedRows:
    """Adds what the ledger says since the last time. Whoever does it at the same time waits.

    Args:
        step: how many rows of the ledger one transaction adds at most, so that what was added stays if the rest fails.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    first: int | None = None
    while True:
        async with transaction(engine) as connection:
            after: int = (await connection.execute(_PROGRESS)).scalar_one()
            head: int = (await connection.execute(_HEAD)).scalar_one()
            until = min(head, after + step)
            if until > after:
                period = {"after": after, "until": until}
                await connection.execute(_KEEP_FACTS, period)
                await connection.execute(_KEEP_COUNTS, period)
                await connection.execute(_MOVE, {"until": until})
        first = after if first is None else first
        if until == head:
            return AddedRows(first, until)


class AlteredRow(NamedTuple):
    """A row of a derived table that is not what the record gives, or that is missing."""

    table: str
    key: str


_PLAIN = ", ".join(_COLUMNS)
_COUNTED = "version, role, asset, failure_mode, day, rung, severity, verdicts"
# A case that the ledger has something new of is compared after the next time.
_STALE = f"""
{_CHANGED.replace(":after", "(SELECT ledger_seq FROM quality_progress)").replace(":until", "9223372036854775807")}
"""
DIFFERENCES = (
    f"""
{_STALE}, recomputed AS ({FACTS.format(which="WHERE c.id NOT IN (SELECT id FROM changed)")}),
stored AS (SELECT {_PLAIN} FROM alert_facts WHERE case_id NOT IN (SELECT id FROM changed)),
different AS (
    (SELECT {_PLAIN} FROM recomputed EXCEPT ALL SELECT {_PLAIN} FROM stored)
    UNION ALL (SELECT {_PLAIN} FROM stored EXCEPT ALL SELECT {_PLAIN} FROM recomputed))
SELECT DISTINCT 'alert_facts' AS "table", case_id AS key FROM different ORDER BY key
""",
    f"""
WITH recomputed AS ({COUNTS.format(which="ledger_seq <= (SELECT ledger_seq FROM quality_progress)")}),
different AS (
    (SELECT {_COUNTED} FROM recomputed EXCEPT ALL SELECT {_COUNTED} FROM verdict_counts)
    UNION ALL (SELECT {_COUNTED} FROM verdict_counts EXCEPT ALL SELECT {_COUNTED} FROM recomputed))
SELECT DISTINCT 'verdict_counts' AS "table", concat_ws(' ', asset, failure_mode, day) AS key FROM different ORDER BY key
""",
    """
SELECT 'quality_progress' AS "table", 'its only row' AS key FROM (SELECT) one
WHERE NOT EXISTS (SELECT FROM quality_progress
    WHERE ledger_seq = 0 OR ledger_seq IN (SELECT seq FROM ledger))
""",
)
"""What differs from a full recompute; none if the tables are right."""
