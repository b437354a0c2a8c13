"""A small plant whose days hold faults on machines of every criticality, to be played whole."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.plant.generator import generate, write_dataset
from tests.support.homes import new_folder

MACHINES, DAYS, SEED = 4, 14, 5
"""Of this seed two components fail on the sixth day, and three more on the eleventh and twelfth."""


@pytest.fixture(scope="session")
def plant_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the plant's data."""
    folder = tmp_path_factory.mktemp("plant-data")
    write_dataset(generate(SEED, MACHINES, DAYS), folder)
    return folder


@pytest.fixture(scope="session")
def new_home() -> Iterator[Callable[[], Path]]:
    """Makes homes for installations."""
    made: list[Path] = []

    def make() -> Path:
        made.append(new_folder())
        return made[-1] / "run"

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)
