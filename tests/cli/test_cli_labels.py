"""`labels`: the training dataset as a person exports, verifies and compares it."""

from pathlib import Path

import pytest

from domain.outcomes import OutcomeClass
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from tests.cli.conftest import Millwright, on_plant
from tests.support.completed_work import completed
from tests.support.judged_plant import Plant
from tests.support.training_record import a_label


async def _case(plant: Plant) -> tuple[CaseStore, str]:
    [[case]] = await plant.rows("SELECT id FROM cases")
    return CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue)), str(case)


async def _labelled(plant: Plant) -> None:
    cases, case = await _case(plant)
    await completed(cases, case)
    await cases.keep_label(a_label(case))


async def _corrected(plant: Plant) -> None:
    cases, case = await _case(plant)
    await cases.keep_label(a_label(case, outcome=OutcomeClass.PREVENTED))


def test_a_dataset_is_exported_verified_corrected_and_compared(
    played: Millwright, database_url: str, tmp_path: Path
) -> None:
    dataset = str(tmp_path / "dataset")
    on_plant(database_url, _labelled)
    said = played.says("labels", "export", dataset)
    assert "Manifest 1 of" in said
    assert "adds 1 labels" in said
    assert "Nothing is new" in played.says("labels", "export", dataset)
    on_plant(database_url, _corrected)
    played.says("labels", "export", dataset)
    found = played.json("labels", "verify", dataset)
    assert (found["manifest"], found["findings"], found["rows"]["labels"], found["in_force"]["labels"]) == (2, [], 2, 1)
    compared = played.json("labels", "compare", dataset)
    assert compared["counts"] == {"confirmed": [1, 0], "prevented": [0, 1]}
    [changed] = compared["changed"]
    assert changed["fields"]["outcome"] == ["confirmed", "prevented"]
    shown = played.says("labels", "compare", dataset, "--from", "1", "--to", "2")
    assert "outcome: confirmed -> prevented" in shown
    assert "0 cases have their first label since manifest 1." in shown


def test_a_dataset_that_differs_from_its_manifest_ends_with_exit_code_1(
    played: Millwright, database_url: str, tmp_path: Path
) -> None:
    on_plant(database_url, _labelled)
    played.says("labels", "export", str(tmp_path / "dataset"))
    [file] = (tmp_path / "dataset" / "labels").rglob("*.parquet")
    file.write_bytes(b"other")
    found = played("labels", "verify", str(tmp_path / "dataset"))
    assert found.exit_code == 1
    assert "its SHA-256 is" in found.stdout


def test_a_time_without_a_zone_is_refused(played: Millwright, tmp_path: Path) -> None:
    refused = played.refuses("labels", "export", str(tmp_path / "dataset"), "--as-of", "2026-01-31T12:00:00")
    assert refused.startswith("as-of: ")


@pytest.mark.parametrize("command", ["verify", "compare"])
def test_a_folder_without_a_dataset_is_refused(nowhere: Millwright, tmp_path: Path, command: str) -> None:
    assert nowhere.refuses("labels", command, str(tmp_path / "nothing"))


def test_a_container_without_an_account_in_the_environment_needs_a_person(
    nowhere: Millwright, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert "AZURE_STORAGE_ACCOUNT_NAME" in nowhere.refuses("labels", "verify", "abfs://labels/plant")
