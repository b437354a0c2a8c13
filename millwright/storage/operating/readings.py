"""Stores what an MES says of its machines: a row for each reading, and one for each machine that has changed. A reading
also opens and ends the windows in which machines that stand are quiet."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.assets import MES_SYSTEM, system_of
from domain.canonical import canonical, timestamp
from domain.clock import Clock
from domain.instances import SiteInstances
from domain.keys import mes_poll_name, poll_workflow_id
from domain.operating import MachineState, OperatingState
from millwright.storage.database.asset_rows import NAMES_THERE
from millwright.storage.database.engine import raw, transaction
from millwright.storage.ledger import ledger
from millwright.storage.scheduling import due
from millwright.storage.suppression.state_windows import end_unread, follow_states

READ: Final = "operating-read"
"""The kind of the act that records a reading."""

_MACHINES = text(
    f"SELECT a.id, a.site, n.external_id FROM ({NAMES_THERE}) n JOIN assets a ON a.id = n.asset "
    "WHERE a.valid_to IS NULL AND a.level = 'machine' ORDER BY a.id"
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 0))")
_LAST = text("SELECT max(read_at) FROM operating_readings WHERE system = :system")
_NEWEST = text(
    "SELECT k.machine, s.system, s.body FROM (SELECT id AS machine FROM assets WHERE level = 'machine' "
    "UNION SELECT unnest(CAST(:machines AS text[]))) k, "
    "LATERAL (SELECT system, body FROM operating_states WHERE machine = k.machine "
    "ORDER BY read_at DESC, system LIMIT 1) s"
)
_ADD_READING = "INSERT INTO operating_readings (system, read_at) VALUES (%s, %s)"
_ADD_STATES = """
INSERT INTO operating_states (machine, read_at, system, body)
SELECT machine, %s, %s, body FROM unnest(%b::text[], %b::text[]) AS s(machine, body)
"""
_NOT_TOLD: Final = "the MES is not asked for it any more"


class _MachineRow(NamedTuple):
    machine: str
    site: str | None
    name: str


class _NewestRow(NamedTuple):
    machine: str
    system: str
    body: str


class OperatingStateStore:
    """See `domain.operating.OperatingStates`.

    Args:
        engine: the database.
        clock: the plant's time.
        instances: which MES serves which site.
        stop_window: how long a machine's anomalies are suppressed at most while an MES says that it stands as planned,
            is set up, worked on or locked out; None suppresses none.
    """

    def __init__(
        self, engine: AsyncEngine, clock: Clock, instances: SiteInstances, stop_window: timedelta | None = None
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._instances = instances
        self._stop_window = stop_window

    async def machines(self, system: str) -> Mapping[str, str]:
        values = {"kind": MES_SYSTEM, "instance": system_of(MES_SYSTEM, system)}
        async with transaction(self._engine) as connection:
            rows = map(_MachineRow._make, await connection.execute(_MACHINES, values))
            return {row.name: row.machine for row in rows if self._instances.serving(row.site) == system}

    async def record_reading(
        self, system: str, read_at: datetime, said: Mapping[str, OperatingState], longest_gap: timedelta
    ) -> int:
        async with transaction(self._engine) as connection:
            subject = f"operating/{system}"
            await connection.execute(_LOCK, {"subject": subject})
            last: datetime | None = await connection.scalar(_LAST, {"system": system})
            if last is not None and last >= read_at:
                return 0
            known = await self._newest(connection, list(said))
            unbroken = last is not None and read_at - last <= longest_gap
            changed = dict(_changed(system, read_at, said, known, unbroken=unbroken))
            entry = ledger.Entry(self._clock.now())
            detail: dict[str, object] = {"read_at": timestamp(read_at), "said": changed}
            entry.add(ledger.act(READ, subject, system, entry.at, detail, reported=True))
            async with (await raw(connection)).cursor() as cursor:
                await cursor.execute(_ADD_READING, (system, read_at))
                if changed:
                    bodies = [canonical(state).decode() for state in changed.values()]
                    await cursor.execute(_ADD_STATES, (read_at, system, list(changed), bodies))
            if last is not None and not unbroken:
                await end_unread(connection, system, last, last + longest_gap, entry)
            await follow_states(connection, system, read_at, said, self._stop_window, entry)
            await ledger.append(connection, entry)
        return len(changed)

    async def record_silence(self, system: str, longest_gap: timedelta) -> None:
        async with transaction(self._engine) as connection:
            await connection.execute(_LOCK, {"subject": f"operating/{system}"})
            last: datetime | None = await connection.scalar(_LAST, {"system": system})
            entry = ledger.Entry(self._clock.now())
            if last is None or entry.at - last <= longest_gap:
                return
            if await end_unread(connection, system, last, last + longest_gap, entry):
                await ledger.append(connection, entry)

    async def generation(self, system: str) -> int:
        async with transaction(self._engine) as connection:
            return await due.generation(connection, _poll(system))

    async def finish(self, system: str, seen: int, next_at: datetime) -> None:
        async with transaction(self._engine) as connection:
            await due.settle(connection, _poll(system), seen, next_at)

    async def begin(self, system: str) -> None:
        """Makes the poll of an MES due, if it never was. From then on each pass makes the next one due."""
        async with transaction(self._engine) as connection:
            if not await due.generation(connection, _poll(system)):
                await due.wake(connection, [_poll(system)], self._clock.now())

    async def _newest(self, connection: AsyncConnection, machines: list[str]) -> dict[str, _NewestRow]:
        rows = map(_NewestRow._make, await connection.execute(_NEWEST, {"machines": machines}))
        return {row.machine: row for row in rows}


def _state(row: _NewestRow) -> OperatingState:
    return OperatingState.model_validate_json(row.body)


def _poll(system: str) -> str:
    return poll_workflow_id(mes_poll_name(system))


def _changed(
    system: str,
    read_at: datetime,
    said: Mapping[str, OperatingState],
    known: Mapping[str, _NewestRow],
    *,
    unbroken: bool,
) -> Iterator[tuple[str, OperatingState]]:
    """The machines of which a reading says something else than the newest row, each with what is stored of it."""
    for machine, state in sorted(said.items()):
        row = known.get(machine)
        before = _state(row) if row is not None and row.system == system else None
        stored = state.model_copy(
            update={"read_at": read_at, "said_at": None, "since": _since(state, before, read_at, unbroken=unbroken)}
        )
        if before is None or before.model_copy(update={"read_at": read_at}) != stored:
            yield machine, stored
    for machine, row in sorted(known.items()):
        if machine not in said and row.system == system:
            before = _state(row)
            if before.state is not MachineState.UNKNOWN:
                unknown = OperatingState(state=MachineState.UNKNOWN, word=_NOT_TOLD, read_at=read_at, since=read_at)
                yield machine, unknown


def _since(state: OperatingState, before: OperatingState | None, read_at: datetime, *, unbroken: bool) -> datetime:
    """Since when the machine is in this state: as the system says, or as far back as our readings show it."""
    if state.since is not None:
        return min(state.since, read_at)
    if before is not None and unbroken and before.state is state.state and before.since is not None:
        return before.since
    return read_at
