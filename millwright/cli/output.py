"""The output of a command on stdout: a table for people, JSON for a pipe."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that a terminal obeys instead of showing them: control characters but tab and line feed, and those that
change the direction of the text."""
_PIPED_WIDTH = 200
"""The width if stdout is no terminal, so that lines are not cut."""

Json = Annotated[bool, typer.Option("--json", help="Write JSON, for a pipe.")]


def shown(text: str) -> str:
    r"""The text with each character that a terminal would obey as an escape, such as `\u001b`.

    A sender chooses the names and words of events, orders and records, and must not write to a person's terminal.
    """
    return _OBEYED.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def say(text: str = "", *, err: bool = False, end: str = "\n") -> None:
    """Writes a sentence, whose words may be somebody else's. Every command writes through it or a function below."""
    typer.echo(f"{shown(text)}{end}", err=err, nl=False)


def say_again(text: str, *, last: bool) -> None:
    """Writes a line of progress on stderr, over the one before."""
    typer.echo(f"\r{shown(text)}", err=True, nl=last)


def write_json(value: object) -> None:
    """Writes a value as one JSON document: models as objects, times in ISO 8601 and UTC, durations in seconds."""
    import orjson

    option = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    # An escape of `shown` within a JSON text is the same character.
    say(orjson.dumps(value, default=_plain, option=option).decode())


def _plain(value: object) -> object:
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Path):
        return shown(str(value))
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def write_table(columns: Sequence[str], rows: Iterable[Sequence[object]], nothing: str) -> None:
    """Writes a table, or a sentence if it is empty."""
    from rich.table import Table
    from rich.text import Text

    written = [[_written(value) for value in row] for row in rows]
    if not written:
        say(nothing)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in written:
        table.add_row(*(Text(value) for value in row))
    write_rich(table)


def write_rich(content: "RenderableType") -> None:
    """Writes a Rich renderable; plain if stdout is no terminal."""
    from rich.console import Console

    Console(file=sys.stdout, width=None if sys.stdout.isatty() else _PIPED_WIDTH).print(_Shown(content))


class _Shown:
    """A renderable whose texts have gone through `shown`; Rich itself passes most control characters on."""

    def __init__(self, content: "RenderableType") -> None:
        self._content = content

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "Iterator[Segment]":
        for segment in console.render(self._content, options):
            yield segment if segment.control else segment._replace(text=shown(segment.text))


def _written(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    # Before the layout, so that the columns are wide enough.
    return shown(str(value))
