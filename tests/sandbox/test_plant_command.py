"""`python -m sandbox`, and where it finds its data."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from sandbox.__main__ import DATA_VARIABLE, main, open_dataset
from sandbox.plant.dataset import read_dataset
from sandbox.plant.generator import generate
from sandbox.plant.tables import DatasetError


def test_generate_writes_a_folder_that_serve_can_read(tmp_path: Path) -> None:
    out = tmp_path / "made"
    assert main(["generate", "--seed", "5", "--machines", "3", "--days", "4", "--out", str(out)]) == 0
    assert read_dataset(out).errors == generate(5, 3, 4).errors
    assert (out / "telemetry_3x4d.parquet").exists()


def test_the_folder_named_on_the_command_line_comes_before_the_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, machines in (("one", 1), ("two", 2)):
        main(["generate", "--machines", str(machines), "--days", "3", "--out", str(tmp_path / name)])
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "two"))
    assert len(open_dataset(tmp_path / "one", 1).machines) == 1
    assert len(open_dataset(None, 1).machines) == 2
    assert open_dataset(None, 1).label == "azure-pdm"


def test_a_named_folder_that_is_not_there_is_an_error_and_not_a_reason_to_generate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(DatasetError, match="there is no such folder"):
        open_dataset(None, 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "--data", "absent"], "absent: there is no such folder"),
        (["generate", "--machines", "0", "--out", "absent"], "needs a machine and a day"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.INFO):
        assert main(arguments) == 1
    assert words in caplog.text
    assert len(caplog.records) == 1
