"""`policy suggest`: drafts that the stored events support."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.backtest import Failures, Since, Until, moment, progress_shown
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from millwright.backtesting.suggesting import Suggestions


def suggest(
    context: typer.Context,
    version: Annotated[
        str | None,
        typer.Argument(
            metavar="[VERSION]", help="The version to improve, or a draft's file; without it, the active one."
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    failures: Failures = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the drafts go, each with its backtest.", file_okay=False)
    ] = Path("drafts"),
    json: Json = False,
) -> None:
    """Search for small changes that the stored events support, and write them as drafts. Nothing is published."""
    from millwright.backtesting.suggesting import Search, write_drafts
    from millwright.backtesting.suggesting import suggest as seek

    settings = settings_of(context)

    async def work() -> "Suggestions":
        from millwright.backtesting.versions import active_version, named_version
        from millwright.storage.reporting.history import read_history

        async with opened(settings) as storage:
            stored = await storage.versions.versions()
            if version is None:
                async with read_history(storage.engine) as history:
                    policy = await active_version(history, stored, storage.clock.now())
            else:
                policy = named_version(version, stored)
            search = Search(
                policy=policy,
                since=None if since is None else moment(since, "since"),
                until=None if until is None else moment(until, "until"),
                failures=failures,
            )
            with progress_shown("trying drafts on the past") as progress:
                return await seek(storage.engine, search, progress)

    found = finish(work())
    files = write_drafts(found, out)
    if json:
        write_json(found)
        return
    say(
        f"{found.tried} small changes of {found.version} tried on {found.since:%Y-%m-%d} to {found.split_at:%Y-%m-%d}; "
        f"the best shown on {found.split_at:%Y-%m-%d} to {found.until:%Y-%m-%d}, which the search never saw."
    )
    rows = [
        (file, suggestion.words, suggestion.found.words, suggestion.shown.words, suggestion.backtest.standing.value)
        for file, suggestion in zip(files, found.suggestions, strict=True)
    ]
    write_table(("draft", "change", "where it was found", "where it was not", "against it"), rows, "None is worth it.")
    for refused in found.refused:
        say(f"Left out: {refused.words}. {refused.problem}")
    if found.left_alone:
        say(f"Left alone: {'; '.join(found.left_alone)}.")


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(suggest)
