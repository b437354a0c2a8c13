"""Every dependency has a reason, and the lock says what is installed without saying where from."""

import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from supply import lock

_ROOT = Path(__file__).resolve().parents[2]
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _reasons() -> str:
    """The newest page about dependencies: an older one is superseded and stays as it was."""
    return max((_ROOT / "docs" / "decisions").glob("*-dependencies.md")).read_text(encoding="utf-8")


def _names(requirements: Iterable[str]) -> list[str]:
    return [re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0] for requirement in requirements]


def _declared() -> list[str]:
    return _names([*_PROJECT["project"]["dependencies"], *_PROJECT["dependency-groups"]["dev"]])


def test_every_dependency_has_a_reason_and_every_reason_a_dependency() -> None:
    given = re.findall(r"^\| `([a-z0-9-]+)` \| \S.+ \|$", _reasons(), re.MULTILINE)
    assert sorted(given) == sorted(_declared())


def test_every_dependency_is_locked() -> None:
    assert set(_declared()) - {pin.name for pin in lock.read(lock.RUNTIME)} == set()


@pytest.mark.parametrize("path", [lock.RUNTIME, lock.TOOLS], ids=lambda path: path.name)
def test_the_lock_has_a_hash_for_every_version_and_no_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--index-url|--extra-index-url|--find-links|-e)\b", text, re.MULTILINE)
    # A pin is one logical line: its continuation lines carry the hashes.
    logical = text.replace("\\\n", " ").splitlines()
    pins = [line for line in logical if line and not line.lstrip().startswith("#")]
    assert [line for line in pins if "==" not in line or "--hash=sha256:" not in line] == []
    assert len(lock.read(path)) == len(pins)


def test_whatever_builds_and_installs_is_locked_by_hash() -> None:
    tools = {pin.name for pin in lock.read(lock.TOOLS)}
    wanted = {*_names(_PROJECT["build-system"]["requires"]), *_names(_PROJECT["dependency-groups"]["tools"])}
    assert wanted >= {"uv", "hatchling"}
    assert wanted - tools == set()


def test_no_tool_is_taken_from_the_path_or_by_its_name_alone() -> None:
    makefile = (_ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = [line for line in makefile.splitlines() if "pip install" in line or "pip sync" in line]
    pinned = ("--require-hashes", "--build-constraints requirements-tools.lock")
    assert len(recipes) == 4
    assert [line for line in recipes if not any(option in line for option in pinned)] == []
    assert "command -v uv" not in makefile


def test_every_package_of_the_foreign_servers_is_locked_by_hash_and_none_runs_a_script() -> None:
    folder = _ROOT / "tests" / "contract" / "foreign"
    packages = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []
    assert "ignore-scripts=true" in (folder / ".npmrc").read_text(encoding="utf-8").splitlines()
