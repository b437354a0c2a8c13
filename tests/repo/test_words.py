"""No retired word comes back, and one name means one class."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import typer
from typer.core import TyperGroup

from millwright.cli import app
from millwright.storage.database.tables import metadata

_ROOT = Path(__file__).resolve().parents[2]
_PRODUCT = ("activities", "connectors", "domain", "millwright", "policies", "workflows")
_ALL = (*_PRODUCT, "sandbox", "tests", "benchmarks", "supply")

# Migrations and ADRs are exempt: they say what was.
WORDS = {
    "attended": "leased",
    "attendance": "lease",
    "casebook": "case transitions",
    "desk": "dependencies (of a request)",
    "door": "ingress",
    "doors": "event sources, queues",
    "fickle": "reversing",
    "gathering": "group commit",
    "holding_back": "suppression filter",
    "let_in": "apply after suppression",
    "made_up": "random",
    "phrasebook": "parse cache",
    "risk_order": "priority",
    "staff": "people",
}
"""Words that no name has as a part, and what to say."""

CLASSES = {
    "Attempts": "ActivityInterceptor",
    "Book": "CheckedAssignments",
    "Precedence": "a Temporal priority",
    "Returning": "SuppressionEnd",
    "Standing": "ComparisonResult, VersionsInForce, AutonomyProgress",
    "Told": "QuestionResult, VersionAct, StoryAct",
    "Turn": "CallOutcome",
}
"""Names that no class has again, and what the classes are called."""

KEPT = {
    "let_in": "a field of GET /suppressions/{id}",
    "LET_IN": "a value in the column `how` of `suppressed`, in the ledger and in the evidence pack",
}
"""Identifiers that have a retired word as a part, because the outside knows it."""

_PORT = "a port, and the class of millwright.storage that implements it"
SHARED = {
    "AdmissionStore": _PORT,
    "Answer": "a rule of the quality scale, an audit question, a search for a situation, a condition",
    "Autonomy": "the activities, and the section of a policy document",
    "AutonomyStore": _PORT,
    "Bounds": "of precision, and of the size of a condition",
    "BusMessage": "a protocol, and the connector's class that meets it",
    "CaseStore": _PORT,
    "Chain": "the ledger's hash chain, and a chain of conditions",
    "Change": "of an input, of a backtest's figures, of a document",
    "ChangeStore": _PORT,
    "Decision": "a person's, and a version's",
    "Difference": "of two versions, and of two shares",
    "Effect": "of a suggested draft, and of a changed rule",
    "End": "of an assignment, and the body of a request that ends a suppression",
    "EndRow": "as the assignments read it, and as the audit reads it",
    "Entry": "an event's into a case, and a transaction's into the ledger",
    "Facts": "the search attributes of a workflow, and the variables of a condition",
    "HoldStore": _PORT,
    "NormalStore": _PORT,
    "SuspectLotStore": _PORT,
    "InForce": "the offline verifier's, which imports nothing of ours, and the answer of `policy in-force`",
    "Job": "of production, and of a process that replays events",
    "Judgement": "a listed verdict, and a version as a formula",
    "Kind": "of a connector, and of a finding",
    "LineStore": _PORT,
    "Ordering": "a listed verdict, and a replayed one",
    "Outcomes": "the activities, and the outcomes that a backtest knows",
    "Part": "a spare part, and a part of a condition",
    "Person": "who signed in, and who has keys on this machine",
    "Place": "in the plant, and in a text",
    "Placement": "of a hold, and of a version",
    "Proof": "of a row in the ledger, and of a property",
    "Quality": "of a connector, and of a signal",
    "Question": "of a backtest, and of an auditor",
    "Report": "of the audit, and of the checks",
    "Row": "of an answer, and of a policy's table",
    "Rule": "of the quality scale, and of a policy",
    "Scope": "of an assignment, and of an override",
    "Search": "for a suggestion, and for a situation",
    "Seen": "of a canary, and of a situation",
    "Signed": "a listed signature, one in a request, a stored one",
    "Tested": "a condition's statement, and a version in a backtest",
    "WalkDown": "what storage knows of one, and its workflow",
}
"""Names that several classes of the product share, and why. A new class takes a name of its own."""


class Identifier(NamedTuple):
    """A name that we give, and where."""

    name: str
    where: str
    of_class: bool = False


def _bound(tree: ast.Module, where: str) -> Iterator[Identifier]:
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name):
                yield Identifier(name, f"{where}:{node.lineno}", of_class=True)
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.arg(arg=name)
                | ast.Name(id=name, ctx=ast.Store())
                | ast.Attribute(attr=name, ctx=ast.Store())
                | ast.alias(asname=str(name))
                | ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                yield Identifier(name, f"{where}:{getattr(node, 'lineno', 0)}")
            case _:
                pass


def _modules(packages: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    for package in packages:
        for path in sorted((_ROOT / package).rglob("*.py")):
            yield path, path.relative_to(_ROOT).as_posix()


@cache
def _identifiers() -> tuple[Identifier, ...]:
    found = []
    for path, where in _modules(_ALL):
        if path != Path(__file__).resolve():
            found += [Identifier(path.stem, where), *_bound(ast.parse(path.read_text(encoding="utf-8")), where)]
    return tuple(found)


def _parts(name: str) -> str:
    """A name's words with an underscore around each: `OnDesk` gives `_on_desk_`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\s-]+", "_", name)
    return f"_{spaced.lower().strip('_')}_"


def _retired(name: str) -> list[str]:
    return [f"{name}: say {use}" for word, use in WORDS.items() if f"_{word}_" in _parts(name)]


def _commands(group: TyperGroup) -> Iterator[str]:
    for name, command in group.commands.items():
        yield name
        if isinstance(command, TyperGroup):
            yield from _commands(command)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("OnDesk", 1),
        ("desk_of", 1),
        ("_let_in", 1),
        ("Held back at the desk", 1),
        ("desktop", 0),
        ("holding_backlog", 0),
    ],
)
def test_a_word_is_found_as_a_part_of_a_name_and_not_of_a_word(name: str, found: int) -> None:
    assert len(_retired(name)) == found


def test_no_identifier_has_a_retired_word() -> None:
    assert len(_identifiers()) > 10_000
    found = [
        f"{identifier.where}: {words}"
        for identifier in _identifiers()
        if identifier.name not in KEPT
        for words in _retired(identifier.name)
    ]
    assert found == []


def test_no_class_has_a_retired_name() -> None:
    found = [
        f"{identifier.where}: {identifier.name}: say {CLASSES[name]}"
        for identifier in _identifiers()
        if identifier.of_class and (name := identifier.name.strip("_")) in CLASSES
    ]
    assert found == []


def test_what_is_kept_is_there() -> None:
    assert KEPT.keys() - {identifier.name for identifier in _identifiers()} == set()


def test_no_command_has_a_retired_word() -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    names = list(_commands(root))
    assert len(names) > 50
    assert [words for name in names for words in _retired(name)] == []


def test_no_table_or_column_has_a_retired_word() -> None:
    names = [name for table in metadata.tables.values() for name in (table.name, *table.columns.keys())]
    assert len(names) > 100
    assert [words for name in names for words in _retired(name)] == []


def test_no_page_title_has_a_retired_word() -> None:
    pages = [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]
    titles = [line for page in pages for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("# ")]
    assert len(titles) >= len(pages)
    assert [words for title in titles for words in _retired(title.removeprefix("# "))] == []


def test_a_name_is_shared_by_classes_only_where_that_is_listed() -> None:
    modules: dict[str, set[str]] = {}
    for path, where in _modules(_PRODUCT):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                modules.setdefault(node.name, set()).add(where)
    shared = {name: sorted(where) for name, where in modules.items() if len(where) > 1}
    assert {name: where for name, where in shared.items() if name not in SHARED} == {}
    assert SHARED.keys() - shared.keys() == set(), "these are no longer shared: take them off the list"
