"""The score of orderings by the truth."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sandbox.plant.dataset import ComponentEvent, Dataset
from sandbox.plant.generator import generate
from sandbox.plant.score import Ordering, Score, score


def plant(*failure_hours: int, component: str = "comp1", machine: int = 1) -> Dataset:
    made = generate(1, machines=2, days=30)
    failures = tuple(ComponentEvent(made.hour(hour), machine, component) for hour in failure_hours)
    return replace(made, failures=failures, replacements=())


def total(dataset: Dataset, *hours: int, component: str = "comp1") -> Score:
    ordering = [Ordering("1.1.0", 1, component, dataset.hour(hour)) for hour in hours]
    return score(ordering, dataset, lambda _: "A")["1.1.0"].total


def test_orderings_not_more_than_a_day_apart_are_one_episode() -> None:
    dataset = plant()
    assert total(dataset, 100, 124, 148).orders == 1
    assert total(dataset, 100, 125, 150).orders == 3
    assert total(dataset, 148, 100, 124, 124).orders == 1


@pytest.mark.parametrize(("failure", "right"), [(100, 0), (101, 1), (172, 1), (173, 0)])
def test_an_episode_is_right_if_its_component_fails_within_72_hours_of_its_start(failure: int, right: int) -> None:
    assert total(plant(failure), 100, 110).right == right


def test_another_components_failure_makes_no_episode_right() -> None:
    assert total(plant(120, component="comp2"), 100).right == 0


@pytest.mark.parametrize(("failure", "counted"), [(21, 0), (47, 0), (48, 1), (719, 1), (720, 0)])
def test_only_failures_with_two_days_of_telemetry_before_them_can_be_missed(failure: int, counted: int) -> None:
    assert total(plant(failure), 300).failures == counted


def test_a_failure_after_the_last_reading_still_proves_an_episode_right() -> None:
    figures = total(plant(730), 710)
    assert (figures.right, figures.precision, figures.failures, figures.recall) == (1, 1.0, 0, None)


def test_precision_recall_and_median_lead_come_from_episodes() -> None:
    figures = total(plant(124, 336, 500), 100, 101, 300, 600)
    assert (figures.orders, figures.right, figures.failures, figures.caught) == (3, 2, 3, 2)
    assert (figures.precision, figures.recall, figures.median_lead_hours) == (0.6667, 0.6667, 30.0)


def test_two_failures_of_one_component_may_be_announced_by_one_episode() -> None:
    figures = total(plant(124, 148), 100)
    assert (figures.right, figures.caught, figures.median_lead_hours) == (1, 2, 24.0)


def test_figures_are_split_by_asset_class_and_version() -> None:
    dataset = plant(124)
    hour = dataset.first + timedelta(hours=100)
    ordering = [Ordering("1.0.0", 1, "comp1", hour), Ordering("1.0.0", 2, "comp1", hour)]
    scores = score([*ordering, Ordering("1.1.0", 1, "comp1", hour)], dataset, {1: "A", 2: "B"}.__getitem__)
    assert list(scores) == ["1.0.0", "1.1.0"]
    assert scores["1.0.0"].by_class["A"].precision == 1.0
    assert scores["1.0.0"].by_class["B"].precision == 0.0
    assert scores["1.1.0"].by_class["B"] == Score(0, 0, 0, 0, None)


def test_a_share_of_nothing_is_nothing() -> None:
    empty = Score(0, 0, 0, 0, None)
    assert (empty.precision, empty.recall) == (None, None)
