"""The output of a command on stdout: a table for people, JSON for a pipe."""

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

_PIPED_WIDTH = 200
"""The width if stdout is no terminal, so that lines are not cut."""

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Everything that moves a terminal's cursor or changes the direction of writing, but for a tab and a new line."""

Json = Annotated[bool, typer.Option("--json", help="Write JSON, for a pipe.")]


def visible(text: str) -> str:
    """The text with each control character written as its escape, so that a terminal shows it and does not obey it."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def say(text: str) -> None:
    """Writes a sentence that has words of somebody else in it."""
    typer.echo(visible(text))


def write_json(value: object) -> None:
    """Writes a value as one JSON document: models as objects, times in ISO 8601 and UTC, durations in seconds."""
    import orjson

    option = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    typer.echo(orjson.dumps(value, default=_plain, option=option).decode())


def _plain(value: object) -> object:
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Path):
        return visible(str(value))
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def write_table(columns: Sequence[str], rows: Iterable[Sequence[object]], nothing: str) -> None:
    """Writes a table, or a sentence if it is empty."""
    from rich.table import Table
    from rich.text import Text

    shown = [[_shown(value) for value in row] for row in rows]
    if not shown:
        typer.echo(nothing)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in shown:
        table.add_row(*(Text(value) for value in row))
    write_rich(table)


def write_rich(shown: "RenderableType") -> None:
    """Writes a Rich renderable; plain if stdout is no terminal."""
    from rich.console import Console

    Console(file=sys.stdout, width=None if sys.stdout.isatty() else _PIPED_WIDTH).print(shown)


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return visible(str(value))
