"""Checks what verdicts were told of a machine's operating state, from the earlier readings. Uses only standard Python.

A verdict is told what was read before its event, and nothing that was read after it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from millwright.audit.offline_following import FollowedReadings
from millwright.audit.offline_signatures import UNREADABLE, Row

OPERATING_READ = "operating-read"
"""The kind of the acts that record readings."""

_READ_AT = "read_at"


class _Known(NamedTuple):
    """When a state was first read, when it was last read before a time, and the state."""

    since: datetime
    read_at: datetime
    state: Row


class _Readings:
    """The readings of one MES: their times, and what each machine was said to do from a reading on."""

    def __init__(self) -> None:
        self.times: list[datetime] = []
        self.changes: dict[str, list[datetime]] = {}
        self.states: dict[str, list[Row]] = {}

    def add(self, at: datetime, said: Row) -> None:
        """Takes the next reading over."""
        self.times.append(at)
        for machine, state in said.items():
            self.changes.setdefault(machine, []).append(at)
            self.states.setdefault(machine, []).append(state)

    def then(self, machine: str, at: datetime, counted: int) -> _Known | None:
        """What was known of a machine at a time, by the first of the readings.

        Args:
            counted: how many of them count.
        """
        read = bisect_left(self.times, at, hi=counted)
        changed = bisect_right(self.changes.get(machine, []), self.times[read - 1]) if read else 0
        if not changed:
            return None
        return _Known(self.changes[machine][changed - 1], self.times[read - 1], self.states[machine][changed - 1])


class MachinesThen(FollowedReadings):
    """Follows the readings of operating states, and checks whether a verdict was told what they say of its machine."""

    told_of = "machine"
    told_as = "operating"

    def __init__(self, acts: Iterable[tuple[int, Row]] = ()) -> None:
        super().__init__(acts)
        self._systems: dict[str, _Readings] = {}
        self._newest = 0
        """How many readings there were, of all systems together."""
        self._told: dict[str, tuple[int, int]] = {}
        """By machine: how many readings there were at its last ledger row with verdicts before, and that row."""

    def follow(self, act: Row) -> None:
        try:
            system, detail = act["subject"].split("/", 1)[1], act["detail"]
            at, said = datetime.fromisoformat(detail[_READ_AT]), {**detail["said"]}
        except UNREADABLE:
            return
        self._systems.setdefault(system, _Readings()).add(at, said)
        self._newest += 1

    def fault(self, machine: str, told: Row | None, at: datetime, seq: int, *, uses: bool | None) -> str | None:
        first = self._is_first(machine, seq)
        if told is None:
            if not uses or any(each is None for each in self._possible(machine, at, first=first)):
                return None
            return f"it was not told what {machine} did, which had been read"
        if uses is False:
            return f"it was told what {machine} did, which its version does not use"
        given = datetime.fromisoformat(told[_READ_AT]), _without_reading(told)
        if given in self._possible(machine, at, first=first):
            return None
        return f"what it was told of {machine} is not what had been read before its event"

    def _is_first(self, machine: str, seq: int) -> bool:
        """Whether this is the machine's first ledger row with verdicts since the last reading."""
        readings, row = self._told.get(machine, (0, 0))
        if readings == self._newest and row != seq:
            return False
        self._told[machine] = (self._newest, seq)
        return True

    def _possible(self, machine: str, at: datetime, *, first: bool) -> Iterator[tuple[datetime, Row] | None]:
        """What may be told of a machine at a time: by all readings, and for the first row also without the last one."""
        yield self._then(machine, at, without_last=False)
        if first:
            yield self._then(machine, at, without_last=True)

    def _then(self, machine: str, at: datetime, *, without_last: bool) -> tuple[datetime, Row] | None:
        ignored = 1 if without_last else 0
        # Of two systems that said something new in one reading, the first by name counts.
        systems = (readings for _, readings in sorted(self._systems.items()))
        found = (readings.then(machine, at, len(readings.times) - ignored) for readings in systems)
        newest = max((known for known in found if known is not None), key=lambda known: known.since, default=None)
        return None if newest is None else (newest.read_at, _without_reading(newest.state))


def _without_reading(state: Row) -> Row:
    """A state without the time of its reading, which is that of the last one before the event."""
    return {name: value for name, value in state.items() if name != _READ_AT}
