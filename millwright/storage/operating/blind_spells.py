"""What is blind: found from the newest looks and from what the machines did, and recorded when it begins and ends."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.assets import Criticality
from domain.canonical import timestamp
from domain.clock import Clock
from domain.freshness import INTERVALS, BlindReason, BlindSpell, Freshness, Promises, SeenWatch, WatchState, watch_state
from domain.heartbeats import NO_NAME, Watch
from domain.objectives import Stretch
from domain.return_to_normal import MachineSpell, MachineTime
from millwright.storage.database.asset_rows import NEWEST
from millwright.storage.database.engine import transaction
from millwright.storage.ledger import ledger
from millwright.storage.operating.machine_spells import machine_spells

BEGAN: Final = "blind-began"
ENDED: Final = "blind-ended"
_WATCHED_BY: Final = "watch"
"""The actor of these acts: nobody did them."""

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('looks', 0))")
# A source that promises to look is watched from the first time on, also if it never sends anything.
_BEGIN = text(
    "INSERT INTO looks (source, asset, signal, first_at, seen_at) "
    "SELECT source, '', '', :now, :now FROM unnest(CAST(:sources AS text[])) AS source ORDER BY source "
    "ON CONFLICT DO NOTHING"
)
_LOOKS = text(
    "SELECT l.source, l.asset, l.signal, l.first_at, l.seen_at, l.blind_since, l.resumed_at, "
    "a.machine, a.line, a.criticality, m.masked_since FROM looks l "
    f"LEFT JOIN assets a ON a.id = l.asset AND {NEWEST} "
    "LEFT JOIN LATERAL (SELECT min(s.from_at) AS masked_since FROM observables o "
    "JOIN suppressions s ON s.asset = o.limits ->> 'sensor' AND s.from_at <= :now AND s.end_at > :now "
    "WHERE o.asset = l.asset AND o.kind = 'signal' AND o.name = l.signal) m ON true "
    "WHERE l.asset = '' OR a.valid_to IS NULL AND a.id IS NOT NULL ORDER BY l.source, l.asset, l.signal"
)
_IS_READ = text("SELECT EXISTS (SELECT FROM operating_states WHERE machine = :machine)")
_ONE: Final = "source = :source AND asset = :asset AND signal = :signal"
_MARK = text(f"UPDATE looks SET blind_since = :since, resumed_at = NULL WHERE {_ONE}")
_ADD = text(
    "INSERT INTO blind_spells (source, asset, signal, reason, seen_at, began_at, found_at) "
    "VALUES (:source, :asset, :signal, :reason, :seen_at, :began_at, :found_at)"
)
_OPEN = text(
    "SELECT s.source, s.asset, s.signal, s.reason, s.seen_at, s.began_at, s.ended_at, l.resumed_at "
    "FROM blind_spells s JOIN looks l USING (source, asset, signal) WHERE s.ended_at IS NULL "
    "ORDER BY s.source, s.asset, s.signal"
)
_END = text(f"UPDATE blind_spells SET ended_at = :ended_at WHERE {_ONE} AND ended_at IS NULL")


class _LookRow(NamedTuple):
    source: str
    asset: str
    signal: str
    first_at: datetime
    seen_at: datetime
    blind_since: datetime | None
    resumed_at: datetime | None
    machine: str | None
    line: str | None
    criticality: str | None
    masked_since: datetime | None

    @property
    def stays_blind(self) -> bool:
        """Whether it was found blind, and nobody looked since."""
        return self.blind_since is not None and self.resumed_at is None


class SpellRow(NamedTuple):
    """A row of `blind_spells`."""

    source: str
    asset: str
    signal: str
    reason: str
    seen_at: datetime
    began_at: datetime
    ended_at: datetime | None

    @property
    def watch(self) -> Watch:
        """What was blind."""
        return Watch(self.source, self.asset, self.signal)

    @property
    def spell(self) -> BlindSpell:
        """The time in which it was blind."""
        return BlindSpell(
            source=self.source,
            asset=self.asset or None,
            signal=self.signal or None,
            reason=BlindReason(self.reason),
            seen_at=self.seen_at.astimezone(UTC),
            began_at=self.began_at,
            ended_at=self.ended_at,
        )


class _OpenSpell(NamedTuple):
    row: SpellRow
    resumed_at: datetime | None


class BlindSpellStore:
    """See `domain.freshness.BlindWatch`.

    Args:
        engine: the database.
        clock: the plant's time.
        promises: how often each source promises to look.
        interval: how often an MES is asked what its machines do.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock, promises: Promises, interval: timedelta) -> None:
        self._engine = engine
        self._clock = clock
        self._promises = promises
        self._interval = interval

    async def look(self) -> Sequence[BlindSpell]:
        async with transaction(self._engine) as connection:
            await connection.execute(_LOCK)
            now = self._clock.now()
            entry = ledger.Entry(now)
            if self._promises:
                await connection.execute(_BEGIN, {"now": now, "sources": sorted(self._promises)})
            found = await seen_watches(connection, self._promises, now, self._interval)
            blind = {_watch(each): each for each in found if each.reason is BlindReason.SILENT}
            changed = [*await self._end(connection, set(blind), entry), *await self._begin(connection, blind, entry)]
            await ledger.append(connection, entry)
        return changed

    async def _begin(
        self, connection: AsyncConnection, blind: dict[Watch, SeenWatch], entry: ledger.Entry
    ) -> Sequence[BlindSpell]:
        open_ = {each.row.watch for each in await _open_spells(connection)}
        began = []
        for watch, seen in blind.items():
            if watch in open_ or seen.since is None:
                continue
            spell = BlindSpell(
                source=watch.source,
                asset=seen.asset,
                signal=seen.signal,
                reason=BlindReason.SILENT,
                seen_at=seen.seen_at,
                began_at=seen.since,
                ended_at=None,
            )
            key = watch._asdict()
            told = {"reason": spell.reason.value, "seen_at": spell.seen_at, "began_at": spell.began_at}
            await connection.execute(_ADD, {**key, **told, "found_at": entry.at})
            await connection.execute(_MARK, {**key, "since": spell.began_at})
            entry.add(ledger.act(BEGAN, subject_of(watch), _WATCHED_BY, entry.at, _detail(spell)))
            began.append(spell)
        return began

    async def _end(self, connection: AsyncConnection, blind: set[Watch], entry: ledger.Entry) -> Sequence[BlindSpell]:
        ended = []
        for row, resumed_at in await _open_spells(connection):
            if row.watch in blind and resumed_at is None:
                continue
            ended_at = max(row.began_at, resumed_at or entry.at)
            spell = row._replace(ended_at=ended_at).spell
            await connection.execute(_END, {**row.watch._asdict(), "ended_at": ended_at})
            await connection.execute(_MARK, {**row.watch._asdict(), "since": None})
            entry.add(ledger.act(ENDED, subject_of(row.watch), _WATCHED_BY, entry.at, _detail(spell)))
            ended.append(spell)
        return ended


def subject_of(watch: Watch) -> str:
    """The subject of the acts on a watch."""
    return "/".join(("blind", *(part for part in watch if part)))


async def seen_watches(
    connection: AsyncConnection, promises: Promises, now: datetime, interval: timedelta
) -> list[SeenWatch]:
    """Everything that sources look at, with what is known of it at a time. What belongs to a retired asset is left out.

    Args:
        interval: how often an MES is asked what its machines do.
    """
    rows = [_LookRow._make(row) for row in await connection.execute(_LOOKS, {"now": now})]
    silent = [
        row
        for row in rows
        if row.source in promises and now - row.seen_at > promises[row.source] and not row.stays_blind
    ]
    spells = await _spells(connection, silent, now, INTERVALS * interval)
    return [_seen(row, promises.get(row.source), _time(row, spells, now), now) for row in rows]


async def _spells(
    connection: AsyncConnection, silent: Iterable[_LookRow], now: datetime, stale_after: timedelta
) -> dict[str, Sequence[MachineSpell]]:
    """What is known of the machines of what is silent. A machine of which no MES ever told is left out."""
    since: dict[str, datetime] = {}
    for row in silent:
        if row.machine is not None:
            since[row.machine] = min(row.seen_at, since.get(row.machine, now))
    found = {}
    for machine, earliest in since.items():
        if await connection.scalar(_IS_READ, {"machine": machine}):
            found[machine] = await machine_spells(connection, machine, earliest, now, stale_after)
    return found


async def running_spells(
    connection: AsyncConnection, machine: str | None, since: datetime, until: datetime, stale_after: timedelta
) -> list[Stretch]:
    """When a machine ran in a time, by what is known. Where no MES ever told of it, all time counts."""
    if machine is None or not await connection.scalar(_IS_READ, {"machine": machine}):
        return [Stretch(since, until)]
    spells = await machine_spells(connection, machine, since, until, stale_after)
    ran = (Stretch(max(each.since, since), min(each.until, until)) for each in spells if each.running)
    return [span for span in ran if span.since < span.until]


def _time(row: _LookRow, spells: dict[str, Sequence[MachineSpell]], now: datetime) -> MachineTime:
    """Of a machine of which no MES tells, and of a source alone, all time counts."""
    all_time = [MachineSpell(min(row.seen_at, now), now, running=True)]
    known = spells.get(row.machine, all_time) if row.machine is not None else all_time
    return MachineTime(known, while_running=True)


def _seen(row: _LookRow, promise: timedelta | None, time: MachineTime, now: datetime) -> SeenWatch:
    if promise is not None and row.stays_blind:
        known = WatchState(state=Freshness.BLIND, reason=BlindReason.SILENT, since=row.blind_since)
    else:
        known = watch_state(row.seen_at, promise, time, now, row.masked_since)
    return SeenWatch(
        source=row.source,
        asset=row.asset or None,
        signal=row.signal or None,
        machine=row.machine,
        line=row.line,
        criticality=None if row.criticality is None else Criticality(row.criticality),
        promise=promise,
        seen_at=row.seen_at.astimezone(UTC),
        state=known.state,
        reason=known.reason,
        since=known.since,
    )


def _watch(seen: SeenWatch) -> Watch:
    return Watch(seen.source, seen.asset or NO_NAME, seen.signal or NO_NAME)


async def _open_spells(connection: AsyncConnection) -> list[_OpenSpell]:
    return [_OpenSpell(SpellRow._make(row[:-1]), row[-1]) for row in await connection.execute(_OPEN)]


def _detail(spell: BlindSpell) -> dict[str, object]:
    told: dict[str, object] = {
        "source": spell.source,
        "asset": spell.asset,
        "signal": spell.signal,
        "reason": spell.reason.value,
        "seen_at": timestamp(spell.seen_at),
        "began_at": timestamp(spell.began_at),
    }
    if spell.ended_at is not None:
        told["ended_at"] = timestamp(spell.ended_at)
    return told
