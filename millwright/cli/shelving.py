"""`shelve`, `unshelve`, `shelved`: suppress nuisance alarms for a limited time (ISA-18.2 clause 11.7)."""

from typing import TYPE_CHECKING, Annotated

import typer

from domain.act_scopes import reaches
from domain.suppression import Suppression
from millwright.cli.api_client import api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ActorKey, reason_given
from millwright.cli.durations import read_duration
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from millwright.storage.reporting.suppression_lists import Arrived, SeenSuppression, WholeSuppression

_LISTED = 200

Reason = Annotated[str, typer.Option(help="The reason; it is recorded and shown.")]


def shelve(
    context: typer.Context,
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="A component, or a whole machine, line or site.")],
    length: Annotated[str, typer.Option("--for", metavar="DURATION", help="For how long, in ISO 8601: PT8H.")],
    reason: Reason,
    failure_mode: Annotated[str | None, typer.Option(help="Only this failure mode.")] = None,
    compensating_check: Annotated[
        str | None, typer.Option(help="For a sensor of criticality A: what people check instead.")
    ] = None,
    key: ActorKey = None,
    json: Json = False,
) -> None:
    """Shelve an asset: its events are judged as usual, but open no case and add no evidence until the shelf ends."""
    from millwright.storage.suppression.suppressions import Shelved

    lasts = read_duration(length, "for", f"{length!r} is none")
    asked = {"asset": asset, "failure_mode": failure_mode, "for": lasts, "reason": reason_given(reason)}
    if compensating_check is not None:
        asked["compensating_check"] = compensating_check
    with api_of(context, key) as api:
        made = api.act(("suppressions",), Shelved, asked)
    if json:
        write_json(made)
    else:
        say(f"{made.asset} is shelved until {made.end_at:%Y-%m-%d %H:%M} UTC: {made.id}. {reaches(made.machines)}")


def unshelve(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="REF", help="The shelved asset, or the id of a shelf or window.")],
    reason: Reason,
    key: ActorKey = None,
    json: Json = False,
) -> None:
    """End a shelf or a window now. A worker then lets recent suppressed verdicts act."""
    with api_of(context, key) as api:
        ended = api.act(("suppressions", ref, "end"), Suppression, {"reason": reason_given(reason)})
    if json:
        write_json(ended)
    else:
        say(f"{ended.id} on {ended.asset} is ended.")


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
            seen.isa_18_2,
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
    write_table(
        ("id", "kind", "ISA-18.2", "asset", "mode", "from", "until", "suppressed", "by", "because"), rows, nothing
    )


def _tell(whole: "WholeSuppression") -> None:
    shown = whole.suppression
    say(f"{shown.asset}, {shown.failure_mode or 'every failure mode'}: {shown.words}")
    if shown.ended_by is not None:
        say(f"ended by {shown.ended_by} because: {shown.ended_because}")
    if shown.returned_at is not None:
        say(f"returned {shown.returned_at:%Y-%m-%d %H:%M} UTC")
    say()
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


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    for command in (shelve, unshelve, shelved):
        app.command()(command)
