"""Where every message is stored once, before it is settled with its sender."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Fate, Received
from domain.canonical import canonical
from domain.keys import line_workflow_id
from millwright.storage import due
from millwright.storage.copying import COPY_FORMAT, copy_line
from millwright.storage.engine import raw, transaction

log = logging.getLogger(__name__)

Receipt = tuple[str, int]
"""The door through which an item came and its sequence there: what a redelivery repeats."""

# What the driver and the database raise for a value that they will not hold.
_REFUSALS = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded, UnicodeError)

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
_COPY = f"COPY stage ({_COLUMNS}) FROM STDIN {COPY_FORMAT}"
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

    A redelivery (the same door and sequence again) counts in neither. `kept` names the new ones.
    """

    new: int
    duplicates: int
    lines: frozenset[str]
    kept: frozenset[Receipt] = frozenset()

    def __add__(self, other: "Stored") -> "Stored":
        return Stored(
            self.new + other.new,
            self.duplicates + other.duplicates,
            self.lines | other.lines,
            self.kept | other.kept,
        )


def _line(item: Received) -> str:
    """An item as a line for COPY, in the order of `_COLUMNS`."""
    anomaly = item.anomaly
    natural_key = item.natural_key
    values = (
        item.door,
        str(item.sequence),
        item.source,
        item.external_id,
        natural_key,
        item.type,
        item.subject,
        item.at.isoformat() if item.at else None,
        item.received_at.isoformat(),
        item.traceparent,
        "\\x" + item.raw.hex(),
        # The fields and not the model, which would be asked for them one by one; the canonical form is the same.
        canonical(anomaly.__dict__).decode() if anomaly else None,
        anomaly.asset if anomaly else None,
        anomaly.failure_mode if anomaly else None,
        anomaly.order(natural_key or f"{item.source}|{item.external_id}") if anomaly else None,
        item.line,
        item.fate.value if item.fate else None,
        item.reason,
        item.field,
    )
    return copy_line(values)


def _refused(item: Received, error: Exception) -> Received:
    problem = str(error).splitlines()[0] if str(error) else type(error).__name__
    return Received(
        door=item.door,
        sequence=item.sequence,
        source=item.door,
        external_id=f"#{item.sequence}",
        type=None,
        subject=None,
        received_at=item.received_at,
        raw=item.raw,
        fate=Fate.QUARANTINED,
        reason=f"storage would not hold it: {problem}".encode("ascii", "replace").decode().replace("\x00", "?"),
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
                    await copy.write("\n".join([*map(_line, items), ""]).encode())
                await cursor.execute(_KEEP)
                kept = await cursor.fetchall()
                duplicates = 0
                if len(kept) < len(items):
                    await cursor.execute(_KEEP_DUPLICATES)
                    duplicates = cursor.rowcount
            lines = frozenset(str(line) for _, _, line, fate in kept if line is not None and fate is None)
            await due.wake(connection, [line_workflow_id(line) for line in lines], now)
        return Stored(len(kept), duplicates, lines, frozenset((str(row[0]), int(str(row[1]))) for row in kept))

    async def take(self, items: Sequence[Received], now: datetime) -> Stored:
        """As `store`, but an item that the database will not hold is quarantined and takes no other with it.

        Raises:
            StorageUnavailable: not all was stored; storing all again does no harm.
            StorageFault: the database does not understand us; nothing was stored.
        """
        try:
            return await self.store(items, now)
        except _REFUSALS as error:
            refusal: Exception = error
        if len(items) > 1:
            middle = len(items) // 2
            return await self.take(items[:middle], now) + await self.take(items[middle:], now)
        log.warning("an item from %s could not be stored as read and is quarantined: %s", items[0].door, refusal)
        return await self.store([_refused(items[0], refusal)], now)

    async def counts(self) -> dict[str, int]:
        """How many messages were received and what became of them; `undecided` wait for their line."""
        async with transaction(self._engine) as connection:
            rows = await connection.execute(
                text("SELECT coalesce(fate, 'undecided') AS fate, count(*) AS n FROM events GROUP BY 1")
            )
            by_fate = {str(row.fate): int(row.n) for row in rows}
            receipts = int(await connection.scalar(text("SELECT count(*) FROM duplicates")) or 0)
            by_fate["duplicate"] = by_fate.get("duplicate", 0) + receipts
        by_fate["received"] = sum(by_fate.values())
        return by_fate
