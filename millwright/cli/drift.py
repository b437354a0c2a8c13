"""`drift`: what our record, the CMMS and the twins say differently."""

from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.api_client import api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ActorKey
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from domain.drift import DriftKind
    from millwright.settings import Settings
    from millwright.storage.reporting.drift_lists import LastReconcile, ListedDrift

app = typer.Typer(no_args_is_help=True, help="What our record, a CMMS and the twins say differently.")

_LISTED = 1000


@app.command("list")
def list_(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also what has ended.")] = False,
    json: Json = False,
) -> None:
    """List what the nightly reconciles found to differ, with both values and what to do."""
    found, runs = finish(_read(settings_of(context), everything=everything))
    if json:
        write_json(found)
        return
    rows = [
        (
            each.system,
            each.subject,
            _words(each.kind),
            each.case or "-",
            each.ours,
            each.theirs,
            each.first_seen_at,
            each.ended_at or "-",
        )
        for each in found
    ]
    columns = ("system", "subject", "what", "case", "here", "there", "since (UTC)", "ended (UTC)")
    write_table(columns, rows, "Nothing differs.")
    for fix in dict.fromkeys(f"{_words(each.kind)}: {each.fix}" for each in found if not each.ended_at):
        say(f"{fix}.")
    for run in runs:
        say(_told(run))


@app.command()
def run(
    context: typer.Context,
    system: Annotated[str, typer.Argument(help="The id of the CMMS instance, such as maximo.")],
    key: ActorKey = None,
) -> None:
    """Begin a reconcile of a CMMS now. It is not waited for: `drift list` says when it is finished."""
    from domain.reconcile import AskedReconcile

    with api_of(context, key) as api:
        asked = api.act(("drift", "runs", system), AskedReconcile, {})
    say(f"A reconcile of {system} {'begins' if asked.begun else 'runs already'}.")


def _words(kind: "DriftKind") -> str:
    return kind.value.replace("_", " ")


def _told(run: "LastReconcile") -> str:
    read = f"{run.orders} orders and {run.twins} twins read"
    if run.finished_at is not None:
        return f"{run.system}: reconciled on {run.finished_at:%Y-%m-%d %H:%M} UTC, {read}."
    waits = f", and waits: {run.problem}" if run.problem else ""
    return f"{run.system}: a reconcile runs since {run.started_at:%Y-%m-%d %H:%M} UTC, {read}{waits}."


async def _read(settings: "Settings", *, everything: bool) -> "tuple[list[ListedDrift], list[LastReconcile]]":
    from millwright.storage.reporting.drift_lists import drift_page, last_reconciles

    async with opened(settings) as storage:
        found = await drift_page(storage.engine, ended=everything, limit=_LISTED)
        return found, await last_reconciles(storage.engine)
