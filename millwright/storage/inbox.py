"""Where every message is stored once, before it is settled with its sender."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Received
from domain.canonical import canonical
from domain.keys import line_workflow_id
from millwright.storage import due
from millwright.storage.engine import raw, transaction

_COLUMNS = (
    "door, sequence, source, external_id, natural_key, type, subject, at, received_at, traceparent, raw, anomaly, "
    "asset, failure_mode, position, line, fate, reason, field"
)
_STAGE = """
CREATE TEMP TABLE IF NOT EXISTS stage (
    door text, sequence bigint, source text, external_id text, natural_key text, type text, subject text,
    at timestamptz, received_at timestamptz, traceparent text, raw bytea, anomaly json, asset text,
    failure_mode text, "position" text, line text, fate text, reason text, field text
) ON COMMIT DELETE ROWS
"""
_COPY = f"COPY stage ({_COLUMNS}) FROM STDIN"
# One order for everybody who inserts, so that two intakes holding the same messages queue and do not deadlock.
_KEEP = f"""
INSERT INTO events ({_COLUMNS})
SELECT {_COLUMNS} FROM stage ORDER BY source, external_id, natural_key
ON CONFLICT DO NOTHING
RETURNING door, sequence, line, fate
"""
_KEEP_DUPLICATES = """
INSERT INTO duplicates (door, sequence, source, external_id, received_at)
SELECT s.door, s.sequence, s.source, s.external_id, s.received_at FROM stage s
WHERE NOT EXISTS (SELECT FROM events e WHERE e.door = s.door AND e.sequence = s.sequence)
ORDER BY s.door, s.sequence
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch: how many were new, how many had been stored before, and the lines now with work.

    A redelivery (the same door and sequence again) counts in neither.
    """

    new: int
    duplicates: int
    lines: frozenset[str]


def _row(item: Received) -> tuple[object, ...]:
    anomaly = item.anomaly
    natural_key = item.natural_key
    return (
        item.door,
        item.sequence,
        item.source,
        item.external_id,
        natural_key,
        item.type,
        item.subject,
        item.at,
        item.received_at,
        item.traceparent,
        item.raw,
        canonical(anomaly).decode() if anomaly else None,
        anomaly.asset if anomaly else None,
        anomaly.failure_mode if anomaly else None,
        anomaly.order(natural_key or f"{item.source}|{item.external_id}") if anomaly else None,
        item.line,
        item.fate.value if item.fate else None,
        item.reason,
        item.field,
    )


class Inbox:
    """Stores what comes in through the doors.

    Args:
        engine: the database.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def store(self, items: Sequence[Received], now: datetime) -> Stored:
        """Stores a batch in one transaction and makes its lines due.

        Args:
            items: read messages, in any order; the same one may be among them twice.
            now: the plant's time, at which the lines become due.

        Raises:
            StorageUnavailable: nothing was stored, nothing may be settled.
        """
        if not items:
            return Stored(0, 0, frozenset())
        async with transaction(self._engine) as connection:
            driver = await raw(connection)
            async with driver.cursor() as cursor:
                await cursor.execute(_STAGE)
                async with cursor.copy(_COPY) as copy:
                    for item in items:
                        await copy.write_row(_row(item))
                await cursor.execute(_KEEP)
                kept = await cursor.fetchall()
                duplicates = 0
                if len(kept) < len(items):
                    await cursor.execute(_KEEP_DUPLICATES)
                    duplicates = cursor.rowcount
            lines = frozenset(str(line) for _, _, line, fate in kept if line is not None and fate is None)
            await due.wake(connection, [line_workflow_id(line) for line in lines], now)
        return Stored(len(kept), duplicates, lines)

    async def counts(self) -> dict[str, int]:
        """How many messages were received and what became of them; `undecided` wait for their line."""
        async with transaction(self._engine) as connection:
            rows = await connection.execute(
                text("SELECT coalesce(fate, 'undecided') AS fate, count(*) AS n FROM events GROUP BY 1")
            )
            by_fate = {str(row.fate): int(row.n) for row in rows}
            by_fate["duplicate"] = int(await connection.scalar(text("SELECT count(*) FROM duplicates")) or 0)
        by_fate["received"] = sum(by_fate.values())
        return by_fate
