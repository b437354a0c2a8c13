"""The generated plant has the statistics that the data's publisher describes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from sandbox.plant.dataset import Dataset
from sandbox.plant.detector import Detector
from sandbox.plant.generator import generate
from sandbox.plant.score import Ordering, Score, score
from sandbox.plant.signals import COMPONENTS, SIGNALS


@pytest.fixture(scope="module")
def plant() -> Dataset:
    return generate(7, machines=100, days=365)


def test_the_same_seed_makes_the_same_plant_and_another_another() -> None:
    first, same, other = generate(1, 3, 30), generate(1, 3, 30), generate(2, 3, 30)
    assert np.array_equal(first.telemetry, same.telemetry)
    assert (first.errors, first.failures, first.replacements) == (same.errors, same.failures, same.replacements)
    assert not np.array_equal(first.telemetry, other.telemetry)


def test_levels_and_noise_are_those_published(plant: Dataset) -> None:
    median = np.median(plant.telemetry, axis=(0, 1))
    quartiles = np.quantile(plant.telemetry, [0.25, 0.75], axis=(0, 1))
    assert median == pytest.approx([signal.level for signal in SIGNALS], rel=0.02)
    assert (quartiles[1] - quartiles[0]) / 1.349 == pytest.approx([signal.sd for signal in SIGNALS], rel=0.06)


def test_failures_errors_and_replacements_are_as_many_as_in_the_published_year(plant: Dataset) -> None:
    failures = Counter(failure.component for failure in plant.failures)
    errors = Counter(error.code for error in plant.errors)
    assert len(plant.failures) == pytest.approx(743, rel=0.12)
    assert [failures[name] for name in COMPONENTS] == pytest.approx([192, 259, 131, 179], rel=0.3)
    assert [errors[f"error{n}"] for n in range(1, 6)] == pytest.approx([1010, 988, 838, 727, 356], rel=0.15)
    assert len(plant.replacements) > 2 * len(plant.failures)


def test_every_failure_is_repaired_and_has_its_errors_a_day_before(plant: Dataset) -> None:
    errors = {(error.time, error.machine, error.code) for error in plant.errors}
    day = timedelta(days=1)
    announced = [failure for failure in plant.failures if plant.first <= failure.time - day <= plant.last]
    assert set(plant.failures) <= set(plant.replacements)
    for failure in announced:
        codes = SIGNALS[COMPONENTS.index(failure.component)].errors
        assert all((failure.time - day, failure.machine, code) in errors for code in codes)


def test_signals_step_two_days_before_a_failure_and_are_normal_after(plant: Dataset) -> None:
    rows = {machine.id: row for row, machine in enumerate(plant.machines)}
    deviations: dict[str, list[list[float]]] = {name: [] for name in COMPONENTS}
    for failure in plant.failures:
        hour = (failure.time - plant.first) // timedelta(hours=1)
        if 60 <= hour < plant.hours - 12:
            column = COMPONENTS.index(failure.component)
            readings = plant.telemetry[rows[failure.machine], hour - 60 : hour + 12, column]
            deviations[failure.component].append(
                [float(readings[a:b].mean()) - SIGNALS[column].level for a, b in ((0, 12), (12, 60), (60, 72))]
            )
    for signal in SIGNALS:
        before, during, after = np.median(deviations[signal.component], axis=0)
        assert abs(before) < signal.sd / 4
        assert during == pytest.approx(signal.direction * signal.shift, rel=0.05)
        assert abs(after) < signal.sd / 4


def test_models_three_and_four_never_fail_in_comp3(plant: Dataset) -> None:
    models = {machine.id: machine.model for machine in plant.machines}
    assert {models[failure.machine] for failure in plant.failures if failure.component == "comp3"} == {
        "model1",
        "model2",
    }


def test_startup_artefacts_come_only_where_asked_for_and_without_a_replacement() -> None:
    plain, with_artefacts = generate(4, 40, 5), generate(4, 40, 5, startup_artefacts=True)
    artefacts = [failure for failure in with_artefacts.failures if failure not in with_artefacts.replacements]
    assert {failure.time - plain.first for failure in artefacts} == {timedelta(hours=21)}
    assert set(plain.failures) <= set(plain.replacements)


def recipe(dataset: Dataset) -> tuple[Score, Score]:
    """What policies 1.0.0 and 1.1.0 would order on, judged row by row as their text says."""
    ordering = []
    for row in Detector(dataset).all_anomalies():
        ordering.append(Ordering("1.0.0", row.machine, row.signal.component, row.time))
        codes = {
            error.code
            for error in dataset.errors
            if error.machine == row.machine and row.time - timedelta(hours=24) <= error.time <= row.time
        }
        if row.signal.errors <= codes:
            ordering.append(Ordering("1.1.0", row.machine, row.signal.component, row.time))
    scores = score(ordering, dataset, lambda _: "any")
    return scores["1.0.0"].total, scores["1.1.0"].total


@pytest.mark.parametrize("seed", [1, 5, 12])
def test_a_confirmed_shift_is_worth_an_order_and_a_single_one_is_not(seed: int) -> None:
    single, confirmed = recipe(generate(seed))
    assert 0.2 < (single.precision or 0) < 0.45
    assert (confirmed.precision or 0) >= 0.90
    assert (confirmed.recall or 0) >= 0.85
    assert confirmed.median_lead_hours == 24


def test_about_seventy_of_a_hundred_shifts_end_by_themselves() -> None:
    single, _ = recipe(generate(11, machines=60, days=180))
    assert single.precision == pytest.approx(0.32, abs=0.05)
