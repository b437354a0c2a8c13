"""`floods`: which lines had more alarms than a person can answer, and when."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from policies.statistics.floods import Flood

_LISTED = 3


def floods(
    context: typer.Context,
    hours: Annotated[float, typer.Option(min=0, help="How far to look back, in hours of the plant's time.")] = 24.0,
    json: Json = False,
) -> None:
    """List alarm floods by line (ISA-18.2: begins with more than ten alarms in ten minutes, ends below five)."""
    settings = settings_of(context)

    async def read() -> "list[Flood]":
        from millwright.explaining.flooding import read_floods

        async with opened(settings) as storage:
            now = storage.clock.now()
            return await read_floods(storage.engine, now - timedelta(hours=hours), now)

    found = finish(read())
    if json:
        write_json(found)
        return
    for flood in found:
        if flood.ended_at is None:
            say(_banner(flood))
    rows = [
        (
            flood.position,
            flood.began_at,
            flood.ended_at or "goes on",
            flood.alarms,
            flood.faults,
            flood.peak,
            _first(flood),
        )
        for flood in found
    ]
    write_table(("line", "from", "to", "alarms", "faults", "most in 10 min", "first out"), rows, "No floods.")


def _banner(flood: "Flood") -> str:
    since = f"{flood.began_at:%Y-%m-%d %H:%M}"
    return f"FLOOD on {flood.position} since {since}: {flood.alarms} alarms of {flood.faults} faults"


def _first(flood: "Flood") -> str:
    return ", ".join(f"{fault.asset} {fault.failure_mode}" for fault in flood.first_out[:_LISTED])


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(floods)
