"""Freeze windows, in which no version may come into force, except in an emergency or by a rollback."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.act_scopes import WHOLE_PLANT
from domain.approvals import one_line
from domain.canonical import timestamp
from domain.clock import Clock
from domain.errors import ActRejected
from millwright.storage.database.act_scopes import machines_of
from millwright.storage.database.engine import transaction
from millwright.storage.ledger import ledger
from millwright.storage.policies.assignments import lock_to_assign

_FREEZES = text(
    "SELECT f.id, f.begins_at, f.ends_at, f.frozen_by, f.reason, t.thawed_by "
    "FROM policy_freezes f LEFT JOIN policy_thaws t ON t.freeze_id = f.id ORDER BY f.id"
)
_AT = text(
    "SELECT f.begins_at, f.ends_at, f.frozen_by, f.reason FROM policy_freezes f "
    "WHERE f.begins_at <= :at AND f.ends_at > :at AND NOT EXISTS (SELECT FROM policy_thaws t WHERE t.freeze_id = f.id) "
    "ORDER BY f.id LIMIT 1"
)
_INSIDE = text(
    "SELECT count(*) FROM policy_assignments a WHERE a.role <> 'shadow' AND a.effective_from > :now "
    "AND a.effective_from >= :begins AND a.effective_from < :ends "
    "AND NOT EXISTS (SELECT FROM policy_assignment_ends e WHERE e.assignment_id = a.id)"
)
_FREEZE = text(
    "INSERT INTO policy_freezes (begins_at, ends_at, frozen_by, recorded_at, reason) "
    "VALUES (:begins, :ends, :by, :now, :reason) RETURNING id"
)
_THAW = text(
    "INSERT INTO policy_thaws (freeze_id, thawed_by, recorded_at, reason) VALUES (:freeze, :by, :now, :reason)"
)


class _WindowRow(NamedTuple):
    begins_at: datetime
    ends_at: datetime
    frozen_by: str
    reason: str


class Freeze(NamedTuple):
    """A freeze window; `thawed_by` is None unless somebody has lifted it."""

    id: int
    begins_at: datetime
    ends_at: datetime
    frozen_by: str
    reason: str
    thawed_by: str | None


class Declared(NamedTuple):
    """A freeze window that was declared: its number, and how many machines it reaches."""

    freeze: int
    machines: int


async def frozen_at(connection: AsyncConnection, at: datetime) -> str | None:
    """The freeze window at a time, as text; None if there is none."""
    row = (await connection.execute(_AT, {"at": at})).one_or_none()
    if row is None:
        return None
    window = _WindowRow._make(row)
    period = f"from {timestamp(window.begins_at)} to {timestamp(window.ends_at)}"
    return f"{window.frozen_by} froze policies {period}: {window.reason}"


class FreezeStore:
    """Declares and lifts freeze windows.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def freeze(self, begins_at: datetime, ends_at: datetime, by: str, reason: str) -> Declared:
        """Declares a window for the whole plant.

        Raises:
            ActRejected: it ends before it begins, the reason is missing, or a version will come into force inside it.
        """
        now, why = self._clock.now(), one_line(reason)
        if ends_at <= begins_at:
            raise ActRejected("ends before it begins", field="to")
        if not why:
            raise ActRejected("is empty", field="reason", fix="say why")
        async with transaction(self._engine) as connection:
            await lock_to_assign(connection)
            inside = await connection.scalar(_INSIDE, {"now": now, "begins": begins_at, "ends": ends_at})
            if inside:
                problem = f"{inside} assignments will come into force inside it"
                raise ActRejected(problem, field="from", fix="withdraw those first")
            values = {"begins": begins_at, "ends": ends_at, "by": by, "now": now, "reason": why}
            number: int = (await connection.execute(_FREEZE, values)).scalar_one()
            entry = ledger.Entry(now)
            detail: dict[str, object] = {"from": timestamp(begins_at), "to": timestamp(ends_at), "reason": why}
            entry.add(ledger.act("policies-frozen", f"freeze/{number}", by, now, detail))
            await ledger.append(connection, entry)
            machines = await machines_of(connection, WHOLE_PLANT)
        return Declared(number, len(machines))

    async def thaw(self, number: int, by: str, reason: str) -> None:
        """Lifts a window.

        Raises:
            ActRejected: there is no such window, it was already lifted, or the reason is missing.
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
