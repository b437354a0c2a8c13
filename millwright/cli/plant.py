"""`run`, `up` and `sandbox`: the whole plant on one machine."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from millwright.cli.connections import settings_of
from millwright.demo.plant_systems import PLANT_CMMS, PLANT_MES, USUAL_CMMS, USUAL_MES

Data = Annotated[
    Path | None,
    typer.Option(
        envvar="MILLWRIGHT_DATA",
        help="Folder of plant data (azure-pdm format); else the published data, else a generated plant.",
        show_default=False,
        exists=True,
        file_okay=False,
    ),
]


Fresh = Annotated[bool, typer.Option("--fresh", help="Empty the home even if people acted in it; their acts are lost.")]


Cmms = Annotated[str, typer.Option("--cmms", help=f"The plant's CMMS: {' or '.join(PLANT_CMMS)}.")]


Mes = Annotated[str, typer.Option("--mes", help=f"The plant's MES: {' or '.join(PLANT_MES)}.")]


def run(
    context: typer.Context, data: Data = None, fresh: Fresh = False, cmms: Cmms = USUAL_CMMS, mes: Mes = USUAL_MES
) -> None:
    """Run the sandbox plant to its end, print the summary, and stop."""
    _play(context, data, cmms, mes, stay=False, fresh=fresh)


def up(
    context: typer.Context, data: Data = None, fresh: Fresh = False, cmms: Cmms = USUAL_CMMS, mes: Mes = USUAL_MES
) -> None:
    """Run the sandbox plant and keep running afterwards, with the addresses to open."""
    _play(context, data, cmms, mes, stay=True, fresh=fresh)


def _play(context: typer.Context, data: Path | None, cmms: str, mes: str, *, stay: bool, fresh: bool) -> None:
    from millwright.demo import commands

    raise typer.Exit(commands.run(settings_of(context, anew=True).home, data, cmms, mes, stay=stay, fresh=fresh))


def sandbox(context: typer.Context) -> None:
    """Run the sandbox plant alone: bus, twin service, CMMS and MES. Its own options follow; see `sandbox --help`."""
    command = [sys.executable, "-P", "-m", "sandbox", "serve", *context.args]
    os.execv(sys.executable, command)  # noqa: S606 - this very Python, and no shell


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(run)
    app.command()(up)
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)(
        sandbox
    )
