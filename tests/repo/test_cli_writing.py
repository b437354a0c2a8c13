"""Commands write through `millwright/cli/output.py`, so that a terminal shows the words of others and obeys none."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_CLI = Path(__file__).resolve().parents[2] / "millwright" / "cli"
_WRITERS = frozenset({"typer.echo", "typer.secho", "click.echo", "click.secho", "print", "sys.stdout.write"})


def _writes(source: str) -> Iterator[int]:
    """The lines that write to a terminal directly."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in _WRITERS:
            yield node.lineno


@pytest.mark.parametrize("line", ["typer.echo(name)", "typer.echo()", "print(name, end='')"])
def test_a_line_that_writes_directly_is_known_as_one(line: str) -> None:
    assert list(_writes(line)) == [1]


def test_no_command_writes_to_the_terminal_but_through_the_module_that_shows_escapes() -> None:
    modules = [path for path in sorted(_CLI.glob("*.py")) if path.name != "output.py"]
    assert len(modules) > 30
    assert {path.name: lines for path in modules if (lines := list(_writes(path.read_text(encoding="utf-8"))))} == {}
