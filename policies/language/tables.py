"""Expands decision tables (after OMG DMN 1.5, chapter 8) into conditions.

Each row of a table becomes a rule with its own name, reason and response, in the order of evaluation. So the
code that judges, explains and proves rules also works for tables.
"""

import re
from collections.abc import Mapping, Sequence

from policies.language.fields import UNCONDITIONAL
from policies.language.grammar import ConditionRejected
from policies.language.inheritance import quoted
from policies.language.schema import Action, Cell, Row, Table
from policies.language.variables import Variable

_COMPARED = re.compile(r"(>=|<=|==|!=|>|<)\s*(-?[0-9]+(?:\.[0-9]+)?|[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)")
_NEGATED = "!= "


def cell_condition(name: str, variable: Variable, cell: Cell) -> str:
    """A cell as a condition on its variable.

    Raises:
        ConditionRejected: the cell does not fit a variable of this type.
    """
    if isinstance(cell, tuple):
        if variable.type == "BOOL":
            raise _rejected("a list cannot test what is true or false", "write true or false")
        return f"{name} in [{', '.join(_literal(variable, entry) for entry in cell)}]"
    if variable.type == "BOOL":
        if not isinstance(cell, bool):
            raise _rejected(f"{cell!r} is neither true nor false", "write true or false")
        return name if cell else f"!{name}"
    if isinstance(cell, str) and variable.type == "STRING" and cell.startswith(_NEGATED):
        return f"{name} != {_literal(variable, cell.removeprefix(_NEGATED))}"
    if isinstance(cell, str) and variable.type != "STRING":
        return " && ".join(f"{name} {operator} {side}" for operator, side in _comparisons(variable, cell))
    return f"{name} == {_literal(variable, cell)}"


def row_condition(table: Table, row: Row, variables: Mapping[str, Variable]) -> str:
    """A row's whole condition, including that of its table.

    Raises:
        ConditionRejected: one of its cells does not fit its variable.
    """
    cells = [cell_condition(name, variables[name], cell) for name, cell in row.when.items() if name in variables]
    asked = [] if table.when == UNCONDITIONAL else [f"({table.when})"]
    return " && ".join([*asked, *cells]) or UNCONDITIONAL


def precedence(action: Action) -> tuple[int, str, int]:
    """The sort key of actions in a table whose highest row decides: the rung, then the severity, then the priority."""
    return (-int(action.rung), action.severity.value, action.priority)


def _comparisons(variable: Variable, cell: str) -> Sequence[tuple[str, str]]:
    found = [_COMPARED.fullmatch(part.strip()) for part in cell.split(",")]
    if not all(found):
        problem = f"{cell!r} is no test of a number"
        raise _rejected(problem, "write comparisons joined by commas, such as '>= 0.5, < 0.9'")
    return [(each[1], _side(variable, each[2])) for each in found if each is not None]


def _side(variable: Variable, written: str) -> str:
    whole = re.fullmatch(r"-?[0-9]+", written) is not None
    return f"{written}.0" if whole and variable.type == "DOUBLE" else written


def _literal(variable: Variable, value: bool | float | str) -> str:
    if variable.type == "STRING" and isinstance(value, str):
        if "\\" in value or "\n" in value or ("'" in value and '"' in value):
            raise _rejected(f"{value!r} cannot be written in a condition", "leave quotes and backslashes out")
        return quoted(value)
    if isinstance(value, bool | str) or variable.type == "STRING":
        needed = "a text" if variable.type == "STRING" else "a number"
        raise _rejected(f"{value!r} is not {needed}", f"write {needed}")
    if variable.type == "INT" and not isinstance(value, int):
        raise _rejected(f"{value!r} is no whole number", "write a whole number")
    return f"{float(value):f}" if variable.type == "DOUBLE" else str(value)


def _rejected(problem: str, fix: str) -> ConditionRejected:
    return ConditionRejected(problem, offset=0, fix=fix)
