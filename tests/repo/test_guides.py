"""The guides for people who change the code: what they name exists, and what must be done is named."""

import re
from pathlib import Path

import pytest

from connectors.manifest import CONNECTOR_FILES
from domain.ports import Cmms, Mes

_ROOT = Path(__file__).resolve().parents[2]
_CONTRIBUTING = (_ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
_CONNECTOR = (_ROOT / "docs" / "add-a-connector.md").read_text(encoding="utf-8")
_GUIDES = _CONTRIBUTING + _CONNECTOR
_TARGETS = set(re.findall(r"^([a-z-]+):", (_ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
_PRODUCT = "domain|policies|connectors|activities|workflows|millwright|migrations|sandbox"
_TREES = f"{_PRODUCT}|tests|benchmarks|findings|supply|docs"
_PATHS = sorted(set(re.findall(rf"(?<![\w/.])((?:{_TREES})/[\w./-]*)", _GUIDES)) - {"connectors/cmms/acme/"})
_SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in sorted((_ROOT / "tests").rglob("*.py")))


def _methods(port: type) -> list[str]:
    return sorted(name for name in vars(port) if not name.startswith("_"))


@pytest.mark.parametrize("path", _PATHS)
def test_every_path_that_a_guide_names_exists(path: str) -> None:
    assert (_ROOT / path.rstrip(".")).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|^)make ([a-z-]+)", _GUIDES, re.MULTILINE))))
def test_every_make_target_that_a_guide_names_exists(target: str) -> None:
    assert target in _TARGETS


@pytest.mark.parametrize("test", sorted(set(re.findall(r"`(test_\w+)`", _GUIDES))))
def test_every_test_that_a_guide_names_exists(test: str) -> None:
    assert f"def {test}(" in _SOURCES


@pytest.mark.parametrize("method", [*_methods(Cmms), *_methods(Mes)])
def test_every_method_that_a_connector_must_have_is_named(method: str) -> None:
    assert f"`{method}`" in _CONNECTOR


@pytest.mark.parametrize("file", CONNECTOR_FILES)
def test_every_file_of_a_connector_is_named(file: str) -> None:
    assert f"| `{file}` |" in _CONNECTOR


@pytest.mark.parametrize(
    "folder", sorted(path.name for path in (_ROOT / "tests").iterdir() if any(path.glob("test_*.py")))
)
def test_every_folder_of_tests_has_its_tier(folder: str) -> None:
    assert f"`tests/{folder}`" in _CONTRIBUTING


@pytest.mark.parametrize("package", ["domain", "policies", "connectors", "activities", "workflows", "sandbox"])
def test_every_package_has_its_row(package: str) -> None:
    assert f"| `{package}/` |" in _CONTRIBUTING
