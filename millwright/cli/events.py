"""`events`: list events with their fates, and redrive them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.anomaly import Fate
from millwright.cli.api_client import Answer, api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ActorKey
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from millwright.storage.events.event_store import SeenEvent

app = typer.Typer(no_args_is_help=True, help="Events: one message from outside each, with its fate.")
_WAITS = "undecided"


class _Redriven(Answer):
    fate: str
    reason: str | None
    field: str | None


@app.command("list")
def list_(
    context: typer.Context,
    fate: Annotated[Fate | None, typer.Option(help="Only events with this fate.")] = None,
    asset: Annotated[str | None, typer.Option(help="Only of this component or machine.")] = None,
    after: Annotated[int, typer.Option(help="Only those stored after this event.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    json: Json = False,
) -> None:
    """List stored events in the order in which they came."""
    settings = settings_of(context)

    async def read() -> "list[SeenEvent]":
        from millwright.storage.events.event_store import EventStore

        async with opened(settings) as storage:
            store = EventStore(storage.engine, storage.clock)
            return await store.page(fate=fate.value if fate else None, asset=asset, after=after, limit=limit)

    events = finish(read())
    if json:
        write_json(events)
        return
    rows = [
        (
            event.id,
            event.received_at,
            event.subject,
            event.type,
            event.fate,
            f"{event.field}: {event.reason}" if event.field else event.reason,
        )
        for event in events
    ]
    write_table(("id", "received", "subject", "type", "fate", "why"), rows, "No such events.")


@app.command()
def redrive(
    context: typer.Context,
    event: Annotated[int, typer.Argument(metavar="ID", help="The event, as `events list` numbers it.")],
    raw: Annotated[
        Path | None,
        typer.Option(help="Read this file's JSON instead of the original message.", exists=True, dir_okay=False),
    ] = None,
    key: ActorKey = None,
    json: Json = False,
) -> None:
    """Read a quarantined or unmapped event again, with the current register; exits 1 if it still fails."""
    with api_of(context, key) as api:
        found = api.act(("events", str(event), "redrive"), _Redriven, raw.read_bytes() if raw else b"")
    if json:
        write_json({"event": event, "fate": found.fate, "reason": found.reason, "field": found.field})
    elif found.fate == _WAITS:
        say(f"Event {event} can be read now and waits for its line to be judged.")
    else:
        place = f"{found.field}: " if found.field else ""
        say(f"Event {event} is {found.fate}: {place}{found.reason}")
    if found.fate in (Fate.QUARANTINED, Fate.UNMAPPED):
        raise typer.Exit(1)
