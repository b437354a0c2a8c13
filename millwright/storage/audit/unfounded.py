"""Rows that nothing recorded accounts for, and acts whose rows are gone or differ: found by the database itself."""

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from sqlalchemy import ForeignKeyConstraint, Table

from domain.verdict import Rung
from millwright.storage.audit.record import Record
from millwright.storage.database.all_tables import metadata
from millwright.storage.ledger.seals import EVENT_DIGEST, RECEIPT_DIGEST

_RUNGS = "{" + ",".join(rung.word for rung in Rung) + "}"
_EVIDENCE = f"""
SELECT 'evidence', 'evidence ' || d.id || ' of case ' || d.case_id, 'no verdict of this rung and time is its ground'
FROM evidence d WHERE NOT EXISTS (
    SELECT FROM cases c JOIN verdicts v ON (v.asset, v.failure_mode) = (c.asset, c.failure_mode)
    WHERE c.id = d.case_id AND (v.event_id, v.revision, v.rung, v.at) = (d.event_id, d.revision, d.rung, d.at)
    AND v.role = 'active') OR d.how = 'revised' AND (d.rung >= {int(Rung.INSPECT)} OR d.revision = 0)
UNION ALL
SELECT 'evidence', 'case ' || coalesce(d.case_id, a.case_id),
    coalesce(a.kind || ' was recorded, and its evidence is gone', 'evidence that ' || d.how || ' it was not recorded')
FROM (SELECT d.case_id, d.how, e.source, e.external_id, d.rung,
        row_number() OVER (PARTITION BY d.case_id, d.how ORDER BY d.id) AS place
    FROM evidence d LEFT JOIN events e ON e.id = d.event_id WHERE d.how <> 'noted') d
FULL JOIN (SELECT a.kind, substr(a.subject, 6) AS case_id, b.detail -> 'event' ->> 0 AS source,
        b.detail -> 'event' ->> 1 AS external_id,
        CASE a.kind WHEN 'case-opened' THEN 'opened' WHEN 'case-raised' THEN 'raised' ELSE 'revised' END AS how,
        b.detail ->> 'rung' AS rung,
        row_number() OVER (PARTITION BY a.subject, a.kind ORDER BY a.ledger_seq, a.leaf) AS place
    FROM acts a, LATERAL (SELECT a.body::json -> 'detail' AS detail) b
    WHERE a.kind IN ('case-opened', 'case-raised', 'case-evidence-revised')) a
ON (a.case_id, a.how, a.place, a.source, a.external_id, a.rung)
    = (d.case_id, d.how, d.place, d.source, d.external_id, ('{_RUNGS}'::text[])[d.rung + 1])
WHERE a.kind IS NULL OR d.how IS NULL
"""
_MEMORIES = """
SELECT 'memory', 'memory of ' || v.asset || ' ' || v.failure_mode || ' under version ' || left(v.version, 12),
    'is gone, and verdicts left one behind'
FROM (SELECT version, asset, failure_mode FROM verdicts WHERE memory <> ''
    EXCEPT SELECT version, asset, failure_mode FROM memories) v
"""
_PENDING = """
SELECT 'pending', 'event ' || p.event_id || ' of line ' || p.line, 'waits to be judged, and is none that may'
FROM pending p LEFT JOIN events e ON e.id = p.event_id
WHERE e.id IS NULL OR e.line IS DISTINCT FROM p.line OR e.fate <> 'decided'
    OR EXISTS (SELECT FROM verdicts v WHERE v.event_id = p.event_id)
"""
_EXPLANATIONS = """
SELECT 'explanation', 'explanation of verdict ' || coalesce(x.verdict_id::text, a.verdict),
    CASE WHEN x.verdict_id IS NULL THEN 'was recorded, and is gone' ELSE 'is not the one that was recorded' END
FROM explanations x FULL JOIN (SELECT a.subject, a.body::json -> 'detail' ->> 'verdict' AS verdict,
        a.body::json -> 'detail' ->> 'digest' AS digest FROM acts a WHERE a.kind = 'verdict-explained') a
ON a.verdict = x.verdict_id::text
WHERE ('case/' || x.case_id, x.digest, encode(sha256(convert_to(x.body, 'UTF8')), 'hex'))
    IS DISTINCT FROM (a.subject, a.digest, a.digest)
"""
# A system read by an earlier build has no act yet: the first new cursor is one.
_CURSORS = """
SELECT 'cursor', 'cursor of ' || coalesce(c.system, a.system), 'is not the one that was recorded last'
FROM cursors c FULL JOIN (SELECT DISTINCT ON (a.subject) substr(a.subject, 8) AS system,
        a.body::json -> 'detail' ->> 'cursor' AS cursor
    FROM acts a WHERE a.kind = 'cursor-advanced' ORDER BY a.subject, a.ledger_seq DESC, a.leaf DESC) a
ON a.system = c.system WHERE a.system IS NOT NULL AND a.cursor IS DISTINCT FROM c.cursor
    OR a.system IS NULL AND EXISTS (SELECT FROM acts WHERE kind = 'cursor-advanced')
"""
_UNREADABLE = """
SELECT 'unreadable', 'record ' || coalesce(u.record, a.record) || ' of ' || coalesce(u.system, a.system),
    'that it could not be read is not as recorded'
FROM unreadable_records u FULL JOIN (SELECT DISTINCT ON (r.system, r.record, r.digest) r.system, r.record,
        r.digest, r.field, r.reason, r.raw, a.at
    FROM acts a, json_to_record(a.body::json -> 'detail' -> 'record')
        AS r(system text, record text, digest text, field text, reason text, raw text)
    WHERE a.kind = 'record-unreadable' ORDER BY r.system, r.record, r.digest, a.id) a
ON (a.system, a.record, a.digest) = (u.system, u.record, u.digest)
WHERE (u.field, u.reason, u.raw, u.first_seen_at) IS DISTINCT FROM (a.field, a.reason, a.raw, a.at)
    OR u.system IS NULL OR a.system IS NULL
    OR u.settled_at IS DISTINCT FROM (SELECT min(s.at) FROM acts s WHERE s.kind = 'record-settled'
        AND s.subject = 'record/' || u.record AND s.body::json -> 'detail' ->> 'system' = u.system
        AND s.id > (SELECT max(n.id) FROM acts n WHERE n.kind = 'record-unreadable' AND n.subject = s.subject
            AND n.body::json -> 'detail' -> 'record' ->> 'digest' = u.digest))
"""
_PLACES = """
SELECT 'case', 'case ' || c.id, 'its machine, line or site is none where its asset ever was'
FROM cases c WHERE NOT EXISTS (SELECT FROM assets a WHERE a.id = c.asset
    AND (coalesce(a.machine, a.id), coalesce(a.line, ''), coalesce(a.site, '')) = (c.machine, c.line,
        coalesce(c.site, '')))
    AND EXISTS (SELECT FROM assets a WHERE a.id = c.asset)
"""
# Earlier builds did not record the texts, whose canonical form has the digest.
_DRAFTS = """
SELECT 'draft', 'draft ' || coalesce(concat_ws(' ', d.policy, d.version, 'revision ' || d.revision), a.subject),
    CASE WHEN a.subject IS NULL THEN 'was never recorded' WHEN d.policy IS NULL THEN 'was recorded, and is gone'
        ELSE 'is not as recorded' END
FROM policy_drafts d FULL JOIN (SELECT a.subject, a.actor, a.at, a.body::json -> 'detail' AS told FROM acts a
    WHERE a.kind = 'policy-drafted') a
ON a.subject = concat_ws('/', 'draft', d.policy, d.version) AND (a.told ->> 'revision')::int = d.revision
WHERE (d.digest, d.author, d.saved_at, d.reason)
        IS DISTINCT FROM (a.told ->> 'digest', a.actor, a.at, a.told ->> 'reason')
    OR a.told -> 'texts' ->> 'document' <> encode(sha256(convert_to(d.document, 'UTF8')), 'hex')
    OR a.told -> 'texts' ->> 'cases' <> encode(sha256(convert_to(d.cases, 'UTF8')), 'hex')
"""
# Numbers are given while the head is locked, so they rise with the ledger.
_NUMBERS = """
SELECT 'number', what || ' ' || id, 'its number does not follow that of the row before it in the ledger'
FROM (SELECT 'act' AS what, id, lag(id) OVER (ORDER BY ledger_seq, leaf) AS before FROM acts
    UNION ALL SELECT 'verdict', id, lag(id) OVER (ORDER BY ledger_seq, leaf) FROM verdicts) n WHERE id < before
"""
_ENGINE = """
SELECT 'head', 'ledger head', 'the engine that it names is not the one that took over last'
FROM ledger_head h WHERE h.engine IS DISTINCT FROM (SELECT substr(a.subject, 8) FROM acts a
    WHERE a.kind = 'engine-took-over' ORDER BY a.ledger_seq DESC, a.leaf DESC LIMIT 1)
"""
# What a seal told of a row, then what judging or a redrive told of it later. A row above the last seal has none yet.
_EVENTS = f"""
WITH told AS (
    SELECT (r -> 0)::text::bigint AS id, r ->> 1 AS digest, r ->> 2 AS fate, r ->> 3 AS reason, a.ledger_seq, a.leaf
    FROM acts a, json_array_elements_text(a.body::json -> 'detail' -> 'rows') t, LATERAL (SELECT t::json AS r) r
    WHERE a.subject = 'seal/events'
    UNION ALL SELECT substr(a.subject, 7)::bigint, r ->> 0, r ->> 1, r ->> 2, a.ledger_seq, a.leaf
    FROM acts a, LATERAL (SELECT a.body::json -> 'detail' -> 'row' AS r) r
    WHERE a.kind IN ('event-redriven', 'event-corrected') AND r IS NOT NULL
    UNION ALL SELECT substr(a.subject, 7)::bigint, NULL, substr(a.kind, 7), a.body::json -> 'detail' ->> 'reason',
        a.ledger_seq, a.leaf
    FROM acts a WHERE a.kind IN ('event-quarantined', 'event-unmapped')),
digests AS (SELECT DISTINCT ON (id) id, digest FROM told WHERE digest IS NOT NULL
    ORDER BY id, ledger_seq DESC, leaf DESC),
fates AS (SELECT DISTINCT ON (id) id, fate, reason FROM told ORDER BY id, ledger_seq DESC, leaf DESC)
SELECT 'event', 'event ' || coalesce(e.source || '|' || e.external_id, d.id::text),
    CASE WHEN e.id IS NULL THEN 'was recorded, and is gone' WHEN d.id IS NULL THEN 'was never recorded'
        ELSE 'is not as recorded when it was received' END
FROM digests d FULL JOIN events e ON e.id = d.id LEFT JOIN fates f ON f.id = e.id
WHERE e.id IS NULL AND d.id <= (SELECT max(id) FROM told WHERE digest IS NOT NULL)
    OR e.id <= (SELECT coalesce(max((body::json -> 'detail' ->> 'last')::bigint), 0) FROM acts
        WHERE subject = 'seal/events')
    AND ({EVENT_DIGEST}, e.fate, e.reason) IS DISTINCT FROM (d.digest, f.fate, f.reason)
"""
_RECEIPTS = f"""
WITH told AS (
    SELECT (r -> 0)::text::bigint AS id, r ->> 1 AS digest
    FROM acts a, json_array_elements_text(a.body::json -> 'detail' -> 'rows') t, LATERAL (SELECT t::json AS r) r
    WHERE a.subject = 'seal/duplicates')
SELECT 'receipt', 'receipt ' || coalesce(d.ingress || ' ' || d.sequence, t.id::text),
    CASE WHEN d.id IS NULL THEN 'was recorded, and is gone' ELSE 'is not as recorded' END
FROM told t FULL JOIN duplicates d ON d.id = t.id
WHERE d.id IS NULL OR d.id <= (SELECT max(id) FROM told) AND {RECEIPT_DIGEST} IS DISTINCT FROM t.digest
"""
# Each row of what machines do, and what was recorded with its reading, the one against the other.
_OPERATING = """
WITH read AS (SELECT substr(subject, 11) AS system, (body::json -> 'detail' ->> 'read_at')::timestamptz AS read_at,
        body::json -> 'detail' -> 'said' AS said FROM acts WHERE kind = 'operating-read'),
    told AS (SELECT r.system, r.read_at, s.key AS machine, s.value AS body FROM read r, json_each(r.said) s)
SELECT 'operating', 'reading of ' || coalesce(r.system, o.system),
    'at ' || coalesce(r.read_at, o.read_at) || ' is not as it was recorded'
FROM read r FULL JOIN operating_readings o USING (system, read_at) WHERE r.system IS NULL OR o.system IS NULL
UNION ALL
SELECT 'operating', 'state of ' || coalesce(t.machine, s.machine),
    'as read at ' || coalesce(t.read_at, s.read_at) || ' is not what was recorded'
FROM told t FULL JOIN operating_states s USING (system, read_at, machine)
WHERE t.machine IS NULL OR s.machine IS NULL OR s.body <> t.body::text
"""
# Each row of the work on assets, and what was recorded with its reading, the one against the other.
_MAINTENANCE = """
WITH told AS (SELECT substr(a.subject, 13) AS system, (a.body::json -> 'detail' ->> 'read_at')::timestamptz AS read_at,
        s.key AS asset, s.value AS body FROM acts a, json_each(a.body::json -> 'detail' -> 'said') s
    WHERE a.kind = 'maintenance-read')
SELECT 'maintenance', 'work on ' || coalesce(t.asset, h.asset),
    'as read at ' || coalesce(t.read_at, h.read_at) || ' is not what was recorded'
FROM told t FULL JOIN maintenance_histories h USING (system, read_at, asset)
WHERE t.asset IS NULL OR h.asset IS NULL OR h.body <> t.body::text
"""
# A case that rests waits for something, and a poll always has a next time.
_NEVER_DUE = """
SELECT 'due', 'case ' || c.id, 'is open and waits for nothing, and no step of it is due'
FROM cases c LEFT JOIN due d ON d.subject = 'case/' || c.id
WHERE c.closed_at IS NULL AND d.due_at IS NULL
    AND (c.waiting_for IS NULL OR c.lane = 'review' AND c.decision IS NOT NULL)
UNION ALL
SELECT 'due', 'poll of ' || substr(d.subject, 6), 'is never due again' FROM due d
WHERE d.subject LIKE 'poll/%%' AND d.due_at IS NULL
UNION ALL
SELECT DISTINCT 'due', 'line ' || p.line, 'has events to judge, and is not due'
FROM pending p LEFT JOIN due d ON d.subject = 'line/' || p.line WHERE d.due_at IS NULL AND d.lease_until IS NULL
"""
# Numbers rise, and whoever seals begins after the last one that was sealed: so each row is sealed once.
_SEALS = """
SELECT 'seal', 'act ' || s.id || ' (' || s.subject || ')',
    'seals rows that were sealed before, or other rows than it says'
FROM (SELECT a.id, a.subject, d.last, r.lowest, r.highest, r.rows, r.different,
        lag(d.last, 1, 0::bigint) OVER (PARTITION BY a.subject ORDER BY a.ledger_seq, a.leaf) AS before
    FROM acts a, LATERAL (SELECT a.body::json -> 'detail' -> 'rows' AS told,
        (a.body::json -> 'detail' ->> 'last')::bigint AS last) d,
    LATERAL (SELECT min(n.id) AS lowest, max(n.id) AS highest, count(*) AS rows, count(DISTINCT n.id) AS different
        FROM (SELECT (t::json ->> 0)::bigint AS id FROM json_array_elements_text(d.told) t) n) r
    WHERE a.subject IN ('seal/events', 'seal/duplicates')) s
WHERE s.lowest <= s.before OR s.highest IS DISTINCT FROM s.last OR s.rows <> s.different
"""
_STATEMENTS = (
    _EVENTS, _RECEIPTS, _SEALS, _EVIDENCE, _MEMORIES, _PENDING, _EXPLANATIONS, _CURSORS, _UNREADABLE, _PLACES, _NUMBERS,
    _ENGINE, _DRAFTS, _NEVER_DUE, _OPERATING, _MAINTENANCE,
)  # fmt: skip


class Unfounded(NamedTuple):
    """The kind of a finding, the row, and a sentence."""

    kind: str
    where: str
    what: str


async def unfounded_rows(record: Record) -> AsyncIterator[list[Unfounded]]:
    """All such rows, in pages."""
    for statement in (*_STATEMENTS, *_orphans()):
        async for page in record.pages(statement, Unfounded._make):
            yield page


def _orphans() -> Iterator[str]:
    """For each reference between tables a query of the rows whose referred row is not there: whoever may turn triggers
    off can store them."""
    for table in metadata.sorted_tables:
        for reference in table.foreign_key_constraints:
            yield _orphans_of(table, reference)


def _orphans_of(table: Table, reference: ForeignKeyConstraint) -> str:
    [column], [element] = reference.columns, reference.elements
    target = element.column
    return (
        f"SELECT 'orphan', '{table.name} of {target.table.name} ' || t.\"{column.name}\", 'there is none' "
        f'FROM "{table.name}" t WHERE t."{column.name}" IS NOT NULL AND NOT EXISTS '
        f'(SELECT FROM "{target.table.name}" p WHERE p."{target.name}" = t."{column.name}")'
    )
