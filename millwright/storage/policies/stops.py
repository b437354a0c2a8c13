"""Kill switches in storage. One person throws a switch; another person lifts it."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.act_scopes import ActScope
from domain.approvals import one_line
from domain.clock import Clock
from domain.errors import ActRejected
from domain.keys import case_workflow_id
from domain.stops import Stop, StoppableAction
from millwright.storage.database.act_scopes import reach
from millwright.storage.database.asset_rows import NEWEST
from millwright.storage.database.engine import transaction
from millwright.storage.ledger import ledger
from millwright.storage.scheduling import due

_STOPS = text(
    "SELECT s.id, s.action, s.site, s.asset_class, s.stopped_by, s.stopped_at, s.reason, l.lifted_by "
    "FROM action_stops s LEFT JOIN action_stop_lifts l ON l.stop_id = s.id ORDER BY s.id"
)
_STANDING = text(
    "SELECT s.id, s.action, s.site, s.asset_class, s.stopped_by, s.stopped_at, s.reason "
    "FROM cases c JOIN action_stops s ON s.action = :action AND (s.site IS NULL OR s.site = c.site) "
    f"LEFT JOIN assets a ON a.id = c.asset AND {NEWEST} "
    "WHERE c.id = :case AND (s.asset_class IS NULL OR s.asset_class = a.asset_class) "
    "AND NOT EXISTS (SELECT FROM action_stop_lifts l WHERE l.stop_id = s.id) ORDER BY s.id LIMIT 1"
)
_STANDING_ON = text(
    "SELECT s.id, s.action, s.site, s.asset_class, s.stopped_by, s.stopped_at, s.reason FROM action_stops s "
    f"LEFT JOIN assets a ON a.id = :machine AND {NEWEST} "
    "WHERE s.action = :action AND (s.site IS NULL OR s.site = a.site) "
    "AND (s.asset_class IS NULL OR s.asset_class = a.asset_class) "
    "AND NOT EXISTS (SELECT FROM action_stop_lifts l WHERE l.stop_id = s.id) ORDER BY s.id LIMIT 1"
)
_WAITING = text("SELECT id FROM cases WHERE closed_at IS NULL AND (CAST(:site AS text) IS NULL OR site = :site)")
_STOP = text(
    "INSERT INTO action_stops (action, site, asset_class, stopped_by, stopped_at, reason) "
    "VALUES (:action, :site, :asset_class, :by, :now, :reason) RETURNING id"
)
_LIFT = text(
    "INSERT INTO action_stop_lifts (stop_id, lifted_by, lifted_at, reason) VALUES (:stop, :by, :now, :reason) "
    "ON CONFLICT (stop_id) DO NOTHING RETURNING stop_id"
)


class _CaseRow(NamedTuple):
    id: str


class Stopped(NamedTuple):
    """A kill switch that was thrown: its number, and how many machines it reaches."""

    stop: int
    machines: int


class StopStore:
    """Throws and lifts kill switches.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def stop(
        self, action: StoppableAction, by: str, reason: str, *, site: str | None = None, asset_class: str | None = None
    ) -> Stopped:
        """Stops an action at once.

        Raises:
            ActRejected: the reason is missing, the site or the class is unknown, or no machine is in the scope.
        """
        why = _said(reason)
        now = self._clock.now()
        async with transaction(self._engine) as connection:
            machines = await reach(connection, ActScope(site=site, asset_class=asset_class))
            detail: dict[str, object] = {
                "action": action.value,
                "site": site,
                "asset_class": asset_class,
                "reason": why,
            }
            number: int = (await connection.execute(_STOP, {**detail, "by": by, "now": now})).scalar_one()
            entry = ledger.Entry(now)
            entry.add(ledger.act("action-stopped", f"stop/{number}", by, now, detail))
            await ledger.append(connection, entry)
        return Stopped(number, len(machines))

    async def lift(self, number: int, by: str, reason: str) -> None:
        """Lifts a switch, and wakes the cases that it may have stopped.

        Stopping must be fast, so one person is enough. To lift the switch, a second person is needed.

        Raises:
            ActRejected: there is no such switch, the reason is missing, or the same person threw it.
        """
        why = _said(reason)
        now = self._clock.now()
        async with transaction(self._engine) as connection:
            found = [stop for stop in await _stops(connection) if stop.id == number and stop.lifted_by is None]
            if not found:
                raise ActRejected(f"there is no stop {number} to lift", field="stop", fix="`millwright policy stops`")
            if found[0].stopped_by == by:
                raise ActRejected(f"{by} threw it, so another person must lift it", field="person")
            if await connection.scalar(_LIFT, {"stop": number, "by": by, "now": now, "reason": why}) is None:
                raise ActRejected(f"somebody else has just lifted stop {number}", field="stop")
            waiting = map(_CaseRow._make, await connection.execute(_WAITING, {"site": found[0].site}))
            await due.wake(connection, [case_workflow_id(case.id) for case in waiting], now)
            entry = ledger.Entry(now)
            entry.add(ledger.act("action-stop-lifted", f"stop/{number}", by, now, {"reason": why}))
            await ledger.append(connection, entry)

    async def stops(self) -> list[Stop]:
        """All switches, also lifted ones, oldest first."""
        async with transaction(self._engine) as connection:
            return await _stops(connection)


async def standing_stop(connection: AsyncConnection, case: str, action: StoppableAction) -> Stop | None:
    """The kill switch that stops an action of a case now; None if there is none."""
    row = (await connection.execute(_STANDING, {"case": case, "action": action.value})).mappings().one_or_none()
    return None if row is None else Stop.model_validate(dict(row))


async def stop_on_machine(connection: AsyncConnection, machine: str, action: StoppableAction) -> Stop | None:
    """The kill switch that stops an action on a machine now; None if there is none."""
    row = (
        (await connection.execute(_STANDING_ON, {"machine": machine, "action": action.value})).mappings().one_or_none()
    )
    return None if row is None else Stop.model_validate(dict(row))


async def _stops(connection: AsyncConnection) -> list[Stop]:
    return [Stop.model_validate(dict(row)) for row in (await connection.execute(_STOPS)).mappings()]


def _said(reason: str) -> str:
    why = one_line(reason)
    if not why:
        raise ActRejected("is empty", field="reason", fix="say why")
    return why
