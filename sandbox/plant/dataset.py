"""The plant's data: any folder in the format of Microsoft's "Azure Predictive Maintenance" data set.

A folder holds `machines`, `errors`, `failures` and `maint` (CSV or Parquet) and telemetry in one or more files
whose names contain `telemetry`; names may carry the prefix `PdM_` and any case. Times without a zone are UTC.
The machines are those of the telemetry, and the rest is restricted to them and to the telemetry's span.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from sandbox.plant.signals import COMPONENTS, SIGNALS
from sandbox.plant.tables import SUFFIXES, DatasetError, Table

HOUR: Final = timedelta(hours=1)
# The truth is kept for as long after the last reading as an episode that begins there may still come true.
TRUTH_MARGIN: Final = timedelta(hours=72)
_LONGEST_SPAN: Final = timedelta(days=3653)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PREFIX: Final = "pdm_"

DataLabel = Literal["azure-pdm", "generated"]


@dataclass(frozen=True)
class Machine:
    """One machine of the register: the data's `machineID`, `model` and age in years."""

    id: int
    model: str
    age: int


@dataclass(frozen=True, order=True)
class ErrorEvent:
    """An error code a machine raised without stopping."""

    time: datetime
    machine: int
    code: str


@dataclass(frozen=True, order=True)
class ComponentEvent:
    """A component's failure or replacement."""

    time: datetime
    machine: int
    component: str


@dataclass(frozen=True)
class Dataset:
    """A plant's history, restricted to the machines and the span of its telemetry.

    Attributes:
        label: `azure-pdm` for files of that format, `generated` for a plant we made.
        machines: ascending by id.
        first, last: the hours of the first and the last reading.
        telemetry: one mean per machine, hour and signal of `SIGNALS`, NaN where there is none. A reading counts
            to the hour at or after it, so that no hour knows its future.
        errors: ascending, within `first` and `last`.
        failures, replacements: ascending, from `first` to 72 h after `last`, replacements from 72 h before
            `first` too. For the people and the score only.
    """

    label: DataLabel
    machines: tuple[Machine, ...]
    first: datetime
    last: datetime
    telemetry: NDArray[np.float64]
    errors: tuple[ErrorEvent, ...]
    failures: tuple[ComponentEvent, ...]
    replacements: tuple[ComponentEvent, ...]

    @property
    def hours(self) -> int:
        """How many hours the telemetry spans, both ends counted."""
        return int(self.telemetry.shape[1])

    def hour(self, position: int) -> datetime:
        """The hour at `position`, 0 being `first`."""
        return self.first + position * HOUR

    def failures_of(self, machine: int, component: str) -> Sequence[datetime]:
        """When that component failed, ascending."""
        return self._failures.get((machine, component), ())

    def replaced_within(
        self, machine: int, components: Sequence[str], after: datetime, until: datetime
    ) -> ComponentEvent | None:
        """The first replacement of one of `components` in (`after`, `until`]."""
        found = [
            ComponentEvent(time, machine, component)
            for component in components
            for time in self._replacements.get((machine, component), ())
            if after < time <= until
        ]
        return min(found, default=None)

    @cached_property
    def _failures(self) -> dict[tuple[int, str], tuple[datetime, ...]]:
        return _by_component(self.failures)

    @cached_property
    def _replacements(self) -> dict[tuple[int, str], tuple[datetime, ...]]:
        return _by_component(self.replacements)


def read_dataset(directory: Path) -> Dataset:
    """Read a data folder.

    Raises:
        DatasetError: a file, column or value is missing or unreadable; the text names file, column and row.
    """
    files = _files(directory)
    telemetry = [path for name, path in files.items() if "telemetry" in name]
    if not telemetry:
        raise DatasetError(f"{directory}: no file whose name contains 'telemetry' (.csv or .parquet)")
    ids, first, grid = _hourly(telemetry)
    last = first + (grid.shape[1] - 1) * HOUR
    return Dataset(
        label="azure-pdm",
        machines=_machines(_one(directory, files, "machines"), ids),
        first=first,
        last=last,
        telemetry=grid,
        errors=tuple(
            ErrorEvent(*event) for event in _events(_one(directory, files, "errors"), "errorid", ids, (first, last))
        ),
        failures=_component_events(_one(directory, files, "failures"), "failure", ids, (first, last + TRUTH_MARGIN)),
        replacements=_component_events(
            _one(directory, files, "maint"), "comp", ids, (first - TRUTH_MARGIN, last + TRUTH_MARGIN)
        ),
    )


def _files(directory: Path) -> dict[str, Path]:
    if not directory.is_dir():
        raise DatasetError(f"{directory}: there is no such folder")
    return {
        path.name.lower().removeprefix(_PREFIX): path
        for path in sorted(directory.iterdir())
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    }


def _one(directory: Path, files: dict[str, Path], stem: str) -> Path:
    for suffix in SUFFIXES:
        if stem + suffix in files:
            return files[stem + suffix]
    raise DatasetError(f"{directory}: {stem}.csv is missing")


def _hourly(paths: list[Path]) -> tuple[list[int], datetime, NDArray[np.float64]]:
    """Average all readings into one value per machine, hour and signal."""
    wanted = ("datetime", "machineID", *(signal.name for signal in SIGNALS))
    numbers: dict[int, int] = {}
    hours, rows, values = [], [], []
    for path in paths:
        table = Table.read(path, wanted)
        codes, ids = table.whole_numbers("machineid")
        positions = np.array([numbers.setdefault(machine, len(numbers)) for machine in ids], dtype=np.int64)
        rows.append(positions[codes])
        times = table.times("datetime").astype(np.int64)
        hours.append(-(-times // 3_600_000_000))
        values.append(np.stack([table.numbers(signal.name) for signal in SIGNALS], axis=1))
    hour, row, value = np.concatenate(hours), np.concatenate(rows), np.concatenate(values)
    if not len(hour):
        raise DatasetError(f"{paths[0].name}: there is no row of telemetry")
    start, span = int(hour.min()), int(hour.max() - hour.min()) + 1
    if span * HOUR > _LONGEST_SPAN:
        raise DatasetError(f"{paths[0].name}: column datetime: spans {span // 8766} years, more than ten")
    ids = sorted(numbers)
    rank = np.empty(len(ids), dtype=np.int64)
    rank[[numbers[machine] for machine in ids]] = np.arange(len(ids))
    cell = rank[row] * span + (hour - start)
    grid = np.empty((len(ids), span, len(SIGNALS)))
    for column in range(len(SIGNALS)):
        known = ~np.isnan(value[:, column])
        total = np.bincount(cell[known], value[known, column], minlength=len(ids) * span)
        count = np.bincount(cell[known], minlength=len(ids) * span)
        mean = np.divide(total, count, out=np.full(len(total), math.nan), where=count > 0)
        grid[:, :, column] = mean.reshape(len(ids), span)
    return ids, _EPOCH + start * HOUR, grid


def _machines(path: Path, ids: list[int]) -> tuple[Machine, ...]:
    table = Table.read(path, ("machineID", "model", "age"))
    codes, known = table.whole_numbers("machineid")
    ages, years = table.whole_numbers("age")
    models = table.words("model")
    register = {
        known[code]: Machine(known[code], models[row], years[ages[row]]) for row, code in enumerate(codes.tolist())
    }
    missing = [machine for machine in ids if machine not in register]
    if missing:
        raise DatasetError(f"{path.name}: column machineID: machine {missing[0]} of the telemetry is not listed")
    return tuple(register[machine] for machine in ids)


def _events(
    path: Path, column: str, ids: list[int], span: tuple[datetime, datetime]
) -> list[tuple[datetime, int, str]]:
    table = Table.read(path, ("datetime", "machineID", column))
    times = table.times("datetime").astype(np.int64)
    codes, known = table.whole_numbers("machineid")
    words = table.words(column)
    if column != "errorid":
        for row, word in enumerate(words):
            if word not in COMPONENTS:
                raise table.fail(column, row, f"{word!r} is none of {', '.join(COMPONENTS)}")
    low, high = ((moment - _EPOCH) // timedelta(microseconds=1) for moment in span)
    listed = np.array([_contains(ids, machine) for machine in known], dtype=bool)
    kept = np.flatnonzero((times >= low) & (times <= high) & listed[codes]).tolist() if known else []
    return sorted({(_EPOCH + timedelta(microseconds=int(times[row])), known[codes[row]], words[row]) for row in kept})


def _component_events(
    path: Path, column: str, ids: list[int], span: tuple[datetime, datetime]
) -> tuple[ComponentEvent, ...]:
    return tuple(ComponentEvent(*event) for event in _events(path, column, ids, span))


def _contains(ids: list[int], machine: int) -> bool:
    position = bisect_left(ids, machine)
    return position < len(ids) and ids[position] == machine


def _by_component(events: Sequence[ComponentEvent]) -> dict[tuple[int, str], tuple[datetime, ...]]:
    grouped: dict[tuple[int, str], list[datetime]] = {}
    for event in events:
        grouped.setdefault((event.machine, event.component), []).append(event.time)
    return {key: tuple(times) for key, times in grouped.items()}
