"""`lots`: what machines made between the onset of a fault and their hold, for people of quality."""

from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.api_client import api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ActorKey, reason_given
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from millwright.storage.reporting.lot_lists import SeenLots

app = typer.Typer(no_args_is_help=True, help="Suspect lots. No lot is blocked or released by Millwright.")

Case = Annotated[str, typer.Argument(metavar="CASE", help="The id of the case (MW…).")]
_LISTED = 200


@app.command("list")
def list_(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were reviewed.")] = False,
    json: Json = False,
) -> None:
    """List the suspect lots that nobody of quality has reviewed yet, the newest first."""
    from millwright.storage.reporting.lot_lists import lot_page

    settings = settings_of(context)

    async def read() -> "list[SeenLots]":
        async with opened(settings) as storage:
            return await lot_page(storage.engine, reviewed=everything, limit=_LISTED)

    found = finish(read())
    if json:
        write_json(found)
        return
    rows = [
        (
            each.case,
            each.machine_name or each.machine,
            each.failure_mode,
            each.lots.from_at,
            each.lots.until_at,
            "not known" if each.lots.lots is None else len(each.lots.lots),
            "-" if each.lots.review is None else each.lots.review.by,
        )
        for each in found
    ]
    columns = ("case", "machine", "mode", "from (UTC)", "until (UTC)", "lots", "reviewed by")
    write_table(columns, rows, "No lots are suspect.")


@app.command()
def show(context: typer.Context, case: Case, json: Json = False) -> None:
    """Show the suspect lots of a case."""
    from millwright.storage.reporting.lot_lists import lots_of

    settings = settings_of(context)

    async def read() -> "SeenLots":
        async with opened(settings) as storage:
            return await lots_of(storage.engine, case)

    seen = finish(read())
    if json:
        write_json(seen)
        return
    say(f"{seen.case}: {seen.failure_mode} of {seen.asset}")
    say(seen.lots.words)
    if seen.lots.review is not None:
        review = seen.lots.review
        say(f"reviewed by {review.by} on {review.at:%Y-%m-%d %H:%M} UTC: {review.note}")
    say()
    write_table(
        ("lot", "job", "material", "from (UTC)", "until (UTC)"),
        [
            (lot.lot or "-", lot.job or "-", lot.material or "-", lot.from_at, lot.until_at)
            for lot in seen.lots.lots or ()
        ],
        "No lot is listed.",
    )


@app.command()
def review(
    context: typer.Context,
    case: Case,
    note: Annotated[str, typer.Option(help="What was done with the lots; it is recorded with your name.")],
    key: ActorKey = None,
    json: Json = False,
) -> None:
    """Record what was done with the suspect lots, as the person of quality whose API key is given."""
    from domain.suspect_lots import SuspectLots

    with api_of(context, key) as api:
        told = api.act(("cases", case, "lots-review"), SuspectLots, {"note": reason_given(note)})
    if json:
        write_json(told)
    elif told.review is not None:
        say(f"{told.review.by} reviewed the suspect lots of {case}.")
