"""Windows while an MES says that a machine is in a planned stop, in setup, worked on or locked out."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import timestamp
from domain.operating import OperatingState
from domain.suppression import Suppression, kind_during
from millwright.storage.ledger import ledger
from millwright.storage.suppression.suppressions import end_early, is_stored, make, name_of, of_row

_LIVE = text(
    f"SELECT {', '.join(Suppression.model_fields)} FROM suppressions "
    "WHERE kind IN ('standstill', 'out_of_service') AND made_by = :system AND ended_by IS NULL "
    "AND returned_at IS NULL ORDER BY id FOR UPDATE"
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

    A machine gets one window for each time that it comes into the state, however long that lasts: a window that has
    reached its limit, or that a person ended, is not opened again.

    Args:
        system: the MES instance.
        read_at: when it was read.
        said: what it says, by the machine's id, each with since when.
        longest: how long a window is at most; None opens none.
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
        name = name_of("ST", system, machine, kind.value, timestamp(state.since or read_at))
        if read_at + longest <= entry.at or await is_stored(connection, name):
            continue
        made = Suppression(
            id=name,
            kind=kind,
            asset=machine,
            from_at=read_at,
            until_at=read_at + longest,
            end_at=read_at + longest,
            reason=f"{system} says {state.word} of {machine}",
            made_by=system,
            made_at=entry.at,
            source=f"operating/{system}",
        )
        await make(connection, made, entry)


async def end_unread(connection: AsyncConnection, system: str, last: datetime, entry: ledger.Entry) -> int:
    """Ends all such windows of an MES that was last read at `last`, because nobody knows whether they still apply;
    returns how many there were."""
    live = await _live(connection, system)
    for window in live:
        why = f"{system} has not been read since {timestamp(last)}"
        await end_early(connection, window, entry.at, "millwright", why, entry)
    return len(live)


async def _live(connection: AsyncConnection, system: str) -> list[Suppression]:
    return [of_row(row) for row in (await connection.execute(_LIVE, {"system": system})).mappings()]
