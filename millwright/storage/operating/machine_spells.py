"""When a machine is known to have run, and when to have stood, by what was read of it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.operating import MachineState, OperatingState
from domain.return_to_normal import MachineSpell

# Each reading of the system that said last what the machine does, with what it said.
_SAID = text(
    "SELECT r.read_at, s.body FROM operating_readings r, LATERAL (SELECT system, body FROM operating_states "
    "WHERE machine = :machine AND read_at <= r.read_at ORDER BY read_at DESC, system LIMIT 1) s "
    "WHERE s.system = r.system AND r.read_at BETWEEN :since AND :until ORDER BY r.read_at"
)


class SaidThen(NamedTuple):
    """What a reading said of a machine, and since when it is in that state."""

    read_at: datetime
    state: MachineState
    since: datetime | None

    @property
    def running(self) -> bool | None:
        """Whether the machine ran; None if it is not known."""
        return None if self.state is MachineState.UNKNOWN else self.state.steady


class _SaidRow(NamedTuple):
    read_at: datetime
    body: str


async def machine_spells(
    connection: AsyncConnection, machine: str, since: datetime, until: datetime, stale_after: timedelta
) -> Sequence[MachineSpell]:
    """What is known of a machine from a time on, oldest first.

    Args:
        stale_after: for how long a reading says what the machine does.
    """
    state_of = cache(OperatingState.model_validate_json)
    asked = {"machine": machine, "since": since - stale_after, "until": until}
    said = []
    for row in map(_SaidRow._make, await connection.execute(_SAID, asked)):
        state = state_of(row.body)
        said.append(SaidThen(row.read_at.astimezone(UTC), state.state, state.since))
    return [*spells_of(said, until, stale_after)]


def spells_of(said: Sequence[SaidThen], until: datetime, stale_after: timedelta) -> Iterator[MachineSpell]:
    """What consecutive readings show.

    A machine ran between two readings if both say so, and the later one does not say that it began in between. It stood
    if both say so, and after the last reading while that is not too old. Of all other time nothing is known.
    """
    spell: MachineSpell | None = None
    for earlier, later in pairwise(said):
        if not _same_between(earlier, later, stale_after):
            continue
        if spell is not None and (spell.until, spell.running) == (earlier.read_at, earlier.running):
            spell = spell._replace(until=later.read_at)
            continue
        if spell is not None:
            yield spell
        spell = MachineSpell(earlier.read_at, later.read_at, bool(earlier.running))
    if spell is not None:
        yield spell
    if said and said[-1].running is False:
        yield MachineSpell(said[-1].read_at, min(until, said[-1].read_at + stale_after), running=False)


def _same_between(earlier: SaidThen, later: SaidThen, stale_after: timedelta) -> bool:
    if earlier.running is None or earlier.running is not later.running:
        return False
    unbroken = not later.running or later.since is None or later.since <= earlier.read_at
    return unbroken and later.read_at - earlier.read_at <= stale_after
