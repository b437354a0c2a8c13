"""Makes a plant with the published data's statistics, for where that data is not, and writes it as files.

The same seed makes the same plant. What is copied from the data set's description and its counts per machine-year:
levels, noise and shifts of `signals`; a shift exactly 48 h before each failure; about 70 % of the shifts end by
themselves, alike in size and length; the matching errors 24 h before a failure; random errors at any hour; a
maintenance visit every 15 days at 06:00 that replaces what failed and one or two parts by schedule; models 3 and 4
never fail in comp3; older machines fail more.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.random import Generator
from numpy.typing import NDArray

from sandbox.plant.dataset import HOUR, TRUTH_MARGIN, ComponentEvent, Dataset, ErrorEvent, Machine
from sandbox.plant.signals import COMPONENTS, ERROR_CODES, ERROR_LEAD, SHIFT_LEAD, SIGNALS

FIRST: Final = datetime(2015, 1, 1, 6, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_VISIT_DAYS: Final = 15
_VISITS_A_YEAR: Final = 365 / _VISIT_DAYS
_MODELS: Final = ("model1", "model2", "model3", "model4")
_MODEL_SHARES: Final = (0.16, 0.17, 0.35, 0.32)
# Per machine-year, comp1 to comp4 and error1 to error5, counted in the data set.
_FAILURES: Final = {
    "model1": (1.9, 2.6, 4.0, 2.3),
    "model2": (1.9, 2.6, 4.0, 2.3),
    "model3": (1.9, 2.6, 0.0, 1.5),
    "model4": (1.9, 2.6, 0.0, 1.5),
}
_HARMLESS_SHIFTS: Final = (4.5, 6.0, 3.1, 4.2)
_RANDOM_ERRORS: Final = (8.3, 7.3, 5.8, 6.0, 1.8)
_UNPLANNED_SHARE: Final = 0.1
_SECOND_PART_SHARE: Final = 0.3
_OLD_FROM: Final = 8
_YOUNG_FACTOR, _OLD_FACTOR = 0.7, 1.2
_SETTLING: Final = timedelta(hours=24)
_ARTEFACT_SHARE: Final = 0.18
_ARTEFACT_AFTER: Final = timedelta(hours=21)


@dataclass
class _History:
    """What happens to one machine; shift starts by component."""

    failures: list[ComponentEvent] = field(default_factory=list)
    replacements: list[ComponentEvent] = field(default_factory=list)
    errors: set[ErrorEvent] = field(default_factory=set)
    shifts: dict[str, list[datetime]] = field(default_factory=lambda: {name: [] for name in COMPONENTS})


def generate(seed: int, machines: int = 20, days: int = 90, *, startup_artefacts: bool = False) -> Dataset:
    """A plant of machines 1 to `machines` over `days` days of hourly readings from 2015-01-01 06:00.

    Args:
        startup_artefacts: let 18 % of the machines fail 21 h after the first reading, without a maintenance
            record, as the published data does.

    Raises:
        ValueError: fewer than one machine or one day.
    """
    if machines < 1 or days < 1:
        raise ValueError(f"a plant needs a machine and a day, not {machines} and {days}")
    chance = np.random.default_rng(seed)
    last = FIRST + days * _DAY - HOUR
    register = tuple(
        Machine(number, str(chance.choice(_MODELS, p=_MODEL_SHARES)), int(chance.integers(0, 21)))
        for number in range(1, machines + 1)
    )
    histories = [_history(machine, last, chance) for machine in register]
    if startup_artefacts:
        for machine, history in zip(register, histories, strict=True):
            if chance.random() < _ARTEFACT_SHARE:
                component = str(chance.choice(COMPONENTS))
                history.failures.append(ComponentEvent(FIRST + _ARTEFACT_AFTER, machine.id, component))
                history.shifts[component].append(FIRST + _ARTEFACT_AFTER - SHIFT_LEAD)
    return Dataset(
        label="generated",
        machines=register,
        first=FIRST,
        last=last,
        telemetry=_telemetry(histories, days * 24, chance),
        errors=tuple(sorted(error for history in histories for error in history.errors)),
        failures=tuple(sorted(failure for history in histories for failure in history.failures)),
        replacements=tuple(sorted(event for history in histories for event in history.replacements)),
    )


def write_dataset(dataset: Dataset, directory: Path) -> None:
    """Write the five files of the data's format into `directory`, made where absent."""
    directory.mkdir(parents=True, exist_ok=True)
    _write(
        directory / "machines.csv",
        ("machineID", "model", "age"),
        ((machine.id, machine.model, machine.age) for machine in dataset.machines),
    )
    _write(
        directory / "errors.csv",
        ("datetime", "machineID", "errorID"),
        ((_naive(error.time), error.machine, error.code) for error in dataset.errors),
    )
    for name, column, events in (
        ("failures.csv", "failure", dataset.failures),
        ("maint.csv", "comp", dataset.replacements),
    ):
        _write(
            directory / name,
            ("datetime", "machineID", column),
            ((_naive(event.time), event.machine, event.component) for event in events),
        )
    start = np.datetime64(dataset.first.replace(tzinfo=None), "ms")
    hours = start + np.arange(dataset.hours) * np.timedelta64(1, "h")
    ids = pa.array([machine.id for machine in dataset.machines])
    columns = {
        "datetime": np.tile(hours, len(dataset.machines)),
        "machineID": ids.take(pa.array(np.repeat(np.arange(len(dataset.machines)), dataset.hours))),
    } | {signal.name: dataset.telemetry[:, :, position].reshape(-1) for position, signal in enumerate(SIGNALS)}
    days = -(-dataset.hours // 24)
    pyarrow.parquet.write_table(pa.table(columns), directory / f"telemetry_{len(dataset.machines)}x{days}d.parquet")


def _history(machine: Machine, last: datetime, chance: Generator) -> _History:
    history = _History()
    age_factor = _OLD_FACTOR if machine.age >= _OLD_FROM else _YOUNG_FACTOR
    rates = np.array(_FAILURES[machine.model]) * age_factor
    midnight = FIRST.replace(hour=0)
    visit = midnight - TRUTH_MARGIN + int(chance.integers(0, _VISIT_DAYS)) * _DAY + timedelta(hours=6)
    replaced = dict.fromkeys(COMPONENTS, visit - _VISIT_DAYS * _DAY)
    while visit <= last + TRUTH_MARGIN:
        hits = chance.random(len(COMPONENTS)) < rates * (1 - _UNPLANNED_SHARE) / _VISITS_A_YEAR
        failed = [name for name, hit in zip(COMPONENTS, hits, strict=True) if hit and visit >= FIRST]
        for component in failed:
            _fail(history, machine.id, component, visit, last)
        # What has run longest is replaced next, one part or two in a visit.
        parts = 1 + int(chance.random() < _SECOND_PART_SHARE)
        due = sorted((name for name in COMPONENTS if name not in failed), key=lambda name: replaced[name])
        for component in failed + due[: max(0, parts - len(failed))]:
            replaced[component] = visit
            history.replacements.append(ComponentEvent(visit, machine.id, component))
        visit += _VISIT_DAYS * _DAY
    years = (last - FIRST) / (365 * _DAY)
    for component, rate in zip(COMPONENTS, rates, strict=True):
        for _ in range(int(chance.poisson(rate * _UNPLANNED_SHARE * years))):
            time = midnight + int(chance.integers(3, max(4, (last - FIRST) // _DAY + 3))) * _DAY + timedelta(hours=6)
            if time <= last + TRUTH_MARGIN and _is_quiet(history.shifts[component], time - SHIFT_LEAD):
                _fail(history, machine.id, component, time, last)
                history.replacements.append(ComponentEvent(time, machine.id, component))
    _disturb(history, machine.id, last, chance)
    return history


def _fail(history: _History, machine: int, component: str, time: datetime, last: datetime) -> None:
    history.failures.append(ComponentEvent(time, machine, component))
    history.shifts[component].append(time - SHIFT_LEAD)
    if FIRST <= time - ERROR_LEAD <= last:
        codes = SIGNALS[COMPONENTS.index(component)].errors
        history.errors.update(ErrorEvent(time - ERROR_LEAD, machine, code) for code in codes)


def _disturb(history: _History, machine: int, last: datetime, chance: Generator) -> None:
    """Add the shifts that end by themselves and the errors that mean nothing."""
    hours = int((last - FIRST) / HOUR) + 1
    years = hours / (365 * 24)
    for component, rate in zip(COMPONENTS, _HARMLESS_SHIFTS, strict=True):
        for _ in range(int(chance.poisson(rate * years))):
            start = FIRST + int(chance.integers(0, hours)) * HOUR
            if _is_quiet(history.shifts[component], start):
                history.shifts[component].append(start)
    for code, rate in zip(ERROR_CODES, _RANDOM_ERRORS, strict=True):
        for hour in chance.integers(0, hours, int(chance.poisson(rate * years))).tolist():
            history.errors.add(ErrorEvent(FIRST + hour * HOUR, machine, code))


def _is_quiet(shifts: Iterable[datetime], start: datetime) -> bool:
    """Whether a shift from `start` would stand apart from the component's others."""
    return all(abs(start - other) >= SHIFT_LEAD + _SETTLING for other in shifts)


def _telemetry(histories: list[_History], hours: int, chance: Generator) -> NDArray[np.float64]:
    levels, sds = (np.array([getattr(signal, name) for signal in SIGNALS]) for name in ("level", "sd"))
    readings = chance.normal(levels, sds, (len(histories), hours, len(SIGNALS)))
    length = SHIFT_LEAD // HOUR
    for row, history in enumerate(histories):
        for column, signal in enumerate(SIGNALS):
            for shift in history.shifts[signal.component]:
                start = (shift - FIRST) // HOUR
                readings[row, max(0, start) : max(0, start + length), column] += signal.direction * signal.shift
    return readings


def _write(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str | int, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(header)
        writer.writerows(rows)


def _naive(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")
