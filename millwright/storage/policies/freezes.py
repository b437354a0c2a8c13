"""Freeze windows, in which no version comes into force, except in an emergency or by a rollback that asks for no more.

A window holds for what was signed before it too: what was to start inside it does not start, and a person must sign it
again. `domain.assigning.FreezeWindow` says so, for judging and for every check.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.act_scopes import WHOLE_PLANT
from domain.approvals import one_line
from domain.assigning import FreezeWindow
from domain.canonical import timestamp
from domain.clock import Clock
from domain.errors import ActRejected
from millwright.storage.database.act_scopes import machines_of
from millwright.storage.database.engine import raw, transaction
from millwright.storage.ledger import ledger
from millwright.storage.policies.assignments import lock_to_assign
from millwright.storage.policies.checked_assignments import read_assignments

_FREEZES = text(
    "SELECT f.id, f.begins_at, f.ends_at, f.frozen_by, f.reason, t.thawed_by "
    "FROM policy_freezes f LEFT JOIN policy_thaws t ON t.freeze_id = f.id ORDER BY f.id"
)
_FREEZE = text(
    "INSERT INTO policy_freezes (begins_at, ends_at, frozen_by, recorded_at, reason) "
    "VALUES (:begins, :ends, :by, :now, :reason) RETURNING id"
)
_THAW = text(
    "INSERT INTO policy_thaws (freeze_id, thawed_by, recorded_at, reason) VALUES (:freeze, :by, :now, :reason)"
)


class Freeze(NamedTuple):
    """A freeze window; `thawed_by` is None unless somebody has lifted it."""

    id: int
    begins_at: datetime
    ends_at: datetime
    frozen_by: str
    reason: str
    thawed_by: str | None


class Declared(NamedTuple):
    """A freeze window that was declared: its number, how many machines it reaches, and how many assignments that
    were signed before will not start because of it."""

    freeze: int
    machines: int
    kept_out: int


class FreezeStore:
    """Declares and lifts freeze windows.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def freeze(self, begins_at: datetime | None, ends_at: datetime, by: str, reason: str) -> Declared:
        """Declares a window for the whole plant.

        Args:
            begins_at: None for now.

        Raises:
            ActRejected: it begins in the past, it ends before it begins, or the reason is missing.
        """
        now, why = self._clock.now(), one_line(reason)
        begins_at = begins_at or now
        if begins_at < now:
            raise ActRejected(f"{timestamp(begins_at)} is in the past", field="from", fix="leave it out for now")
        if ends_at <= begins_at:
            raise ActRejected("ends before it begins", field="to")
        if not why:
            raise ActRejected("is empty", field="reason", fix="say why")
        async with transaction(self._engine) as connection:
            await lock_to_assign(connection)
            values = {"begins": begins_at, "ends": ends_at, "by": by, "now": now, "reason": why}
            number: int = (await connection.execute(_FREEZE, values)).scalar_one()
            entry = ledger.Entry(now)
            detail: dict[str, object] = {"from": timestamp(begins_at), "to": timestamp(ends_at), "reason": why}
            entry.add(ledger.act("policies-frozen", f"freeze/{number}", by, now, detail))
            machines = await machines_of(connection, WHOLE_PLANT)
            placements = (await read_assignments(await raw(connection))).placements
            window = FreezeWindow(number, begins_at, ends_at, now)
            kept_out = sum(
                placement.freezes != () and not placement.ends and window.keeps_out(placement.starts_at, now)
                for placement in placements
            )
            await ledger.append(connection, entry)
        return Declared(number, len(machines), kept_out)

    async def thaw(self, number: int, by: str, reason: str) -> None:
        """Lifts a window.

        Raises:
            ActRejected: there is no such window, it was already lifted, the reason is missing, or the same person
                declared it.
        """
        now, why = self._clock.now(), one_line(reason)
        if not why:
            raise ActRejected("is empty", field="reason", fix="say why")
        async with transaction(self._engine) as connection:
            await lock_to_assign(connection)
            known = {freeze.id: freeze for freeze in await _freezes(connection)}
            if number not in known or known[number].thawed_by is not None:
                raise ActRejected(
                    f"there is no freeze {number} to lift", field="freeze", fix="`millwright policy freezes`"
                )
            if known[number].frozen_by == by:
                raise ActRejected(f"{by} declared it, so another person must lift it", field="person")
            await connection.execute(_THAW, {"freeze": number, "by": by, "now": now, "reason": why})
            entry = ledger.Entry(now)
            entry.add(ledger.act("policies-thawed", f"freeze/{number}", by, now, {"reason": why}))
            await ledger.append(connection, entry)

    async def freezes(self) -> list[Freeze]:
        """Every window, oldest first."""
        async with transaction(self._engine) as connection:
            return await _freezes(connection)


async def _freezes(connection: AsyncConnection) -> list[Freeze]:
    return [Freeze._make(row) for row in await connection.execute(_FREEZES)]
