"""Where every message is stored once, before it is settled with its sender."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

import orjson
import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Fate, Received
from domain.canonical import canonical
from domain.errors import StorageUnavailable
from domain.identity import own_id
from domain.keys import line_workflow_id
from millwright.storage.database.copying import copy_rows
from millwright.storage.database.engine import Cursor, Driver, raw, transaction
from millwright.storage.database.pipelines import pipeline
from millwright.storage.events import pending
from millwright.storage.events.known import SortedOut, sort_out
from millwright.storage.events.looks import keep_looks
from millwright.storage.scheduling import due

log = logging.getLogger(__name__)

Receipt = tuple[str, int]
"""The ingress of an item and its sequence there."""

# What `transaction` lets through of the driver's errors is for a value that it or the database will not hold.
_REFUSALS = (psycopg.Error, UnicodeError, orjson.JSONEncodeError)

_COLUMNS = (
    "id, ingress, sequence, source, external_id, natural_key, type, subject, at, received_at, traceparent, raw, "
    "anomaly, asset, failure_mode, position, line, fate, reason, field, enqueued_at"
)
# The transaction has its own number before it takes those of events: so whoever seals events knows that it runs.
_NUMBERS = "SELECT pg_current_xact_id()::text, nextval('events_id_seq') FROM generate_series(1, %s)"
_KEEP_DUPLICATES = """
INSERT INTO duplicates (ingress, sequence, source, external_id, received_at, enqueued_at)
SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
ON CONFLICT DO NOTHING
"""
_COUNTS = text(f"SELECT {pending.FATE} AS fate, count(*) AS events FROM {pending.EVENTS} GROUP BY 1")
_RECEIPTS = text("SELECT count(*) AS receipts FROM duplicates")
_ATTEMPTS = 20
"""How often a batch is sorted out anew where others store the same messages at the same time."""

_Numbered = Mapping[int, Received]
"""Messages, each with the number under which it is stored if it is new."""
_Sort = Callable[[Driver, _Numbered], Awaitable[SortedOut]]


class _Number(NamedTuple):
    transaction: str
    id: int


class _CountRow(NamedTuple):
    fate: str
    events: int


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch: how many were new, how many had been stored before, and the lines now with work.

    A redelivery (the same delivery again) counts in neither. `kept` names the new ones, and `again` has those of the
    others that can be read, each with the quarantined or unmapped event that it was or corrects.
    """

    new: int
    duplicates: int
    lines: frozenset[str]
    kept: frozenset[Receipt] = frozenset()
    again: tuple[tuple[Received, int], ...] = ()

    def __add__(self, other: "Stored") -> "Stored":
        return Stored(
            self.new + other.new,
            self.duplicates + other.duplicates,
            self.lines | other.lines,
            self.kept | other.kept,
            self.again + other.again,
        )


def _order(item: Received) -> tuple[str, str, str]:
    """One order for everybody who stores, so that two who hold the same messages queue and do not deadlock."""
    return (item.source, item.external_id, item.natural_key or "")


def _row(number: int, item: Received) -> tuple[str | None, ...]:
    """An item as a row for COPY, in the order of `_COLUMNS`."""
    anomaly = item.anomaly
    natural_key = item.natural_key
    return (
        str(number),
        item.ingress,
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
        canonical(anomaly).decode() if anomaly else None,
        anomaly.asset if anomaly else None,
        anomaly.failure_mode if anomaly else None,
        anomaly.order(natural_key or f"{item.source}|{item.external_id}") if anomaly else None,
        item.line,
        (item.fate or Fate.DECIDED).value,
        item.reason,
        item.field,
        item.enqueued_at.isoformat() if item.enqueued_at else None,
    )


def _refused(item: Received, error: Exception) -> Received:
    problem = str(error).splitlines()[0] if str(error) else type(error).__name__
    return Received(
        ingress=item.ingress,
        sequence=item.sequence,
        source=item.ingress,
        external_id=own_id(f"#{item.sequence}", item.raw),
        type=None,
        subject=None,
        received_at=item.received_at,
        enqueued_at=item.enqueued_at,
        raw=item.raw,
        fate=Fate.QUARANTINED,
        reason=f"storage would not hold it: {problem}".encode("ascii", "replace").decode().replace("\x00", "?"),
    )


async def _all_new(_: Driver, items: _Numbered) -> SortedOut:
    """Takes every message for new."""
    return SortedOut(dict(items))


async def _keep_duplicates(cursor: Cursor, items: Sequence[Received]) -> int:
    """Keeps the receipts that brought nothing new; how many were not kept before."""
    if not items:
        return 0
    columns = zip(
        *(
            (item.ingress, item.sequence, item.source, item.external_id, item.received_at, item.enqueued_at)
            for item in items
        ),
        strict=True,
    )
    await cursor.execute(_KEEP_DUPLICATES, [list(column) for column in columns])
    return cursor.rowcount


class Inbox:
    """Stores the items of every ingress.

    Args:
        engine: the database.
        promising: the sources that promise a heartbeat. Their anomalies show too that they look.
    """

    def __init__(self, engine: AsyncEngine, promising: Collection[str] = ()) -> None:
        self._engine = engine
        self._promising = promising

    async def store(self, items: Sequence[Received], now: datetime) -> Stored:
        """Stores a batch in one transaction and makes its lines due. Of a heartbeat only the look is kept.

        Args:
            items: read messages, in any order; the same one may be among them twice.
            now: the plant's time, at which the lines become due.

        Raises:
            StorageUnavailable: nothing was stored, nothing may be settled.
        """
        if not items:
            return Stored(0, 0, frozenset())
        beats = [item for item in items if item.heartbeat is not None]
        ordered = sorted((item for item in items if item.heartbeat is None), key=_order)
        # Hardly ever is a message not new: all are taken for new first, and looked into only where one is not.
        sort: _Sort = _all_new
        for _ in range(_ATTEMPTS):
            try:
                stored = await self._store(ordered, beats, now, sort)
            except psycopg.errors.UniqueViolation as error:
                sort, taken = sort_out, error
                continue
            return replace(stored, kept=stored.kept | {(item.ingress, item.sequence) for item in beats})
        raise StorageUnavailable("others go on storing the same messages") from taken

    async def _store(self, items: Sequence[Received], beats: Sequence[Received], now: datetime, sort: _Sort) -> Stored:
        async with transaction(self._engine) as connection:
            driver = await raw(connection)
            async with driver.cursor() as cursor:
                showing = [item for item in items if item.source in self._promising]
                await keep_looks(cursor, [*beats, *showing])
                async with pipeline(driver):
                    await cursor.execute(_NUMBERS, (len(items),), prepare=True)
                numbers = [_Number._make(row).id for row in await cursor.fetchall()]
                numbered = dict(zip(numbers, items, strict=True))
                found = await sort(driver, numbered)
                if found.new:
                    rows = [_row(number, item) for number, item in found.new.items()]
                    await copy_rows(cursor, "events", _COLUMNS, rows)
                waiting = {number: item.line for number, item in found.new.items() if item.fate is None and item.line}
                duplicates = await _keep_duplicates(cursor, found.receipts)
                lines = frozenset(waiting.values())
                async with pipeline(driver):
                    await pending.wait(cursor, list(waiting.values()), list(waiting))
                    await due.wake_by(cursor, [line_workflow_id(line) for line in lines], now)
        new = [item for item in found.new.values() if item.fate is not Fate.DUPLICATE]
        duplicates += len(found.new) - len(new)
        kept = frozenset((item.ingress, item.sequence) for item in new)
        return Stored(len(new), duplicates, lines, kept, tuple(found.again))

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
        log.warning("an item from %s could not be stored as read and is quarantined: %s", items[0].ingress, refusal)
        return await self.store([_refused(items[0], refusal)], now)

    async def counts(self) -> dict[str, int]:
        """How many messages were received and what became of them; `undecided` wait for their line."""
        async with transaction(self._engine) as connection:
            by_fate = dict(_CountRow._make(row) for row in await connection.execute(_COUNTS))
            receipts = (await connection.execute(_RECEIPTS)).scalar_one()
            by_fate["duplicate"] = by_fate.get("duplicate", 0) + receipts
        by_fate["received"] = sum(by_fate.values())
        return by_fate
