"""`floods`: which lines were louder than a person can answer, and when."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import Json, write_json, write_table

if TYPE_CHECKING:
    from policies.statistics.floods import Flood

_LISTED = 3


def floods(
    context: typer.Context,
    hours: Annotated[float, typer.Option(min=0, help="How far to look back, in hours of the plant's time.")] = 24.0,
    json: Json = False,
) -> None:
    """List alarm floods by line (ISA-18.2: more than ten alarms in ten minutes, over below five)."""
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
    for one in found:
        if one.ended_at is None:
            typer.echo(_banner(one))
    rows = [
        (one.position, one.began_at, one.ended_at or "goes on", one.alarms, one.faults, one.peak, _first(one))
        for one in found
    ]
    write_table(("line", "from", "to", "alarms", "faults", "most in 10 min", "first out"), rows, "No floods.")


def _banner(one: "Flood") -> str:
    return f"FLOOD on {one.position} since {one.began_at:%Y-%m-%d %H:%M}: {one.alarms} alarms of {one.faults} faults"


def _first(one: "Flood") -> str:
    return ", ".join(f"{fault.asset} {fault.failure_mode}" for fault in one.first_out[:_LISTED])


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(floods)
