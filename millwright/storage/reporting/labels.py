"""The rows of a training dataset: read in one snapshot, a page at a time, by what the ledger had up to a row.

Labels are read from their acts: only the ledger says in which order transactions were committed, and a label that a
slow transaction adds late has an early time.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple, cast

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.canonical import timestamp
from domain.errors import ActRejected
from domain.outcomes import Label
from domain.training import (
    LONGEST_SILENCE,
    HealthyWindow,
    LedgerPoint,
    MadeLabel,
    MaskedSpan,
    SpanRow,
    UnworkedCase,
)
from millwright.storage.database.snapshot import Snapshot, read_snapshot

_NEWEST = "SELECT seq, hash, at FROM ledger ORDER BY seq DESC LIMIT 1"
# The rows up to it are a part of the chain from its start. A row after it may have an earlier time, because clocks
# differ: it is left out, so that nothing that was known later is let in.
_AS_OF = """
SELECT seq, hash, at FROM ledger WHERE seq < coalesce((SELECT min(seq) FROM ledger WHERE at > %s), 9223372036854775807)
ORDER BY seq DESC LIMIT 1
"""
_HASH = "SELECT hash FROM ledger WHERE seq = %s"
_LABELS = """
SELECT body, at, ledger_seq FROM acts WHERE kind = 'label-made' AND ledger_seq > %s AND ledger_seq <= %s
ORDER BY ledger_seq, leaf
"""
# The points of a fault in time are its verdicts, and the starts and ends of its cases and masks. A step from one
# verdict to the next is healthy if no other point is between them, both are below `inspect`, by the same version, in
# one month and close enough, and no case and no mask lasts. A window is an unbroken series of such steps. It is given
# once the ledger is so far that no verdict can follow it closely enough.
_SILENCE = f"interval '{LONGEST_SILENCE.total_seconds():.0f} seconds'"
_HEALTHY = f"""
WITH head AS (SELECT seq, at FROM ledger WHERE seq = %s),
judged AS (
    SELECT DISTINCT ON (v.event_id, v.version) v.version, v.asset, v.failure_mode, v.at, v.rung
    FROM verdicts v, head WHERE v.ledger_seq <= head.seq AND v.role <> 'shadow'
    ORDER BY v.event_id, v.version, v.revision DESC),
moments AS (
    SELECT asset, failure_mode, at, min(version) AS version, max(rung) AS rung, count(*) AS verdicts
    FROM judged GROUP BY asset, failure_mode, at),
faults AS (SELECT DISTINCT asset, failure_mode FROM moments),
spans AS (
    SELECT c.asset, c.failure_mode, e.at AS from_at,
        CASE WHEN d.subject IS NULL THEN 'infinity' ELSE d.at END AS until_at
    FROM head JOIN acts o ON o.kind = 'case-opened' AND o.ledger_seq <= head.seq
    JOIN cases c ON o.subject = 'case/' || c.id JOIN events e ON e.id = c.opened_by
    LEFT JOIN acts d ON d.subject = o.subject AND d.kind = 'case-closed' AND d.ledger_seq <= head.seq
    UNION ALL
    SELECT DISTINCT f.asset, f.failure_mode, s.from_at, CASE WHEN e.subject IS NULL THEN s.until_at ELSE s.end_at END
    FROM head JOIN acts o ON o.kind IN ('shelved', 'window-opened') AND o.ledger_seq <= head.seq
    JOIN suppressions s ON o.subject = 'suppression/' || s.id
    JOIN assets a ON s.asset IN (a.id, a.machine, a.line, a.site) OR a.id IN (
        SELECT p.parent FROM assets p WHERE p.id = s.asset AND p.level = 'sensor')
    JOIN faults f ON f.asset = a.id AND f.failure_mode = coalesce(s.failure_mode, f.failure_mode)
    LEFT JOIN acts e ON e.subject = o.subject AND e.kind IN ('unshelved', 'window-ended') AND e.ledger_seq <= head.seq),
points AS (
    SELECT asset, failure_mode, at, 1 AS place, 0 AS lasting, rung, version, verdicts FROM moments
    UNION ALL SELECT asset, failure_mode, from_at, 0, 1, NULL, NULL, NULL FROM spans
    UNION ALL SELECT asset, failure_mode, until_at, 2, -1, NULL, NULL, NULL FROM spans),
steps AS (
    SELECT asset, failure_mode, at, place, rung, version, verdicts, sum(lasting) OVER f AS last_on,
        lag(place) OVER f AS place_before, lag(at) OVER f AS before,
        lag(rung) OVER f AS rung_before, lag(version) OVER f AS version_before
    FROM points WINDOW f AS (PARTITION BY asset, failure_mode ORDER BY at, place ROWS UNBOUNDED PRECEDING)),
told AS (
    SELECT asset, failure_mode, at, version, verdicts, before,
        coalesce(place_before = 1 AND last_on = 0 AND rung < 2 AND rung_before < 2 AND version = version_before
        AND at - before <= {_SILENCE}
        AND date_trunc('month', at AT TIME ZONE 'UTC') = date_trunc('month', before AT TIME ZONE 'UTC'), false)
        AS healthy
    FROM steps WHERE place = 1),
runs AS (
    SELECT asset, failure_mode, at, version, verdicts, before, healthy,
        count(*) FILTER (WHERE NOT healthy) OVER (PARTITION BY asset, failure_mode ORDER BY at) AS run FROM told)
SELECT asset, failure_mode, min(runs.at) AS window_start, max(runs.at) AS window_end, min(version) AS policy_digest,
    sum(verdicts)::bigint AS verdicts, max(runs.at - before) FILTER (WHERE healthy) AS longest_gap
FROM runs, head GROUP BY asset, failure_mode, run, head.at
HAVING count(*) > 1 AND max(runs.at) < head.at - {_SILENCE}
"""
_UNWORKED = """
SELECT c.id AS "case", c.asset, c.machine, c.failure_mode, c.closed_as AS ended_as, e.at AS window_start,
    d.at AS closed_at, CASE WHEN c.closed_as = 'rejected' THEN c.decision ->> 'by' END AS rejected_by,
    CASE c.closed_as WHEN 'rejected' THEN c.decision ->> 'reason' WHEN 'withdrawn' THEN c.withdraw END AS reason,
    c.verdict ->> 'policy' AS policy, c.verdict ->> 'version' AS policy_version, c.version AS policy_digest
FROM acts d JOIN cases c ON d.subject = 'case/' || c.id JOIN events e ON e.id = c.opened_by
WHERE d.kind = 'case-closed' AND d.ledger_seq <= %s AND c.closed_as IN ('rejected', 'withdrawn', 'cancelled')
"""
_MASKED = """
SELECT s.id AS suppression, s.kind, s.asset, s.failure_mode, s.from_at AS window_start, s.end_at AS window_end,
    s.reason, s.made_by
FROM acts r JOIN suppressions s ON r.subject = 'suppression/' || s.id
WHERE r.kind = 'suppression-returned' AND r.ledger_seq <= %s
"""
_SPANS: dict[type[SpanRow], str] = {HealthyWindow: _HEALTHY, UnworkedCase: _UNWORKED, MaskedSpan: _MASKED}


class _LabelRow(NamedTuple):
    body: str
    at: datetime
    ledger_seq: int


class _HashRow(NamedTuple):
    hash: str


class StoredTrainingRows:
    """See `domain.training.TrainingRows`.

    Args:
        snapshot: that of the moment.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    async def newest(self, as_of: datetime | None) -> LedgerPoint:
        if as_of is None:
            rows = await self._snapshot.rows(_NEWEST, LedgerPoint._make)
        else:
            rows = await self._snapshot.rows(_AS_OF, LedgerPoint._make, as_of)
        if not rows:
            when = "yet" if as_of is None else f"at {timestamp(as_of)}"
            raise ActRejected(f"the ledger has no row {when}", field="as-of", fix="name a later time")
        return rows[0]

    async def hash_of(self, seq: int) -> str | None:
        rows = await self._snapshot.rows(_HASH, _HashRow._make, seq)
        return rows[0].hash if rows else None

    async def labels(self, after: int, until: int) -> AsyncIterator[Sequence[MadeLabel]]:
        async for page in self._snapshot.pages(_LABELS, _LabelRow._make, after, until):
            yield [_made(row) for row in page]

    async def spans(self, kind: type[SpanRow], after: int, until: int) -> AsyncIterator[Sequence[SpanRow]]:
        one = _SPANS[kind]
        statement, *values = (f"({one}) EXCEPT ({one})", until, after) if after else (one, until)
        make = cast("Callable[[tuple[object, ...]], SpanRow]", kind._make)
        async for page in self._snapshot.pages(str(statement), make, *values):
            yield page


def _made(row: _LabelRow) -> MadeLabel:
    act: dict[str, Any] = orjson.loads(row.body)
    return MadeLabel(Label.model_validate(act["detail"]["label"]), row.at, row.ledger_seq)


@asynccontextmanager
async def open_training_rows(engine: AsyncEngine) -> AsyncIterator[StoredTrainingRows]:
    """The record as it is now, for as long as the block lasts.

    Raises:
        StorageUnavailable: the database is away.
    """
    async with read_snapshot(engine) as driver:
        yield StoredTrainingRows(Snapshot(driver))
