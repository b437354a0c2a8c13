"""`shelve`, `unshelve`, `shelved`: suppress nuisance alarms for a limited time (ISA-18.2 clause 11.7)."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from domain.act_scopes import reaches
from domain.errors import Rejected
from domain.keys import LOCAL_ACTOR
from domain.suppression import Suppression
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import actor
from millwright.cli.output import Json, write_json, write_table

if TYPE_CHECKING:
    from millwright.bootstrap import Storage
    from millwright.storage.reporting.suppression_lists import Arrived, SeenSuppression, WholeSuppression
    from millwright.storage.suppression.suppressions import Shelved

_SHELVES = ("operator", "planner")
_LISTED = 200

Reason = Annotated[str, typer.Option(help="The reason; it is recorded and shown.")]
Key = Annotated[
    str | None,
    typer.Option(envvar="MILLWRIGHT_API_KEY", help="Your API key identifies you; without it, `local`."),
]


def shelve(
    context: typer.Context,
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="A component, or a whole machine, line or site.")],
    length: Annotated[str, typer.Option("--for", metavar="DURATION", help="For how long, in ISO 8601: PT8H.")],
    reason: Reason,
    failure_mode: Annotated[str | None, typer.Option(help="Only this failure mode.")] = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Shelve an asset: its events are judged as usual, but open no case and add no evidence until the shelf ends."""
    settings = settings_of(context)

    async def work() -> "Shelved":
        async with opened(settings) as storage:
            by = await person(storage, key, *_SHELVES)
            return await storage.suppressions.shelve(asset, failure_mode, _duration(length), by, reason)

    made = finish(work())
    if json:
        write_json(made)
    else:
        typer.echo(
            f"{made.asset} is shelved until {made.end_at:%Y-%m-%d %H:%M} UTC: {made.id}. {reaches(made.machines)}"
        )


def unshelve(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="REF", help="The shelved asset, or the id of a shelf or window.")],
    reason: Reason,
    key: Key = None,
    json: Json = False,
) -> None:
    """End a shelf or a window now. A worker then lets recent suppressed verdicts act."""
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
    ref: Annotated[str | None, typer.Argument(metavar="ID", help="Show one, with its suppressed verdicts.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    json: Json = False,
) -> None:
    """List shelves and windows, or show the verdicts that one of them suppressed."""
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
    write_table(("id", "kind", "asset", "mode", "from", "until", "suppressed", "by", "because"), rows, nothing)


async def person(storage: "Storage", key: str | None, *roles: str) -> str:
    """The person with this API key, who must have one of the roles; `local` without a key.

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
            "acted at the end" if each.let_in else "suppressed",
        )
        for each in whole.arrived
    ]
    write_table(("at", "event", "asset", "mode", "rung", "now"), rows, "Nothing arrived meanwhile.")


def _state(arrived: "Arrived") -> str:
    return "acted at the end" if arrived.let_in else "suppressed"


def _duration(written: str) -> timedelta:
    from pydantic import TypeAdapter, ValidationError

    from domain.model import Duration

    try:
        length: timedelta = TypeAdapter(Duration).validate_python(written)
    except ValidationError as error:
        raise Rejected(error.errors()[0]["msg"], field="for", fix=f"{written!r} is none") from error
    return length


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    for command in (shelve, unshelve, shelved):
        app.command()(command)
