"""A small plant whose days hold faults on machines of every criticality, to be played whole."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.plant.generator import generate, write_dataset

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
    """Makes homes for installations.

    Not under pytest's own directory: another session locks that to its user, and as root the database runs as another.
    """
    made: list[Path] = []

    def make() -> Path:
        made.append(Path(tempfile.mkdtemp(prefix="millwright-tests-")))
        return made[-1] / "run"

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)
