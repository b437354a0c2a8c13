"""The reference detector: stands in for the functions a plant keeps in Azure Data Explorer.

`DetectAnomalies()` compares the mean of the last 12 hourly readings with the machine's own causal baseline and
reports signed z > 4 in the direction that matters, in standard errors of that mean (sd/√12, the published sd).

The baseline of an hour is the median of the machine's readings from 780 h to 60 h before the last midnight-like
refresh (every 24 h, counted from the first reading), shrunk to the published level with a weight of 168 readings
until there are enough of its own. The last 60 h stay out because a shift of 48 h and the mean's own 12 h would
otherwise drag the baseline along. It uses the past only: nothing after an hour changes what is said of it.

`PredictMaintenance()` grades a machine every 12 h from the last day's anomalies and errors. Neither ever sees a
failure or a replacement.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from sandbox.plant.dataset import HOUR, Dataset, ErrorEvent
from sandbox.plant.signals import SIGNALS, Signal

MEAN_HOURS: Final = 12
THRESHOLD: Final = 4.0
RISK_HOURS: Final = 12
_LEAST_READINGS: Final = 9
_EXCLUDED_HOURS: Final = 60
_BASELINE_HOURS: Final = 720
_REFRESH_HOURS: Final = 24
_PRIOR_READINGS: Final = 168
_RECENT: Final = timedelta(hours=24)
_DECIMALS: Final = 4

_Number = TypeVar("_Number", np.float64, np.int64)

Risk = Literal["High", "Medium", "Low"]


@dataclass(frozen=True)
class AnomalyRow:
    """One row of `DetectAnomalies()`: the mean of `signal` at `time`, its z and the baseline it left."""

    machine: int
    time: datetime
    signal: Signal
    mean: float
    score: float
    baseline: float


@dataclass(frozen=True)
class RiskRow:
    """One row of `PredictMaintenance()`."""

    machine: int
    time: datetime
    risk: Risk


class Detector:
    """Answers the two queries over a plant's telemetry and errors.

    Args:
        dataset: its telemetry and errors are read, its truth is not.
        interval: how often the query is run, whole hours.
        overlap: how much longer than the interval the queried window is, so that rows come again.
    """

    def __init__(self, dataset: Dataset, interval: timedelta = timedelta(hours=3), overlap: timedelta = HOUR) -> None:
        if interval < HOUR or interval % HOUR:
            raise ValueError(f"the detector's interval must be whole hours, not {interval}")
        self.interval = interval
        self._first, self._last, self._hours = dataset.first, dataset.last, dataset.hours
        self._window = interval + overlap
        self._machines = tuple(machine.id for machine in dataset.machines)
        self._errors = _errors_by_machine(dataset.errors)
        means, readings = _trailing_means(dataset.telemetry)
        baselines = _baselines(dataset.telemetry)
        sds = np.array([signal.sd for signal in SIGNALS])
        directions = np.array([signal.direction for signal in SIGNALS])
        scores = directions * (means - baselines) / (sds / np.sqrt(np.maximum(readings, 1)))
        # What is compared is what is reported, so that no reader of a row can disagree with us.
        self._scores = np.round(np.where(readings >= _LEAST_READINGS, scores, 0.0), _DECIMALS)
        self._means, self._baselines = np.round(means, _DECIMALS), np.round(baselines, _DECIMALS)
        self._hot = self._scores > THRESHOLD

    def runs(self) -> Iterator[datetime]:
        """When the query is run: every interval, and once more at the last reading."""
        run = self._first + self.interval
        while run < self._last:
            yield run
            run += self.interval
        yield self._last

    def anomalies(self, run: datetime) -> list[AnomalyRow]:
        """The rows a query at `run` answers, by time, machine and signal: all in (run - window, run]."""
        end = min(self._hours, (run - self._first) // HOUR + 1)
        start = max(0, (run - self._window - self._first) // HOUR + 1)
        return self._rows(start, end)

    def all_anomalies(self) -> list[AnomalyRow]:
        """Every row of the span once, by time, machine and signal."""
        return self._rows(0, self._hours)

    def risks(self, time: datetime) -> list[RiskRow]:
        """The risk of each machine at `time`, by machine."""
        position = min(self._hours - 1, (time - self._first) // HOUR)
        start = max(0, position - _RECENT // HOUR)
        recent: list[list[bool]] = np.asarray(self._hot[:, start : position + 1].any(axis=1)).tolist()
        return [
            RiskRow(machine, time, self._risk(machine, recent[row], time)) for row, machine in enumerate(self._machines)
        ]

    def risk_times(self) -> Iterator[datetime]:
        """When the risks are graded: every 12 h."""
        time = self._first + RISK_HOURS * HOUR
        while time <= self._last:
            yield time
            time += RISK_HOURS * HOUR

    def _risk(self, machine: int, shifted: list[bool], time: datetime) -> Risk:
        if not any(shifted):
            return "Low"
        codes = recent_codes(self._errors.get(machine, ()), time)
        confirmed = any(hot and signal.errors <= codes for hot, signal in zip(shifted, SIGNALS, strict=True))
        return "High" if confirmed else "Medium"

    def _rows(self, start: int, end: int) -> list[AnomalyRow]:
        hits = np.argwhere(self._hot[:, start:end].transpose(1, 0, 2))
        hits[:, 0] += start
        return [
            AnomalyRow(
                self._machines[row],
                self._first + hour * HOUR,
                SIGNALS[column],
                float(self._means[row, hour, column]),
                float(self._scores[row, hour, column]),
                float(self._baselines[row, hour, column]),
            )
            for hour, row, column in hits.tolist()
        ]


def recent_codes(errors: tuple[ErrorEvent, ...], time: datetime) -> set[str]:
    """The codes among one machine's `errors` (ascending) that are at most 24 h old at `time`."""
    low = bisect_left(errors, time - _RECENT, key=lambda error: error.time)
    high = bisect_right(errors, time, key=lambda error: error.time)
    return {error.code for error in errors[low:high]}


def _errors_by_machine(errors: tuple[ErrorEvent, ...]) -> dict[int, tuple[ErrorEvent, ...]]:
    grouped: dict[int, list[ErrorEvent]] = {}
    for error in errors:
        grouped.setdefault(error.machine, []).append(error)
    return {machine: tuple(events) for machine, events in grouped.items()}


def _trailing_means(telemetry: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Mean and number of the readings of the last 12 h, for each machine, hour and signal."""
    known = ~np.isnan(telemetry)
    start = np.maximum(0, np.arange(telemetry.shape[1]) - MEAN_HOURS + 1)
    total = _since_first(np.where(known, telemetry, 0.0))
    count = _since_first(known.astype(np.int64))
    readings = count[:, 1:] - count[:, start]
    return (total[:, 1:] - total[:, start]) / np.maximum(readings, 1), readings


def _since_first(values: NDArray[_Number]) -> NDArray[_Number]:
    """Cumulative sums over the hours, beginning with 0."""
    return np.concatenate([np.zeros_like(values[:, :1]), np.cumsum(values, axis=1)], axis=1)


def _baselines(telemetry: NDArray[np.float64]) -> NDArray[np.float64]:
    levels = np.array([signal.level for signal in SIGNALS])
    baselines = np.empty_like(telemetry)
    for refresh in range(0, telemetry.shape[1], _REFRESH_HOURS):
        end = max(0, refresh - _EXCLUDED_HOURS)
        own = telemetry[:, max(0, end - _BASELINE_HOURS) : end]
        readings = (~np.isnan(own)).sum(axis=1)
        medians = _medians(own, readings)
        shrunk = (_PRIOR_READINGS * levels + readings * medians) / (_PRIOR_READINGS + readings)
        baselines[:, refresh : refresh + _REFRESH_HOURS] = shrunk[:, None, :]
    return baselines


def _medians(values: NDArray[np.float64], readings: NDArray[np.int64]) -> NDArray[np.float64]:
    """Median over the hours, 0 where a machine has no reading (numpy's nanmedian is slow and warns there)."""
    if values.shape[1] == 0:
        return np.zeros((values.shape[0], values.shape[2]))
    ordered = np.sort(values, axis=1)  # NaN sorts last
    low, high = np.maximum(readings - 1, 0)[:, None, :] // 2, readings[:, None, :] // 2
    middle = (np.take_along_axis(ordered, low, axis=1) + np.take_along_axis(ordered, high, axis=1)) / 2
    return np.where(readings > 0, middle[:, 0, :], 0.0)
