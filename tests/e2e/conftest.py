"""A small plant whose days hold faults on machines of every criticality, to be played whole."""

from pathlib import Path

import pytest

from millwright.sandbox.plant.generator import generate, write_dataset

MACHINES, DAYS, SEED = 4, 14, 5
"""Of this seed two components fail on the sixth day, and three more on the eleventh and twelfth."""


@pytest.fixture(scope="session")
def plant_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the plant's data."""
    folder = tmp_path_factory.mktemp("plant-data")
    write_dataset(generate(SEED, MACHINES, DAYS), folder)
    return folder
