"""`policy stop`, `lift`, `stops`, `freeze`, `thaw`, `freezes`: kill switches and freeze windows."""

from typing import TYPE_CHECKING, Annotated

import typer

from domain.act_scopes import reaches
from domain.errors import Rejected
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ApiKey, Reason, actor, moment
from millwright.cli.output import Json, write_json, write_table

if TYPE_CHECKING:
    from domain.stops import Stop
    from millwright.settings import Settings
    from millwright.storage.policies.freezes import Declared, Freeze
    from millwright.storage.policies.stops import Stopped

_OPERATES = ("operator",)
_LIFTS = ("operator", "approver")


def stop(
    context: typer.Context,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="order, hold or twin-write.")],
    reason: Reason,
    site: Annotated[str | None, typer.Option("--site", help="Only at this site.")] = None,
    asset_class: Annotated[str | None, typer.Option("--class", help="Only for assets of this class.")] = None,
    key: ApiKey = None,
) -> None:
    """Activate a kill switch: the action is no longer taken, while judging continues and cases wait."""
    stopped = finish(_stop(settings_of(context), action, reason, site, asset_class, key))
    number = stopped.stop
    typer.echo(f"Kill switch {number} is active; another person can lift it: millwright policy lift {number}")
    typer.echo(reaches(stopped.machines))


async def _stop(
    settings: "Settings", action: str, reason: str, site: str | None, asset_class: str | None, key: str | None
) -> "Stopped":
    from domain.stops import StoppableAction

    known = [stoppable.value for stoppable in StoppableAction]
    if action not in known:
        raise Rejected(f"{action!r} cannot be stopped", field="action", fix=f"one of {', '.join(known)}")
    async with opened(settings) as storage:
        by = await actor(storage, key, *_OPERATES)
        return await storage.policies.stops.stop(
            StoppableAction(action), by, reason, site=site, asset_class=asset_class
        )


def lift(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="STOP", help="Its number; see `policy stops`.")],
    reason: Reason,
    key: ApiKey = None,
) -> None:
    """Lift a kill switch that another person activated; waiting cases continue."""
    finish(_lift(settings_of(context), number, reason, key))
    typer.echo(f"Stop {number} is lifted.")


async def _lift(settings: "Settings", number: int, reason: str, key: str | None) -> None:
    async with opened(settings) as storage:
        await storage.policies.stops.lift(number, await actor(storage, key, *_LIFTS), reason)


def stops(context: typer.Context, json: Json = False) -> None:
    """List the kill switches, also lifted ones."""
    found = finish(_stops(settings_of(context)))
    if json:
        write_json(found)
        return
    rows = [(stored.id, stored.stopped_at, stored.words, stored.lifted_by or "stands") for stored in found]
    write_table(("stop", "since", "what", "lifted by"), rows, "Nothing was ever stopped.")


async def _stops(settings: "Settings") -> "list[Stop]":
    async with opened(settings) as storage:
        return await storage.policies.stops.stops()


def freeze(
    context: typer.Context,
    begins: Annotated[str, typer.Option("--from", help="From when, ISO 8601 with zone.")],
    ends: Annotated[str, typer.Option("--to", help="Until when.")],
    reason: Reason,
    key: ApiKey = None,
) -> None:
    """Declare a freeze window, in which versions come into force only by an emergency or a rollback."""
    declared = finish(_freeze(settings_of(context), begins, ends, reason, key))
    typer.echo(f"Freeze {declared.freeze} stands. {reaches(declared.machines)}")


async def _freeze(settings: "Settings", begins: str, ends: str, reason: str, key: str | None) -> "Declared":
    first, last = moment(begins, "from"), moment(ends, "to")
    if first is None or last is None:
        raise Rejected("a freeze begins and ends", field="from")
    async with opened(settings) as storage:
        return await storage.policies.freezes.freeze(first, last, await actor(storage, key, *_LIFTS), reason)


def thaw(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="FREEZE", help="Its number; see `policy freezes`.")],
    reason: Reason,
    key: ApiKey = None,
) -> None:
    """Lift a freeze window."""
    finish(_thaw(settings_of(context), number, reason, key))
    typer.echo(f"Freeze {number} is lifted.")


async def _thaw(settings: "Settings", number: int, reason: str, key: str | None) -> None:
    async with opened(settings) as storage:
        await storage.policies.freezes.thaw(number, await actor(storage, key, *_LIFTS), reason)


def freezes(context: typer.Context, json: Json = False) -> None:
    """List the freeze windows, also lifted ones."""
    found = finish(_freezes(settings_of(context)))
    if json:
        write_json([declared._asdict() for declared in found])
        return
    rows = [
        (
            declared.id,
            declared.begins_at,
            declared.ends_at,
            declared.frozen_by,
            declared.reason,
            declared.thawed_by or "stands",
        )
        for declared in found
    ]
    write_table(("freeze", "from", "to", "by", "reason", "lifted by"), rows, "Nothing was ever frozen.")


async def _freezes(settings: "Settings") -> "list[Freeze]":
    async with opened(settings) as storage:
        return await storage.policies.freezes.freezes()


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for name, command in (
        ("stop", stop),
        ("lift", lift),
        ("stops", stops),
        ("freeze", freeze),
        ("thaw", thaw),
        ("freezes", freezes),
    ):
        app.command(name)(command)
