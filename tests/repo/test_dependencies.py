"""Every dependency has a reason, and the lock says what is installed without saying where from."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
_LOCK = (_ROOT / "requirements.lock").read_text(encoding="utf-8")


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
    locked = set(re.findall(r"^([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==", _LOCK, re.MULTILINE))
    assert set(_declared()) - locked == set()


def test_the_lock_has_a_hash_for_every_version_and_no_address() -> None:
    assert "://" not in _LOCK
    assert not re.search(r"^\s*(-i|-f|--index-url|--extra-index-url|--find-links|-e)\b", _LOCK, re.MULTILINE)
    # A pin is one logical line: its continuation lines carry the hashes.
    logical = _LOCK.replace("\\\n", " ").splitlines()
    pins = [line for line in logical if line and not line.lstrip().startswith("#")]
    assert [line for line in pins if "==" not in line or "--hash=sha256:" not in line] == []
