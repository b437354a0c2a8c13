"""Every connector has the same shape: folder name, files, manifest, quality scale and documentation agree."""

import ast
import importlib
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from connectors.manifest import (
    CONNECTOR_FILES,
    Kind,
    Manifest,
    Quality,
    Rule,
    connector_folders,
    load_manifest,
    load_quality,
)
from domain.cmms import CmmsCapabilities
from millwright.runtime.connector_settings import CMMS_WEBHOOKS, cmms_webhook_check

ROOT = Path(__file__).parents[2]
PAGES = (
    "connectors.md",
    "cmms-connectors.md",
    "cmms-connectors-cloud.md",
    "rest-connector.md",
    "mes-connectors.md",
    "mes-connectors-http.md",
)
DOCS = "\n".join((ROOT / "docs" / page).read_text(encoding="utf-8") for page in PAGES)
FOLDERS = connector_folders()
PORTS = [folder for folder in FOLDERS if folder.parent.name in (Kind.CMMS, Kind.MES)]


def name_of(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def test_the_connectors_are_found() -> None:
    assert {"cmms/maximo", "mes/opcua_job_control"} <= {name_of(folder) for folder in FOLDERS}


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_the_folder_is_named_after_the_connector(folder: Path) -> None:
    manifest = load_manifest(folder)
    assert (manifest.kind.value, manifest.id) == (folder.parent.name, folder.name)


@pytest.mark.parametrize("folder", PORTS, ids=name_of)
def test_every_file_is_there(folder: Path) -> None:
    assert [name for name in CONNECTOR_FILES if not (folder / name).is_file()] == []


@pytest.mark.parametrize("folder", PORTS, ids=name_of)
def test_the_package_can_be_connected(folder: Path) -> None:
    package = importlib.import_module(f"connectors.{folder.parent.name}.{folder.name}")
    assert callable(package.connect)


@pytest.mark.parametrize("folder", PORTS, ids=name_of)
def test_the_manifest_lists_the_settings_and_their_secrets(folder: Path) -> None:
    module = importlib.import_module(f"connectors.{folder.parent.name}.{folder.name}.settings")
    (settings,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__
    )
    declared = {name: SecretStr in _parts(field.annotation) for name, field in settings.model_fields.items()}
    assert {setting.name: setting.secret for setting in load_manifest(folder).settings} == declared


@pytest.mark.parametrize("folder", PORTS, ids=name_of)
def test_the_page_documents_every_setting_and_the_quality_scale(folder: Path) -> None:
    manifest, quality = load_manifest(folder), load_quality(folder)
    _, _, section = DOCS.partition(f"\n## `{manifest.id}`")
    section = section.partition("\n## ")[0]
    assert manifest.title in section
    assert [setting.name for setting in manifest.settings if f"| `{setting.name}` |" not in section] == []
    rows = [f"| {rule.value} | {answer.status} |" for rule, answer in quality.rules.items()]
    assert [row for row in rows if row not in section] == []


@pytest.mark.parametrize("folder", [folder for folder in PORTS if folder.parent.name == Kind.CMMS], ids=name_of)
def test_the_page_says_what_each_cmms_can_do(folder: Path) -> None:
    chapter = DOCS.split(f"## `{folder.name}`")[1].split("\n## ")[0]
    told = {
        "key_lifetime": "idempotency",
        "limits": "text limits",
        "one_at_a_time_per_asset": "one at a time per asset",
    }
    names = {told.get(name, name.replace("_", " ")) for name in CmmsCapabilities.model_fields}
    assert [name for name in sorted(names) if f"| {name} |" not in chapter] == []


def test_each_connector_that_checks_webhooks_is_listed_and_each_that_is_listed_does() -> None:
    checking = {folder.name for folder in FOLDERS if (folder / "webhook.py").is_file()}
    assert checking == CMMS_WEBHOOKS
    assert all(callable(cmms_webhook_check(connector)) for connector in CMMS_WEBHOOKS)


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_what_is_called_done_names_a_test_that_exists(folder: Path) -> None:
    tests = [answer.test for answer in load_quality(folder).rules.values() if answer.test]
    assert [test for test in tests if not (ROOT / test).is_file()] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_no_connector_imports_the_sandbox_or_another_vendor(folder: Path) -> None:
    own = f"connectors.{folder.parent.name}.{folder.name}"
    shared = (
        "call", "completed_work", "finding_codes", "http", "json_reading", "library_errors", "machine_states",
        "manifest", "odoo", "oauth", "opcua", "planner_words", "previewing", "replaced_secret", "rows", "text",
        "tls_files", "watermark",
    )  # fmt: skip
    allowed = (own, *(f"connectors.{module}" for module in shared), "domain")
    ours = ("connectors", "domain", "millwright", "activities", "workflows", "policies", "sandbox")
    imported = {
        module
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for module in _modules(node)
        if module.split(".")[0] in ours
    }
    assert [module for module in sorted(imported) if not module.startswith(allowed)] == []


def test_an_unanswered_rule_or_a_missing_reason_is_refused() -> None:
    done = {rule.value: {"status": "done"} for rule in Rule}
    assert Quality.model_validate({"rules": done})
    with pytest.raises(ValidationError, match="no answer to verified-live"):
        Quality.model_validate({"rules": {name: answer for name, answer in done.items() if name != "verified-live"}})
    with pytest.raises(ValidationError, match="todo needs a reason"):
        Quality.model_validate({"rules": done | {"emulator": {"status": "todo"}}})


def test_a_manifest_with_an_unknown_word_is_refused() -> None:
    fields = load_manifest(ROOT / "connectors" / "cmms" / "maximo").model_dump(mode="json")
    with pytest.raises(ValidationError, match="polling"):
        Manifest.model_validate(fields | {"polling": True})


def _parts(annotation: object) -> tuple[object, ...]:
    return (annotation, *getattr(annotation, "__args__", ()))


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module]
    return []
