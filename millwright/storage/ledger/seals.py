"""Records in the ledger what was received: the digest of every stored message and receipt, a little after it came.

Messages are stored without the ledger, whose head would be waited for. So what is altered within the minute before the
seal is not found; everything later is.
"""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.clock import Clock
from millwright.storage.database.engine import transaction
from millwright.storage.ledger import ledger

EVENT_DIGEST: Final = """
left(encode(sha256(convert_to(json_build_array(e.ingress, e.sequence, e.source, e.external_id, e.natural_key, e.type,
    e.subject, e.at, e.received_at, e.traceparent, encode(sha256(e.raw), 'hex'), e.anomaly::text, e.asset,
    e.failure_mode, e."position", e.line, e.field, e.enqueued_at, encode(sha256(e.corrected), 'hex'))::text, 'UTF8')),
    'hex'), 32)
"""
"""SQL: the digest of an event `e`, without its fate, which judging may change."""
RECEIPT_DIGEST: Final = """
left(encode(sha256(convert_to(json_build_array(d.ingress, d.sequence, d.source, d.external_id, d.received_at,
    d.enqueued_at)::text, 'UTF8')), 'hex'), 32)
"""
"""SQL: the digest of a receipt `d`."""
SEALED: Final = "received-sealed"
_ROWS: Mapping[str, str] = {
    "events": (
        f"SELECT e.id, json_build_array(e.id, {EVENT_DIGEST}, e.fate, e.reason)::text AS told FROM events e "
        "WHERE e.id > :after AND e.id <= :upto ORDER BY e.id LIMIT :most"
    ),
    "duplicates": (
        f"SELECT d.id, json_build_array(d.id, {RECEIPT_DIGEST})::text AS told FROM duplicates d "
        "WHERE d.id > :after AND d.id <= :upto ORDER BY d.id LIMIT :most"
    ),
}
_MOST = 1_000
"""Maximum number of rows in one act."""
_ONE_AT_A_TIME = text("SELECT pg_try_advisory_xact_lock(hashtextextended('seals', 2))")
_LAST = text(
    "SELECT (body::json -> 'detail' ->> 'last')::bigint FROM acts WHERE subject = :subject ORDER BY id DESC LIMIT 1"
)
_SEEN = (
    "SELECT (SELECT coalesce(max(id), 0) FROM {}), pg_snapshot_xmin(s)::text::bigint, "
    "pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() s"
)


LATE: Final = timedelta(minutes=5)
"""From then on a row that is not sealed is told of. Somebody with the database can hold the seals back for as long as
they like, and meanwhile alter what is not sealed."""
_LATE_ROWS = " UNION ALL ".join(
    f"SELECT count(*) FROM {table} r WHERE r.received_at < :before AND r.id > coalesce((SELECT max((body::json -> "
    f"'detail' ->> 'last')::bigint) FROM acts WHERE subject = 'seal/{table}'), 0)"
    for table in _ROWS
)


class _SealRow(NamedTuple):
    id: int
    told: str


class _Seen(NamedTuple):
    """The highest number in a table, the oldest transaction that runs, and the first that has not begun."""

    highest: int
    oldest: int
    next: int


class Seals:
    """Seals what was received.

    A row's number is given before its transaction commits, so that a lower number may appear after a higher one. Rows
    are sealed once every transaction that ran when they were seen first has ended: a transaction has a number of its
    own before it takes that of a row, so that none that is to appear is missed.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._sealed = dict.fromkeys(_ROWS, time.monotonic())
        """When nothing held the seals of a table back last."""

    @property
    def held_back(self) -> timedelta:
        """For how long something has held the seals back: a transaction that has not ended, or their lock."""
        return timedelta(seconds=time.monotonic() - min(self._sealed.values()))

    async def seal(self) -> int:
        """Seals the rows that were there at the last call; gives their number.

        Raises:
            StorageUnavailable: the database does not answer; the rows are sealed later.
        """
        number = 0
        for table in _ROWS:
            while (sealed := await self._seal(table)) == _MOST:
                number += sealed
            number += sealed
        return number

    async def _seal(self, table: str) -> int:
        async with transaction(self._engine) as connection:
            if not await connection.scalar(_ONE_AT_A_TIME):
                return 0
            seen = await _look(connection, table)
            before = self._seen.setdefault(table, seen)
            if seen.oldest < before.next <= seen.next:
                return 0
            self._sealed[table] = time.monotonic()
            subject = f"seal/{table}"
            last = await connection.scalar(_LAST, {"subject": subject}) or 0
            values = {"after": last, "upto": before.highest, "most": _MOST}
            rows = [_SealRow._make(row) for row in await connection.execute(text(_ROWS[table]), values)]
            if len(rows) < _MOST:
                self._seen[table] = seen
            if not rows:
                return 0
            entry = ledger.Entry(self._clock.now())
            detail: dict[str, object] = {"last": rows[-1].id, "rows": [row.told for row in rows]}
            entry.add(ledger.act(SEALED, subject, "millwright", entry.at, detail))
            await ledger.append(connection, entry)
        return len(rows)


async def late_rows(engine: AsyncEngine, before: datetime) -> int:
    """The number of rows that were received before a time and are not sealed.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    async with transaction(engine) as connection:
        return sum(await connection.scalars(text(_LATE_ROWS), {"before": before}))


async def _look(connection: AsyncConnection, table: str) -> _Seen:
    return _Seen._make((await connection.execute(text(_SEEN.format(table)))).one())
