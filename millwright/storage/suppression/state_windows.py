"""Windows while an MES says that a machine is in a planned stop, in setup, worked on or locked out."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import timestamp
from domain.operating import MachineState, OperatingState
from domain.suppression import Suppression, SuppressionKind, kind_during
from millwright.storage.ledger import ledger
from millwright.storage.suppression.suppressions import end_early, make, name_of, of_row

_FIELDS = ", ".join(Suppression.model_fields)
_LIVE = text(
    f"SELECT {_FIELDS} FROM suppressions "
    "WHERE kind IN ('standstill', 'out_of_service') AND made_by = :system AND ended_by IS NULL "
    "AND returned_at IS NULL ORDER BY id FOR UPDATE"
)
# The newest window of a machine, unless the machine was in another state since, as far as that is known.
_OF_THIS_STAY = text(
    f"SELECT {_FIELDS} FROM suppressions s WHERE kind = :kind AND made_by = :system AND asset = :machine "
    "AND NOT EXISTS (SELECT FROM operating_states o WHERE o.machine = s.asset AND o.system = s.made_by "
    "AND o.read_at > s.from_at AND o.body::json ->> 'state' <> ALL(:same)) ORDER BY from_at DESC LIMIT 1"
)


async def follow_states(
    connection: AsyncConnection,
    system: str,
    read_at: datetime,
    said: Mapping[str, OperatingState],
    longest: timedelta | None,
    entry: ledger.Entry,
) -> None:
    """Opens a window for each machine that a reading says is in such a state, and ends those of other machines.

    The limit counts from the first window of a stay: a stay lasts from when a machine comes into the state until it is
    known to be in another one. A window that has reached the limit, or that a person ended, is not followed by another
    in the same stay. One that ended because nothing was known of the machine for a while is.

    Args:
        system: the MES instance.
        read_at: when it was read. The states of this reading are stored.
        said: what it says, by the machine's id.
        longest: how long a stay is suppressed at most; None opens no window.
    """
    live = {window.asset: window for window in await _live(connection, system)}
    for machine, window in live.items():
        state = said.get(machine)
        if longest is None or state is None or kind_during(state.state) is not window.kind:
            now_says = "nothing" if state is None else state.word
            await end_early(connection, window, read_at, system, f"{system} says {now_says} of {machine}", entry)
    if longest is None:
        return
    for machine, state in sorted(said.items()):
        kind = kind_during(state.state)
        if kind is None or (machine in live and live[machine].kind is kind):
            continue
        until = await _until(connection, system, machine, kind, read_at + longest)
        if until is None or until <= max(read_at, entry.at):
            continue
        made = Suppression(
            id=name_of("ST", system, machine, timestamp(read_at)),
            kind=kind,
            asset=machine,
            from_at=read_at,
            until_at=until,
            end_at=until,
            reason=f"{system} says {state.word} of {machine}",
            made_by=system,
            made_at=entry.at,
            source=f"operating/{system}",
        )
        await make(connection, made, entry)


async def end_unread(
    connection: AsyncConnection, system: str, last: datetime, at: datetime, entry: ledger.Entry
) -> int:
    """Ends all such windows of an MES, because nobody knows whether they still apply; returns how many there were.

    Args:
        last: when it was last read.
        at: when that became too long ago.
    """
    live = await _live(connection, system)
    for window in live:
        why = f"{system} has not been read since {timestamp(last)}"
        await end_early(connection, window, at, "millwright", why, entry)
    return len(live)


async def _until(
    connection: AsyncConnection, system: str, machine: str, kind: SuppressionKind, first: datetime
) -> datetime | None:
    """The planned end of a new window; None if there is none in this stay any more.

    Args:
        first: the planned end if it is the first of its stay.
    """
    same = [state.value for state in MachineState if kind_during(state) is kind or state is MachineState.UNKNOWN]
    values = {"kind": kind.value, "system": system, "machine": machine, "same": same}
    row = (await connection.execute(_OF_THIS_STAY, values)).mappings().one_or_none()
    if row is None:
        return first
    before = of_row(row)
    by_a_person = before.ended_by not in (None, system, "millwright")
    return None if by_a_person or before.ended_by is None else before.until_at


async def _live(connection: AsyncConnection, system: str) -> list[Suppression]:
    return [of_row(row) for row in (await connection.execute(_LIVE, {"system": system})).mappings()]
