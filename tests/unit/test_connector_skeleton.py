"""A new connector's folder passes what every connector passes, and says what is to be written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.manifest import CONNECTOR_FILES, connector_folders, load_manifest, load_quality
from domain.errors import Rejected
from millwright.connector_skeleton import class_prefix, write_skeleton

ID = "acme_cloud"
SAYS = """
import asyncio, httpx
from connectors.cmms import acme_cloud
from domain.clock import WallClock
from domain.errors import Refused
from domain.outcomes import OutcomeClass
from domain.ports import Cmms
from domain.work_orders import CompletionReport

async def main() -> None:
    settings = acme_cloud.AcmeCloudSettings.model_validate({"url": "https://acme.example/api", "token": "secret"})
    async with httpx.AsyncClient() as http:
        cmms: Cmms = acme_cloud.connect(settings, http, system="acme_cloud", clock=WallClock())
        assert set(cmms.capabilities.priorities) == {1, 2, 3, 4}
        try:
            await cmms.check()
        except Refused as error:
            print(error)
    assert acme_cloud.outcome_codes(settings).classify(CompletionReport()) is OutcomeClass.UNKNOWN

asyncio.run(main())
"""


@pytest.fixture
def tree(tmp_path: Path, project_root: Path) -> Path:
    """A copy of the packages that a connector needs, with a new connector."""
    for package in ("connectors", "domain"):
        (tmp_path / package).mkdir()
        for file in (project_root / package).rglob("*.py"):
            copy = tmp_path / file.relative_to(project_root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((project_root / "pyproject.toml").read_bytes())
    write_skeleton(ID, tmp_path / "connectors" / "cmms")
    return tmp_path


def run(tree: Path, *command: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(tree), "MYPYPATH": str(tree)}
    ended = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_it_has_every_file_a_manifest_and_an_answer_to_each_rule(tree: Path) -> None:
    folder = tree / "connectors" / "cmms" / ID
    assert folder in connector_folders(tree / "connectors")
    assert set(CONNECTOR_FILES) <= {file.name for file in folder.iterdir()}
    assert load_manifest(folder).id == ID
    assert {answer.status for answer in load_quality(folder).rules.values()} == {"todo"}


def test_it_is_imported_and_each_call_says_what_is_to_be_written(tree: Path) -> None:
    said = run(tree, sys.executable, "-c", SAYS)
    assert "AcmeCloudCmms.check is not written yet, in connectors/cmms/acme_cloud/connector.py" in said


@pytest.mark.thorough
def test_it_passes_the_checks_of_style_and_types(tree: Path) -> None:
    tool = Path(sys.executable).parent
    run(tree, str(tool / "ruff"), "check", f"connectors/cmms/{ID}")
    run(tree, str(tool / "ruff"), "format", "--check", f"connectors/cmms/{ID}")
    run(tree, str(tool / "mypy"), "--cache-dir", str(tree / "cache"), f"connectors/cmms/{ID}")


@pytest.mark.parametrize("wrong", ["Acme", "1acme", "acme-cloud", "acme__cloud", "../acme", ""])
def test_an_id_that_is_no_package_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(Rejected, match="is no id"):
        write_skeleton(wrong, tmp_path)


@pytest.mark.parametrize("wrong", ["class", "import", "async"])
def test_an_id_that_is_a_keyword_of_python_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(Rejected, match="is a keyword of Python"):
        write_skeleton(wrong, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write_skeleton("acme", tmp_path)
    with pytest.raises(Rejected, match="is there already"):
        write_skeleton("acme", tmp_path)
    with pytest.raises(Rejected, match="there is no folder"):
        write_skeleton("acme", tmp_path / "nowhere")


def test_the_classes_are_named_after_the_connector() -> None:
    assert (class_prefix("acme"), class_prefix("sap_pm")) == ("Acme", "SapPm")
