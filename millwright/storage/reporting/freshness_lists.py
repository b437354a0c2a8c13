"""Lists of freshness: what is looked at, the times in which it was blind, and how the objective is met."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.assets import Criticality
from domain.freshness import INTERVALS, BlindSpell, Freshness, Promises, SeenWatch
from domain.heartbeats import Watch
from domain.objectives import PERIOD, FreshnessObjective, Stretch, WatchTime, objectives
from millwright.storage.database.asset_rows import NEWEST
from millwright.storage.database.engine import transaction
from millwright.storage.operating.blind_spells import SpellRow, running_spells, seen_watches

_SPELLS = text(
    "SELECT source, asset, signal, reason, seen_at, began_at, ended_at FROM blind_spells "
    "WHERE ended_at IS NULL OR ended_at > :since ORDER BY began_at, source, asset, signal"
)
# What is monitored, with since when.
_MONITORED = text(
    "SELECT l.source, l.asset, l.signal, l.first_at, a.machine, a.criticality FROM looks l "
    f"JOIN assets a ON a.id = l.asset AND {NEWEST} AND a.valid_to IS NULL WHERE l.source = ANY(:sources)"
)
_STILL_BLIND = text("SELECT count(*) FROM blind_spells WHERE ended_at IS NULL")
_ORDER = {state: place for place, state in enumerate(Freshness)}


class _MonitoredRow(NamedTuple):
    source: str
    asset: str
    signal: str
    first_at: datetime
    machine: str | None
    criticality: str | None


async def watches(
    engine: AsyncEngine, promises: Promises, now: datetime, interval: timedelta, *, under: str | None = None
) -> list[SeenWatch]:
    """What sources look at, with what is known of it now, the worst first.

    Args:
        interval: how often an MES is asked what its machines do.
        under: only what belongs to this asset, machine or line.
    """
    async with transaction(engine) as connection:
        found = await seen_watches(connection, promises, now, interval)
    wanted = [each for each in found if under is None or under in (each.asset, each.machine, each.line)]
    return sorted(wanted, key=lambda each: _ORDER[each.state])


async def blind_spells(engine: AsyncEngine, since: datetime) -> list[BlindSpell]:
    """The times in which something was blind after a moment, the first to begin first."""
    async with transaction(engine) as connection:
        return [row.spell for row in await _spell_rows(connection, since)]


async def open_blind_spells(engine: AsyncEngine) -> int:
    """How much is blind, as it was found at the last look."""
    async with transaction(engine) as connection:
        return int((await connection.execute(_STILL_BLIND)).scalar_one())


async def freshness_objectives(
    engine: AsyncEngine, promises: Promises, target: float, now: datetime, interval: timedelta
) -> list[FreshnessObjective]:
    """How each criticality meets the objective. A source that only says that it is alive belongs to none.

    Args:
        target: a share, above 0 and below 1.
        interval: how often an MES is asked what its machines do.
    """
    async with transaction(engine) as connection:
        monitored = await connection.execute(_MONITORED, {"sources": list(promises)})
        rows = [_MonitoredRow._make(row) for row in monitored]
        blind: dict[Watch, list[Stretch]] = {}
        machines = {Watch(row.source, row.asset, row.signal): row.machine for row in rows}
        for spell in await _spell_rows(connection, now - PERIOD):
            watch = spell.watch
            if watch in machines:
                since, until = max(spell.began_at, now - PERIOD), spell.ended_at or now
                ran = await running_spells(connection, machines[watch], since, until, INTERVALS * interval)
                blind.setdefault(watch, []).extend(ran)
    times = [
        WatchTime(
            # A criticality that nobody has said counts as the highest.
            criticality=Criticality(row.criticality or Criticality.A),
            monitored=Stretch(row.first_at, now),
            blind=blind.get(Watch(row.source, row.asset, row.signal), []),
        )
        for row in rows
    ]
    return objectives(times, target, now)


async def _spell_rows(connection: AsyncConnection, since: datetime) -> Sequence[SpellRow]:
    return [SpellRow._make(row) for row in await connection.execute(_SPELLS, {"since": since})]
