"""`unreadable`: records of other systems that could not be read."""

from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.api_client import Answer, api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ActorKey, reason_given
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from millwright.settings import Settings
    from millwright.storage.cases.unreadable import OpenReport

app = typer.Typer(no_args_is_help=True, help="Records of a CMMS or the twins that could not be read.")


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the records that cannot be read, each with its field and reason; `--json` shows their content too."""
    reports = finish(_read(settings_of(context)))
    if json:
        write_json([report._asdict() for report in reports])
        return
    rows = [
        (report.system, report.record, report.field, report.reason, report.first_seen_at, report.last_seen_at)
        for report in reports
    ]
    columns = ("system", "record", "field", "why", "first seen", "last seen")
    write_table(columns, rows, "Every record could be read.")


@app.command()
def settle(
    context: typer.Context,
    system: Annotated[str, typer.Argument(help="The system, as `unreadable list` names it.")],
    record: Annotated[str, typer.Argument(help="The record, as `unreadable list` names it.")],
    reason: Annotated[str, typer.Option(help="The reason; it is recorded.")],
    key: ActorKey = None,
) -> None:
    """Take a record off the list that no reading will settle, for example a deleted one."""
    with api_of(context, key) as api:
        asked = {"system": system, "record": record, "reason": reason_given(reason)}
        api.act(("unreadable", "settlements"), Answer, asked)
    say(f"Record {record} of {system} is settled.")


async def _read(settings: "Settings") -> "list[OpenReport]":
    from millwright.storage.cases.unreadable import open_reports

    async with opened(settings) as storage:
        return await open_reports(storage.engine)
