"""Shelves and windows as stored: made and ended."""

import base64
import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.act_scopes import ActScope
from domain.assets import Criticality
from domain.canonical import duration, timestamp
from domain.clock import Clock
from domain.errors import ActRejected
from domain.keys import suppression_subject
from domain.model import Model, Moment
from domain.suppression import Suppression, SuppressionKind
from millwright.storage.database.act_scopes import reach
from millwright.storage.database.engine import transaction
from millwright.storage.ledger import ledger
from millwright.storage.scheduling import due

_BELOW = text(
    "SELECT min(criticality) AS criticality FROM assets WHERE valid_to IS NULL AND :asset IN (id, machine, line, site)"
)
_IS_SENSOR = text("SELECT id FROM assets WHERE id = :asset AND level = 'sensor' AND valid_to IS NULL")
_SHELVED = text(
    "SELECT id, end_at FROM suppressions WHERE kind = 'shelf' AND returned_at IS NULL AND end_at > :now "
    "AND asset = :asset AND failure_mode IS NOT DISTINCT FROM CAST(:mode AS text)"
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:asset, 1))")
_LIVE = text(
    "SELECT id FROM suppressions WHERE (id = :ref OR (asset = :ref AND kind = 'shelf')) AND returned_at IS NULL "
    "AND ended_by IS NULL ORDER BY id"
)
FIELDS = ", ".join(Suppression.model_fields)
_LIVE_OF_SOURCE = text(
    f"SELECT {FIELDS} FROM suppressions WHERE source = :source AND kind = ANY(:kinds) AND ended_by IS NULL "
    "AND returned_at IS NULL "
    "AND (CAST(:asset AS text) IS NULL OR asset = :asset) ORDER BY id FOR UPDATE"
)
_MAKE = text(
    f"INSERT INTO suppressions ({FIELDS}) VALUES ({', '.join(f':{name}' for name in Suppression.model_fields)})"
)
_END = text(
    "UPDATE suppressions SET end_at = :end_at, ended_by = :ended_by, ended_because = :ended_because WHERE id = :id"
)
_READ = f"SELECT {FIELDS} FROM suppressions WHERE id = :id"
_ONE, _ONE_LOCKED = text(_READ), text(f"{_READ} FOR UPDATE")
_MAX_REASON = 1000


class _ShelvedRow(NamedTuple):
    id: str
    end_at: datetime


class _IdRow(NamedTuple):
    id: str


class PlannedWindow(Model):
    """An entry of a plant's calendar: planned work or a planned stop of an asset and all below it.

    `source` names the entry: the same source and asset again with other times moves the window.
    """

    asset: str
    from_at: Moment
    until_at: Moment
    reason: str
    source: str


class Shelved(Suppression):
    """A shelf that was made, and how many machines it reaches."""

    machines: int


class WindowReport(Model):
    """What an import of windows did, and how many machines the windows of the calendar reach."""

    new: int
    moved: int
    unchanged: int
    past: int
    machines: int


class SuppressionStore:
    """Keeps shelves and windows. Their end is a due row in the plant's time; see
    `millwright.storage.cases.suppression_end`.

    Args:
        engine: the database.
        clock: the plant's time.
        shelving: how long an asset may be shelved at most, by its criticality.
        longest_window: how long a window may be at most.
    """

    def __init__(
        self, engine: AsyncEngine, clock: Clock, shelving: Mapping[Criticality, timedelta], longest_window: timedelta
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._shelving = shelving
        self._longest = longest_window

    async def shelve(
        self,
        asset: str,
        failure_mode: str | None,
        length: timedelta,
        by: str,
        reason: str,
        *,
        compensating_check: str | None = None,
        approver: bool = False,
    ) -> Shelved:
        """Shelves an asset and all below it, or one failure mode of theirs, from now on (ISA-18.2 clause 11.7).

        A sensor that is shelved is masked: its readings do not act. On criticality A only an approver does that.

        Args:
            compensating_check: what people do instead of the masked sensor; it is recorded with the reason.
            approver: whether this person has the role of an approver.

        Raises:
            ActRejected: the asset or the failure mode is unknown, no machine belongs to the asset, it is shelved
                already, no reason is given, or it is for too long; or it is a sensor of criticality A, and the person
                is no approver or names no compensating check.
        """
        now = self._clock.now()
        why = _said(reason if compensating_check is None else f"{reason}; compensating check: {compensating_check}")
        async with transaction(self._engine) as connection:
            machines = await reach(connection, ActScope(asset=asset, failure_mode=failure_mode))
            strictest = await _criticality(connection, asset)
            if strictest is Criticality.A and await connection.scalar(_IS_SENSOR, {"asset": asset}):
                _refuse_unchecked(asset, compensating_check, approver=approver)
            limit = self._shelving[strictest]
            if not timedelta() < length <= limit:
                raise ActRejected(
                    f"{asset} may be shelved for {duration(limit)} at most (criticality {strictest.value})",
                    field="for",
                    fix="shelve it for less, and again when it comes back",
                )
            # Two who shelve the same at the same moment: the second sees the first.
            await connection.execute(_LOCK, {"asset": asset})
            values = {"now": now, "asset": asset, "mode": failure_mode}
            row = (await connection.execute(_SHELVED, values)).one_or_none()
            if row is not None:
                there = _ShelvedRow._make(row)
                raise ActRejected(
                    f"{asset} is shelved until {there.end_at:%Y-%m-%d %H:%M} UTC by {there.id}",
                    field="asset",
                    fix=f"`millwright unshelve {there.id}` first",
                )
            made = Suppression(
                id=await _free_id(connection, "SH", asset, failure_mode or "", timestamp(now)),
                kind=SuppressionKind.SHELF,
                asset=asset,
                failure_mode=failure_mode,
                from_at=now,
                until_at=now + length,
                end_at=now + length,
                reason=why,
                made_by=by,
                made_at=now,
            )
            entry = ledger.Entry(now)
            await make(connection, made, entry)
            await ledger.append(connection, entry)
        return Shelved(**made.model_dump(), machines=len(machines))

    async def live(self, ref: str) -> str:
        """The id of what is not over yet: by its own id, or by the asset that is shelved.

        Raises:
            ActRejected: there is none, or several.
        """
        async with transaction(self._engine) as connection:
            found = [_IdRow._make(row).id for row in await connection.execute(_LIVE, {"ref": ref})]
        if not found:
            raise ActRejected(f"nothing is shelved as {ref}", field="ref", fix="see `millwright shelved`")
        if len(found) > 1:
            raise ActRejected(f"several shelves are on {ref}", field="ref", fix=f"give one: {', '.join(found)}")
        return found[0]

    async def end(self, suppression: str, by: str, reason: str) -> Suppression:
        """Ends a shelf or a window now: `unshelve`. What it held back is looked at by the next worker.

        Raises:
            ActRejected: there is none, or it has ended.
        """
        now = self._clock.now()
        why = _said(reason)
        async with transaction(self._engine) as connection:
            found = await read_suppression(connection, suppression, lock=True)
            if found.returned_at is not None or found.ended_by is not None or found.end_at <= now:
                raise ActRejected(f"{suppression} ended {found.end_at:%Y-%m-%d %H:%M} UTC", field="id")
            entry = ledger.Entry(now)
            ended = await end_early(connection, found, now, by, why, entry)
            await ledger.append(connection, entry)
        return ended

    async def keep_windows(self, windows: Sequence[PlannedWindow], by: str) -> WindowReport:
        """Takes over a calendar's windows: all of them, or none.

        The same entry with other times ends the window it was and makes another; one that is over is left out. What
        began before now holds from now on.

        Raises:
            ActRejected: an asset is unknown, no machine belongs to it, or a window is too long.
        """
        now = self._clock.now()
        counts = {"new": 0, "moved": 0, "unchanged": 0, "past": 0}
        async with transaction(self._engine) as connection:
            entry = ledger.Entry(now)
            machines: set[str] = set()
            for window in windows:
                machines |= await reach(connection, ActScope(asset=window.asset))
                counts[await self._keep_window(connection, window, by, now, entry)] += 1
            await ledger.append(connection, entry)
        return WindowReport(**counts, machines=len(machines))

    async def _keep_window(
        self, connection: AsyncConnection, window: PlannedWindow, by: str, now: datetime, entry: ledger.Entry
    ) -> str:
        length = window.until_at - window.from_at
        if not timedelta() < length <= self._longest:
            raise ActRejected(
                f"{window.source}: a window lasts {duration(self._longest)} at most and ends after it begins",
                field="until",
                fix="correct it, or raise MILLWRIGHT_WINDOW_LIMIT",
            )
        earlier = await live_of_source(connection, (SuppressionKind.WINDOW,), window.source, window.asset)
        if any(
            (suppression.from_at, suppression.until_at) == (max(window.from_at, suppression.made_at), window.until_at)
            for suppression in earlier
        ):
            return "unchanged"
        for suppression in earlier:
            await end_early(connection, suppression, now, by, "moved in the calendar", entry)
        if window.until_at <= now:
            return "moved" if earlier else "past"
        name = (window.source, window.asset, timestamp(window.from_at), timestamp(window.until_at))
        made = Suppression(
            id=await _free_id(connection, "WN", *name),
            kind=SuppressionKind.WINDOW,
            asset=window.asset,
            # What was judged before is not suppressed afterwards.
            from_at=max(window.from_at, now),
            until_at=window.until_at,
            end_at=window.until_at,
            reason=_said(window.reason),
            made_by=by,
            made_at=now,
            source=window.source,
        )
        await make(connection, made, entry)
        return "moved" if earlier else "new"


def _refuse_unchecked(sensor: str, compensating_check: str | None, *, approver: bool) -> None:
    if not approver:
        raise ActRejected(
            f"{sensor} is a sensor of criticality A", field="asset", fix="ask a person with the role approver"
        )
    if compensating_check is None:
        raise ActRejected(
            f"{sensor} is a sensor of criticality A",
            field="compensating_check",
            fix="name the check that people make instead while it is masked",
        )


async def make(connection: AsyncConnection, made: Suppression, entry: ledger.Entry) -> None:
    """Stores a shelf or a window, its act, and when it is to return."""
    await connection.execute(_MAKE, made.model_dump() | {"kind": made.kind.value})
    kind = "shelved" if made.kind is SuppressionKind.SHELF else "window-opened"
    told = made.model_dump(mode="json", exclude_none=True)
    reported = made.kind.reported
    entry.add(ledger.act(kind, suppression_subject(made.id), made.made_by, entry.at, told, reported=reported))
    await due.wake(connection, [suppression_subject(made.id)], made.until_at)


async def end_early(
    connection: AsyncConnection, suppression: Suppression, at: datetime, by: str, reason: str, entry: ledger.Entry
) -> Suppression:
    """Ends one before its time, at an instant within it; it returns at the next look."""
    end_at = max(suppression.from_at, min(at, suppression.end_at))
    values = {"end_at": end_at, "ended_by": by, "ended_because": reason}
    await connection.execute(_END, values | {"id": suppression.id})
    kind = "unshelved" if suppression.kind is SuppressionKind.SHELF else "window-ended"
    detail: dict[str, object] = {"end_at": timestamp(end_at), "reason": reason}
    reported = suppression.kind.reported and by == suppression.made_by
    entry.add(ledger.act(kind, suppression_subject(suppression.id), by, entry.at, detail, reported=reported))
    await due.wake(connection, [suppression_subject(suppression.id)], entry.at)
    return suppression.model_copy(update=values)


async def live_of_source(
    connection: AsyncConnection, kinds: Collection[SuppressionKind], source: str, asset: str | None = None
) -> list[Suppression]:
    """The windows of some kinds from one source that nobody has ended yet, locked; only those of an asset if one is
    given."""
    values = {"source": source, "kinds": [kind.value for kind in kinds], "asset": asset}
    return [of_row(row) for row in (await connection.execute(_LIVE_OF_SOURCE, values)).mappings()]


def name_of(prefix: str, *parts: str) -> str:
    """An id made of what a shelf or window stands for."""
    return prefix + base64.b32encode(hashlib.sha256("\x1f".join(parts).encode()).digest()).decode()[:8]


async def is_stored(connection: AsyncConnection, suppression: str) -> bool:
    """Whether there is a shelf or window of this id."""
    return (await connection.execute(_ONE, {"id": suppression})).one_or_none() is not None


async def _free_id(connection: AsyncConnection, prefix: str, *parts: str) -> str:
    attempt = 0
    while True:
        made = name_of(prefix, *parts, str(attempt))
        if not await is_stored(connection, made):
            return made
        attempt += 1


async def _criticality(connection: AsyncConnection, asset: str) -> Criticality:
    """The most critical of an asset and all below it; A where nobody has said."""
    found: str | None = await connection.scalar(_BELOW, {"asset": asset})
    return Criticality(found) if found is not None else Criticality.A


async def read_suppression(connection: AsyncConnection, suppression: str, *, lock: bool = False) -> Suppression:
    """One shelf or window.

    Raises:
        ActRejected: there is none.
    """
    found = await connection.execute(_ONE_LOCKED if lock else _ONE, {"id": suppression})
    row = found.mappings().one_or_none()
    if row is None:
        raise ActRejected(f"there is no shelf or window {suppression}", field="id", fix="see `millwright shelved`")
    return of_row(row)


def of_row(row: RowMapping) -> Suppression:
    """A shelf or a window from its row."""
    return Suppression.model_validate({name: row[name] for name in Suppression.model_fields})


def _said(reason: str) -> str:
    said = " ".join(reason.split())
    if not said:
        raise ActRejected("a reason is needed", field="reason", fix="say why")
    return said[:_MAX_REASON]
