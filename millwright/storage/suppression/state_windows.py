"""Windows while an MES says that a machine is in a planned stop, in setup, worked on or locked out."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import timestamp
from domain.operating import MachineState, OperatingState
from domain.suppression import Suppression, SuppressionKind, kind_during
from millwright.storage.ledger import ledger
from millwright.storage.suppression.suppressions import FIELDS, end_early, live_of_source, make, name_of, of_row

_OURSELVES: Final = "millwright"
_KINDS: Final = (SuppressionKind.STANDSTILL, SuppressionKind.OUT_OF_SERVICE)
# The newest window of each machine, unless the machine was in another state since, as far as that is known.
_OF_THIS_STAY = text(
    f"SELECT DISTINCT ON (asset) {FIELDS} FROM suppressions s WHERE source = :source AND kind = :kind "
    "AND asset = ANY(:machines) AND NOT EXISTS (SELECT FROM operating_states o WHERE o.machine = s.asset "
    "AND o.system = s.made_by AND o.read_at > s.from_at AND o.body::json ->> 'state' <> ALL(:same)) "
    "ORDER BY asset, from_at DESC"
)


async def follow_states(
    connection: AsyncConnection,
    system: str,
    read_at: datetime,
    said: Mapping[str, OperatingState],
    longest: timedelta | None,
    entry: ledger.Entry,
) -> None:
    """Opens a window for each machine that a reading says is in such a state, and ends the window of each that is not.

    The limit counts from the first window of a stay: a stay lasts from when a machine comes into the state until it is
    known to be in another one. A window that has reached the limit, or that a person ended, is not followed by another
    in the same stay. One that ended because nothing was known of the machine for a while is followed by another.

    Args:
        system: the MES instance.
        read_at: when it was read. The states of this reading are stored.
        said: what it says, by the machine's id.
        longest: how long a stay is suppressed at most; None opens no window.
    """
    live = {window.asset: window for window in await live_of_source(connection, _KINDS, _source(system))}
    for machine, window in live.items():
        state = said.get(machine)
        if longest is None or state is None or kind_during(state.state) is not window.kind:
            now_says = "nothing" if state is None else state.word
            await end_early(connection, window, read_at, system, f"{system} says {now_says} of {machine}", entry)
    if longest is None:
        return
    for kind in _KINDS:
        machines = [machine for machine, state in sorted(said.items()) if kind_during(state.state) is kind]
        wanted = [machine for machine in machines if machine not in live or live[machine].kind is not kind]
        stays = await _stays(connection, system, kind, wanted)
        for machine in wanted:
            until = _until(stays.get(machine), read_at + longest)
            if until is None or until <= max(read_at, entry.at):
                continue
            made = Suppression(
                id=name_of("ST", system, machine, timestamp(read_at)),
                kind=kind,
                asset=machine,
                from_at=read_at,
                until_at=until,
                end_at=until,
                reason=f"{system} says {said[machine].word} of {machine}",
                made_by=system,
                made_at=entry.at,
                source=_source(system),
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
    live = await live_of_source(connection, _KINDS, _source(system))
    for window in live:
        why = f"{system} has not been read since {timestamp(last)}"
        await end_early(connection, window, at, _OURSELVES, why, entry)
    return len(live)


async def _stays(
    connection: AsyncConnection, system: str, kind: SuppressionKind, machines: Collection[str]
) -> Mapping[str, Suppression]:
    """The newest window of this stay, of each machine that has one."""
    if not machines:
        return {}
    same = [state.value for state in MachineState if kind_during(state) is kind or state is MachineState.UNKNOWN]
    values = {"kind": kind.value, "source": _source(system), "machines": list(machines), "same": same}
    windows = [of_row(row) for row in (await connection.execute(_OF_THIS_STAY, values)).mappings()]
    return {window.asset: window for window in windows}


def _until(before: Suppression | None, first: datetime) -> datetime | None:
    """The planned end of a new window; None if there is none in this stay any more.

    Args:
        before: the newest window of the stay.
        first: the planned end if there was none.
    """
    if before is None:
        return first
    in_doubt = before.ended_by in (before.made_by, _OURSELVES)
    return before.until_at if in_doubt else None


def _source(system: str) -> str:
    return f"operating/{system}"
