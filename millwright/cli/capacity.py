"""`capacity`: how many new orders each crew got, and which cases wait for their turn."""

from typing import TYPE_CHECKING

import typer

from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from millwright.storage.reporting.crew_lists import SeenCrew


def capacity(context: typer.Context, json: Json = False) -> None:
    """List the crews whose new orders are bounded, with the cases that wait for their turn, the riskiest first."""
    settings = settings_of(context)

    async def read() -> "list[SeenCrew]":
        from millwright.storage.reporting.crew_lists import crew_page

        async with opened(settings) as storage:
            return await crew_page(storage.engine, storage.clock.now())

    found = finish(read())
    if json:
        write_json(found)
        return
    if not found:
        say("No crew whose new orders are bounded got one in the last seven days.")
    for crew in found:
        _write(crew)


def _write(crew: "SeenCrew") -> None:
    free = "now" if crew.next_free_at is None else f"at {crew.next_free_at:%Y-%m-%d %H:%M} UTC"
    site = "" if crew.site is None else f" of {crew.site}"
    say(f"crew {crew.crew}{site}: {crew.used} of {crew.bound} new orders in 7 days; the next one can go out {free}")
    rows = [
        (
            each.rank,
            each.case,
            each.asset,
            each.failure_mode,
            each.severity,
            each.criticality or "-",
            each.rung,
            each.priority,
            each.asked_at,
            each.waiting_for or "-",
        )
        for each in crew.next
    ]
    columns = (
        "rank", "case", "asset", "mode", "severity", "criticality", "rung", "priority", "since (UTC)", "waits for",
    )  # fmt: skip
    write_table(columns, rows, "No case waits.")
    if crew.waiting > len(crew.next):
        say(f"{crew.waiting - len(crew.next)} more wait.")
    say()


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(capacity)
