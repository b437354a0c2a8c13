"""Edits a version's text to make a draft: its places, and the same text with other values in some of them."""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import FoldedScalarString

from domain.verdict import Rung
from policies.language.fields import UNCONDITIONAL

Place = tuple[str | int, ...]
"""The way to a value of a document."""
_ORDERING = frozenset(rung.word for rung in Rung if rung.orders)
_FOLD = 100
_BRACES = re.compile(r"^( *[a-z_]+: )\{(.*)\}$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Written:
    """A condition as its author wrote it, and its rule. `orders` says whether that rule orders work."""

    place: Place
    owner: str
    when: str
    orders: bool = False


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """A row of a decision table."""

    place: Place
    row: str
    cells: Mapping[str, object]
    orders: bool


class Redraft:
    """A version's text with its editable places.

    Args:
        text: the YAML of a version that compiles.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.document: dict[str, object] = _yaml().load(text)

    def rules(self) -> Iterator[Written]:
        """The conditions of the list's own rules."""
        for place, entry in _listed(self.document, "rules"):
            if "rows" not in entry:
                yield Written((*place, "when"), str(entry["id"]), _condition(entry["when"]), _orders(entry))

    def conditions(self) -> Iterator[Written]:
        """Every condition on which a draft may differ: of rules, tables, overriding rules and states."""
        yield from self.rules()
        for place, entry in _listed(self.document, "rules"):
            if "rows" in entry and "when" in entry:
                yield Written((*place, "when"), f"table {entry['table']}", _condition(entry["when"]))
        for place, override in _listed(self.document, "overrides"):
            for within, entry in _listed(override, "rules"):
                if "when" in entry:
                    yield Written((*place, *within, "when"), str(entry["id"]), _condition(entry["when"]))
        for place, state in _listed(self.document, "states"):
            for name in ("raise_when", "clear_when"):
                if name in state:
                    yield Written((*place, name), f"{name} of state {state['id']}", _condition(state[name]))

    def rows(self) -> Iterator[WrittenRow]:
        """The rows of its decision tables."""
        for place, entry in _listed(self.document, "rules"):
            for within, row in _listed(entry, "rows"):
                cells = row["when"]
                if isinstance(cells, dict):
                    yield WrittenRow((*place, *within, "when"), str(row["id"]), cells, _orders(row))

    def states(self) -> Iterator[tuple[Place, dict[str, object]]]:
        """Its states."""
        yield from _listed(self.document, "states")

    def parameters(self) -> Iterator[tuple[Place, str, str, int | float]]:
        """Its numeric parameters: place, scope, name and value."""
        yield from _numbers(self.document, (), "")
        for place, override in _listed(self.document, "overrides"):
            scope = override["for"]
            whom = " ".join(f"{key} {value}" for key, value in scope.items()) if isinstance(scope, dict) else ""
            yield from _numbers(override, place, f" for {whom}")

    def written(self, words: str, changes: Mapping[Place, object]) -> str:
        """The whole text with these values in these places, under the next minor version number."""
        yaml = _yaml()
        document = yaml.load(self._text)
        version = _next(str(document["version"]))
        document["cases"] = str(document["cases"]).replace(str(document["version"]), version)
        document["version"] = version
        document["title"] = f"Proposed: {words}."
        document["author"] = "millwright policy suggest"
        for place, value in changes.items():
            within = document
            for step in place[:-1]:
                within = within[step]
            within[place[-1]] = FoldedScalarString(value) if isinstance(value, str) and len(value) > _FOLD else value
        out = io.StringIO()
        yaml.dump(document, out)
        # The style of our own files; the library removes these spaces.
        return _BRACES.sub(r"\1{ \2 }", out.getvalue())


def _listed(within: Mapping[str, object], name: str) -> Iterator[tuple[Place, dict[str, object]]]:
    entries = within.get(name)
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            yield (name, number), entry


def _numbers(within: Mapping[str, object], place: Place, whom: str) -> Iterator[tuple[Place, str, str, int | float]]:
    parameters = within.get("parameters")
    for name, value in parameters.items() if isinstance(parameters, dict) else ():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield (*place, "parameters", name), whom, str(name), value


def _condition(value: object) -> str:
    return UNCONDITIONAL if value is True else str(value)


def _orders(rule: Mapping[str, object]) -> bool:
    then = rule.get("then")
    return isinstance(then, dict) and then.get("rung") in _ORDERING


def _next(version: str) -> str:
    major, minor, _ = version.split(".")
    return f"{major}.{int(minor) + 1}.0"


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
