"""The import rule: kept by the tree, and able to break."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

DIRECTION = "One direction: the shell knows everything, the domain knows nothing"
PORTS = "Ports keep the world out: only the shell may meet an adapter"
IO = "No I/O library below the adapters"
RULES = "The rule engine stays behind the port that judges"
JUDGED = "A policy is judged in an activity, so its verdict is in history"
ENGINE = "The domain knows no engine"
STRANGERS = "Connectors are strangers to each other"
WIRES = "Connectors know ports and wires, nothing of the shell"
VENDOR = "A vendor's library stays within the connector"
READS = "The API reads tables and speaks to workflows; it never acts itself"
ZONE = "The worker in the plant's zone knows no storage"
TRIED = "A trial of a connector knows the port and the wire"
ORACLE = "The sandbox is an independent oracle"
WIRE = "The sandbox is met over the wire, as the plant would be"
TABLES = "Migrations know tables, nothing else"
POLICIES = "The packages of policies point one way"
STORAGE = "The packages of storage point one way"
ACYCLIC = "No cycle between packages"

VIOLATIONS = [
    (DIRECTION, "millwright/storage/database/tables.py", "import millwright.bootstrap"),
    (DIRECTION, "millwright/worker/running.py", "import millwright.intake.running"),
    (DIRECTION, "connectors/http.py", "import policies.engine.judging"),
    (DIRECTION, "domain/cases.py", "import millwright.settings"),
    (PORTS, "activities/work_orders.py", "import connectors.cmms.maximo"),
    (PORTS, "workflows/line_watch.py", "import millwright.storage.judging.lines"),
    (IO, "activities/holds.py", "import httpx"),
    (IO, "workflows/options.py", "import sqlalchemy"),
    (RULES, "activities/judging.py", "import cel_expr_python"),
    (RULES, "activities/judging.py", "import policies.engine.judging"),
    (RULES, "connectors/cmms/rest/client.py", "import cel_expr_python"),
    (RULES, "connectors/cmms/rest/client.py", "import ruamel.yaml"),
    (JUDGED, "workflows/maintenance_case.py", "import policies.language.schema"),
    (ENGINE, "millwright/storage/scheduling/due.py", "import temporalio.client"),
    (STRANGERS, "connectors/cmms/maximo/mapping.py", "import connectors.mes.opcua_job_control.client"),
    (STRANGERS, "connectors/azure/digital_twins/client.py", "import connectors.azure.service_bus.faults"),
    (WIRES, "connectors/manifest.py", "import millwright.settings"),
    (VENDOR, "millwright/intake/running.py", "import azure.servicebus"),
    (READS, "millwright/api/running.py", "import connectors.cmms.maximo"),
    (ZONE, "millwright/plant_zone/running.py", "import millwright.storage.database.engine"),
    (ZONE, "millwright/plant_zone/connecting.py", "import psycopg"),
    (TRIED, "millwright/connector_trial/trial.py", "import connectors.http"),
    (ORACLE, "sandbox/clock.py", "import domain.clock"),
    (WIRE, "millwright/demo/commands.py", "import sandbox.server"),
    (TABLES, "migrations/env.py", "import policies.engine.judging"),
    (POLICIES, "policies/language/schema.py", "import policies.engine.judging"),
    (POLICIES, "policies/evaluation/scoring.py", "import policies.checks.check"),
    (STORAGE, "millwright/storage/database/engine.py", "import millwright.storage.ledger.ledger"),
    (STORAGE, "millwright/storage/cases/holds.py", "import millwright.storage.judging.lines"),
    (ORACLE, "sandbox/bus/broker.py", "import millwright.settings"),
    (WIRE, "millwright/cli/plant.py", "import sandbox.server"),
]

CIRCLES = [
    {"sandbox/bus/broker.py": "import sandbox.plant.people", "sandbox/plant/tables.py": "import sandbox.bus.codec"},
    {"sandbox/bus/broker.py": "import sandbox.bus.channel", "sandbox/bus/channel.py": "import sandbox.bus.broker"},
]


def _configuration(root: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
    return found


def _lint(directory: Path) -> subprocess.CompletedProcess[str]:
    # Narrower than the longest name, the report would cut it.
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _broken(report: str) -> set[str]:
    # After the word, the report may count the imports that a contract excepts.
    return {line.partition(" BROKEN")[0] for line in report.splitlines() if " BROKEN" in line}


@pytest.fixture(scope="session")
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree's packages with every module empty but for the imports that a contract excepts, and the contracts."""
    root = Path(__file__).resolve().parents[2]
    copy = tmp_path_factory.mktemp("skeleton")
    for package in _configuration(root)["root_packages"]:
        for module in (root / package).rglob("*.py"):
            place = copy / module.relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("")
    for contract in _configuration(root)["contracts"]:
        for excepted in contract.get("ignore_imports", ()):
            importer, _, imported = excepted.partition(" -> ")
            (copy / f"{importer.replace('.', '/')}.py").write_text(f"import {imported}\n")
    (copy / "pyproject.toml").write_text((root / "pyproject.toml").read_text())
    return copy


def test_the_tree_keeps_every_contract(project_root: Path) -> None:
    found = _lint(project_root)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(("contract", "module", "line"), VIOLATIONS)
def test_one_wrong_import_breaks_the_contract_meant_for_it(
    skeleton: Path, contract: str, module: str, line: str
) -> None:
    place = skeleton / module
    assert place.exists(), f"{module} is not in the tree any more; break the contract elsewhere"
    place.write_text(f"{line}\n")
    try:
        found = _lint(skeleton)
    finally:
        place.write_text("")
    assert found.returncode == 1, found.stdout
    assert contract in _broken(found.stdout)


def test_an_empty_skeleton_breaks_nothing(skeleton: Path) -> None:
    assert _broken(_lint(skeleton).stdout) == set()


@pytest.mark.parametrize("circle", CIRCLES, ids=["between packages", "within sandbox.bus"])
def test_packages_that_import_each_other_in_a_circle_break_the_contract_meant_for_it(
    skeleton: Path, circle: Mapping[str, str]
) -> None:
    for module, line in circle.items():
        (skeleton / module).write_text(f"{line}\n")
    try:
        found = _lint(skeleton)
    finally:
        for module in circle:
            (skeleton / module).write_text("")
    assert _broken(found.stdout) == {ACYCLIC}


def test_every_contract_is_broken_on_purpose_above(project_root: Path) -> None:
    assert {contract["name"] for contract in _configuration(project_root)["contracts"]} == {
        ACYCLIC,
        *(contract for contract, _, _ in VIOLATIONS),
    }


def test_every_package_of_the_shell_has_its_layer_and_nothing_lies_loose(project_root: Path) -> None:
    shell = project_root / "millwright"
    packages = {f"millwright.{path.parent.name}" for path in shell.glob("*/__init__.py")}
    modules = {path.stem for path in shell.glob("*.py") if not path.stem.startswith("__")}
    contracts = {contract["name"]: contract for contract in _configuration(project_root)["contracts"]}
    layers = {name.strip() for layer in contracts[DIRECTION]["layers"] for name in layer.split("|")}
    assert modules == {"bootstrap", "settings"}
    assert packages <= layers


@pytest.mark.parametrize(("contract", "place"), [(POLICIES, "policies"), (STORAGE, "millwright/storage")])
def test_every_package_within_has_its_layer_and_nothing_lies_loose(
    project_root: Path, contract: str, place: str
) -> None:
    packages = {path.parent.name for path in (project_root / place).glob("*/__init__.py")}
    contracts = {contract["name"]: contract for contract in _configuration(project_root)["contracts"]}
    layers = {name.strip() for layer in contracts[contract]["layers"] for name in layer.split("|")}
    assert packages == layers
    assert [path.name for path in (project_root / place).glob("*.py")] == ["__init__.py"]


def test_everything_that_is_shipped_is_linted_and_typed(project_root: Path) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text())["tool"]
    shipped = set(project["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert shipped == set(project["importlinter"]["root_packages"])
    assert shipped <= set(project["mypy"]["files"])
