"""The story of a sensor that goes bad: six readings beyond what it can show, and a day later six normal ones.

The story is injected: the telemetry of the data has no such readings. Only the detector reports them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from sandbox.plant.dataset import HOUR, Dataset
from sandbox.plant.detector import AnomalyRow
from sandbox.plant.signals import SIGNALS

BEGINS_AFTER: Final = timedelta(days=45)
REPAIRED_AFTER: Final = timedelta(hours=36)
READINGS: Final = 6
_BROKEN_SCORE: Final = 99.0
_SOUND_SCORE: Final = 0.5
_QUIET: Final = timedelta(days=5)


def bad_sensor_rows(dataset: Dataset) -> Iterator[AnomalyRow]:
    """The rows of the story, by time; none where the data is shorter than it, or no machine is quiet then."""
    begins = dataset.first + BEGINS_AFTER
    machine = _quiet_machine(dataset, begins)
    if machine is None or begins + REPAIRED_AFTER + READINGS * HOUR > dataset.last:
        return
    signal = SIGNALS[0]
    for hour in range(READINGS):
        yield AnomalyRow(machine, begins + hour * HOUR, signal, 100 * signal.level, _BROKEN_SCORE, signal.level)
    for hour in range(READINGS):
        at = begins + REPAIRED_AFTER + hour * HOUR
        yield AnomalyRow(machine, at, signal, signal.level, _SOUND_SCORE, signal.level)


def _quiet_machine(dataset: Dataset, begins: datetime) -> int | None:
    """The first machine whose components neither fail nor are replaced around the story. Every fourth machine is of one
    criticality: the first of each four is of A, whose sensors are not masked by themselves."""
    for number, machine in enumerate(dataset.machines):
        busy = dataset.replaced_within(
            machine.id, tuple(signal.component for signal in SIGNALS), begins - _QUIET, begins + _QUIET
        )
        if number % 4 and busy is None:
            return machine.id
    return None
