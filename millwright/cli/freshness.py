"""`freshness`: what sources look at, what is blind, and how the objective is met."""

from typing import TYPE_CHECKING, Annotated

import typer

from domain.freshness import worst
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from datetime import timedelta

    from domain.freshness import BlindSpell, SeenWatch
    from domain.objectives import FreshnessObjective
    from millwright.settings import Settings

app = typer.Typer(no_args_is_help=True, help="What sources look at, and what is blind.")


@app.command("list")
def list_(
    context: typer.Context,
    asset: Annotated[str | None, typer.Option(help="Only what belongs to this asset, machine or line.")] = None,
    json: Json = False,
) -> None:
    """List what sources look at, with what is known of it now, the worst first."""
    found = finish(_read(settings_of(context), asset))
    if json:
        write_json(found)
        return
    rows = [
        (
            each.source,
            each.asset or "-",
            each.signal or "-",
            each.criticality or "-",
            each.state.value.replace("_", " "),
            each.reason or "-",
            each.since or "-",
            each.seen_at,
            _length(each.promise),
        )
        for each in found
    ]
    columns = (
        "source",
        "asset",
        "signal",
        "criticality",
        "state",
        "reason",
        "blind since (UTC)",
        "seen (UTC)",
        "promise",
    )
    write_table(columns, rows, "No source has looked at anything: nothing is monitored.")
    if asset is not None:
        say(f"{asset}: {worst(each.state for each in found).value.replace('_', ' ')}")


@app.command("blind")
def blind(context: typer.Context, json: Json = False) -> None:
    """List the times of the last 30 days in which something was blind."""
    found = finish(_spells(settings_of(context)))
    if json:
        write_json(found)
        return
    for each in found:
        say(f"{each.words}.")
    if not found:
        say("Nothing that is monitored was blind in the last 30 days.")


@app.command("objectives")
def objectives(context: typer.Context, json: Json = False) -> None:
    """Show how each criticality meets the objective of freshness in the last 30 days."""
    found = finish(_objectives(settings_of(context)))
    if json:
        write_json(found)
        return
    rows = [
        (
            each.criticality,
            each.watches,
            f"{each.target:.3%}",
            "-" if each.share is None else f"{each.share:.3%}",
            "-" if each.budget_left is None else f"{each.budget_left:.0%}",
            "fast" if each.fast_burn else "slow" if each.slow_burn else "no",
        )
        for each in found
    ]
    write_table(("criticality", "watches", "target", "share", "budget left", "burns"), rows, "Nothing is monitored.")


def _length(promise: "timedelta | None") -> str:
    from domain.canonical import duration

    return "-" if promise is None else duration(promise)


async def _read(settings: "Settings", asset: str | None) -> "list[SeenWatch]":
    from millwright.storage.reporting.freshness_lists import watches

    async with opened(settings) as storage:
        now = storage.clock.now()
        return await watches(storage.engine, settings.heartbeats, now, settings.operating_interval, under=asset)


async def _spells(settings: "Settings") -> "list[BlindSpell]":
    from domain.objectives import PERIOD
    from millwright.storage.reporting.freshness_lists import blind_spells

    async with opened(settings) as storage:
        return await blind_spells(storage.engine, storage.clock.now() - PERIOD)


async def _objectives(settings: "Settings") -> "list[FreshnessObjective]":
    from millwright.storage.reporting.freshness_lists import freshness_objectives

    async with opened(settings) as storage:
        target, now = settings.freshness_target / 100, storage.clock.now()
        every = settings.operating_interval
        return await freshness_objectives(storage.engine, settings.heartbeats, target, now, every)
