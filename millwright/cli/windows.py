"""`windows`: planned work and planned stops, from the plant's calendar."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.act_scopes import reaches
from millwright.cli.api_client import api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ActorKey
from millwright.cli.output import Json, say, write_json
from millwright.cli.shelving import write_suppressions

if TYPE_CHECKING:
    from millwright.storage.reporting.suppression_lists import SeenSuppression

app = typer.Typer(no_args_is_help=True, help="Windows: planned work and planned stops, under which no case is opened.")
_LISTED = 1000


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="iCalendar (.ics), or a table (.csv).")
    ],
    zone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="IANA time zone of events whose times name none, such as Europe/Berlin."),
    ] = None,
    key: ActorKey = None,
    json: Json = False,
) -> None:
    """Import a calendar's windows; an entry with other times moves its window; exits 1 if an entry is refused."""
    from millwright.intake.calendar_file import read_calendar
    from millwright.storage.suppression.suppressions import WindowReport

    found = read_calendar(file, zone)
    if found.windows or not found.refused:
        with api_of(context, key) as api:
            report = api.act(("suppressions", "windows"), WindowReport, {"windows": found.windows})
        if json:
            refused = [{"field": each.field, "problem": each.problem, "fix": each.fix} for each in found.refused]
            write_json(report.model_dump() | {"odd": found.odd, "refused": refused})
        else:
            say(
                f"{report.new} new, {report.moved} moved, {report.unchanged} as they were, {report.past} over already. "
                f"{reaches(report.machines)}"
            )
            for sentence in found.odd:
                say(sentence)
    for error in found.refused:
        say(str(error), err=True)
    if found.refused:
        raise typer.Exit(1)


@app.command("list")
def list_(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also past ones.")] = False,
    json: Json = False,
) -> None:
    """List present and future windows; `unshelve ID` ends one."""
    from domain.suppression import SuppressionKind
    from millwright.storage.reporting.suppression_lists import suppression_page

    settings = settings_of(context)

    async def read() -> "list[SeenSuppression]":
        async with opened(settings) as storage:
            return await suppression_page(storage.engine, kind=SuppressionKind.WINDOW, ended=everything, limit=_LISTED)

    found = finish(read())
    if json:
        write_json(found)
    else:
        write_suppressions(found, "No windows.")
