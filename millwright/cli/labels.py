"""`labels`: training labels from completed work."""

from pathlib import Path
from typing import Annotated

import typer

from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import say

app = typer.Typer(no_args_is_help=True, help="Labels: training data from completed work.")


@app.callback()
def _labels() -> None:
    """Makes this a command group, although it has one command."""


@app.command("export")
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The Parquet file to write.", dir_okay=False)],
) -> None:
    """Write every training label, with its window and provenance, to a Parquet file."""
    settings = settings_of(context)

    async def write() -> int:
        from millwright.labels.parquet_labels import ParquetLabels
        from millwright.storage.reporting.labels import read_labels

        async with opened(settings) as storage:
            return ParquetLabels(file).write(await read_labels(storage.engine))

    say(f"{finish(write())} labels in {file}.")
