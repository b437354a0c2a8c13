"""The pages on policies are whole, and what its tutorial writes really checks."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from domain.model import Model
from domain.verdict import Rung, Severity, Urgency
from policies.checks.check import check
from policies.checks.findings import Kind
from policies.checks.policy_tests import PolicyCases
from policies.language.schema import APPLIES_TO, BAD_QUALITY, PolicyDocument
from policies.language.states import STATE
from policies.language.variables import VARIABLES

_DOCS = Path(__file__).parents[2] / "docs"
_PAGE = "".join(
    (_DOCS / name).read_text(encoding="utf-8") for name in ("policies.md", "policy-reference.md", "policy-timing.md")
)
_WORDS = frozenset(re.findall(r"`([^`\s]+)`", _PAGE))
_FILE = re.compile(r"^```yaml\n# (?P<name>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def _fields(shape: type[Model]) -> Iterator[str]:
    for name, field in shape.model_fields.items():
        yield field.alias or name
        for inner in _types(field.annotation):
            if isinstance(inner, type) and issubclass(inner, Model):
                yield from _fields(inner)


def _types(annotation: object) -> Iterator[object]:
    yield annotation
    for inner in get_args(annotation):
        yield from _types(inner)


@pytest.mark.parametrize("name", sorted({*_fields(PolicyDocument), *_fields(PolicyCases)}))
def test_every_field_that_may_be_written_is_explained(name: str) -> None:
    assert name in _WORDS


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_every_variable_has_its_row_with_type_and_meaning(name: str) -> None:
    variable = VARIABLES[name]
    assert f"| `{name}` | {variable.type} | {variable.meaning}" in _PAGE


@pytest.mark.parametrize("name", sorted(STATE))
def test_everything_a_state_can_be_asked_has_its_row(name: str) -> None:
    assert f"| `state.vibrating.{name}` | {STATE[name].type} | {STATE[name].meaning}" in _PAGE


@pytest.mark.parametrize("name", [word for words in VARIABLES.values() for word in words.words if word])
def test_every_word_that_a_variable_may_have_is_named(name: str) -> None:
    assert name in _WORDS


@pytest.mark.parametrize(
    "word", [*(rung.word for rung in Rung), *Severity, *Urgency, APPLIES_TO, BAD_QUALITY, "active", "shadow"]
)
def test_every_rung_severity_urgency_guard_and_role_is_named(word: str) -> None:
    assert word in _WORDS


def test_no_variable_is_explained_that_does_not_exist() -> None:
    rows = re.findall(
        r"^\| `((?:asset|anomaly|memory|operating|maintenance|verdict|production|cost)\.[a-z_]+)` \|",
        _PAGE,
        re.MULTILINE,
    )
    assert sorted(rows) == sorted(VARIABLES)


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_the_policies_of_the_tutorial_can_be_published(version: str, tmp_path: Path) -> None:
    files = {found["name"]: found["text"] for found in _FILE.finditer(_PAGE)}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    report = check(tmp_path / f"{version}.yaml")

    assert report.publishable, [report.problems, report.cases, [str(finding.complaint) for finding in report.findings]]
    assert report.cases is not None
    if version == "1.0.0":
        notes = sum(not finding.blocks for finding in report.findings)
        assert f"{len(report.cases.results)} of {len(report.cases.results)} cases pass.\n{notes} notes on" in _PAGE


@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
def test_every_kind_of_finding_has_its_row(kind: str) -> None:
    assert f"\n| {kind} | " in _PAGE
