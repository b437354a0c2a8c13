"""`shelve`, `unshelve`, `shelved`: putting a nuisance away for a limited time (ISA-18.2 clause 11.7)."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import Rejected
from domain.keys import LOCAL_ACTOR
from domain.suppression import Suppression
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import actor
from millwright.cli.output import Json, write_json, write_table

if TYPE_CHECKING:
    from millwright.bootstrap import Storage
    from millwright.storage.reporting.suppression_lists import Arrived, SeenSuppression, WholeSuppression

_SHELVES = ("operator", "planner")
_LISTED = 200

Reason = Annotated[str, typer.Option(help="Why; it is recorded, and told to whoever asks.")]
Key = Annotated[
    str | None,
    typer.Option(envvar="MILLWRIGHT_API_KEY", help="Your API key: it says who does it; without it, `local`."),
]


def shelve(
    context: typer.Context,
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="A component, or a machine, line or site whole.")],
    length: Annotated[str, typer.Option("--for", metavar="DURATION", help="For how long, in ISO 8601: PT8H.")],
    reason: Reason,
    failure_mode: Annotated[str | None, typer.Option(help="Only this failure mode.")] = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Shelve an asset: it is judged as ever, and opens and feeds no case until it returns by itself."""
    settings = settings_of(context)

    async def work() -> Suppression:
        async with opened(settings) as storage:
            by = await person(storage, key, *_SHELVES)
            return await storage.suppressions.shelve(asset, failure_mode, _duration(length), by, reason)

    made = finish(work())
    if json:
        write_json(made)
    else:
        typer.echo(f"{made.asset} is shelved until {made.end_at:%Y-%m-%d %H:%M} UTC: {made.id}.")


def unshelve(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="REF", help="The shelved asset, or the id of a shelf or window.")],
    reason: Reason,
    key: Key = None,
    json: Json = False,
) -> None:
    """End a shelf or a window now; what it held back of late opens its case as soon as a worker sees it."""
    settings = settings_of(context)

    async def work() -> Suppression:
        async with opened(settings) as storage:
            by = await person(storage, key, *_SHELVES)
            return await storage.suppressions.end(await storage.suppressions.live(ref), by, reason)

    ended = finish(work())
    if json:
        write_json(ended)
    else:
        typer.echo(f"{ended.id} on {ended.asset} is ended.")


def shelved(
    context: typer.Context,
    ref: Annotated[str | None, typer.Argument(metavar="ID", help="One of them, with what it held back.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those that have returned, too.")] = False,
    json: Json = False,
) -> None:
    """List what is shelved and which windows there are, or tell what arrived under one of them."""
    from millwright.storage.reporting.suppression_lists import suppression_page, whole_suppression

    settings = settings_of(context)

    async def suppression_of(suppression: str) -> "WholeSuppression":
        async with opened(settings) as storage:
            return await whole_suppression(storage.engine, suppression)

    async def page() -> "list[SeenSuppression]":
        async with opened(settings) as storage:
            return await suppression_page(storage.engine, ended=everything, limit=_LISTED)

    if ref is not None:
        whole = finish(suppression_of(ref))
        if json:
            write_json(whole)
        else:
            _tell(whole)
        return
    found = finish(page())
    if json:
        write_json(found)
    else:
        write_suppressions(found, "Nothing is shelved, and no window is planned.")


def write_suppressions(found: "list[SeenSuppression]", nothing: str) -> None:
    """Writes shelves and windows as a table."""
    rows = [
        (
            suppression.id,
            suppression.kind.value,
            suppression.asset,
            suppression.failure_mode or "all",
            suppression.from_at,
            suppression.end_at,
            seen.arrived,
            suppression.made_by,
            suppression.reason,
        )
        for seen in found
        for suppression in (seen.suppression,)
    ]
    write_table(("id", "kind", "asset", "mode", "from", "until", "held back", "by", "because"), rows, nothing)


async def person(storage: "Storage", key: str | None, *roles: str) -> str:
    """Who does it: the person with this API key, holding one of the roles; `local` where none is given.

    Raises:
        ActRejected: nobody has this key, or the person has none of the roles.
    """
    return LOCAL_ACTOR if key is None else await actor(storage, key, *roles)


def _tell(whole: "WholeSuppression") -> None:
    shown = whole.suppression
    typer.echo(f"{shown.asset}, {shown.failure_mode or 'every failure mode'}: {shown.words}")
    if shown.ended_by is not None:
        typer.echo(f"ended by {shown.ended_by} because: {shown.ended_because}")
    if shown.returned_at is not None:
        typer.echo(f"returned {shown.returned_at:%Y-%m-%d %H:%M} UTC")
    typer.echo()
    rows = [
        (
            each.at,
            each.event,
            each.asset,
            each.failure_mode,
            each.rung,
            "acted on a return" if each.let_in else "held back",
        )
        for each in whole.arrived
    ]
    write_table(("at", "event", "asset", "mode", "rung", "now"), rows, "Nothing arrived meanwhile.")


def _state(arrived: "Arrived") -> str:
    return "acted on a return" if arrived.let_in else "held back"


def _duration(written: str) -> timedelta:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(timedelta).validate_python(written)
    except ValidationError as error:
        raise Rejected(f"{written!r} is no duration", field="for", fix="write it as PT8H or P2D") from error


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    for command in (shelve, unshelve, shelved):
        app.command()(command)
