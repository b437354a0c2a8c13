"""The reference detector: what it says, when, and that it knows nothing of the future."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from sandbox.plant.dataset import Dataset, ErrorEvent
from sandbox.plant.detector import AnomalyRow, Detector, Risk, RiskRow
from sandbox.plant.generator import generate
from sandbox.plant.signals import SIGNALS

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def plant() -> Dataset:
    return generate(2, machines=6, days=60)


def quiet(machines: int = 1, hours: int = 400) -> Dataset:
    plant = generate(1, machines=machines, days=20)
    levels = np.array([signal.level for signal in SIGNALS])
    return replace(plant, telemetry=np.tile(levels, (machines, hours, 1)), errors=(), last=plant.hour(hours - 1))


def shifted(plant: Dataset, start: int, size: float, column: int = 0) -> Dataset:
    telemetry = plant.telemetry.copy()
    telemetry[0, start:, column] += size
    return replace(plant, telemetry=telemetry)


def test_what_comes_later_changes_nothing_that_was_said_before(plant: Dataset) -> None:
    half = plant.hours // 2
    telemetry = plant.telemetry.copy()
    telemetry[:, half:] = telemetry[:, half:] * 1.7 + 50
    cut = plant.hour(half)
    changed = replace(plant, telemetry=telemetry, errors=tuple(error for error in plant.errors if error.time < cut))
    before, after = Detector(plant), Detector(changed)
    said = [row for row in before.all_anomalies() if row.time < cut]
    assert said
    assert said == [row for row in after.all_anomalies() if row.time < cut]
    grades = [risk for time in before.risk_times() if time < cut for risk in before.risks(time)]
    assert grades == [risk for time in after.risk_times() if time < cut for risk in after.risks(time)]


def test_the_truth_never_reaches_it(plant: Dataset) -> None:
    blind = Detector(replace(plant, failures=(), replacements=()))
    assert blind.all_anomalies() == Detector(plant).all_anomalies()


def test_a_quiet_machine_gives_no_row() -> None:
    assert Detector(quiet()).all_anomalies() == []


@pytest.mark.parametrize("column", range(4))
def test_only_the_direction_that_matters_is_reported_and_scores_are_positive(column: int) -> None:
    signal = SIGNALS[column]
    matters = Detector(shifted(quiet(), 300, signal.direction * signal.shift, column)).all_anomalies()
    assert {row.signal for row in matters} == {signal}
    assert min(row.score for row in matters) > 4
    assert Detector(shifted(quiet(), 300, -signal.direction * signal.shift, column)).all_anomalies() == []


def test_a_row_tells_mean_baseline_and_their_distance_in_standard_errors() -> None:
    last = Detector(shifted(quiet(), 300, 20.0)).all_anomalies()[11]
    assert last == AnomalyRow(1, last.time, SIGNALS[0], last.mean, last.score, last.baseline)
    assert last.baseline == pytest.approx(171.0)
    assert last.mean == pytest.approx(191.0)
    assert last.score == pytest.approx(20 / (15.5 / 12**0.5), abs=1e-3)


def test_a_machine_is_measured_by_its_own_level_once_it_has_a_past() -> None:
    own = quiet(hours=1400)
    own = replace(own, telemetry=own.telemetry + np.array([9.0, 0, 0, 0]))
    rows = Detector(shifted(own, 1350, 20.0)).all_anomalies()
    assert rows[0].time >= own.hour(1350)
    assert rows[-1].baseline == pytest.approx(180.0, abs=2.0)


def test_a_shift_does_not_drag_its_own_baseline_along() -> None:
    rows = Detector(shifted(quiet(), 300, 20.0)).all_anomalies()
    assert {row.baseline for row in rows if row.time < quiet().hour(348)} == {171.0}


def test_gaps_and_thin_hours_are_no_anomaly() -> None:
    plant = shifted(quiet(), 300, 20.0)
    telemetry = plant.telemetry.copy()
    telemetry[0, 300:312:2] = np.nan
    rows = Detector(replace(plant, telemetry=telemetry)).all_anomalies()
    assert rows[0].time > plant.hour(312)


def test_windows_overlap_so_that_rows_come_again_unchanged(plant: Dataset) -> None:
    detector = Detector(plant)
    told = [row for run in detector.runs() for row in detector.anomalies(run)]
    assert set(told) == set(detector.all_anomalies())
    assert len(told) > 1.2 * len(set(told))


def test_a_run_tells_only_its_window(plant: Dataset) -> None:
    detector = Detector(plant)
    for run in detector.runs():
        assert all(run - timedelta(hours=4) < row.time <= run for row in detector.anomalies(run))


@pytest.mark.parametrize("interval", [timedelta(0), timedelta(minutes=90), timedelta(hours=-1)])
def test_an_interval_of_no_whole_hours_is_refused(plant: Dataset, interval: timedelta) -> None:
    with pytest.raises(ValueError, match="whole hours"):
        Detector(plant, interval)


@pytest.mark.parametrize(
    ("codes", "size", "risk"),
    [
        (("error2", "error3"), -80.0, "High"),
        (("error2",), -80.0, "Medium"),
        ((), -80.0, "Medium"),
        (("error2", "error3"), 0.0, "Low"),
    ],
)
def test_risk_is_graded_by_recent_rows_and_errors(codes: tuple[str, ...], size: float, risk: Risk) -> None:
    plant = shifted(quiet(), 300, size, column=1)
    errors = tuple(ErrorEvent(plant.hour(310), 1, code) for code in codes)
    at = plant.hour(324)
    assert Detector(replace(plant, errors=errors)).risks(at) == [RiskRow(1, at, risk)]
